"""What batches, their tasks and the attempts at them are called: the same file has the same names again."""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING

from ccconsole.config import Environment
from ccconsole.errors import ConfigError
from worker_service.wire import TASK_ID_PATTERN

if TYPE_CHECKING:
    from ccconsole.batches.reading import PromptLine

MAX_NAME = 60
"""Characters of a batch's name: what a task's id of 128 leaves beside the digest and the numbers."""
MAX_ID = 120
"""Characters of an id that a line chooses: the rest is for the number of an attempt."""
_ATTEMPT = re.compile(r"^(?P<base>.+)\.(?P<number>[1-9][0-9]*)$", re.DOTALL)


def place(environment: Environment, services: Collection[str]) -> str:
    """What a batch's target is called however it is spelled: no services, or all there are, is `dev`."""
    declared = {spec.key.name for spec in environment.services}
    if not services or set(services) == declared:
        return environment.name
    return ",".join(f"{environment.name}/{service}" for service in sorted(set(services)))


def batch_name(data: bytes, target: str) -> str:
    """The name of a batch that was given none: the file as it is, and the `place` where it runs."""
    digest = hashlib.sha256(target.encode() + b"\0" + data).hexdigest()
    return f"batch-{digest[:10]}"


def checked_name(name: str) -> str:
    """The name; ConfigError when no task's id could begin with it."""
    if len(name) <= MAX_NAME and re.fullmatch(TASK_ID_PATTERN, name):
        return name
    raise ConfigError(
        f"{name!r} is no name for a batch",
        f"It begins its tasks' ids: at most {MAX_NAME} letters, digits and . _ -, a letter or digit first.",
        "For example: --name nightly",
    )


def task_ids(name: str, lines: Iterable[PromptLine]) -> list[str]:
    """The id of each line's task: its own, or the batch's name and a digest of what the line says.

    The journal and the worker's claim know a prompt by its id, so whoever runs the same file again must
    come to the same ids: that is what makes a prompt run once. A line's number is not part of it, only its
    place among equal ones: lines may be added, taken away and sorted, and the others keep their tasks. Nor
    is the priority, nor the options of the command line: a batch that is gone on with more urgently, or
    with another timeout, is the same batch.
    """
    seen: Counter[str] = Counter()
    found = []
    for line in lines:
        if line.id is not None:
            found.append(line.id)
            continue
        said = {**line.options, "prompt": line.prompt, "target": line.target}
        said.pop("priority", None)
        digest = hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()[:16]
        seen[digest] += 1
        found.append(f"{name}-{digest}" + (f"-{seen[digest]}" if seen[digest] > 1 else ""))
    return found


def unfit(chosen: str) -> str | None:
    """Why a line cannot choose this id; None when it can."""
    if len(chosen) > MAX_ID or not re.fullmatch(TASK_ID_PATTERN, chosen):
        return f"expected at most {MAX_ID} letters, digits and . _ -, a letter or digit first"
    if _ATTEMPT.match(chosen):
        return "expected no dot and number at its end: that is how attempts are told apart"
    return None


def attempt_id(base: str, attempt: int) -> str:
    """The id of the attempt of that number, from 1."""
    return base if attempt == 1 else f"{base}.{attempt}"


def newest(known: Iterable[str], bases: Collection[str]) -> dict[str, tuple[int, str]]:
    """Of those ids in `known` that are attempts at one of `bases`: base -> number and id of the newest."""
    wanted = set(bases)
    found: dict[str, tuple[int, str]] = {}
    for task_id in known:
        if task_id in wanted:
            base, number = task_id, 1
        elif (match := _ATTEMPT.match(task_id)) and match["base"] in wanted:
            base, number = match["base"], int(match["number"])
        else:
            continue
        found[base] = max(found.get(base, (0, "")), (number, task_id))
    return found

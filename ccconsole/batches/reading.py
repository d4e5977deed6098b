"""A file of prompts, one a line or one JSON object a line; all that is wrong with it is said at once."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

from pydantic import ValidationError

from ccconsole.batches import naming
from ccconsole.errors import ConfigError
from worker_service.wire import MAX_PROMPT_BYTES, RunRequest

NDJSON_SUFFIXES = (".ndjson", ".jsonl")
OPTIONS = (
    *("priority", "mode", "model", "timeoutSeconds", "maxTurns", "maxBudgetUsd"),
    *("permissionMode", "allowedTools", "workspace", "metadata"),
)
"""What a line may say of its task beside the prompt: fields of RunRequest, by their names on the wire."""
KEYS = ("prompt", *OPTIONS, "target", "id")
SHOWN_MISTAKES = 100


@dataclass(frozen=True)
class PromptLine:
    """One prompt as the file has it."""

    line: int
    prompt: str
    options: Mapping[str, Any] = field(default_factory=dict)
    target: str | None = None
    """Where it is to run; None: where the whole batch does."""
    id: str | None = None
    """Its task's id, in place of one that is made from what it says."""

    def request(self, defaults: Mapping[str, Any]) -> RunRequest:
        """What a worker is asked for, with the batch's options where the line has none of its own.

        Raises pydantic's ValidationError.
        """
        fields = {**defaults, **self.options, "prompt": self.prompt}
        return RunRequest.model_validate_json(json.dumps(fields), strict=True)


class Mistakes:
    """What is wrong in a file, line by line."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._texts: list[tuple[int, str]] = []

    def add(self, line: int, text: str) -> None:
        """Note one."""
        self._texts.append((line, f"{self.name}:{line}: {text}"))

    def check(self) -> None:
        """Raise ConfigError with all of them, if there are any."""
        if not self._texts:
            return
        count = len(self._texts)
        title = f"{self.name} has {'a mistake' if count == 1 else f'{count} mistakes'}"
        shown = [text for _, text in sorted(self._texts)[:SHOWN_MISTAKES]]
        if count > SHOWN_MISTAKES:
            shown.append(f"and {count - SHOWN_MISTAKES} more")
        hint = "Nothing was started. A line is a prompt; in .ndjson an object with `prompt`."
        raise ConfigError(title, "\n".join(shown), hint)


def is_ndjson(name: str) -> bool:
    """Whether a file of this name holds objects."""
    return name.lower().endswith(NDJSON_SUFFIXES)


def load(path: Path) -> bytes:
    """The file's bytes; ConfigError when it cannot be read."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise ConfigError(f"Cannot read {path}", error.strerror or str(error)) from None


def read(data: bytes, name: str, *, is_objects: bool, defaults: Mapping[str, Any]) -> list[PromptLine]:
    """The prompts of a file called `name` in messages, in its order.

    As lines: blank ones, and those that begin with #, are skipped. As objects: one a line with `prompt` and
    any of KEYS. `defaults` are options by their names on the wire.

    Raises ConfigError with every mistake.
    """
    mistakes = Mistakes(name)
    found = []
    for number, text in _lines(data, mistakes):
        line = _object(number, text, mistakes) if is_objects else _text(number, text, mistakes)
        if line is not None and _is_sound(line, defaults, mistakes):
            found.append(line)
    _check_ids(found, mistakes)
    mistakes.check()
    if not found:
        raise ConfigError(f"{name} holds no prompt", "There is nothing to run.")
    return found


def _lines(data: bytes, mistakes: Mistakes) -> Iterator[tuple[int, str]]:
    """The lines that are not blank. Only a newline ends one: a prompt may hold U+2028."""
    for number, raw in enumerate(data.removeprefix(b"\xef\xbb\xbf").split(b"\n"), 1):
        try:
            text = raw.decode().strip()
        except UnicodeDecodeError:
            mistakes.add(number, "not UTF-8 text")
            continue
        if text:
            yield number, text


def _text(number: int, text: str, mistakes: Mistakes) -> PromptLine | None:
    if text.startswith("#"):
        return None
    if text.startswith("{") and '"prompt"' in text and text.endswith("}"):
        mistakes.add(number, "an object among lines: name the file .ndjson, or say --ndjson")
        return None
    return PromptLine(number, text)


def _object(number: int, text: str, mistakes: Mistakes) -> PromptLine | None:
    try:
        raw = json.loads(text, object_pairs_hook=_pairs, parse_constant=_no_number)
    except json.JSONDecodeError as error:
        mistakes.add(number, f"not JSON: {error.msg}, column {error.colno}")
        return None
    except RecursionError:
        mistakes.add(number, "not JSON as we take it: nested too deep")
        return None
    except ValueError as error:
        mistakes.add(number, str(error))
        return None
    if not isinstance(raw, dict):
        mistakes.add(number, "expected an object with `prompt`")
        return None
    unknown = [key for key in raw if key not in KEYS]
    for key in unknown:
        mistakes.add(number, _unknown(key))
    prompt, target, chosen = raw.get("prompt"), raw.get("target"), raw.get("id")
    texts = {"prompt": prompt} | {key: raw[key] for key in ("target", "id") if key in raw}
    wrong = [key for key, value in texts.items() if not isinstance(value, str) or not value.strip()]
    for key in wrong:
        mistakes.add(number, f"{key}: expected text")
    if unknown or wrong or not _is_text(raw, number, mistakes):
        return None
    return PromptLine(number, str(prompt), {key: raw[key] for key in OPTIONS if key in raw}, target, chosen)


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        twice = next(key for key, _ in pairs if sum(key == other for other, _ in pairs) > 1)
        raise ValueError(f"{twice!r} stands there twice")
    return found


def _no_number(word: str) -> NoReturn:
    raise ValueError(f"{word} is no number")


def _unknown(key: str) -> str:
    close = difflib.get_close_matches(key, KEYS, n=1, cutoff=0.6)
    meant = f"did you mean {close[0]}?" if close else f"known are {', '.join(KEYS)}"
    return f"{key}: unknown; {meant}"


def _is_text(raw: dict[str, Any], number: int, mistakes: Mistakes) -> bool:
    """JSON can escape half a surrogate pair, which no worker could be sent."""
    try:
        json.dumps(raw, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        mistakes.add(number, "holds half of a surrogate pair, which is no text")
        return False
    return True


def _is_sound(line: PromptLine, defaults: Mapping[str, Any], mistakes: Mistakes) -> bool:
    if len(line.prompt.encode()) > MAX_PROMPT_BYTES:
        mistakes.add(line.line, f"prompt: longer than {MAX_PROMPT_BYTES} bytes, the most that a worker takes")
        return False
    try:
        line.request(defaults)
    except ValidationError as error:
        for found in error.errors():
            mistakes.add(line.line, f"{'.'.join(map(str, found['loc']))}: {found['msg']}")
        return False
    return True


def _check_ids(lines: Iterable[PromptLine], mistakes: Mistakes) -> None:
    seen: dict[str, int] = {}
    for line in lines:
        if line.id is None:
            continue
        if (text := naming.unfit(line.id)) is not None:
            mistakes.add(line.line, f"id: {text}")
        elif line.id in seen:
            mistakes.add(line.line, f"id: {line.id} is that of line {seen[line.id]}")
        seen.setdefault(line.id, line.line)

"""The `command` agent: any command line, given as a template."""

from __future__ import annotations

import json
import shlex
from collections.abc import Sequence
from pathlib import Path

from worker_service.agents.base import Launch
from worker_service.agents.shell import ProcessReader, checked_argument
from worker_service.wire import Mode, RunRequest

_PLACE = "{prompt}"


def parse_template(text: str) -> tuple[str, ...]:
    """The words of WORKER_COMMAND: a JSON list, or shell-quoted words.

    Raises:
        ValueError: it is neither, or empty.
    """
    if text.lstrip().startswith("["):
        words = json.loads(text)
        if not all(isinstance(word, str) for word in words):
            raise ValueError("every item of the list must be a string")
    else:
        words = shlex.split(text)
    if not words:
        raise ValueError("it names no program")
    return tuple(words)


class CommandAgent:
    """Runs a template's words with the prompt in the place of `{prompt}`.

    Without that place the prompt goes to the program's input in headless mode, and is typed nowhere in
    interactive mode.
    """

    kind = "command"

    def __init__(self, template: Sequence[str]) -> None:
        self._template = tuple(template)
        self._has_place = any(_PLACE in word for word in self._template)

    def version(self) -> str | None:
        """The program's name: how to ask it for its version is its own affair."""
        return self._template[0]

    def modes(self) -> frozenset[Mode]:
        """To its end, or with keys."""
        return frozenset({Mode.HEADLESS, Mode.INTERACTIVE})

    def credential(self) -> str | None:
        """None that the worker knows of."""
        return None

    def session_file(self, session_id: str, workspace: Path) -> Path | None:
        """A plain program has no conversations."""
        return None

    def prepare(self, request: RunRequest, workspace: Path) -> tuple[Launch, ProcessReader]:
        """The template's words with the prompt in its place.

        Raises:
            ValueError: the prompt does not fit on a command line.
        """
        argv = [checked_argument(word.replace(_PLACE, request.prompt)) for word in self._template]
        is_interactive = request.mode is Mode.INTERACTIVE
        stdin = None if is_interactive else b"" if self._has_place else request.prompt.encode()
        launch = Launch(argv, stdin=stdin, is_raw=not is_interactive)
        return launch, ProcessReader(is_interactive=is_interactive)

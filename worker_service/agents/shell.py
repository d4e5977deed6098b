"""The `shell` agent: the prompt is a script for bash."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

from worker_service.agents.base import Emission, Exit, Launch, Output, Verdict
from worker_service.wire import Mode, Reason, RunRequest

_MAX_ARGUMENT_BYTES = 131_071
"""The longest single argument the kernel takes (MAX_ARG_STRLEN, with its NUL)."""

CTRL_C = b"\x03"


def checked_argument(text: str) -> str:
    """`text` as one argument of a command line.

    Raises:
        ValueError: the kernel would not take it.
    """
    if "\0" in text:
        raise ValueError("a command line cannot hold a NUL character")
    if len(text.encode()) > _MAX_ARGUMENT_BYTES:
        raise ValueError(f"a command line's argument holds at most {_MAX_ARGUMENT_BYTES} bytes")
    return text


class ProcessReader:
    """Reads a plain program: every byte is output, and its exit code is its verdict.

    In interactive mode the terminal itself makes carriage return and newline of a bare newline, and a
    program in full screen can switch that off. In headless mode the terminal is raw and it is done here: the
    kernel's way takes four times as long on short lines (measured: 20 and 83 MB/s for `seq`).
    """

    session_id: str | None = None

    def __init__(self, *, is_interactive: bool) -> None:
        self._is_interactive = is_interactive
        self._is_returned = False
        """Whether the last byte was a carriage return, whose newline may be the next one."""

    def feed(self, data: bytes) -> Sequence[Emission]:
        """The bytes, as a terminal wants them."""
        if not data:
            return ()
        if not self._is_interactive:
            is_rest = self._is_returned and data.startswith(b"\n")
            self._is_returned = data.endswith(b"\r")
            data = _with_returns(data)[is_rest:]
        return (Output(data),)

    def close(self) -> Sequence[Emission]:
        """Nothing is ever held back."""
        return ()

    def interrupt(self) -> bytes | None:
        """Ctrl-C where the terminal is its input, else a signal."""
        return CTRL_C if self._is_interactive else None

    def answer(self, permission_id: str, behavior: str, message: str | None) -> bytes | None:
        """A plain program asks for no permissions."""
        return None

    def verdict(self, exit: Exit) -> Verdict:
        """Success is exit code 0."""
        if exit.signal is not None:
            return Verdict(False, Reason.SIGNAL, f"ended by {exit.signal}")
        if exit.code:
            return Verdict(False, Reason.EXIT, f"exit code {exit.code}")
        return Verdict(True)


def _with_returns(data: bytes) -> bytes:
    """A return before each newline that has none; what has all, or none, costs half as much as the rest."""
    returned = data.count(b"\r\n") if b"\r" in data else 0
    if returned and returned == data.count(b"\n"):
        return data
    return (data.replace(b"\r\n", b"\n") if returned else data).replace(b"\n", b"\r\n")


class ShellAgent:
    """Runs prompts under `bash -c`, or `sh` where there is no bash."""

    kind = "shell"

    def __init__(self) -> None:
        self._shell = shutil.which("bash") or "/bin/sh"

    def version(self) -> str | None:
        """The shell's path; its version would cost a process."""
        return self._shell

    def modes(self) -> frozenset[Mode]:
        """To its end, or with keys."""
        return frozenset({Mode.HEADLESS, Mode.INTERACTIVE})

    def credential(self) -> str | None:
        """It needs none."""
        return None

    def session_file(self, session_id: str, workspace: Path) -> Path | None:
        """A shell remembers nothing."""
        return None

    def prepare(self, request: RunRequest, workspace: Path) -> tuple[Launch, ProcessReader]:
        """The prompt as a script; in headless mode its input is empty.

        Raises:
            ValueError: the prompt does not fit on a command line.
        """
        is_interactive = request.mode is Mode.INTERACTIVE
        argv = (self._shell, "-c", checked_argument(request.prompt))
        launch = Launch(argv, stdin=None if is_interactive else b"", is_raw=not is_interactive)
        return launch, ProcessReader(is_interactive=is_interactive)

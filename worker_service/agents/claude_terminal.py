"""Reads an interactive run: the CLI's terminal UI goes to the viewers as it is."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

from worker_service.agents.base import Emission, Exit, Output, Verdict
from worker_service.agents.claude_config import session_usage
from worker_service.wire import Reason


class TerminalReader:
    """A base.Reader of the terminal UI."""

    def __init__(self, config: Path, workspace: Path, session_id: str, *, is_resumed: bool) -> None:
        self.session_id: str | None = session_id
        self._config = config
        self._workspace = workspace
        self._is_resumed = is_resumed
        self._started_at = time.time()

    def feed(self, data: bytes) -> Sequence[Emission]:
        """The bytes, unchanged."""
        return [Output(data)] if data else []

    def close(self) -> Sequence[Emission]:
        """Nothing was held back."""
        return []

    def interrupt(self) -> bytes | None:
        """None: SIGINT ends the UI in 0.3 s with its cost written; a typed Escape would leave it open."""
        return None

    def answer(self, permission_id: str, behavior: str, message: str | None) -> bytes | None:
        """None: permissions are answered by keys, in the UI's own dialogs."""
        return None

    def verdict(self, exit: Exit) -> Verdict:
        """By the exit code, all there is: a UI that was left in good order has done what was wanted."""
        session_id, usage = session_usage(self._config, self._workspace, self._started_at)
        if self._is_resumed and usage is not None:
            # The figures cover the whole session, not this task.
            usage = None
        if exit.signal is not None:
            return Verdict(False, Reason.SIGNAL, f"ended by {exit.signal}", session_id, usage)
        if exit.code != 0:
            return Verdict(False, Reason.EXIT, f"exited with code {exit.code}", session_id, usage)
        return Verdict(True, session_id=session_id, usage=usage)

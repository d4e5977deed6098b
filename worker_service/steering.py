"""What operators' commands do to a running task: keys, size, answers, and whose keys count."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator

from worker_service.execution import Execution
from worker_service.record import Record
from worker_service.wire import Control

OVER = "the task has already ended"
TIME_LIMIT = "time limit"
"""The actor of an answer that nobody gave."""


class Steering:
    """Carries commands out, and answers for a person who did not."""

    def __init__(self, execution: Execution, record: Record) -> None:
        self._execution = execution
        self._record = record

    def carry_out(self, control: Control) -> None:
        """Do what is asked; `cancel` is the task's own.

        Raises:
            ValueError, BufferError, OSError: it cannot be done; the text says why.
        """
        if self._execution.is_over:
            raise ValueError(OVER)
        match control.action:
            case "input":
                self._admit(control)
                self._execution.type(_typed(control))
            case "resize":
                self._admit(control)
                self._resize(control)
            case "answer":
                self._answer(control)
            case "drive":
                self._execution.check_input()
                self._record.driver = control.hand

    def overdue(self, now: float) -> Iterator[Control]:
        """The default answers to what waits longer than it may; `now` is in seconds since the epoch."""
        for permission_id, asked in tuple(self._record.waiting.items()):
            if now >= asked.deadline:
                yield Control(
                    action="answer",
                    actor=TIME_LIMIT,
                    permission_id=permission_id,
                    behavior=self._record.permission_default,
                    message=f"Nobody answered within {self._record.permission_seconds:g} s.",
                )

    def _admit(self, control: Control) -> None:
        driver = self._record.driver
        if driver is not None and driver != control.hand:
            raise ValueError(f"{driver} drives this task; take it over first")

    def _resize(self, control: Control) -> None:
        if control.cols is None or control.rows is None:
            raise ValueError("a resize needs cols and rows")
        self._execution.resize(control.cols, control.rows)
        self._record.cols, self._record.rows = control.cols, control.rows

    def _answer(self, control: Control) -> None:
        if control.permission_id is None or control.behavior is None:
            raise ValueError("an answer needs permissionId and behavior")
        # One that the agent no longer knows waits for nobody, so it is forgotten either way.
        self._record.waiting.pop(control.permission_id, None)
        self._execution.answer(control.permission_id, control.behavior, control.message)


def _typed(control: Control) -> bytes:
    if not control.data:
        raise ValueError("an input needs data")
    if control.encoding == "utf-8":
        return control.data.encode()
    try:
        return base64.b64decode(control.data, validate=True)
    except binascii.Error as error:
        raise ValueError(f"data is not base64: {error}") from None

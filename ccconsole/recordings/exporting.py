"""A task's events on their way into a transcript, and what is to be said of it."""

from __future__ import annotations

import asyncio
import importlib
import tempfile
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import ExitStack, aclosing
from typing import TYPE_CHECKING

from ccconsole.errors import ConsoleError
from ccconsole.model.tasks import Task
from ccconsole.recordings.reading import Recording
from ccconsole.terminal.feeder import BUDGET, PAUSE

if TYPE_CHECKING:
    from worker_service.transcript import Transcript
    from worker_service.wire import TaskEvent

MAX_GAPS = 20
"""Gaps that are told one by one."""


class Export:
    """Writes the transcript of one task, and sees what is missing from it."""

    def __init__(self, task: Task, format_: str, write: Callable[[bytes], Awaitable[None]]) -> None:
        self.events = 0
        self.gaps: list[str] = []
        """The first of them, in words."""
        self.gap_count = 0
        self.is_over = False
        """Whether the task's end is in it."""
        self.lost: str | None = None
        """Why there is no end, and never will be."""
        self._task = task
        self._format = format_
        self._write = write
        self._transcript: Transcript | None = None

    @property
    def is_whole(self) -> bool:
        """Whether no event is known to be missing."""
        return not self.gap_count and self.lost is None

    async def all(self, events: AsyncGenerator[TaskEvent, None]) -> None:
        """Write all events to the last, a few milliseconds at a time; `close` has to follow."""
        # It loads pydantic, which may take longer than a key may wait.
        module = await asyncio.to_thread(importlib.import_module, "worker_service.transcript")
        task = self._task
        self._transcript = module.transcript(
            self._format, task_id=task.id, began=task.created_at, columns=task.columns, rows=task.rows
        )
        started = time.perf_counter()
        async with aclosing(events):
            async for event in events:
                self._look(event, module.notice(event))
                try:
                    for piece in self._transcript.write(event):
                        await self._write(piece)
                        if time.perf_counter() - started > BUDGET:
                            await asyncio.sleep(PAUSE)
                            started = time.perf_counter()
                except ValueError as error:
                    title = f"The output of task {task.id} cannot be decoded"
                    raise ConsoleError(
                        title, str(error), "--format ndjson takes its events as they are."
                    ) from error

    async def close(self) -> None:
        """Write what was held back."""
        if self._transcript is not None:
            await self._write(self._transcript.close())

    def _look(self, event: TaskEvent, missing: str | None) -> None:
        if event.type == "heartbeat":
            return
        self.events += 1
        if event.type == "complete":
            self.is_over = True
            self.lost = missing
        elif missing is not None:
            self.gap_count += 1
            if len(self.gaps) < MAX_GAPS:
                self.gaps.append(missing)


async def recorded(task: Task, events: AsyncGenerator[TaskEvent, None]) -> Recording:
    """The events as an asciicast in a file without a name, ready to be played."""
    with ExitStack() as stack:
        file = stack.enter_context(tempfile.TemporaryFile(buffering=0))

        async def write(data: bytes) -> None:
            try:
                file.write(data)
            except OSError as error:
                title, why = "There is no room for the recording", error.strerror or str(error)
                raise ConsoleError(title, why, f"Make some in {tempfile.gettempdir()}.") from error

        export = Export(task, "cast", write)
        await export.all(events)
        await export.close()
        recording = Recording(file, f"task {task.id}")
        stack.pop_all()
    return recording

"""One prompt of a batch on its way, from the request to its outcome."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import replace

from ccconsole import runs
from ccconsole.batches.assembling import Entry, Lane
from ccconsole.batches.records import Records
from ccconsole.errors import ConfigError, ConsoleError, Denied, NotFound, NotSignedIn, Refused, TimedOut
from ccconsole.model.batches import BatchRow
from ccconsole.model.tasks import Task, TaskState
from ccconsole.problems import NoAnswer
from ccconsole.runs import NoOutcome
from ccconsole.worker_client import StreamEnded
from worker_service.wire import Control, EventType, Reason, TaskEvent

Observer = Callable[[BatchRow, TaskEvent], Awaitable[None]]
"""Sees each event of each task; nothing of it is kept."""

PROMPT_CHARACTERS = 200
"""What a row keeps of a prompt: as much as the journal's summary does."""
TAKEN_SECONDS = 0.5
"""Until a worker that was just asked has claimed the task, or never will."""
_NOT_STARTED = (ConfigError, Denied, NotFound, NotSignedIn, Refused)
_UNCLEAR = (NoAnswer, NoOutcome, StreamEnded, TimedOut)
"""Failures after which the worker may run the prompt all the same."""


class Flight:
    """Follows a prompt; `row` says how it stands, `tell` is called with it when that changes."""

    def __init__(
        self,
        entry: Entry,
        row: BatchRow,
        lane: Lane | None,
        records: Records,
        *,
        tell: Callable[[BatchRow], None],
        observe: Observer | None = None,
        is_detaching: bool = False,
        token: str | None = None,
    ) -> None:
        """Without a lane the task runs already, and is watched through the journal."""
        self.entry = entry
        self.row = row
        self.lane = lane
        self.has_begun = lane is None
        """Whether a worker has the task."""
        self._records = records
        self._tell = tell
        self._observe = observe
        self._is_detaching = is_detaching
        self._token = token

    @property
    def has_journal(self) -> bool:
        """Whether the journal can be asked for the task."""
        return self.entry.environment.store is not None

    async def run(self) -> ConsoleError | None:
        """Follow it to its outcome, which is in `row`; an error: it was not started, and why.

        Raises ConsoleError when what is done cannot be noted.
        """
        if self.lane is None:
            error = await self._follow(runs.attach(self.entry.environment, self.row.task.id))
        else:
            error = await self._follow(await self._sent(self.lane))
        if error is not None and self.has_journal and not isinstance(error, _NOT_STARTED):
            error = await self._looked_up(error)
        if self.row.task.state.is_end:
            await self._records.note(self.row.task)
            return None
        is_clear = self.has_journal or not isinstance(error, _UNCLEAR)
        if error is not None and is_clear and not self.has_begun:
            await self._records.forget(self.row.task.id)
            self._show(replace(self.row.task, state=TaskState.PENDING), is_sent=False)
            return error
        self._lose(error.title if error is not None else "its stream ended without an outcome")
        return None

    async def cancel(self, actor: str) -> bool:
        """Ask for its end through the mailbox; False where only its closed stream can end it.

        Raises ConsoleError when the mailbox cannot be reached.
        """
        if not (self.has_begun and self.has_journal):
            return False
        control = Control(action="cancel", actor=actor)
        await runs.send(self.entry.environment, self.row.task.id, control)
        return True

    async def closed(self) -> bool:
        """Say how a task stands whose stream was closed here; True: it runs all the same.

        A worker may have taken one that detaches in that very moment.
        """
        if self.has_journal:
            for pause in (0.0, TAKEN_SECONDS):
                await asyncio.sleep(pause)
                if known := await runs.journal(self.entry.environment).some([self.row.task.id]):
                    self.has_begun = True
                    self._show(known[0])
                    return not known[0].state.is_end
            self._show(replace(self.row.task, state=TaskState.PENDING), is_sent=False)
        elif self.has_begun:
            why = "its stream was closed by this console, which cancels it"
            self._show(replace(self.row.task, state=TaskState.CANCELLED, reason="disconnected", detail=why))
            await self._records.note(self.row.task)
        else:
            self._lose("it was given up before an answer came: a worker may have taken it or not")
        return False

    async def _sent(self, lane: Lane) -> AsyncGenerator[TaskEvent, None]:
        """Its events from a service that is asked to run it; noted first, so that it is never asked twice."""
        task = replace(
            self.row.task,
            service=lane.key.name,
            state=TaskState.PENDING,
            created_at=time.time(),
            reason=None,
            detail=None,
        )
        self._show(task)
        await self._records.note(task)
        on_disconnect = "detach" if self._is_detaching else self.entry.request.on_disconnect or "cancel"
        changes = {"task_id": task.id, "on_disconnect": on_disconnect}
        request = self.entry.request.model_copy(update=changes)
        return runs.start(lane.environment, lane.service, request, token=self._token)

    async def _follow(self, stream: AsyncGenerator[TaskEvent, None]) -> ConsoleError | None:
        try:
            async with aclosing(stream) as events:
                async for event in events:
                    self._take(event)
                    if self._observe is not None:
                        await self._observe(self.row, event)
        except ConsoleError as error:
            return error
        return None

    async def _looked_up(self, error: ConsoleError) -> ConsoleError | None:
        """Follow a task that its stream lost through the journal; `error` where that knows no such task."""
        try:
            known = await runs.journal(self.entry.environment).some([self.row.task.id])
        except ConsoleError:
            self.has_begun = True  # For all we know.
            return error
        if not known:
            return error
        self.has_begun = True
        self._show(known[0])
        if known[0].state.is_end:
            return None
        return await self._follow(runs.attach(self.entry.environment, self.row.task.id))

    def _lose(self, why: str) -> None:
        self._show(replace(self.row.task, state=TaskState.UNKNOWN, reason="unknown", detail=why))

    def _take(self, event: TaskEvent) -> None:
        data, task = event.data, self.row.task
        self.has_begun = True
        match event.type:
            case EventType.STATUS:
                state = TaskState(str(data["status"]))
                is_first = state is TaskState.RUNNING and task.started_at is None
                started = _moment(data) if is_first else task.started_at
                self._show(replace(task, state=state, started_at=started))
            case EventType.USAGE:
                self._show(replace(task, cost_usd=data.get("costUsd", task.cost_usd)))
            case EventType.COMPLETE:
                is_lost = data.get("reason") == Reason.LOST
                usage = data.get("usage") or {}
                ended = replace(
                    task,
                    state=TaskState.LOST if is_lost else TaskState(str(data["status"])),
                    reason=data.get("reason"),
                    detail=data.get("detail"),
                    exit_code=data.get("exitCode"),
                    ended_at=_moment(data),
                    output_bytes=data.get("outputBytes", task.output_bytes),
                    cost_usd=usage.get("costUsd", task.cost_usd),
                    actor=data.get("actor"),
                )
                self._show(ended)

    def _show(self, task: Task, *, is_sent: bool = True) -> None:
        if task == self.row.task and is_sent is self.row.is_sent:
            return
        self.row = replace(self.row, task=task, is_sent=is_sent)
        self._tell(self.row)


def _moment(data: dict[str, object]) -> float | None:
    stamp = data.get("ts")
    return float(stamp) if isinstance(stamp, int | float) else None

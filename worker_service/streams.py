"""A task's events as HTTP answers: server-sent events as they come, or the result alone, held to the end."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Iterable, Mapping
from contextlib import aclosing

from fastapi.responses import StreamingResponse
from pydantic_core import to_json
from starlette.types import Receive, Scope, Send

from worker_service.events import EventLog, frame
from worker_service.tasks import Task
from worker_service.transcript import Transcript
from worker_service.wire import EventType, Reason, Status, TaskEvent, TaskResult, TaskSummary

HEARTBEAT_SECONDS = 15.0
JOURNALED_SECONDS = 1.0
"""How often at most a viewer is told how much of the stream is safe in the store."""
_RETRY = b"retry: 2000\n\n"
_BATCH_BYTES = 256 * 1024
_CROWD = 16
_CROWD_PAUSE_SECONDS = 1 / 30
"""With many viewers, one that has seen everything waits a screen's frame, so that it is woken less often."""

HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}


class ViewerResponse(StreamingResponse):
    """A stream that counts as a viewer of its task from its making until it ends, however it ends."""

    def __init__(
        self, task: Task, content: AsyncGenerator[bytes, None], media_type: str, headers: Mapping[str, str]
    ) -> None:
        super().__init__(content, media_type=media_type, headers=dict(headers))
        self._content = content
        self._left: Callable[[], None] = task.detach
        task.attach()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the stream; returns when it has ended or the viewer has gone."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            await self._content.aclose()
            self._left()


async def live(
    task: Task, after: int, journal: AsyncGenerator[TaskEvent, None] | None = None, *, follows: bool = True
) -> AsyncGenerator[bytes, None]:
    """The task's events behind number `after`, as they come, with a heartbeat in every silence.

    What the ring has dropped before the viewer came is read from the task's `journal`, if it has one.
    """
    yield _RETRY
    log = task.log
    if journal is not None:
        async with aclosing(journal):
            async for past in _until_held(journal, log, after):
                after = past.id or after
                yield frame(past)
    told, told_at = 0, 0.0
    while True:
        is_silent = False
        batch, after = log.read(after, _BATCH_BYTES)
        if batch:
            yield batch
            if task.viewers > _CROWD and after == log.last:
                await asyncio.sleep(_CROWD_PAUSE_SECONDS)
        elif log.is_closed or not follows:
            return
        elif log.journaled == told or task.is_ended:
            is_silent = not await log.wait(after, HEARTBEAT_SECONDS, None if task.is_ended else told)
        else:
            await log.wait(after, told_at + JOURNALED_SECONDS - time.monotonic())
        is_due = log.journaled > told and time.monotonic() >= told_at + JOURNALED_SECONDS
        if (is_silent or is_due) and follows and not task.is_ended:  # Nothing follows `complete`.
            told, told_at = log.journaled, time.monotonic()
            yield log.heartbeat()


async def _until_held(
    journal: AsyncGenerator[TaskEvent, None], log: EventLog, after: int
) -> AsyncGenerator[TaskEvent, None]:
    """The journal's events up to those that the ring holds; fewer when the store is in trouble."""
    try:
        while after + 1 < log.first:
            event = await anext(journal)
            if event.id is not None and event.id > after:
                after = event.id
                yield event
    except (StopAsyncIteration, OSError):
        return


async def held(task: Task) -> AsyncGenerator[bytes, None]:
    """A newline in every silence, which JSON allows, then the result."""
    while not task.log.is_closed:
        if not await task.log.wait(task.log.last, HEARTBEAT_SECONDS):
            yield b"\n"
    assert task.record.result is not None
    yield to_json(task.record.result.to_wire())


async def journaled(events: AsyncGenerator[TaskEvent, None]) -> AsyncGenerator[bytes, None]:
    """Events from the journal, as they come, with a heartbeat in every silence."""
    yield _RETRY
    async with aclosing(events):
        try:
            async for event in with_heartbeats(events):
                yield frame(event)
        except OSError as error:
            data = {"code": "store_unavailable", "message": str(error), "retryable": True}
            yield frame(TaskEvent(None, EventType.ERROR, data))


async def journaled_result(
    summary: TaskSummary, events: AsyncGenerator[TaskEvent, None]
) -> AsyncGenerator[bytes, None]:
    """A newline in every silence, then the result in the journal's last event, else that the task is lost."""
    async with aclosing(events):
        async for event in with_heartbeats(events):
            if event.type is EventType.COMPLETE:
                yield to_json(TaskResult.model_validate(event.data).to_wire())
                return
            if event.type is EventType.HEARTBEAT:
                yield b"\n"
    detail = "the instance that ran the task is gone, and its journal has no end"
    lost = TaskResult(
        task_id=summary.task_id,
        status=Status.FAILED,
        reason=Reason.LOST,
        detail=detail,
        duration=max(0, round((time.time() - summary.created_at) * 1000)),
        instance_id=summary.instance_id,
        revision=summary.revision,
    )
    yield to_json(lost.to_wire())


async def with_heartbeats(events: AsyncGenerator[TaskEvent, None]) -> AsyncGenerator[TaskEvent, None]:
    """`events`, and a heartbeat whenever none came for HEARTBEAT_SECONDS."""
    coming: asyncio.Task[TaskEvent] | None = None
    try:
        while True:
            coming = coming or asyncio.ensure_future(anext(events))
            done, _ = await asyncio.wait({coming}, timeout=HEARTBEAT_SECONDS)
            if not done:
                yield TaskEvent(None, EventType.HEARTBEAT, {})
                continue
            finished, coming = coming, None
            try:
                event = finished.result()
            except StopAsyncIteration:
                return
            yield event
    finally:
        if coming is not None:
            coming.cancel()
            await asyncio.gather(coming, return_exceptions=True)


async def each(events: Iterable[TaskEvent]) -> AsyncGenerator[TaskEvent, None]:
    """`events` as an asynchronous run."""
    for event in events:
        yield event


async def written(
    events: AsyncGenerator[TaskEvent, None], transcript: Transcript
) -> AsyncGenerator[bytes, None]:
    """The transcript in pieces; between two of them other requests have their turn."""
    async with aclosing(events):
        async for event in events:
            for piece in transcript.write(event):
                yield piece
                await asyncio.sleep(0)
    yield transcript.close()

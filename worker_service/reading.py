"""Reading a journal and writing its mailbox: what the worker and the console do alike."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator
from itertools import count
from typing import Any, NamedTuple
from uuid import uuid4

from pydantic_core import to_json

from worker_service import layout
from worker_service.decoding import decode, event_range, in_a_line
from worker_service.store import ForeignObject, Store
from worker_service.wire import Control, EventType, Reason, Status, TaskEvent, TaskResult, TaskSummary

NEAR_POLL_SECONDS = 0.05
FAR_POLL_SECONDS = 0.25
POLL_DUTY = 10
"""A poll is followed by a pause this many times as long, so that a huge listing never fills a core."""
PULSE_SECONDS = 5.0
"""How often a silent journal's summary and heartbeat are looked at."""
READS_AT_ONCE = 16
LOST = (
    f"The instance fell silent: no heartbeat for {layout.STALE_SECONDS:.0f} s. It was stopped, or ran out of "
    "memory; what it wrote until then is in the journal."
)


def summary_of(task_id: str, body: bytes) -> TaskSummary:
    """The summary in a task.json.

    Raises:
        ValueError: it is none, or another task's.
    """
    summary = TaskSummary.model_validate_json(body, strict=True)
    named = {summary.task_id, summary.result.task_id if summary.result else task_id}
    if named != {task_id}:
        raise ValueError(f"it is the summary of {', '.join(map(repr, named - {task_id}))}")
    return summary


async def read_task(store: Store, task_id: str) -> TaskSummary | None:
    """The task's summary; None when nobody has claimed that id; an unreadable one is a failed task.

    Raises:
        StoreError: the store did not answer.
    """
    if not layout.is_task_id(task_id):
        return None
    path = layout.task(task_id)
    try:
        body = await store.read(path)
        return None if body is None else summary_of(task_id, body)
    except ForeignObject as error:
        why = str(error)
    except ValueError as error:
        why = in_a_line(error)
    store.pass_over(path, why)
    written_at = await store.written_at(path)
    return _unreadable(task_id, f"{path} is not a task summary: {why}", written_at or 0.0)


async def read_tasks(store: Store, task_ids: list[str]) -> list[TaskSummary]:
    """The summaries of those ids that have one, in their order."""
    limit = asyncio.Semaphore(READS_AT_ONCE)

    async def one(task_id: str) -> TaskSummary | None:
        async with limit:
            found = await read_task(store, task_id)
        if found is None:
            store.pass_over(layout.task(task_id), "it is missing; a folder or a heartbeat is there")
        return found

    return [found for found in await asyncio.gather(*map(one, task_ids)) if found is not None]


async def task_ids(store: Store) -> list[str]:
    """Every task the journal holds, sorted by id."""
    return _ids(store, await store.folders(layout.TASKS))


async def running_ids(store: Store) -> list[str]:
    """The tasks with a heartbeat, live or silent: one listing, however long the journal is."""
    return _ids(store, await store.names(layout.RUNNING))


async def is_lost(store: Store, summary: TaskSummary) -> bool:
    """Whether a task that has not ended has not been written for STALE_SECONDS.

    The clock is the wall's on this side and the store's on the other.
    """
    if summary.status.is_end:
        return False
    written = [await store.written_at(layout.running(summary.task_id))]
    if written[0] is None or time.time() - written[0] > layout.STALE_SECONDS:
        written.append(await store.written_at(layout.task(summary.task_id)))
    newest = max((at for at in written if at is not None), default=0.0)
    return time.time() - newest > layout.STALE_SECONDS


async def outcome(store: Store, task_id: str) -> TaskResult | None:
    """The result in the journal's last segment: known even when the summary was never brought up to date."""
    segments = await _segments(store, task_id)
    if not segments:
        return None
    for event in await _events_in(store, task_id, segments[-1]):
        if event.type is EventType.COMPLETE:
            return TaskResult.model_validate(event.data)
    return None


async def last_event(store: Store, task_id: str) -> int:
    """The number of the last event written down; 0 when there is none."""
    segments = await _segments(store, task_id)
    return segments[-1].last if segments else 0


async def send(store: Store, task_id: str, control: Control, n: int | None = None) -> int:
    """Put the command into the task's mailbox, behind those already there; its number.

    `n` is one more than the number that this sender was given last. The worker looks for one number after
    the other, so that a command behind a hole would lie there for good: only the next one is ever taken.
    """
    body = to_json(control.to_wire() | {"taskId": task_id, "nonce": uuid4().hex})
    if n is None or not await _is_there(store, task_id, n - 1):
        n = await _next_control(store, task_id)
    while await store.create(layout.control(task_id, n), body) is not None:
        n += 1
    return n


async def _next_control(store: Store, task_id: str) -> int:
    """The number that the worker reaches once it has taken all before it, even if those were deleted."""
    taken = set()
    for path in await store.names(layout.controls(task_id)):
        if (number := layout.control_number(path)) is None:
            store.pass_over(path, "no command's name")
        taken.add(number)
    summary = await read_task(store, task_id)
    reached = summary.next_control if summary is not None else None
    return next(n for n in count(reached or 1) if n not in taken)


async def _is_there(store: Store, task_id: str, n: int) -> bool:
    try:
        return n == 0 or await store.read(layout.control(task_id, n)) is not None
    except ForeignObject:
        return True  # The worker passes it over.


async def events(
    store: Store, task_id: str, after: int = 0, follow: bool = True
) -> AsyncGenerator[TaskEvent, None]:
    """The task's events behind number `after`, in order, each once; what is missing is a `gap`.

    Ends behind `complete`. With `follow` it waits for more, until the task completes or its heartbeat
    falls silent: then a `complete` without a number says `lost`. A task nobody claimed has no events.

    Raises:
        StoreError: the store stopped answering; go on with the last number seen.
    """
    tail, pulse_due = _Tail(store, task_id, after), 0.0
    while True:
        end = None
        if time.monotonic() >= pulse_due:
            summary = await read_task(store, task_id)
            if summary is None:
                return
            if summary.status.is_end or await is_lost(store, summary):
                end = summary
            else:
                pulse_due = time.monotonic() + PULSE_SECONDS
        is_idle = True
        for segments in await tail.batches():
            for event in await tail.read(segments):
                is_idle = False
                yield event
                if event.type is EventType.COMPLETE:
                    return
        if is_idle and end is not None:
            is_told = end.status.is_end and 0 < end.last_seq <= after
            if not is_told:
                yield _last_word(end)
            return
        if end is None and not follow and is_idle:
            return
        if end is None and follow:
            await asyncio.sleep(tail.pause())


class _Tail:
    """Where one reader stands in a journal."""

    def __init__(self, store: Store, task_id: str, after: int) -> None:
        self._store = store
        self._task_id = task_id
        self._last = after
        self._read_path = ""
        self._listing_seconds = 0.0

    def pause(self) -> float:
        """How long to wait before the next look, in seconds."""
        if self._store.is_near:
            return max(NEAR_POLL_SECONDS, POLL_DUTY * self._listing_seconds)
        return FAR_POLL_SECONDS

    async def batches(self) -> list[list[_Segment]]:
        """The segments that hold what is unread, as many together as are read at once."""
        segments = await self._unread()
        if not self._is_whole(segments):
            # A folder's listing may miss a file made while it ran; one that begins now cannot.
            segments = await self._unread()
        return [segments[start : start + READS_AT_ONCE] for start in range(0, len(segments), READS_AT_ONCE)]

    async def read(self, segments: list[_Segment]) -> list[TaskEvent]:
        """The unread events of these segments, in order, with a `gap` for what is missing."""
        bodies = await asyncio.gather(*(_events_in(self._store, self._task_id, one) for one in segments))
        self._read_path = segments[-1].path
        return [
            event
            for segment, events in zip(segments, bodies, strict=True)
            for event in self._in_order(segment, events)
        ]

    async def _unread(self) -> list[_Segment]:
        began = time.monotonic()
        segments = await _segments(self._store, self._task_id, self._read_path)
        self._listing_seconds = time.monotonic() - began
        return [segment for segment in segments if segment.last > self._last]

    def _is_whole(self, segments: list[_Segment]) -> bool:
        last = self._last
        for segment in segments:
            if segment.first > last + 1:
                return False
            last = segment.last
        return True

    def _in_order(self, segment: _Segment, events: list[TaskEvent]) -> list[TaskEvent]:
        found = []
        if segment.first > self._last + 1:
            found.append(self._skip(segment.first - 1, "missing from the journal"))
        for event in events:
            begins, ends = event_range(event)
            if ends > self._last:
                if begins > self._last + 1:
                    found.append(self._skip(begins - 1, f"unreadable in {segment.path}"))
                found.append(event)
                self._last = ends
        if self._last < segment.last:
            found.append(self._skip(segment.last, f"unreadable in {segment.path}"))
        return found

    def _skip(self, to: int, reason: str) -> TaskEvent:
        gap = gap_event(self._task_id, self._last + 1, to, reason)
        self._last = to
        return gap


def gap_event(task_id: str, first: int, last: int, reason: str) -> TaskEvent:
    """The event that stands for `first` to `last`, which are missing."""
    data: dict[str, Any] = {"taskId": task_id, "seq": last, "ts": time.time()}
    return TaskEvent(last, EventType.GAP, data | {"from": first, "to": last, "reason": reason})


class _Segment(NamedTuple):
    path: str
    first: int
    last: int


async def _segments(store: Store, task_id: str, after: str = "") -> list[_Segment]:
    found = []
    for path in await store.names(layout.events(task_id), after):
        if (range_ := layout.segment_range(path)) is None:
            store.pass_over(path, "no segment's name")
        else:
            found.append(_Segment(path, *range_))
    return found


async def _events_in(store: Store, task_id: str, segment: _Segment) -> list[TaskEvent]:
    """Its events; the hole that an unreadable one leaves in the numbers becomes a `gap`."""
    try:
        body = await store.read(segment.path)
    except ForeignObject as error:
        store.pass_over(segment.path, str(error))
        return []
    return decode(body or b"", task_id, segment.first, segment.last)


def _ids(store: Store, paths: list[str]) -> list[str]:
    found = []
    for path in paths:
        name = path.rsplit("/", 1)[-1]
        if layout.is_task_id(name):
            found.append(name)
        else:
            store.pass_over(path, "no task's id")
    return found


def _unreadable(task_id: str, detail: str, at: float) -> TaskSummary:
    result = TaskResult(task_id=task_id, status=Status.FAILED, reason=Reason.LOST, detail=detail, duration=0)
    return TaskSummary(
        task_id=task_id, status=Status.FAILED, prompt="", agent="", created_at=at, result=result
    )


def _last_word(summary: TaskSummary) -> TaskEvent:
    """The `complete` that the journal's events lack: the summary's own, or `lost`."""
    is_end = summary.status.is_end
    fields = (
        summary.result.to_wire()
        if summary.result is not None
        else {
            "taskId": summary.task_id,
            "status": summary.status if is_end else Status.FAILED,
            **({} if is_end else {"reason": Reason.LOST, "detail": LOST}),
            "outputBytes": summary.output_bytes,
            "duration": int(1000 * max(0.0, (summary.last_output_at or time.time()) - summary.created_at)),
        }
    )
    return TaskEvent(None, EventType.COMPLETE, {"seq": None, "ts": time.time(), **fields})

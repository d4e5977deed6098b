"""Reading a journal and writing its mailbox: what the worker and the console do alike."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncGenerator
from typing import Any
from uuid import uuid4

from worker_service import layout
from worker_service.store import Store, StoreError
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


class UnreadableTask(StoreError):
    """A task.json that holds no summary."""


async def read_task(store: Store, task_id: str) -> TaskSummary | None:
    """The task's summary; None when nobody has claimed that id.

    Raises:
        StoreError: the store did not answer; UnreadableTask: it answered with something else.
    """
    body = await store.read(layout.task(task_id))
    if body is None:
        return None
    try:
        return TaskSummary.model_validate_json(body)
    except ValueError as error:
        raise UnreadableTask(f"{layout.task(task_id)} is not a task summary") from error


async def read_tasks(store: Store, task_ids: list[str]) -> list[TaskSummary]:
    """The summaries of those ids that have one, in their order; an unreadable one is a failed task."""
    limit = asyncio.Semaphore(READS_AT_ONCE)

    async def one(task_id: str) -> TaskSummary | None:
        async with limit:
            try:
                return await read_task(store, task_id)
            except UnreadableTask as error:
                return _unreadable(task_id, str(error))

    return [found for found in await asyncio.gather(*map(one, task_ids)) if found is not None]


async def task_ids(store: Store) -> list[str]:
    """Every task the journal holds, sorted by id."""
    return await store.folders(layout.TASKS)


async def running_ids(store: Store) -> list[str]:
    """The tasks with a heartbeat, live or silent: one listing, however long the journal is."""
    return [path.rsplit("/", 1)[-1] for path in await store.names(layout.RUNNING)]


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
    segments = await store.names(layout.events(task_id))
    if not segments:
        return None
    for event in _decoded(await store.read(segments[-1]) or b""):
        if event.type is EventType.COMPLETE:
            return TaskResult.model_validate(event.data)
    return None


async def last_event(store: Store, task_id: str) -> int:
    """The number of the last event written down; 0 when there is none."""
    segments = await store.names(layout.events(task_id))
    return layout.segment_range(segments[-1])[1] if segments else 0


async def send(store: Store, task_id: str, control: Control, n: int | None = None) -> int:
    """Put the command into the task's mailbox, behind those already there; its number.

    `n` is the first number to try: one more than the last one this sender was given.
    """
    if n is None:
        taken = await store.names(layout.controls(task_id))
        n = 1 + max((layout.control_number(path) for path in taken), default=0)
    body = json.dumps(control.to_wire() | {"nonce": uuid4().hex}).encode()
    while await store.create(layout.control(task_id, n), body) is not None:
        n += 1
    return n


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
        for paths in await tail.batches():
            for event in await tail.read(paths):
                is_idle = False
                yield event
                if event.type is EventType.COMPLETE:
                    return
        if is_idle and end is not None:
            if after < end.last_seq or not end.status.is_end:
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
        self._read_path: str | None = None
        self._listing_seconds = 0.0

    def pause(self) -> float:
        """How long to wait before the next look, in seconds."""
        if self._store.is_near:
            return max(NEAR_POLL_SECONDS, POLL_DUTY * self._listing_seconds)
        return FAR_POLL_SECONDS

    async def batches(self) -> list[list[str]]:
        """The paths of the segments that hold what is unread, as many together as are read at once."""
        paths = await self._paths()
        if not self._is_whole(paths):
            # A folder's listing may miss a file made while it ran; one that begins now cannot.
            paths = await self._paths()
        return [paths[start : start + READS_AT_ONCE] for start in range(0, len(paths), READS_AT_ONCE)]

    async def read(self, paths: list[str]) -> list[TaskEvent]:
        """The unread events of these segments, in order, with a `gap` for what is missing."""
        bodies = await asyncio.gather(*map(self._store.read, paths))
        self._read_path = paths[-1]
        return [
            event
            for path, body in zip(paths, bodies, strict=True)
            for event in self._in_order(path, body or b"")
        ]

    async def _paths(self) -> list[str]:
        began = time.monotonic()
        paths = await self._store.names(layout.events(self._task_id), after=self._read_path)
        self._listing_seconds = time.monotonic() - began
        return [
            path for path in paths if path.endswith(".ndjson") and layout.segment_range(path)[1] > self._last
        ]

    def _is_whole(self, paths: list[str]) -> bool:
        last = self._last
        for path in paths:
            first, final = layout.segment_range(path)
            if first > last + 1:
                return False
            last = final
        return True

    def _in_order(self, path: str, body: bytes) -> list[TaskEvent]:
        first, final = layout.segment_range(path)
        found = []
        if first > self._last + 1:
            found.append(self._skip(first - 1, "missing from the journal"))
        for event in _decoded(body):
            begins, ends = event_range(event)
            if ends > self._last:
                if begins > self._last + 1:
                    found.append(self._skip(begins - 1, f"unreadable in {path}"))
                found.append(event)
                self._last = ends
        if self._last < final:
            found.append(self._skip(final, f"unreadable in {path}"))
        return found

    def _skip(self, to: int, reason: str) -> TaskEvent:
        gap = gap_event(self._task_id, self._last + 1, to, reason)
        self._last = to
        return gap


def event_range(event: TaskEvent) -> tuple[int, int]:
    """The numbers this event stands for, first and last: of a gap, those that are missing."""
    number = event.id or 0
    if event.type is EventType.GAP:
        return int(event.data.get("from", number)), int(event.data.get("to", number))
    return number, number


def gap_event(task_id: str, first: int, last: int, reason: str) -> TaskEvent:
    """The event that stands for `first` to `last`, which are missing."""
    data: dict[str, Any] = {"taskId": task_id, "seq": last, "ts": time.time()}
    return TaskEvent(last, EventType.GAP, data | {"from": first, "to": last, "reason": reason})


def _decoded(body: bytes) -> list[TaskEvent]:
    found = []
    for line in body.split(b"\n"):
        try:
            fields = json.loads(line)
            found.append(TaskEvent(int(fields["id"]), EventType(fields["type"]), dict(fields["data"])))
        except (ValueError, KeyError, TypeError):
            continue  # The hole that this leaves in the numbers becomes a `gap`.
    return found


def _unreadable(task_id: str, detail: str) -> TaskSummary:
    result = TaskResult(task_id=task_id, status=Status.FAILED, reason=Reason.LOST, detail=detail, duration=0)
    return TaskSummary(
        task_id=task_id, status=Status.FAILED, prompt="", agent="", created_at=0.0, result=result
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

"""Writes one running task's journal: behind the task, never in its way."""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import contextmanager, suppress

from worker_service import layout
from worker_service.health import SLOW_SECONDS
from worker_service.mailbox import Mailbox
from worker_service.segments import SEGMENT_BYTES, Buffer, Segment
from worker_service.store import Store, StoreError
from worker_service.wire import Control, EventType, Mode, TaskEvent, TaskSummary

FLUSH_SECONDS = 1.0
KEYS_FLUSH_SECONDS = 0.1
"""While somebody types from elsewhere, the echo comes back this soon."""
FLUSH_BYTES = 64 << 10
PACE_SECONDS = 0.05
"""Between two flushes of a flood at least: each costs the event loop a fraction of a millisecond."""
SUMMARY_SECONDS = 1.0
"""Cloud Storage takes one write a second per object name."""
CLOSE_SECONDS = 5.0
"""What `close` waits for the store: Cloud Run kills an instance 10 s after SIGTERM."""
FIRST_RETRY_SECONDS = 0.25
LAST_RETRY_SECONDS = 8.0

STATE_CHANGES = frozenset(
    {EventType.STATUS, EventType.PERMISSION, EventType.CONTROL, EventType.ERROR, EventType.COMPLETE}
)

logger = logging.getLogger(__name__)


class ForeignJournal(StoreError):
    """Another instance writes this task's journal."""


class TaskWriter:
    """The journal of one running task; made in the event loop that runs the task.

    `write` and `update` only note what is to be written: whatever the store does, they return at once.
    `claim` is the task.json still to be put down where the store did not answer in time.
    """

    def __init__(
        self, store: Store, summary: TaskSummary, *, nonce: str | None = None, claim: bytes | None = None
    ) -> None:
        self._store = store
        self._id = summary.task_id
        self._nonce = summary.writer or nonce
        self._claim = claim
        self._summary = summary
        self._summary_at = 0.0
        self._is_summary_due = False
        self._buffer = Buffer(self._id)
        self._sealed: Segment | None = None
        self._flushed_at = 0.0
        self._is_urgent = False
        self._mailbox = Mailbox(store, self._id, is_interactive=summary.mode is Mode.INTERACTIVE)
        self._problems: dict[str, str] = {}
        self.on_journaled: Callable[[int], None] = lambda number: None
        """Told the number of the last event that the store has."""
        self._wake, self._claimed, self._closing = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self._wake.set()
        self._flushing = asyncio.create_task(self._flush(), name=f"journal of {self._id}")
        self._beating = asyncio.create_task(self._beat(), name=f"heartbeat of {self._id}")

    @property
    def problem(self) -> str | None:
        """What is wrong with the store, in words; None when all is well."""
        return "; ".join(dict.fromkeys(self._problems.values())) or None

    def write(self, event: TaskEvent, encoded: bytes) -> None:
        """Note an event, `encoded` as one JSON line; one without a number is not journaled."""
        if event.id is None or self._flushing.done():
            return
        is_first = self._buffer.since is None
        self._buffer.add(event.id, encoded)
        self._is_urgent = self._is_urgent or event.type in STATE_CHANGES
        if is_first or self._is_urgent or self._buffer.size >= FLUSH_BYTES:
            self._wake.set()

    def update(self, summary: TaskSummary) -> None:
        """Note the task's summary; it is written at most once a second."""
        self._summary = summary
        if not self._is_summary_due:
            self._is_summary_due = True
            self._wake.set()

    async def controls(self) -> AsyncGenerator[tuple[int, Control], None]:
        """The mailbox's commands with their numbers, in order; ends when the writer is closed."""
        delay = 0.0
        while not (self._closing.is_set() or self._flushing.done()):
            if not self._claimed.is_set():
                await _wait(self._claimed, LAST_RETRY_SECONDS)
                continue
            try:
                with self._watched("mailbox"):
                    found = await self._mailbox.next()
            except StoreError:
                delay = _longer(delay)
            else:
                delay = self._mailbox.pause()
                if found is not None:
                    yield found
                    continue
            await _wait(self._closing, delay)

    async def close(self, summary: TaskSummary) -> None:
        """Write what waits and the last summary, and end the heartbeat; gives up after CLOSE_SECONDS."""
        self.update(summary)
        self._closing.set()
        self._wake.set()
        tasks = {self._flushing, self._beating}
        try:
            done, late = await asyncio.wait(tasks, timeout=CLOSE_SECONDS)
        finally:
            for task in tasks:
                task.cancel()
        if late:
            await asyncio.wait(late)
            self._note("close", "the end of the journal could not be written in time")
        for task in done:
            if not task.cancelled():
                task.result()

    async def _flush(self) -> None:
        delay = 0.0
        while not self._is_flushed():
            self._wake.clear()
            due = self._due_in()
            if due is None or due > 0:
                await _wait(self._wake, due)
                continue
            try:
                with self._watched("journal"):
                    await self._flush_once()
                delay = 0.0
            except ForeignJournal:
                self._beating.cancel()
                return
            except StoreError:
                delay = _longer(delay)
                if self._closing.is_set():
                    await asyncio.sleep(min(delay, FIRST_RETRY_SECONDS))
                else:
                    await _wait(self._closing, delay)

    def _is_flushed(self) -> bool:
        is_clean = self._buffer.since is None and self._sealed is None and not self._is_summary_due
        return self._closing.is_set() and is_clean

    def _due_in(self) -> float | None:
        """Seconds until something is to be written; None: nothing waits."""
        is_late = self._sealed is not None or not self._claimed.is_set()
        if is_late or self._is_urgent or self._closing.is_set():
            return 0.0
        due = []
        if self._buffer.since is not None:
            patience = KEYS_FLUSH_SECONDS if self._mailbox.is_busy else FLUSH_SECONDS
            due.append(self._buffer.since + patience)
        if self._buffer.size >= FLUSH_BYTES:
            due.append(self._flushed_at + PACE_SECONDS)
        if self._is_summary_due:
            due.append(self._summary_at + SUMMARY_SECONDS)
        return max(0.0, min(due) - time.monotonic()) if due else None

    async def _flush_once(self) -> None:
        if not self._claimed.is_set():
            if self._claim is not None:
                await self._create(layout.task(self._id), self._claim)
            self._claimed.set()
        await self._write_segments()
        self._flushed_at = time.monotonic()
        is_time = self._closing.is_set() or self._flushed_at - self._summary_at >= SUMMARY_SECONDS
        if self._is_summary_due and is_time:
            self._summary_at = self._flushed_at
            summary = self._summary
            await self._store.put(layout.task(self._id), self._body(summary))
            self._is_summary_due = self._summary is not summary

    async def _write_segments(self) -> None:
        was_urgent, self._is_urgent = self._is_urgent, False
        while (segment := self._sealed or self._buffer.take()) is not None:
            # Kept until it is down: a try that failed may have landed, and its name must not change.
            self._sealed = segment
            await self._create(segment.path, segment.body)
            self._sealed = None
            self.on_journaled(segment.last)
            if self._buffer.size < SEGMENT_BYTES and not was_urgent:
                break

    async def _create(self, path: str, body: bytes) -> None:
        if await self._store.create(path, body) is not None:
            raise ForeignJournal(
                f"another instance writes the journal of task {self._id}: {path} is not ours"
            )

    def _body(self, summary: TaskSummary) -> bytes:
        told = summary.model_copy(update={"next_control": self._mailbox.position})
        return summary_body(told, self._nonce)

    async def _beat(self) -> None:
        path, delay = layout.running(self._id), 0.0
        await self._claimed.wait()
        while not self._closing.is_set():
            try:
                with self._watched("heartbeat"):
                    await self._store.put(path, self._body(self._summary))
                delay = layout.HEARTBEAT_SECONDS
            except StoreError:
                delay = _longer(min(delay, LAST_RETRY_SECONDS))
            await _wait(self._closing, delay)
        # The last summary first: a task without heartbeat and without outcome would look lost.
        await asyncio.wait({self._flushing})
        with suppress(StoreError), self._watched("heartbeat"):
            await self._store.delete(path)

    @contextmanager
    def _watched(self, subject: str) -> Iterator[None]:
        """Note in `problem` how a call to the store goes, also while it does not come back."""
        slow = f"the store has not answered for {SLOW_SECONDS:.0f} s"
        timer = asyncio.get_running_loop().call_later(SLOW_SECONDS, self._note, subject, slow)
        try:
            yield
        except StoreError as error:
            self._note(subject, str(error))
            raise
        finally:
            timer.cancel()
        if self._problems.pop(subject, None) is not None:
            logger.info("the %s of task %s is written again", subject, self._id)

    def _note(self, subject: str, problem: str) -> None:
        if subject not in self._problems:
            logger.warning("the %s of task %s: %s", subject, self._id, problem)
        self._problems[subject] = problem


def summary_body(summary: TaskSummary, nonce: str | None) -> bytes:
    """The summary as it lies in the store, with the nonce of the instance that writes it."""
    fields = summary.model_copy(update={"writer": summary.writer or nonce})
    return fields.model_dump_json(by_alias=True, exclude_none=True).encode()


def _longer(delay: float) -> float:
    doubled = min(2 * delay or FIRST_RETRY_SECONDS, LAST_RETRY_SECONDS)
    return doubled * random.uniform(0.75, 1.25)


async def _wait(event: asyncio.Event, seconds: float | None) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()

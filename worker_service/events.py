"""One task's events: numbered, encoded once, kept in a ring of bounded size, read by cursors."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

from pydantic_core import from_json

from worker_service.redaction import Redactor
from worker_service.transcript import encoded, line
from worker_service.wire import EventType, TaskEvent

Sink = Callable[[TaskEvent, bytes], None]
"""Takes each event with its JSON line, for the journal."""


def frame(event: TaskEvent, data: bytes | None = None) -> bytes:
    """The event as a server-sent event; `data` is its data when already encoded."""
    number = b"" if event.id is None else b"id: %d\n" % event.id
    body = encoded(event.data) if data is None else data
    return b"%sevent: %s\ndata: %s\n\n" % (number, event.type.encode(), body)


class EventLog:
    """The events of one task.

    The ring holds encoded frames up to `ring_bytes`; older ones are dropped, and a reader that is behind
    gets one `gap` event in their place. Readers hold a number and no queue, so that none of them costs
    memory or slows the task.
    """

    def __init__(self, task_id: str, ring_bytes: int, redactor: Redactor, sink: Sink | None = None) -> None:
        self._task_id = task_id
        self._ring_bytes = ring_bytes
        self._redactor = redactor
        self.sink = sink
        self._frames: dict[int, bytes] = {}
        self.first = 1
        """The oldest event still held."""
        self.last = 0
        """The newest event."""
        self.size = 0
        """Bytes held."""
        self.journaled = 0
        """The store has every event up to this one."""
        self.gaps = 0
        """How many readers were told of a gap."""
        self.is_closed = False
        self._waiters: set[asyncio.Future[bool]] = set()

    def append(self, type_: EventType, data: dict[str, Any]) -> TaskEvent:
        """Number, encode and keep one event, and wake the readers."""
        self.last += 1
        event = TaskEvent(self.last, type_, self._stamped(self.last, data))
        body = self._redactor.clean(encoded(event.data))
        framed = frame(event, body)
        self._frames[self.last] = framed
        self.size += len(framed)
        while self.size > self._ring_bytes and self.first < self.last:
            self.size -= len(self._frames.pop(self.first))
            self.first += 1
        if self.sink is not None:
            self.sink(event, line(event, body))
        self._wake()
        return event

    def heartbeat(self) -> bytes:
        """A frame without a number: the stream lives, and this much of it is safe in the store."""
        said = {"journaled": self.journaled} if self.journaled else {}
        return frame(TaskEvent(None, EventType.HEARTBEAT, self._stamped(self.last, said)))

    def acknowledge(self, number: int) -> None:
        """Note that the store has every event up to `number`, and wake the readers."""
        self.journaled = number
        self._wake()

    def read(self, after: int, limit: int) -> tuple[bytes, int]:
        """The frames that follow event `after`, about `limit` bytes of them, and the last one's number."""
        parts = []
        if after + 1 < self.first:
            parts.append(self._gap(after + 1, self.first - 1))
            after = self.first - 1
        size = 0
        while after < self.last and size < limit:
            after += 1
            size += len(self._frames[after])
            parts.append(self._frames[after])
        return b"".join(parts), after

    def held(self) -> list[TaskEvent]:
        """The events that the ring still holds, decoded; a gap in front stands for those it has dropped."""
        frames, _ = self.read(0, self.size + 1)
        found = []
        for text in frames.split(b"\n\n")[:-1]:
            number, kind, data = text.split(b"\n", 2)
            type_ = EventType(kind.removeprefix(b"event: ").decode())
            fields: dict[str, Any] = from_json(data.removeprefix(b"data: "))
            found.append(TaskEvent(int(number.removeprefix(b"id: ")), type_, fields))
        return found

    async def wait(self, after: int, timeout: float, journaled: int | None = None) -> bool:
        """Whether there is anything after event `after`, or the log was closed, within `timeout` seconds.

        With `journaled`, the number a reader was told last, a newer one is worth waking it too.
        """
        is_told = journaled is None or journaled == self.journaled
        if self.last > after or self.is_closed or not is_told:
            return True
        loop = asyncio.get_running_loop()
        waiter: asyncio.Future[bool] = loop.create_future()
        self._waiters.add(waiter)
        # Cheaper than a timeout's context, and waited for once an event and viewer.
        alarm = loop.call_later(timeout, _settle, waiter, False)
        try:
            return await waiter
        finally:
            alarm.cancel()
            self._waiters.discard(waiter)

    def close(self) -> None:
        """No event follows; readers end once they have read everything."""
        self.is_closed = True
        self.sink = None
        self._wake()

    def _gap(self, first: int, last: int) -> bytes:
        self.gaps += 1
        data = {"from": first, "to": last, "reason": "too far behind; the oldest events are gone"}
        return frame(TaskEvent(last, EventType.GAP, self._stamped(last, data)))

    def _stamped(self, seq: int, data: dict[str, Any]) -> dict[str, Any]:
        return {"taskId": self._task_id, "seq": seq, "ts": round(time.time(), 3), **data}

    def _wake(self) -> None:
        waiters, self._waiters = self._waiters, set()
        for waiter in waiters:
            _settle(waiter, True)


def _settle(waiter: asyncio.Future[bool], has_more: bool) -> None:
    if not waiter.done():
        waiter.set_result(has_more)

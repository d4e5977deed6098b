"""Events on their way to the journal: what waits for the store, and what becomes one segment."""

from __future__ import annotations

import json
import time
from collections import deque
from typing import NamedTuple

from worker_service import layout
from worker_service.reading import gap_event

SEGMENT_BYTES = 1 << 20
"""A store slower than the task gets larger segments, up to this size."""
BUFFER_BYTES = 8 << 20
"""What waits for the store at most; beyond it the oldest events are dropped and a `gap` says so."""


class Segment(NamedTuple):
    """One object to be written, and the number of its last event."""

    path: str
    body: bytes
    last: int


class Buffer:
    """The lines that wait for the store, bounded, and the range that was dropped in front of them."""

    def __init__(self, task_id: str) -> None:
        self._task_id = task_id
        self._lines: deque[tuple[int, bytes]] = deque()
        self._dropped: tuple[int, int] | None = None
        self.size = 0
        """In bytes."""
        self.since: float | None = None
        """When the oldest of them came, on the monotonic clock; None when nothing waits."""

    def add(self, number: int, line: bytes) -> None:
        """Append an event's line; drops the oldest ones when that is too much."""
        self._lines.append((number, line))
        self.size += len(line)
        if self.since is None:
            self.since = time.monotonic()
        while self.size > BUFFER_BYTES and len(self._lines) > 1:
            oldest, dropped = self._lines.popleft()
            self.size -= len(dropped)
            self._dropped = (self._dropped[0] if self._dropped else oldest, oldest)

    def take(self) -> Segment | None:
        """The next segment, with its `gap` line in front; None when nothing waits."""
        if not self._lines:
            return None
        lines: list[bytes] = []
        size, first, last = 0, self._lines[0][0], 0
        if self._dropped is not None:
            first, missing = self._dropped
            gap = gap_event(self._task_id, first, missing, "the store did not keep up with the task")
            lines.append(json.dumps({"id": gap.id, "type": gap.type, "data": gap.data}).encode() + b"\n")
            self._dropped = None
        while self._lines and (not size or size + len(self._lines[0][1]) <= SEGMENT_BYTES):
            last, line = self._lines.popleft()
            lines.append(line)
            size += len(line)
        self.size -= size
        self.since = time.monotonic() if self._lines else None
        return Segment(layout.segment(self._task_id, first, last), b"".join(lines), last)

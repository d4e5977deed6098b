"""The events of a task that no journal keeps, held by the console that follows it: the newest, bounded."""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncGenerator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from worker_service.wire import TaskEvent

KEPT_BYTES = 8 << 20
"""Of a task's events, about; twenty tasks and more are held at once."""


class Kept:
    """Keeps events; when there are too many the oldest go, and a gap stands for them."""

    def __init__(self, task_id: str) -> None:
        self._task_id = task_id
        self._events: deque[tuple[int, TaskEvent]] = deque()
        self._size = 0
        self._dropped = 0
        """The number of the newest event that was dropped."""

    def add(self, event: TaskEvent) -> None:
        """Keep one more."""
        size = len(str(event.data.get("data") or event.data))
        self._events.append((size, event))
        self._size += size
        while self._size > KEPT_BYTES and len(self._events) > 1:
            size, oldest = self._events.popleft()
            self._size -= size
            self._dropped = oldest.id or self._dropped

    async def events(self) -> AsyncGenerator[TaskEvent, None]:
        """Those that are kept now, from the oldest on."""
        kept = [event for _, event in self._events]
        if self._dropped:
            # With pydantic, which a worker's events have loaded long ago.
            from worker_service.reading import gap_event

            yield gap_event(self._task_id, 1, self._dropped, "no journal, and too much to be held here")
        for event in kept:
            yield event

"""The log entries there are: the newest in memory in the order of their time, and on disk."""

from __future__ import annotations

import asyncio
import bisect
import secrets
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from google.cloud.logging_v2.types.log_entry import LogEntry

from ccconsole.emulator.logging.fields import nanoseconds
from ccconsole.emulator.logging.segments import Segments, Stored

RawEntry: Any = LogEntry.pb()
"""The protobuf class itself: the wrapper's attribute access costs twenty times as much."""
_FLUSH_SECONDS = 0.1


@dataclass(frozen=True)
class Bounds:
    """What is kept; the oldest goes first."""

    entries: int = 50_000
    memory_bytes: int = 32 << 20
    segment_bytes: int = 4 << 20
    disk_bytes: int = 32 << 20


class LogStore:
    """`append` what instances say; `page` through it; `watch` it."""

    def __init__(self, folder: Path, bounds: Bounds | None = None) -> None:
        self._bounds = bounds or Bounds()
        self._segments = Segments(folder, self._bounds.segment_bytes, self._bounds.disk_bytes)
        self._entries: list[Stored] = []
        self._bytes = 0
        self._watchers: set[Callable[[Any], None]] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._prefix = secrets.token_hex(4)
        self._count = 0

    def __len__(self) -> int:
        return len(self._entries)

    def load(self) -> None:
        """Read what an earlier emulator left."""
        found = sorted(set(self._segments.read()))
        self._entries = found
        self._bytes = sum(len(stored[3]) for stored in found)
        self._trim()

    def append(self, entry: Any) -> bool:
        """Take a raw LogEntry, which gets its receive time and, without one, an insert id and a timestamp.

        False for one that is here already (same log, timestamp and insert id). It is on disk within a tenth
        of a second where a loop runs; `flush` waits for nothing.
        """
        now = time.time_ns()
        entry.receive_timestamp.FromNanoseconds(now)
        if not entry.HasField("timestamp"):
            entry.timestamp.FromNanoseconds(now)
        if not entry.insert_id:
            self._count += 1
            entry.insert_id = f"{now:016x}{self._prefix}{self._count & 0xFFFFFF:06x}"
        key = (nanoseconds(entry.timestamp), entry.insert_id, sys.intern(entry.log_name))
        at = bisect.bisect_left(self._entries, key)
        if at < len(self._entries) and self._entries[at][:3] == key:
            return False
        stored = (*key, entry.SerializeToString())
        self._entries.insert(at, stored)
        self._bytes += len(stored[3])
        self._trim()
        self._segments.append(stored)
        self._flush_soon()
        for watcher in tuple(self._watchers):
            watcher(entry)
        return True

    def page(self, after: Stored | tuple[Any, ...], count: int, *, is_descending: bool) -> list[Stored]:
        """At most `count` entries next to a key (timestamp, insert id, log name), itself present or gone."""
        if is_descending:
            end = bisect.bisect_left(self._entries, after)
            return self._entries[max(end - count, 0) : end][::-1]
        start = bisect.bisect_right(self._entries, after, key=lambda stored: stored[: len(after)])
        return self._entries[start : start + count]

    def log_names(self) -> list[str]:
        """The logs there are entries of, by name."""
        return sorted({stored[2] for stored in self._entries})

    def watch(self, watcher: Callable[[Any], None]) -> Callable[[], None]:
        """Tell of every new entry until the answer is called."""
        self._watchers.add(watcher)
        return lambda: self._watchers.discard(watcher)

    def flush(self) -> bool:
        """Write to disk what is not there yet; False when the disk does not take it."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        return self._segments.flush()

    def close(self) -> None:
        """Write the rest."""
        self.flush()
        self._segments.close()

    def _flush_soon(self) -> None:
        if self._timer is not None:
            return
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            self._segments.flush()
        else:
            self._timer = loop.call_later(_FLUSH_SECONDS, self.flush)

    def _trim(self) -> None:
        bounds = self._bounds
        if len(self._entries) <= bounds.entries and self._bytes <= bounds.memory_bytes:
            return
        # Some more than must go: to move all that stay for each new entry would cost more than the rest.
        count = max(len(self._entries) - bounds.entries, 0) + bounds.entries // 20
        freed = sum(len(stored[3]) for stored in self._entries[:count])
        while self._bytes - freed > bounds.memory_bytes and count < len(self._entries) - 1:
            freed += len(self._entries[count][3])
            count += 1
        del self._entries[:count]
        self._bytes -= freed


def parse(stored: Stored) -> Any:
    """The raw LogEntry."""
    return RawEntry.FromString(stored[3])

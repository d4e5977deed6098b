"""Which entries a follower has had already."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

from ccconsole.cloud.log_entries import key, seconds

REMEMBERED = 60_000
"""Entries: what a project's tail sessions may bring in a minute, six times the overlap of a gap."""


class Memory:
    """The newest entries and how far they reach; truthy once there was one."""

    def __init__(self, start: float) -> None:
        self.cursor = start
        """The newest reception, by Cloud Logging's clock, in seconds; before the first entry the start."""
        self._seen: OrderedDict[int, None] = OrderedDict()
        self._ignored: tuple[float, float] | None = None

    def __bool__(self) -> bool:
        return bool(self._seen)

    def is_new(self, raw: Any) -> bool:
        """Whether a raw entry was not here before; it was from then on."""
        known = hash(key(raw))
        if known in self._seen or self._is_ignored(raw):
            return False
        received = seconds(raw.receive_timestamp)
        self.cursor = max(self.cursor, received) if self._seen else received
        self._seen[known] = None
        if len(self._seen) > REMEMBERED:
            self._seen.popitem(last=False)  # a dict would look for its first key past all that are gone
        return True

    def ignore_older(self, raw: Any) -> None:
        """Take what is here now and no newer than an entry as known: it was left out on purpose."""
        self._ignored = seconds(raw.timestamp), self.cursor

    def _is_ignored(self, raw: Any) -> bool:
        if self._ignored is None:
            return False
        timestamp, received = self._ignored
        return seconds(raw.timestamp) <= timestamp and seconds(raw.receive_timestamp) <= received

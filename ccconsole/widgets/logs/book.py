"""The entries of a log view: bounded, in the order of time; what a filter keeps, what a search finds."""

from __future__ import annotations

import asyncio
from bisect import bisect_left, insort
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from ccconsole.model.logs import LogEntry, Severity
from ccconsole.widgets.patterns import TextFilter, TextPattern

CAPACITY = 100_000
"""Entries; the oldest go first, counted."""
_SLACK = 2_000
"""Entries that may be too many for a moment, so that the list is not moved for each of them."""
_STEP = 2_000
"""Entries looked through at once: about a millisecond, then keys are answered."""
_SHORT = 1_000
"""A tail of so many entries is sorted anew; into a longer one late entries are put one by one."""

Key = tuple[float, str, str]


def key(entry: LogEntry) -> Key:
    """What orders entries and tells one from another, as Cloud Logging does."""
    return (entry.timestamp, entry.insert_id, entry.log)


@dataclass(frozen=True)
class LogFilter:
    """Which entries are shown."""

    severity: Severity = Severity.DEFAULT
    """At least this."""
    text: str = ""
    """As TextFilter takes it."""
    since: float | None = None
    """Seconds since the epoch."""

    def test(self) -> Callable[[LogEntry], bool] | None:
        """Whether an entry is kept; None: all are."""
        least, since, text = self.severity, self.since, TextFilter(self.text) if self.text else None
        if not least and since is None and text is None:
            return None

        def keeps(entry: LogEntry) -> bool:
            return (
                entry.severity >= least
                and (since is None or entry.timestamp >= since)
                and (text is None or text.keeps(entry.text))
            )

        return keeps


class LogBook:
    """Changed on the event loop alone; `shown` and `matches` are in the order of time as well."""

    def __init__(self, capacity: int = CAPACITY) -> None:
        self._capacity = capacity
        self.entries: list[LogEntry] = []
        self.shown = self.entries
        """Those that the filter keeps; without one the same list."""
        self.matches: list[LogEntry] = []
        """Of those, what the search finds."""
        self.filter = LogFilter()
        self.pattern: TextPattern | None = None
        self.let_go = 0
        """How many of the oldest had to make room."""
        self._keeps: Callable[[LogEntry], bool] | None = None
        self._meanwhile: list[LogEntry] | None = None

    def add(self, entries: Iterable[LogEntry]) -> int:
        """Put entries in their places, each once; how many of them are shown."""
        new = _insert(self.entries, sorted(entries, key=key))
        if self._meanwhile is not None:
            self._meanwhile += new
        if self._keeps is not None:
            new = _insert(self.shown, list(filter(self._keeps, new)))
        self._find_in(new)
        self._trim()
        return len(new)

    def add_shown(self, entries: Iterable[LogEntry]) -> int:
        """Put entries in that were looked up for the present filter alone: with another one they are gone."""
        keeps = self._keeps
        if keeps is None:
            return self.add(entries)
        new = _insert(self.shown, sorted(filter(keeps, entries), key=key))
        self._find_in(new)
        return len(new)

    def index(self, entry: LogEntry) -> int:
        """Where an entry is among those shown, or would be."""
        return bisect_left(self.shown, key(entry), key=key)

    def clear(self) -> None:
        """Forget all entries; filter and search stay."""
        for entries in (self.entries, self.shown, self.matches):
            entries.clear()
        self.let_go = 0

    async def refilter(self, wanted: LogFilter) -> None:
        """Show what another filter keeps; what comes meanwhile is not missed, and keys are answered."""
        keeps = wanted.test()
        if keeps is None:
            shown = self.entries
        else:
            self._meanwhile = []
            try:
                shown = await _kept(list(self.entries), keeps)
                _insert(shown, sorted(filter(keeps, self._meanwhile), key=key))
            finally:
                self._meanwhile = None
        self.filter, self._keeps, self.shown = wanted, keeps, shown
        await self.search(self.pattern.text if self.pattern is not None else "")

    async def search(self, text: str) -> None:
        """Find what matches among the shown; an empty text ends the search."""
        self.pattern = TextPattern(text) if text else None
        self.matches = []
        if self.pattern is None:
            return
        found = self.pattern.pattern.search
        matches = await _kept(list(self.shown), lambda entry: found(entry.text) is not None)
        _insert(self.matches, matches)

    def match_number(self, of: LogEntry | None) -> int:
        """Which of the matches an entry is, from 1; 0: none."""
        if of is None:
            return 0
        place = bisect_left(self.matches, key(of), key=key)
        is_one = place < len(self.matches) and key(self.matches[place]) == key(of)
        return place + 1 if is_one else 0

    def match(self, of: LogEntry, *, is_forward: bool) -> int | None:
        """The number of the next match after an entry, or before it, around the ends; None without any."""
        if not self.matches:
            return None
        place = bisect_left(self.matches, key(of), key=key)
        is_on_one = place < len(self.matches) and key(self.matches[place]) == key(of)
        step = place + is_on_one if is_forward else place - 1
        return step % len(self.matches)

    def _find_in(self, new: Sequence[LogEntry]) -> None:
        if self.pattern is not None:
            found = self.pattern.pattern.search
            _insert(self.matches, [entry for entry in new if found(entry.text)])

    def _trim(self) -> None:
        if (over := len(self.entries) - self._capacity) > _SLACK:
            del self.entries[:over]
            self.let_go += over
        if self.shown is not self.entries and len(self.shown) > self._capacity + _SLACK:
            del self.shown[: len(self.shown) - self._capacity]
        if self.matches and self.shown:
            del self.matches[: bisect_left(self.matches, key(self.shown[0]), key=key)]


async def _kept(entries: Sequence[LogEntry], keeps: Callable[[LogEntry], bool]) -> list[LogEntry]:
    found: list[LogEntry] = []
    for start in range(0, len(entries), _STEP):
        found += filter(keeps, entries[start : start + _STEP])
        await asyncio.sleep(0)
    return found


def _insert(into: list[LogEntry], new: list[LogEntry]) -> list[LogEntry]:
    """Merge sorted entries into sorted ones; those that were not there before."""
    if not new:
        return []
    if not into or key(into[-1]) < key(new[0]):
        found = _once(new)
        into += found
        return found
    start = bisect_left(into, key(new[0]), key=key)
    if start == 0 and key(new[-1]) < key(into[0]):
        found = _once(new)
        into[:0] = found
        return found
    tail = into[start:]
    if len(tail) <= max(_SHORT, 4 * len(new)):
        known = {key(entry) for entry in tail}
        found = [entry for entry in _once(new) if key(entry) not in known]
        into[start:] = sorted(tail + found, key=key)
        return found
    return [entry for entry in new if _insert_one(into, entry)]


def _insert_one(into: list[LogEntry], entry: LogEntry) -> bool:
    place = bisect_left(into, key(entry), key=key)
    if place < len(into) and key(into[place]) == key(entry):
        return False
    insort(into, entry, key=key, lo=place)
    return True


def _once(entries: list[LogEntry]) -> list[LogEntry]:
    return list({key(entry): entry for entry in entries}.values())

"""How the flows of a log view are doing, in words: what is live, what is missing, what was looked for."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from ccconsole.format import count, duration
from ccconsole.model.logs import LogBatch, LogEntry, LogMode
from ccconsole.model.problem import Problem
from ccconsole.widgets.logs.book import LogBook
from ccconsole.widgets.patterns import TextFilter
from ccconsole.widgets.text import Span, Tone

_MODES = {
    LogMode.HISTORY: Span("… reading the past", Tone.DIM),
    LogMode.GAP_FILLING: Span("◐ filling a gap", Tone.WARN),
    LogMode.LIVE: Span("● live", Tone.GOOD),
    LogMode.POLLING: Span("◔ polling", Tone.WARN),
    LogMode.WAITING: Span("✗ waiting", Tone.BAD),
}
_WORST_FIRST = (LogMode.WAITING, LogMode.POLLING, LogMode.GAP_FILLING, LogMode.HISTORY, LogMode.LIVE)


@dataclass
class Feed:
    """One environment's flow."""

    complete_from: float
    """From here on all entries are in the book; seconds since the epoch."""
    read_from: float
    """From here on all that the present filter keeps are."""
    mode: LogMode | None = None
    """None: it has not said anything yet."""
    problem: Problem | None = None
    lag: float | None = None
    """Seconds from the newest entry's reception by Cloud Logging to here."""
    withheld: int = 0
    lost: int = 0
    has_older: bool = False
    """Whether older ones of the time that is asked for were left out for their number."""

    def take(self, batch: LogBatch) -> None:
        """What a batch says besides its entries."""
        self.mode, self.problem = batch.mode, batch.problem
        self.lag = batch.lag if batch.lag is not None else self.lag
        self.withheld += batch.suppressed
        self.lost += batch.dropped
        if batch.mode is LogMode.HISTORY and batch.has_older and batch.entries:
            self.has_older = True
            self.complete_from = self.read_from = batch.entries[0].timestamp

    def took_past(self, batch: LogBatch, since: float, *, is_narrow: bool) -> None:
        """A look back to `since` brought this; `is_narrow` when it left out what the filter does not keep."""
        self.has_older = batch.has_older
        self.read_from = batch.entries[0].timestamp if batch.has_older and batch.entries else since
        if not is_narrow:
            self.complete_from = min(self.complete_from, self.read_from)


@dataclass
class LogStatus:
    """All flows of a view by environment."""

    feeds: dict[str, Feed] = field(default_factory=dict)
    missed: int = 0
    """Entries that came while the reader stayed elsewhere."""

    @property
    def problems(self) -> list[Problem]:
        """What keeps flows from being live."""
        return [feed.problem for feed in self.feeds.values() if feed.problem is not None]

    @property
    def is_reading(self) -> bool:
        """Whether a flow has not shown its past yet."""
        return any(feed.mode in (None, LogMode.HISTORY) for feed in self.feeds.values())

    @property
    def has_older(self) -> bool:
        """Whether anything of the time that is asked for was left out."""
        return any(feed.has_older for feed in self.feeds.values())

    def mode(self) -> Span:
        """The worst flow's state."""
        modes = [feed.mode for feed in self.feeds.values()]
        worst = next((mode for mode in _WORST_FIRST if mode in modes), None)
        if worst is None or None in modes:
            return Span("… reading", Tone.DIM)
        span = _MODES[worst]
        several = len(modes) > 1 and len(set(modes)) > 1
        return Span(f"{span.text} ({modes.count(worst)} of {len(modes)})", span.tone) if several else span

    def missing(self) -> Iterable[Span]:
        """What is not among the lines."""
        withheld = sum(feed.withheld for feed in self.feeds.values())
        lost = sum(feed.lost for feed in self.feeds.values())
        if withheld:
            yield Span(f"{count(withheld)} withheld by Google", Tone.BAD)
        if lost:
            yield Span(f"{count(lost)} lost", Tone.BAD)

    def lag(self) -> Span | None:
        """How far behind the newest lines were."""
        lags = [feed.lag for feed in self.feeds.values() if feed.lag is not None]
        return Span(f"+{duration(max(lags))}", Tone.DIM) if lags else None


def parts(
    status: LogStatus, span: str, book: LogBook, cursor: LogEntry | None, *, is_following: bool
) -> list[Span]:
    """The title line after its heading; `span` says how far back, `cursor` is the reader's line."""
    chosen = book.filter
    found = [status.mode()]
    if not is_following:
        found.append(Span(f"paused: +{count(status.missed)} new", Tone.ACCENT))
    found.append(Span(span, Tone.DIM))
    if chosen.severity:
        found.append(Span(f"≥ {chosen.severity.name}", Tone.WARN))
    if chosen.text:
        literal = " (not a pattern: taken literally)" if TextFilter(chosen.text).is_literal else ""
        found.append(Span(f"&{chosen.text}{literal}", Tone.WARN))
    if book.pattern is not None:
        number = book.match_number(cursor)
        place = f"{count(number)}/" if number else ""
        found.append(Span(f"/{book.pattern.text} {place}{count(len(book.matches))}", Tone.ACCENT))
    found += status.missing()
    if book.let_go:
        found.append(Span(f"{count(book.let_go)} oldest let go", Tone.DIM))
    if status.has_older:
        found.append(Span("older ones: o", Tone.DIM))
    if (lag := status.lag()) is not None:
        found.append(lag)
    return found

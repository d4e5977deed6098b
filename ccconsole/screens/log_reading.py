"""The reading half of the log screen: one flow an environment, and looks back for what was not read yet."""

from __future__ import annotations

import re
from abc import abstractmethod
from collections import defaultdict
from contextlib import aclosing
from dataclasses import dataclass

from textual import on, work
from textual.message import Message

from ccconsole.model.logs import LogBatch, LogQuery
from ccconsole.model.services import ServiceKey
from ccconsole.screens.base import ConsoleScreen
from ccconsole.screens.desk import Desk
from ccconsole.widgets.logs.book import LogBook, LogFilter
from ccconsole.widgets.logs.status import Feed, LogStatus

NEWEST = 1000
"""Entries that one look at the past brings."""
_INSTANT = 1e-6
"""Seconds; several entries may have the time of the oldest that was read, and not all have been."""


class LogReadingScreen(ConsoleScreen):
    """Owns the workers and the book; the subclass shows it."""

    @dataclass
    class Told(Message):
        """A flow has news."""

        batch: LogBatch

    @dataclass
    class PastRead(Message):
        """A look back has an answer, for the filter it was made for."""

        batch: LogBatch
        since: float
        wanted: LogFilter

    @dataclass
    class Refiltered(Message):
        """The book shows what another filter keeps."""

    @dataclass
    class Searched(Message):
        """The book has looked for a pattern."""

    def __init__(self, desk: Desk, keys: tuple[ServiceKey, ...], task_id: str, span: float) -> None:
        super().__init__(desk)
        self.keys = keys
        self.task_id = task_id
        self.book = LogBook()
        self.since = desk.now() - span
        """What is older was not asked for; seconds since the epoch."""
        self._services: dict[str, list[ServiceKey]] = defaultdict(list)
        for key in keys:
            self._services[key.environment].append(key)
        self.status = LogStatus({name: Feed(self.since, self.since) for name in self._services})

    def on_mount(self) -> None:
        """One reader for each environment."""
        for name in self._services:
            self.run_worker(self._watch(name), name=f"logs {name}", group=f"logs {name}", exit_on_error=False)

    async def _watch(self, name: str) -> None:
        flow = self.desk.backend.logs(
            self.desk.environment_of(name), self._query(name, since=self.since), NEWEST
        )
        async with aclosing(flow) as batches:
            async for batch in batches:
                self.post_message(self.Told(batch))

    def _query(self, name: str, **rest: object) -> LogQuery:
        keys = self._services[name]
        return LogQuery(
            services=tuple(sorted({key.name for key in keys})),
            regions=tuple(sorted({key.region for key in keys})),
            task_id=self.task_id,
            **rest,  # type: ignore[arg-type]
        )

    @on(Told)
    def _told(self, message: Told) -> None:
        self.status.feeds[message.batch.environment].take(message.batch)
        self.taken(message.batch)

    @abstractmethod
    def taken(self, batch: LogBatch) -> None:
        """Put a batch's entries into the book and show them."""

    @work(group="filter", exclusive=True, exit_on_error=False)
    async def refilter(self, wanted: LogFilter) -> None:
        """Show what another filter keeps, of what is here and then of what is not."""
        for feed in self.status.feeds.values():
            feed.read_from = feed.complete_from
        await self.book.refilter(wanted)
        self.post_message(self.Refiltered())

    @work(group="search", exclusive=True, exit_on_error=False)
    async def look_for(self, text: str) -> None:
        """Search the lines that are shown."""
        await self.book.search(text)
        self.post_message(self.Searched())

    def look_back(self) -> None:
        """Read what is older than what was read, and within the time and the filter that are asked for."""
        for name, feed in self.status.feeds.items():
            feed.has_older = False
            if self.since < feed.read_from:
                self._look_back(name, self.since, feed.read_from, self.book.filter)

    @work(group="past", exit_on_error=False)
    async def _look_back(self, name: str, since: float, until: float, wanted: LogFilter) -> None:
        query = self._query(
            name,
            since=since,
            until=until + _INSTANT,
            severity=wanted.severity,
            pattern=_pattern(wanted.text),
        )
        batch = await self.desk.backend.log_history(self.desk.environment_of(name), query, NEWEST)
        self.post_message(self.PastRead(batch, since, wanted))

    @on(PastRead)
    def _past_read(self, message: PastRead) -> None:
        batch, wanted = message.batch, message.wanted
        is_narrow = bool(wanted.severity or wanted.text)
        if is_narrow and wanted != self.book.filter:
            return  # with that filter it is gone as well
        self.status.feeds[batch.environment].took_past(batch, message.since, is_narrow=is_narrow)
        self.past_taken(batch)

    @abstractmethod
    def past_taken(self, batch: LogBatch) -> None:
        """Show what a look back brought."""


def _pattern(text: str) -> str:
    """A filter as the query takes it: none where only we can tell."""
    if not text or text.startswith("!"):
        return ""
    try:
        re.compile(text)
    except re.error:
        text = re.escape(text)
    return f"(?i){text}"

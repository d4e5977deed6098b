"""Following the logs of an environment: what becomes of a session, of its gaps, of outages."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import Any

from google.api_core import exceptions
from google.cloud.logging_v2.services.logging_service_v2 import LoggingServiceV2AsyncClient

from ccconsole.cloud import log_filter
from ccconsole.cloud.connect import Connection
from ccconsole.cloud.errors import console_error
from ccconsole.cloud.log_entries import log_entry
from ccconsole.cloud.log_listing import raw_pages
from ccconsole.cloud.log_memory import Memory
from ccconsole.cloud.log_session import TailSession
from ccconsole.config import Environment
from ccconsole.errors import ConsoleError
from ccconsole.model.logs import LogBatch, LogMode, LogQuery
from ccconsole.model.problem import Problem
from ccconsole.streams import Clock

_LONGEST_REQUEST = 3700.0
"""Seconds: a request's entry carries the time it began, and comes when it has ended."""
_AT_ONCE = 200
"""Entries: some 5 ms of work."""
_FIRST_WAIT = 0.5
_SHORT_SESSION = 1.0
"""Seconds; after a session that ended sooner, the next one waits a moment."""

Connect = Callable[[], Awaitable[Connection]]


@dataclass(frozen=True)
class Pace:
    """The times of a flow, seconds."""

    window: float = 2.0
    """The server holds entries back so long, to sort late ones in."""
    session: float = 55 * 60.0
    """A session is renewed then; Google's own limit is said to be an hour."""
    overlap: float = 10.0
    """How far back a gap is listed, and how long after its opening a session's start is looked at again."""
    poll: float = 5.0
    retry: float = 15.0
    """How long to poll before a session is tried again."""
    longest_wait: float = 30.0


LOCAL_PACE = Pace(window=0.2, poll=1.0, retry=3.0, longest_wait=4.0)
"""For an emulator, whose calls cost nothing."""


class _Exhausted(Exception):
    """All of the project's tail sessions are taken."""


class Flow:
    """One follower; `batches` runs once."""

    def __init__(
        self,
        connect: Connect,
        environment: Environment,
        query: LogQuery,
        limit: int | None,
        pace: Pace,
        clock: Clock,
    ) -> None:
        self._connect = connect
        self._environment = environment
        self._query = replace(query, until=None)
        self._limit = limit
        self._matches = log_filter.matcher(query)
        self._pace = pace
        self._clock = clock
        self._memory = Memory(clock.now() if query.since is None else query.since)
        self._mode: LogMode | None = None
        self._since = 0.0
        self._problem: Problem | None = None

    async def batches(self) -> AsyncGenerator[LogBatch]:
        """See `logs.follow`."""
        failures = 0
        while True:
            began = self._clock.now()
            try:
                connection = await self._connect()
                async with aclosing(self._session(connection)) as flow:
                    async for batch in flow:
                        failures = 0
                        yield batch
                wait = _FIRST_WAIT if self._clock.now() - began < _SHORT_SESSION else 0.0
            except (exceptions.GoogleAPICallError, ConsoleError) as error:
                problem = self._told(error)
                if self._mode is None:
                    raise problem from error
                if (news := self._waiting(problem)) is not None:
                    yield news
                wait = min(_FIRST_WAIT * 2.0 ** min(failures, 10), self._pace.longest_wait)
                failures += 1
            await self._clock.sleep(wait * self._clock.jitter())

    async def _session(self, connection: Connection) -> AsyncGenerator[LogBatch]:
        """The batches of one session, or of a while without one; ends when it is time for the next."""
        session = TailSession()
        try:
            await session.open(
                connection.client(LoggingServiceV2AsyncClient),
                self._environment.project,
                log_filter.build(self._query, has_times=False),
                self._pace.window,
                self._pace.session + 60.0,
            )
            self._check(session)
            async with aclosing(self._listen(connection, session)) as heard:
                async for batch in heard:
                    yield batch
            return
        except _Exhausted:
            pass
        finally:
            await session.close()
        async with aclosing(self._poll(connection)) as polled:
            async for batch in polled:
                yield batch

    async def _listen(self, connection: Connection, session: TailSession) -> AsyncGenerator[LogBatch]:
        opened = self._clock.now()
        async with aclosing(self._fill(connection, LogMode.GAP_FILLING, self._memory.cursor)) as gap:
            async for batch in gap:
                yield batch
        self._enter(LogMode.LIVE)
        yield self._batch([])
        look_from, look_at = self._memory.cursor, opened + self._pace.overlap
        renew_at = opened + self._pace.session
        while self._clock.now() < renew_at:
            # Not listened for, or not yet open on the server when it was listed: both are listed now.
            start = self._memory.cursor
            is_missing = session.has_overflowed
            if self._clock.now() >= look_at:
                start, look_at, is_missing = look_from, renew_at, True
            found, suppressed, dropped = session.take()
            async with aclosing(self._batches(found, suppressed, dropped)) as batches:
                async for batch in batches:
                    yield batch
            if is_missing:
                async with aclosing(self._fill(connection, LogMode.LIVE, start)) as gap:
                    async for batch in gap:
                        yield batch
            elif not session.is_over:
                await session.wait(min(look_at, renew_at) - self._clock.now())
            elif not found:
                self._check(session)
                return

    def _check(self, session: TailSession) -> None:
        """Raise what ended a session, unless that was its time."""
        if isinstance(session.error, exceptions.ResourceExhausted):
            raise _Exhausted
        if session.error is not None and not isinstance(session.error, exceptions.OutOfRange):
            raise session.error

    async def _poll(self, connection: Connection) -> AsyncGenerator[LogBatch]:
        began = self._clock.now()
        while True:
            async with aclosing(self._fill(connection, LogMode.POLLING, self._memory.cursor)) as found:
                async for batch in found:
                    yield batch
            if self._mode is not LogMode.POLLING:
                project = self._environment.project
                detail = f"All tail sessions of {project} are taken; entries are listed every few seconds."
                self._enter(LogMode.POLLING)
                self._problem = Problem(
                    self._environment.name, "The logs are polled", detail, since=self._since
                )
                yield self._batch([])
            if self._clock.now() - began >= self._pace.retry:
                return
            await self._clock.sleep(self._pace.poll)

    async def _fill(self, connection: Connection, mode: LogMode, start: float) -> AsyncGenerator[LogBatch]:
        """What nobody heard of: the history at first, then all that was received since `start`."""
        filter = self._gap_filter(start)
        if self._mode is None:
            self._enter(LogMode.HISTORY)
            if self._query.since is not None and self._limit is not None:
                yield await self._newest(connection, self._limit)
                return
            if self._query.since is not None:
                filter = log_filter.build(self._query)
        elif mode is LogMode.GAP_FILLING:
            self._enter(mode)
        async with aclosing(raw_pages(connection, filter)) as pages:
            async for page in pages:
                async with aclosing(self._batches(page)) as batches:
                    async for batch in batches:
                        yield batch

    async def _newest(self, connection: Connection, limit: int) -> LogBatch:
        raws: list[Any] = []
        count = 0
        async with aclosing(
            raw_pages(connection, log_filter.build(self._query), is_descending=True)
        ) as pages:
            async for page in pages:
                for raw in page:
                    if count == limit:
                        batch = self._batch(reversed(raws))
                        self._memory.ignore_older(raws[-1] if raws else raw)
                        return replace(batch, has_older=True)
                    raws.append(raw)
                    count += self._matches(log_entry(raw, self._environment.name))
        return self._batch(reversed(raws))

    def _gap_filter(self, start: float) -> str:
        start -= self._pace.overlap if self._memory else 0.0
        times = (
            f"timestamp>={log_filter.moment(start - _LONGEST_REQUEST)}",
            f"receiveTimestamp>={log_filter.moment(start)}",
        )
        return "\n".join((log_filter.build(self._query, has_times=False), *times))

    async def _batches(
        self, raws: Sequence[Any], suppressed: int = 0, dropped: int = 0
    ) -> AsyncGenerator[LogBatch]:
        """The batches of many entries, so small that a screen's keys are answered between them."""
        for start in range(0, max(len(raws), 1), _AT_ONCE):
            counts = (0, 0) if start else (suppressed, dropped)
            batch = self._batch(raws[start : start + _AT_ONCE], *counts)
            if batch.entries or batch.suppressed or batch.dropped:
                yield batch
            await asyncio.sleep(0)

    def _batch(self, raws: Iterable[Any], suppressed: int = 0, dropped: int = 0) -> LogBatch:
        found = [log_entry(raw, self._environment.name) for raw in raws if self._memory.is_new(raw)]
        newest = max((entry.received_at for entry in found), default=None)
        return LogBatch(
            environment=self._environment.name,
            mode=self._mode or LogMode.HISTORY,
            since=self._since,
            entries=tuple(entry for entry in found if self._matches(entry)),
            suppressed=suppressed,
            dropped=dropped,
            lag=None if newest is None else max(0.0, self._clock.now() - newest),
            problem=self._problem,
        )

    def _enter(self, mode: LogMode) -> None:
        if mode is not self._mode:
            self._mode, self._since, self._problem = mode, self._clock.now(), None

    def _told(self, error: exceptions.GoogleAPICallError | ConsoleError) -> ConsoleError:
        if isinstance(error, ConsoleError):
            return error
        return console_error(error, self._environment, f"read the logs of {self._environment.name}")

    def _waiting(self, error: ConsoleError) -> LogBatch | None:
        """News of an outage; None when it is known already."""
        known = self._problem if self._mode is LogMode.WAITING else None
        if known is not None and (known.title, known.detail) == (error.title, error.detail):
            return None
        self._enter(LogMode.WAITING)
        self._problem = Problem(
            self._environment.name, error.title, error.detail, error.hint, self._since, error.exit_code
        )
        return self._batch([])

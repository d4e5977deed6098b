"""One tail session per environment for all who watch its logs: a project may have ten, with everyone's."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import replace

from ccconsole.cloud import log_filter
from ccconsole.cloud.connect import Connection
from ccconsole.cloud.log_flow import Pace
from ccconsole.cloud.logs import NEWEST, follow, history
from ccconsole.config import Environment
from ccconsole.errors import ConsoleError
from ccconsole.model.logs import LogBatch, LogEntry, LogMode, LogQuery
from ccconsole.model.problem import Problem
from ccconsole.streams import BACKOFF_SECONDS, Clock

MOST_WAITING = 20_000
"""Entries kept for a watcher that does not take them; the oldest go first, counted."""


class LogHub:
    """Watches of all environments' logs; a console needs one."""

    def __init__(
        self,
        connect: Callable[[Environment], Awaitable[Connection]],
        *,
        pace: Pace | None = None,
        clock: Clock | None = None,
    ) -> None:
        self._connect = connect
        self._pace = pace
        self._clock = clock or Clock()
        self._shared: dict[str, _Shared] = {}

    async def follow(
        self, environment: Environment, query: LogQuery, *, limit: int = NEWEST
    ) -> AsyncGenerator[LogBatch]:
        """As `logs.follow`, from the environment's one session; the last who leaves closes that.

        A query without services means those that deploy.toml declares.
        """
        names = query.services or tuple(spec.key.name for spec in environment.services)
        query = replace(query, services=names, regions=query.regions or environment.regions)
        matches = log_filter.matcher(query)
        shared = self._join(environment)
        watcher = _Watcher()
        shared.watchers.add(watcher)
        had: set[tuple[float, str, str]] = set()
        try:
            await shared.begun()
            watcher.put(shared.status())
            if query.since is not None:
                connection = await self._connect(environment)
                async with aclosing(history(connection, query, limit=limit, clock=self._clock)) as past:
                    async for batch in past:
                        had.update(_key(entry) for entry in batch.entries)
                        yield batch
            while True:
                batch = await watcher.next(shared)
                found = (entry for entry in batch.entries if matches(entry) and _key(entry) not in had)
                yield replace(batch, entries=tuple(found))
        finally:
            shared.watchers.discard(watcher)
            if not shared.watchers:
                if self._shared.get(environment.name) is shared:
                    del self._shared[environment.name]
                await shared.close()

    async def watch(
        self, environment: Environment, query: LogQuery, *, limit: int = NEWEST
    ) -> AsyncGenerator[LogBatch]:
        """As `follow`; what keeps it from beginning is a batch as well, and it is tried again."""
        problem: Problem | None = None
        failures = 0
        while True:
            try:
                async with aclosing(self.follow(environment, query, limit=limit)) as batches:
                    async for batch in batches:
                        yield batch
            except ConsoleError as error:
                now = self._clock.now()
                since = problem.since if problem is not None and problem.title == error.title else now
                problem = Problem(
                    environment.name, error.title, error.detail, error.hint, since, error.exit_code
                )
                yield LogBatch(environment.name, LogMode.WAITING, since, problem=problem)
            wait = BACKOFF_SECONDS[min(failures, len(BACKOFF_SECONDS) - 1)]
            failures += 1
            await self._clock.sleep(wait * self._clock.jitter())

    def _join(self, environment: Environment) -> _Shared:
        shared = self._shared.get(environment.name)
        if shared is None or shared.task.done():

            def connect() -> Awaitable[Connection]:
                return self._connect(environment)

            everything = LogQuery(regions=environment.regions)
            flow = follow(connect, environment, everything, pace=self._pace, clock=self._clock)
            shared = self._shared[environment.name] = _Shared(flow)
        return shared


class _Shared:
    """An environment's session and who watches it."""

    def __init__(self, flow: AsyncGenerator[LogBatch]) -> None:
        self.watchers: set[_Watcher] = set()
        self._last: LogBatch | None = None
        self._has_begun = asyncio.Event()
        self.task = asyncio.create_task(self._run(flow))

    async def begun(self) -> None:
        """Return with the first batch; raises what ended the flow before it."""
        await self._has_begun.wait()
        self.check()

    def check(self) -> None:
        """Raise what ended the flow."""
        if self.task.done() and not self.task.cancelled() and (error := self.task.exception()) is not None:
            raise error

    def status(self) -> LogBatch:
        """How the flow is doing, without entries."""
        assert self._last is not None
        return replace(self._last, entries=(), suppressed=0, dropped=0, lag=None)

    async def close(self) -> None:
        self.task.cancel()
        await asyncio.wait({self.task})

    async def _run(self, flow: AsyncGenerator[LogBatch]) -> None:
        try:
            async with aclosing(flow) as batches:
                async for batch in batches:
                    self._last = batch
                    self._has_begun.set()
                    for watcher in self.watchers:
                        watcher.put(batch)
        finally:
            asyncio.get_running_loop().call_soon(self._end)

    def _end(self) -> None:
        self._has_begun.set()
        for watcher in self.watchers:
            watcher.has_news.set()


class _Watcher:
    """What one of them has still to take."""

    def __init__(self) -> None:
        self.has_news = asyncio.Event()
        self._batches: deque[LogBatch] = deque()
        self._count = 0
        self._dropped = 0

    def put(self, batch: LogBatch) -> None:
        """Add a batch; too much that is not taken is let go."""
        self._batches.append(batch)
        self._count += len(batch.entries)
        while self._count > MOST_WAITING and len(self._batches) > 1:
            gone = self._batches.popleft()
            self._count -= len(gone.entries)
            self._dropped += len(gone.entries) + gone.dropped
            self._batches[0] = replace(
                self._batches[0], suppressed=self._batches[0].suppressed + gone.suppressed
            )
        self.has_news.set()

    async def next(self, shared: _Shared) -> LogBatch:
        """The next batch; raises what ended the flow."""
        while not self._batches:
            self.has_news.clear()
            shared.check()
            await self.has_news.wait()
        batch = self._batches.popleft()
        self._count -= len(batch.entries)
        dropped, self._dropped = self._dropped, 0
        return replace(batch, dropped=batch.dropped + dropped) if dropped else batch


def _key(entry: LogEntry) -> tuple[float, str, str]:
    return (entry.timestamp, entry.insert_id, entry.log)

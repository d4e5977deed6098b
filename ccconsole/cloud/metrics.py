"""An environment's metrics, kept up to date: the whole window once, then the last minutes again and again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field

from ccconsole.cloud.connect import Connection
from ccconsole.cloud.metric_queries import ALL, CORE, Query, Value, series_of
from ccconsole.cloud.time_series import FALLBACK_SAMPLE, Answer, Pace, paces, read
from ccconsole.errors import ConsoleError, NotFound
from ccconsole.model.metrics import MetricsSnapshot, Series, ServiceMetrics
from ccconsole.model.problem import Problem
from ccconsole.model.services import ServiceKey
from ccconsole.streams import Clock

__all__ = ["ALL", "CORE", "Connect", "metrics", "read_metrics"]

DEFAULT_WINDOW = 1800.0
GOOGLE_PERIOD = 60.0
"""Seconds; Google refuses a finer alignment."""
MAX_POINTS = 720
"""Of one series: more than any chart is wide; a longer window is read in longer periods."""
ALL_POINTS, LEAST_POINTS = 6_000, 100
"""Of one query's series together, where the other side measures more often than Google, and of each, however
many there are. Of half an hour, sixteen services are read at 5 s, fifty at 15 s and more at Google's own 60:
sixty at 5 s made an idle console work, and hold, three times as much as at 15."""
_PERIODS = (GOOGLE_PERIOD, 300.0, 3600.0)
_SETTLE = 0.5
"""Seconds after the end of a period until its points are asked for."""
LONGEST_WAIT = 300.0
"""Seconds between two tries while nothing can be read."""

Connect = Callable[[], Awaitable[Connection]]
Labels = dict[Query, dict[str, dict[float, Value]]]
"""One service's points, by query and label."""


async def metrics(
    connection: Connection | Connect,
    *,
    environment: str = "",
    window: float = DEFAULT_WINDOW,
    interval: float | None = None,
    queries: Sequence[Query] = CORE,
    services: Callable[[], Collection[ServiceKey]] | None = None,
    clock: Clock | None = None,
) -> AsyncGenerator[MetricsSnapshot]:
    """Snapshots without end, the first at once; `window` and `interval` in seconds (None: one period).

    `services` says, at each reading, which ones are wanted; without it every service of the project is.
    Where `connection` is a function, it is called for each reading, and `environment` names it when it fails.
    What cannot be read is a problem in the snapshot, beside the last good points; nothing is raised.
    """
    clock = clock or Clock()
    reader = _Reader(queries, window, clock, environment)
    failures = 0
    while True:
        wanted = None if services is None else frozenset(services())
        snapshot = await reader.read(connection, wanted)
        yield snapshot
        failures = failures + 1 if snapshot.read_at != reader.tried_at else 0
        pause = interval or reader.period
        if failures:
            pause = min(pause * 2.0 ** min(failures - 1, 6), max(pause, LONGEST_WAIT))
            await clock.sleep(pause * clock.jitter())
        elif interval:
            await clock.sleep(interval)
        else:
            await clock.sleep(pause - clock.now() % pause + _SETTLE)


async def read_metrics(
    connection: Connection | Connect,
    *,
    environment: str = "",
    window: float = DEFAULT_WINDOW,
    queries: Sequence[Query] = ALL,
    services: Collection[ServiceKey] | None = None,
    clock: Clock | None = None,
) -> MetricsSnapshot:
    """One snapshot of the last `window` seconds."""
    wanted = None if services is None else frozenset(services)
    return await _Reader(queries, window, clock or Clock(), environment).read(connection, wanted)


@dataclass
class _History:
    """What is known of one query."""

    points: Answer = field(default_factory=dict)
    read_until: float | None = None
    """None: never read."""
    read_at: float = 0.0
    pace: Pace = field(default_factory=lambda: Pace(FALLBACK_SAMPLE, 0.0))
    problem: Problem | None = None

    def merge(self, answer: Answer, end: float) -> None:
        """Add the points up to `end`; a later value of a time holds. What the other side forgot stays."""
        for key, found in answer.items():
            self.points.setdefault(key, {}).update(found)
        self.read_until = end

    def forget(self, before: float) -> None:
        """Drop what has left the window."""
        for key, points in tuple(self.points.items()):
            for time in [time for time in points if time <= before]:
                del points[time]
            if not points:
                del self.points[key]


class _Reader:
    """The histories of one environment's queries."""

    def __init__(self, queries: Sequence[Query], window: float, clock: Clock, environment: str) -> None:
        self.period = GOOGLE_PERIOD
        self.tried_at = 0.0
        self._histories = {query: _History() for query in queries}
        self._window = window
        self._clock = clock
        self._environment = environment
        self._wanted: frozenset[ServiceKey] | None = frozenset()
        self._read_at: float | None = None

    async def read(
        self, connect: Connection | Connect, wanted: frozenset[ServiceKey] | None
    ) -> MetricsSnapshot:
        """Ask every query once, side by side."""
        self.tried_at = self._clock.now()
        try:
            connection = connect if isinstance(connect, Connection) else await connect()
        except ConsoleError as error:
            for history in self._histories.values():
                history.problem = self._problem(error, history.problem)
            return await self._snapshot(wanted)
        self._environment = connection.environment.name
        if wanted == frozenset():
            self._read_at = self.tried_at
            return await self._snapshot(wanted)
        known = await paces(connection)
        self._set_period(connection, known, wanted)
        if wanted != self._wanted and (wanted is None or not wanted <= (self._wanted or frozenset())):
            for history in self._histories.values():
                history.read_until = None  # the new ones' past is not known yet
        self._wanted = wanted
        await asyncio.gather(
            *(self._ask(connection, query, known.get(query.metric)) for query in self._histories)
        )
        return await self._snapshot(wanted)

    def _set_period(
        self, connection: Connection, known: Mapping[str, Pace], wanted: Collection[ServiceKey] | None
    ) -> None:
        choices = [*_PERIODS]
        most = MAX_POINTS
        if connection.target is not None and known:
            least = min(pace.sample_period for pace in known.values())
            finer = [period for period in (least, 3 * least) if period < GOOGLE_PERIOD]
            choices = [*finer, *(period for period in _PERIODS if period >= least)]
            most = min(most, max(ALL_POINTS // max(len(wanted or ()), 1), LEAST_POINTS))
        period = next((item for item in choices if self._window / item <= most), choices[-1])
        if period != self.period:
            self.period = period
            self._histories = {query: _History() for query in self._histories}

    async def _ask(self, connection: Connection, query: Query, pace: Pace | None) -> None:
        history = self._histories[query]
        history.pace = pace or Pace(FALLBACK_SAMPLE, query.fallback_delay)
        end = self.tried_at // self.period * self.period
        start = end - self._window // self.period * self.period
        history.forget(start)
        if history.read_until is not None:
            late = 2 * history.pace.sample_period + history.pace.ingest_delay
            overlap = (late // self.period + 1) * self.period
            start = max(start, history.read_until - overlap)
        names = None if self._wanted is None else {key.name for key in self._wanted}
        try:
            answer = await read(connection, query, names, start=start, end=end, period=self.period)
        except NotFound:
            answer = {}  # what Google says of a metric that the project has never written
        except ConsoleError as error:
            history.problem = self._problem(error, history.problem)
            return
        history.merge(answer, end)
        history.problem = None
        self._read_at = history.read_at = self.tried_at

    def _problem(self, error: ConsoleError, known: Problem | None) -> Problem:
        since = known.since if known is not None and known.title == error.title else self.tried_at
        return Problem(self._environment, error.title, error.detail, error.hint, since, error.exit_code)

    async def _snapshot(self, wanted: frozenset[ServiceKey] | None) -> MetricsSnapshot:
        keys = wanted
        if keys is None:
            keys = frozenset(
                ServiceKey(self._environment, region, name)
                for history in self._histories.values()
                for region, name, _ in history.points
            )
        problems = [history.problem for history in self._histories.values() if history.problem is not None]
        once = {(problem.title, problem.exit_code): problem for problem in reversed(problems)}
        services = {}
        found = self._by_service()
        for key in sorted(keys):
            services[key] = self._service(key, found.get((key.region, key.name), {}))
            await asyncio.sleep(0)
        return MetricsSnapshot(
            environment=self._environment,
            services=services,
            problems=tuple(once.values()),
            read_at=self._read_at,
        )

    def _by_service(self) -> dict[tuple[str, str], Labels]:
        """By region and name."""
        found: dict[tuple[str, str], Labels] = {}
        for query, history in self._histories.items():
            for (region, name, label), points in history.points.items():
                found.setdefault((region, name), {}).setdefault(query, {})[label] = points
        return found

    def _service(self, key: ServiceKey, points: Labels) -> ServiceMetrics:
        found: dict[str, Series] = {}
        for query, history in self._histories.items():
            if history.read_until is None and history.problem is None:
                continue
            clocks = Series(
                "",
                "",
                period=self.period,
                sample_period=history.pace.sample_period,
                ingest_delay=history.pace.ingest_delay,
                problem=history.problem,
                window_start=self.tried_at - self._window,
                read_at=history.read_at,
            )
            found |= {series.name: series for series in series_of(query, points.get(query, {}), clocks)}
        return ServiceMetrics(key, found)

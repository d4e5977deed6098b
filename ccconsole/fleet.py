"""All environments' services and what runs on them, read side by side and kept up to date."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from ccconsole.cloud.connect import Connection, Connections, unset_error
from ccconsole.cloud.services import services_in
from ccconsole.config import Config, Environment, ServiceSpec
from ccconsole.errors import ConsoleError, TimedOut
from ccconsole.fleet_metrics import MetricsWatch
from ccconsole.journal import JournalReader
from ccconsole.model.fleet import FleetRow, FleetSnapshot
from ccconsole.model.problem import Problem
from ccconsole.model.services import Service, ServiceKey, ServiceState
from ccconsole.model.tasks import Task
from ccconsole.streams import Clock

LOCAL_INTERVAL = 2.0
CLOUD_INTERVAL = 15.0
CHANGING_INTERVAL = 1.0
"""While a service is being deployed or deleted: somebody is watching it."""
LONGEST_WAIT = 60.0
"""Seconds between two tries of an environment that keeps failing."""
POLL_TIMEOUT = 15.0


@dataclass(frozen=True)
class Reading:
    """What one poll of one environment brought."""

    rows: tuple[FleetRow, ...] = ()
    problems: tuple[Problem, ...] = ()
    read_at: float | None = None
    """None: nothing was read."""


async def fleet(
    config: Config,
    connections: Connections,
    *,
    local_interval: float = LOCAL_INTERVAL,
    cloud_interval: float = CLOUD_INTERVAL,
    clock: Clock | None = None,
    metrics_clock: Clock | None = None,
) -> AsyncGenerator[FleetSnapshot]:
    """Snapshots without end: one at once, then one as each environment answers.

    The last good rows of an environment that stops answering stay, beside a problem that says since
    when. One poll per environment is in flight at most; closing the generator ends them all. Metrics come
    on their own clock (a minute; 5 s locally): what is wrong with them is in `metrics_problems` alone.
    """
    clock, metrics_clock = clock or Clock(), metrics_clock or Clock()
    changed = asyncio.Event()
    watches = [
        _Watch(environment, connections, clock, metrics_clock) for environment in config.environments.values()
    ]
    polls = [
        asyncio.create_task(
            watch.poll(local_interval if watch.environment.is_local else cloud_interval, changed)
        )
        for watch in watches
    ]
    polls += [asyncio.create_task(watch.follow_metrics(changed)) for watch in watches]
    for poll in polls:
        poll.add_done_callback(lambda _: changed.set())
    try:
        shown = None
        while True:
            snapshot = _snapshot(watches)
            if snapshot != shown:
                shown = snapshot
                yield snapshot
            await changed.wait()
            changed.clear()
            for poll in polls:
                if poll.done():
                    poll.result()
    finally:
        for poll in polls:
            poll.cancel()
        await asyncio.gather(*polls, return_exceptions=True)


async def read_fleet(
    config: Config,
    connections: Connections,
    environments: Iterable[Environment] | None = None,
    timeout: float = POLL_TIMEOUT,
    *,
    has_metrics: bool = False,
) -> FleetSnapshot:
    """One snapshot of the environments (None: all): what answers in `timeout` seconds, and problems."""
    chosen = config.environments.values() if environments is None else environments
    watches = [_Watch(environment, connections, Clock(), Clock()) for environment in chosen]
    await asyncio.gather(*(watch.read(timeout) for watch in watches))
    if has_metrics:
        await asyncio.gather(*(watch.metrics.read(watch.live()) for watch in watches))
    return _snapshot(watches)


class _Watch:
    """One environment, with what is known of it."""

    def __init__(
        self, environment: Environment, connections: Connections, clock: Clock, metrics_clock: Clock
    ) -> None:
        self.environment = environment
        self.known: Reading | None = None
        self.metrics = MetricsWatch(environment, connections, metrics_clock)
        self._connections = connections
        self._clock = clock
        self._journal: JournalReader | None = None
        self._has_rows = asyncio.Event()

    async def poll(self, interval: float, changed: asyncio.Event) -> None:
        """Read again and again; it never ends by itself."""
        failures = 0
        while True:
            before = self.known
            reading = await self.read(POLL_TIMEOUT)
            changed.set()
            is_read = reading.read_at is not None and (before is None or before.read_at != reading.read_at)
            failures = 0 if is_read else failures + 1
            await self._clock.sleep(_wait(reading, interval, failures) * self._clock.jitter())

    async def follow_metrics(self, changed: asyncio.Event) -> None:
        """Read the metrics of what is live again and again; it never ends by itself."""
        await self._has_rows.wait()
        await self.metrics.follow(self.live, changed)

    def live(self) -> list[ServiceKey]:
        """The services that are deployed."""
        rows = self.known.rows if self.known else ()
        return [row.service.key for row in rows if row.service.state is not ServiceState.MISSING]

    async def read(self, timeout: float) -> Reading:
        """One poll; what went wrong stands beside what was known before."""
        name = self.environment.name
        try:
            if self.environment.unset:
                raise unset_error(self.environment)
            async with asyncio.timeout(timeout):
                self.known = await self._read()
        except TimeoutError:
            detail, hint = f"Nothing came within {timeout:g} s.", "Give it longer: ccconsole --timeout 60 ls"
            self.known = self._failed([TimedOut(f"{name} does not answer", detail, hint)])
        except ConsoleError as error:
            self.known = self._failed([error])
        if self.live():
            self._has_rows.set()
        return self.known

    async def _read(self) -> Reading:
        connection = await self._connections.connection(self.environment)
        regions = self.environment.regions
        parts, tasks = await asyncio.gather(
            asyncio.gather(*(_region(connection, region) for region in regions)), self._tasks()
        )
        answers = {
            region: part
            for region, part in zip(regions, parts, strict=True)
            if not isinstance(part, ConsoleError)
        }
        errors = [part for part in (*parts, tasks, *connection.problems) if isinstance(part, ConsoleError)]
        if not answers:
            return self._failed(errors)
        rows = _rows(self.environment, answers, None if isinstance(tasks, ConsoleError) else tasks)
        known = self.known or Reading()
        rows += [row for row in known.rows if row.service.key.region not in answers]
        rows.sort(key=lambda row: row.service.key)
        return Reading(tuple(rows), self._problems(errors), self._clock.now())

    async def _tasks(self) -> Sequence[Task] | ConsoleError | None:
        """The environment's open tasks; None without a store."""
        if self.environment.store is None:
            return None
        try:
            self._journal = self._journal or JournalReader(self.environment.store, self.environment.name)
            return await self._journal.running()
        except ConsoleError as error:
            return error

    def _failed(self, errors: Sequence[ConsoleError]) -> Reading:
        """The rows as they were, with their age, and what went wrong now."""
        return replace(self.known or Reading(), problems=self._problems(errors))

    def _problems(self, errors: Sequence[ConsoleError]) -> tuple[Problem, ...]:
        """The errors as problems; one that goes on keeps its beginning."""
        known = self.known.problems if self.known else ()
        begun = {problem.title: problem.since for problem in known}
        name, now = self.environment.name, self._clock.now()
        return tuple(
            Problem(name, error.title, error.detail, error.hint, begun.get(error.title, now), error.exit_code)
            for error in errors
        )


def _wait(reading: Reading, interval: float, failures: int) -> float:
    """Seconds to the next poll."""
    if failures:
        return min(interval * 2.0 ** min(failures - 1, 6), max(interval, LONGEST_WAIT))
    changing = (ServiceState.DEPLOYING, ServiceState.DELETING)
    if any(row.service.state in changing for row in reading.rows):
        return min(interval, CHANGING_INTERVAL)
    return interval


async def _region(connection: Connection, region: str) -> tuple[Service, ...] | ConsoleError:
    try:
        return await services_in(connection, region)
    except ConsoleError as error:
        return error


def _rows(
    environment: Environment, answers: Mapping[str, tuple[Service, ...]], tasks: Sequence[Task] | None
) -> list[FleetRow]:
    """The live services of the regions that answered, and the declared ones that are missing there."""
    declared = {spec.key: spec for spec in environment.services}
    found = {service.key: service for services in answers.values() for service in services}
    for key, spec in declared.items():
        if key not in found and key.region in answers:
            found[key] = missing(spec)
    return [
        FleetRow(
            service=service,
            tasks=_open_tasks(service, tasks or ()),
            is_journaled=tasks is not None,
            is_declared=key in declared,
        )
        for key, service in found.items()
    ]


def missing(spec: ServiceSpec) -> Service:
    """A declared service that is not deployed."""
    return Service(
        key=spec.key,
        state=ServiceState.MISSING,
        message="declared in deploy.toml, not deployed",
        image=spec.image,
        cpu=spec.cpu,
        memory=spec.memory,
        timeout=spec.timeout,
        concurrency=spec.concurrency,
        min_instances=spec.min_instances,
        max_instances=spec.max_instances,
        is_public=spec.is_public,
        service_account=spec.service_account,
        env=spec.env,
        secrets=spec.secrets,
    )


def _open_tasks(service: Service, tasks: Sequence[Task]) -> tuple[Task, ...]:
    mine = (task for task in tasks if task.service == service.key.name and not task.state.is_end)
    return tuple(sorted(mine, key=lambda task: task.created_at))


def _snapshot(watches: Iterable[_Watch]) -> FleetSnapshot:
    watches = list(watches)
    known = {watch.environment.name: watch.known for watch in watches if watch.known is not None}
    problems = tuple(problem for reading in known.values() for problem in reading.problems)
    # Where nobody answers at all, that is said once.
    said = {(problem.environment, problem.title) for problem in problems}
    return FleetSnapshot(
        rows=tuple(row for watch in watches if watch.known for row in watch.metrics.rows(watch.known.rows)),
        problems=problems,
        pending=frozenset(watch.environment.name for watch in watches) - known.keys(),
        ages={name: reading.read_at for name, reading in known.items() if reading.read_at is not None},
        metrics_problems=tuple(
            problem
            for watch in watches
            for problem in watch.metrics.problems
            if (problem.environment, problem.title) not in said
        ),
        metrics_ages={
            watch.environment.name: watch.metrics.read_at
            for watch in watches
            if watch.metrics.read_at is not None
        },
    )

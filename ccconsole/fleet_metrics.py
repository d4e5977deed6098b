"""One environment's metrics beside its services: on a clock of their own, and never in their way."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Iterable
from contextlib import aclosing
from dataclasses import replace

from ccconsole.alerts import alerts_of
from ccconsole.cloud.connect import Connection, Connections
from ccconsole.cloud.metrics import CORE, metrics, read_metrics
from ccconsole.config import Environment
from ccconsole.model.fleet import FleetRow
from ccconsole.model.metrics import Alert, MetricsSnapshot, ServiceMetrics
from ccconsole.model.problem import Problem
from ccconsole.model.services import ServiceKey
from ccconsole.streams import Clock


class MetricsWatch:
    """What is known of an environment's metrics, and which alerts last."""

    def __init__(self, environment: Environment, connections: Connections, clock: Clock) -> None:
        self._environment = environment
        self._connections = connections
        self._clock = clock
        self._snapshot = MetricsSnapshot(environment.name)
        self._alerts: dict[ServiceKey, tuple[Alert, ...]] = {}

    @property
    def problems(self) -> tuple[Problem, ...]:
        """Why there are none, or old ones."""
        return self._snapshot.problems

    @property
    def read_at(self) -> float | None:
        """When any were last read."""
        return self._snapshot.read_at

    async def follow(self, services: Callable[[], Collection[ServiceKey]], changed: asyncio.Event) -> None:
        """Keep the metrics of `services` up to date; it never ends by itself."""
        flow = metrics(
            self._connect, environment=self._environment.name, services=services, clock=self._clock
        )
        async with aclosing(flow) as snapshots:
            async for snapshot in snapshots:
                self._take(snapshot)
                changed.set()

    async def read(self, services: Collection[ServiceKey]) -> None:
        """Read them once."""
        name = self._environment.name
        self._take(await read_metrics(self._connect, environment=name, queries=CORE, services=services))

    def rows(self, rows: Iterable[FleetRow]) -> tuple[FleetRow, ...]:
        """The rows with their metrics and their alerts now; those that were there keep their beginning."""
        now = self._clock.now()
        found = []
        for row in rows:
            key = row.service.key
            before = replace(row, metrics=self._metrics(key), alerts=self._alerts.get(key, ()))
            found.append(replace(before, alerts=alerts_of(before, self._environment.alerts, now)))
        self._alerts = {row.service.key: row.alerts for row in found if row.alerts}
        return tuple(found)

    def _metrics(self, key: ServiceKey) -> ServiceMetrics | None:
        found = self._snapshot.services.get(key)
        # Never read is another thing than read and empty.
        return found if found is not None and self._snapshot.read_at is not None else None

    def _take(self, snapshot: MetricsSnapshot) -> None:
        known = self._snapshot.services
        # What has not changed stays the same object: a row that compares itself with it is done at once.
        kept = {
            key: known[key] if known.get(key) == found else found for key, found in snapshot.services.items()
        }
        self._snapshot = replace(snapshot, services=kept)

    async def _connect(self) -> Connection:
        return await self._connections.connection(self._environment)

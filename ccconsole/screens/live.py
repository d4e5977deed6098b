"""The real floors behind the screens; each loads its libraries when it is first asked.

httpx, pydantic, obstore and Google's clients take longer to import than the console takes to paint.
"""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from typing import TYPE_CHECKING, Any

from ccconsole import garbage
from ccconsole.errors import ConfigError, ConsoleError, NotFound

if TYPE_CHECKING:
    from ccconsole.cloud.connect import Connection, Connections
    from ccconsole.cloud.log_hub import LogHub
    from ccconsole.config import Config, Environment, ServiceSpec
    from ccconsole.model.batches import BatchSnapshot
    from ccconsole.model.checks import Check
    from ccconsole.model.fleet import FleetSnapshot
    from ccconsole.model.logs import LogBatch, LogQuery
    from ccconsole.model.metrics import MetricsSnapshot
    from ccconsole.model.rollouts import Adjustment, Plan, Rollout
    from ccconsole.model.secrets import Secret
    from ccconsole.model.services import Revision, Service, ServiceKey
    from ccconsole.model.tasks import Task
    from ccconsole.screens.backend import BatchOrder, BatchPlan, Draft
    from worker_service.wire import TaskEvent


_EXAMPLES = {
    "deploy": ":deploy, or :deploy canary 10",
    "traffic": ":traffic latest=100",
    "scale": ":scale 0 5",
    "delete": ":delete takes nothing more",
}


class LiveBackend:
    """The real floors."""

    def __init__(self, config: Config, actor: str, console: str) -> None:
        self._config = config
        self._actor = actor
        self._console = console
        self._connections: Connections | None = None
        self._is_connected = asyncio.Event()
        self._hub: LogHub | None = None

    async def fleet(self) -> AsyncGenerator[FleetSnapshot, None]:
        """Snapshots of ccconsole.fleet, over one set of connections, which logs and metrics use as well."""
        try:
            connect = await _module("ccconsole.cloud.connect")
            fleet = await _module("ccconsole.fleet")
        finally:
            garbage.spare()
        async with (
            connect.Connections(self._config) as connections,
            aclosing(fleet.fleet(self._config, connections)) as snapshots,
        ):
            self._connections = connections
            self._is_connected.set()
            async for snapshot in snapshots:
                yield snapshot

    async def _connect(self, environment: Environment) -> Connection:
        """The environment's connection of the fleet that is read now: a reload brings new credentials."""
        await self._is_connected.wait()
        assert self._connections is not None
        return await self._connections.connection(environment)

    async def run(
        self, environment: Environment, service: Service, task_id: str, draft: Draft, size: tuple[int, int]
    ) -> AsyncGenerator[TaskEvent, None]:
        """Events of ccconsole.runs.start."""
        runs = await _module("ccconsole.runs")
        wire = await _module("worker_service.wire")
        try:
            request = wire.RunRequest(
                prompt=draft.text,
                task_id=task_id,
                cols=size[0],
                rows=size[1],
                metadata={"actor": self._actor},
                **draft.options,
            )
        except ValueError as error:
            raise ConsoleError("The prompt cannot be sent", str(error)) from error
        async with aclosing(runs.start(environment, service, request)) as events:
            async for event in events:
                yield event

    async def attach(
        self, environment: Environment, task_id: str, *, follow: bool = True
    ) -> AsyncGenerator[TaskEvent, None]:
        """Events of ccconsole.runs.attach."""
        runs = await _module("ccconsole.runs")
        async with aclosing(runs.attach(environment, task_id, follow=follow)) as events:
            async for event in events:
                yield event

    async def plan_batch(self, keys: Sequence[ServiceKey], order: BatchOrder) -> BatchPlan:
        """What ccconsole.batches would run."""
        from ccconsole.screens import live_batches

        await self._is_connected.wait()
        assert self._connections is not None
        return await live_batches.plan_batch(self._config, self._connections, keys, order)

    def run_batch(
        self, plan: BatchPlan, stop: asyncio.Event, cancel: asyncio.Event
    ) -> AsyncGenerator[BatchSnapshot, None]:
        """Snapshots of ccconsole.batches."""
        from ccconsole.screens import live_batches

        return live_batches.run_batch(plan, stop, cancel, self._actor)

    async def tasks(self, environment: Environment) -> Sequence[Task]:
        """ccconsole.runs.tasks."""
        runs = await _module("ccconsole.runs")
        found: Sequence[Task] = await runs.tasks(environment)
        return found

    async def send(
        self, environment: Environment, task_id: str, action: str, fields: Mapping[str, Any]
    ) -> None:
        """ccconsole.runs.send, in this operator's name."""
        runs = await _module("ccconsole.runs")
        wire = await _module("worker_service.wire")
        control = wire.Control(action=action, actor=self._actor, console=self._console, **fields)
        await runs.send(environment, task_id, control)

    async def logs(
        self, environment: Environment, query: LogQuery, limit: int
    ) -> AsyncGenerator[LogBatch, None]:
        """Batches of ccconsole.cloud.log_hub, through one session an environment."""
        log_hub = await _module("ccconsole.cloud.log_hub")
        if self._hub is None:
            self._hub = log_hub.LogHub(self._connect)
        async with aclosing(self._hub.watch(environment, query, limit=limit)) as batches:
            async for batch in batches:
                yield batch

    async def log_history(self, environment: Environment, query: LogQuery, limit: int) -> LogBatch:
        """ccconsole.cloud.logs.history in one batch."""
        logs = await _module("ccconsole.cloud.logs")
        connection = await self._connect(environment)
        async with aclosing(logs.history(connection, query, limit=limit)) as batches:
            found: LogBatch = await anext(batches)
        return found

    async def metrics(
        self, environment: Environment, services: Sequence[ServiceKey], window: float
    ) -> AsyncGenerator[MetricsSnapshot, None]:
        """Snapshots of ccconsole.cloud.metrics."""
        metrics = await _module("ccconsole.cloud.metrics")
        flow = metrics.metrics(
            lambda: self._connect(environment),
            environment=environment.name,
            window=window,
            queries=metrics.ALL,
            services=lambda: services,
        )
        async with aclosing(flow) as snapshots:
            async for snapshot in snapshots:
                yield snapshot

    async def revisions(self, environment: Environment, key: ServiceKey) -> Sequence[Revision]:
        """ccconsole.cloud.services.revisions."""
        services = await _module("ccconsole.cloud.services")
        found: Sequence[Revision] = await services.revisions(
            await self._connect(environment), key.name, key.region
        )
        return found

    async def checks(self, environment: Environment) -> AsyncGenerator[Check, None]:
        """Findings of ccconsole.doctor."""
        doctor = await _module("ccconsole.doctor")
        await self._is_connected.wait()
        async with aclosing(doctor.checks(self._connections, environment)) as found:
            async for check in found:
                yield check

    async def secrets(self, environment: Environment) -> Sequence[Secret]:
        """ccconsole.cloud.secrets.listing."""
        secrets = await _module("ccconsole.cloud.secrets")
        found: Sequence[Secret] = await secrets.listing(await self._connect(environment))
        return found

    async def propose(
        self, environment: Environment, key: ServiceKey, verb: str, words: Sequence[str]
    ) -> Plan | Adjustment:
        """A plan or an adjustment of ccconsole.rollouts."""
        rollouts = await _module("ccconsole.rollouts")
        connection = await self._connect(environment)
        found: Plan | Adjustment
        match verb, words:
            case "deploy", [] | ["canary", _]:
                found = await rollouts.plan(connection, self._spec(environment, key))
            case "rollback", _:
                found = await rollouts.rollback(connection, key, words[0] if words else None)
            case "traffic", _:
                found = await rollouts.redirect(connection, key, [rollouts.share(word) for word in words])
            case "scale", [low, high] if low.isdecimal() and high.isdecimal():
                found = await rollouts.scale(connection, key, int(low), int(high))
            case "delete", []:
                found = await rollouts.delete(connection, key)
            case _:
                raise ConfigError(f":{verb} {' '.join(words)} is not understood", "", _EXAMPLES[verb])
        return found

    async def roll(
        self,
        environment: Environment,
        proposal: Plan | Adjustment,
        stop: asyncio.Event,
        canary: int | None = None,
    ) -> AsyncGenerator[Rollout, None]:
        """Rollout snapshots of ccconsole.rollouts."""
        from ccconsole.model.rollouts import Adjustment

        rollouts = await _module("ccconsole.rollouts")
        connection = await self._connect(environment)
        if isinstance(proposal, Adjustment):
            flow = rollouts.adjust(connection, proposal, stop=stop)
        else:
            spec, build = self._spec(environment, proposal.key), rollouts.Build(self._config.folder)
            if canary is None:
                flow = rollouts.deploy(connection, spec, proposal, build=build, stop=stop)
            else:
                trial = rollouts.Canary(canary)
                flow = rollouts.deploy_canary(connection, spec, proposal, trial, build=build, stop=stop)
        async with aclosing(flow) as snapshots:
            async for snapshot in snapshots:
                yield snapshot

    @staticmethod
    def _spec(environment: Environment, key: ServiceKey) -> ServiceSpec:
        for spec in environment.services:
            if spec.key == key:
                return spec
        hint = f"Declare it: [env.{environment.name}.services.{key.name}]"
        raise NotFound(f"{key} is not in deploy.toml", "There is nothing to deploy.", hint)


async def _module(name: str) -> Any:
    return await asyncio.to_thread(importlib.import_module, name)

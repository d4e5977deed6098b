"""A scripted world behind the console: real values, pushed when a test says so."""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from textual.events import Paste
from textual.pilot import Pilot

from ccconsole.app import ConsoleApp, build
from ccconsole.config import Config, Environment
from ccconsole.errors import ConsoleError
from ccconsole.keymap import Settings
from ccconsole.model.batches import BatchSnapshot
from ccconsole.model.checks import Check
from ccconsole.model.fleet import FleetRow, FleetSnapshot
from ccconsole.model.logs import LogBatch, LogMode, LogQuery
from ccconsole.model.metrics import MetricsSnapshot
from ccconsole.model.rollouts import Adjustment, Plan, Rollout
from ccconsole.model.secrets import Secret
from ccconsole.model.services import Revision, Service, ServiceKey, ServiceState, TrafficShare
from ccconsole.model.tasks import Task, TaskState
from ccconsole.screens.backend import BatchOrder, BatchPlan, Draft
from ccconsole.screens.fleet import FleetScreen
from ccconsole.screens.history import PromptHistory
from worker_service.wire import EventType, TaskEvent

DEADLINE = 15.0
NOW = time.time()


def environment(
    name: str, *, is_local: bool = False, store: str | None = "file:///nowhere", **rest: Any
) -> Environment:
    return Environment(name, is_local, f"acme-{name}", "us-central1", store=store, **rest)


CONFIG = Config(
    {
        "local": environment("local", is_local=True),
        "dev": environment("dev"),
        "staging": environment("staging", store=None),
        "prod": environment("prod", is_protected=True),
    }
)


def service(where: str, name: str, state: ServiceState = ServiceState.READY, **rest: Any) -> Service:
    revision = f"{name}-00042-kix"
    defaults: dict[str, Any] = {
        "uri": f"https://{name}.example",
        "revision": revision,
        "latest_created_revision": revision,
        "max_instances": 5,
        "concurrency": 1,
        "is_instance_billed": True,
        "traffic": (TrafficShare(revision, 100, is_latest=True),),
    }
    return Service(ServiceKey(where, "us-central1", name), state, **(defaults | rest))


def task(identity: str, where: str, name: str, state: TaskState = TaskState.RUNNING, **rest: Any) -> Task:
    defaults: dict[str, Any] = {"created_at": NOW - 100, "started_at": NOW - 90, "prompt": "Mend the build"}
    return Task(identity, where, name, state, **(defaults | rest))


def row(where: str, name: str, *tasks: Task, **rest: Any) -> FleetRow:
    return FleetRow(service(where, name, **rest), tasks, is_journaled=True)


def fleet(*rows: FleetRow, **rest: Any) -> FleetSnapshot:
    return FleetSnapshot(rows, ages=dict.fromkeys(CONFIG.environments, time.time()), **rest)


USUAL = fleet(
    row("local", "worker-local"),
    row("dev", "worker-dev", task("task-dev", "dev", "worker-dev")),
    row("dev", "writer", state=ServiceState.FAILED, message="container failed to start"),
    row("staging", "worker-staging"),
    row("prod", "worker-prod"),
)


@dataclass
class World:
    """What the console is shown, and what it asked for."""

    snapshots: asyncio.Queue[FleetSnapshot | Exception] = field(default_factory=asyncio.Queue)
    events: asyncio.Queue[TaskEvent | Exception] = field(default_factory=asyncio.Queue)
    """Those of the stream that was opened last."""
    past: Sequence[TaskEvent] = ()
    """What a journal holds of any task."""
    journal: dict[str, Sequence[Task] | ConsoleError] = field(default_factory=dict)
    sent: list[tuple[str, str, str, dict[str, Any]]] = field(default_factory=list)
    runs: list[tuple[str, str, Draft]] = field(default_factory=list)
    log_batches: dict[str, asyncio.Queue[LogBatch]] = field(
        default_factory=lambda: defaultdict(asyncio.Queue)
    )
    """By environment."""
    log_queries: list[tuple[str, LogQuery]] = field(default_factory=list)
    log_past: dict[str, LogBatch | ConsoleError] = field(default_factory=dict)
    metric_snapshots: asyncio.Queue[MetricsSnapshot] = field(default_factory=asyncio.Queue)
    metric_queries: list[tuple[str, tuple[ServiceKey, ...], float]] = field(default_factory=list)
    revision_list: Sequence[Revision] | ConsoleError = ()
    proposals: list[tuple[ServiceKey, str, tuple[str, ...]]] = field(default_factory=list)
    proposal: Plan | Adjustment | ConsoleError | None = None
    """What is proposed next."""
    rolled: list[Plan | Adjustment] = field(default_factory=list)
    rollouts: asyncio.Queue[Rollout] = field(default_factory=asyncio.Queue)
    canaries: list[int | None] = field(default_factory=list)
    stops: list[asyncio.Event] = field(default_factory=list)
    orders: list[tuple[tuple[ServiceKey, ...], BatchOrder]] = field(default_factory=list)
    batch_plan: BatchPlan | ConsoleError | None = None
    """What is planned next."""
    batches: list[tuple[BatchPlan, asyncio.Event, asyncio.Event]] = field(default_factory=list)
    batch_snapshots: asyncio.Queue[BatchSnapshot | Exception] = field(default_factory=asyncio.Queue)
    found_checks: dict[str, Sequence[Check] | ConsoleError] = field(default_factory=dict)
    found_secrets: dict[str, Sequence[Secret] | ConsoleError] = field(default_factory=dict)
    refusal: ConsoleError | None = None
    closed: int = 0
    _number: int = 0
    _is_taken: bool = False

    async def fleet(self) -> AsyncGenerator[FleetSnapshot, None]:
        while True:
            snapshot = await self.snapshots.get()
            if isinstance(snapshot, Exception):
                raise snapshot
            yield snapshot

    async def run(
        self, environment: Environment, service: Service, task_id: str, draft: Draft, size: tuple[int, int]
    ) -> AsyncGenerator[TaskEvent, None]:
        self.runs.append((environment.name, service.key.name, draft))
        async for event in self._events():
            yield event

    async def attach(
        self, environment: Environment, task_id: str, *, follow: bool = True
    ) -> AsyncGenerator[TaskEvent, None]:
        if not follow:
            for past in self.past:
                yield past
            return
        async for event in self._events():
            yield event

    async def _events(self) -> AsyncGenerator[TaskEvent, None]:
        if self._is_taken:
            self.events = asyncio.Queue()
        self._is_taken = True
        events = self.events
        try:
            while True:
                event = await events.get()
                if isinstance(event, Exception):
                    raise event
                yield event
        finally:
            self.closed += 1

    async def plan_batch(self, keys: Sequence[ServiceKey], order: BatchOrder) -> BatchPlan:
        self.orders.append((tuple(keys), order))
        assert self.batch_plan is not None
        if isinstance(self.batch_plan, ConsoleError):
            raise self.batch_plan
        return self.batch_plan

    async def run_batch(
        self, plan: BatchPlan, stop: asyncio.Event, cancel: asyncio.Event
    ) -> AsyncGenerator[BatchSnapshot, None]:
        self.batches.append((plan, stop, cancel))
        while True:
            snapshot = await self.batch_snapshots.get()
            if isinstance(snapshot, Exception):
                raise snapshot
            yield snapshot
            if snapshot.is_over:
                return

    async def tasks(self, environment: Environment) -> Sequence[Task]:
        listed = self.journal.get(environment.name, ())
        if isinstance(listed, ConsoleError):
            raise listed
        return listed

    async def send(
        self, environment: Environment, task_id: str, action: str, fields: Mapping[str, Any]
    ) -> None:
        if self.refusal is not None:
            raise self.refusal
        self.sent.append((environment.name, task_id, action, dict(fields)))

    async def logs(
        self, environment: Environment, query: LogQuery, limit: int
    ) -> AsyncGenerator[LogBatch, None]:
        self.log_queries.append((environment.name, query))
        while True:
            yield await self.log_batches[environment.name].get()

    async def log_history(self, environment: Environment, query: LogQuery, limit: int) -> LogBatch:
        self.log_queries.append((environment.name, query))
        found = self.log_past.get(environment.name)
        if isinstance(found, ConsoleError):
            raise found
        return found or LogBatch(environment.name, LogMode.HISTORY, NOW)

    async def metrics(
        self, environment: Environment, services: Sequence[ServiceKey], window: float
    ) -> AsyncGenerator[MetricsSnapshot, None]:
        self.metric_queries.append((environment.name, tuple(services), window))
        while True:
            yield await self.metric_snapshots.get()

    async def checks(self, environment: Environment) -> AsyncGenerator[Check, None]:
        found = self.found_checks.get(environment.name, ())
        if isinstance(found, ConsoleError):
            raise found
        for check in found:
            yield check

    async def secrets(self, environment: Environment) -> Sequence[Secret]:
        found = self.found_secrets.get(environment.name, ())
        if isinstance(found, ConsoleError):
            raise found
        return found

    async def revisions(self, environment: Environment, key: ServiceKey) -> Sequence[Revision]:
        if isinstance(self.revision_list, ConsoleError):
            raise self.revision_list
        return self.revision_list

    async def propose(
        self, environment: Environment, key: ServiceKey, verb: str, words: Sequence[str]
    ) -> Plan | Adjustment:
        self.proposals.append((key, verb, tuple(words)))
        assert self.proposal is not None
        if isinstance(self.proposal, ConsoleError):
            raise self.proposal
        return self.proposal

    async def roll(
        self,
        environment: Environment,
        proposal: Plan | Adjustment,
        stop: asyncio.Event,
        canary: int | None = None,
    ) -> AsyncGenerator[Rollout, None]:
        self.rolled.append(proposal)
        self.canaries.append(canary)
        self.stops.append(stop)
        while True:
            rollout = await self.rollouts.get()
            yield rollout
            if rollout.is_over:
                return

    def say(self, kind: str, **data: Any) -> None:
        """Push one event."""
        self._number += 1
        self.events.put_nowait(TaskEvent(self._number, EventType(kind), {"ts": time.time(), **data}))

    def write(self, text: str) -> None:
        """Push some output."""
        self.say("output", data=text, encoding="utf-8", offset=0, length=len(text.encode()))


@dataclass
class Console:
    """A running console and its world."""

    app: ConsoleApp
    world: World
    pilot: Pilot[int]

    @property
    def fleet(self) -> FleetScreen:
        screen = self.app.screen_stack[0]
        assert isinstance(screen, FleetScreen)
        return screen

    @property
    def names(self) -> list[str]:
        """The services in the table, in order."""
        return [row.cells[1].text for row in self.fleet.table.rows if not row.is_spanning]

    @property
    def text(self) -> str:
        """All that is on the screen."""
        return "\n".join(strip.text for strip in self.app.screen._compositor.render_strips())

    @property
    def told(self) -> str:
        """What the toasts say, however they are wrapped."""
        return "\n".join(f"{toast.title}\n{toast.message}" for toast in self.app._notifications)

    async def press(self, *keys: str) -> None:
        await self.pilot.press(*keys)

    async def write(self, text: str) -> None:
        """Into the input that has the focus, all at once."""
        self.app.post_message(Paste(text))
        await self.pilot.pause()

    async def type(self, text: str) -> None:
        """Key by key."""
        await self.pilot.press(*text)

    async def until(self, condition: Callable[[], object]) -> None:
        """Wait for it, or fail."""
        end = time.monotonic() + DEADLINE
        while not condition():
            assert time.monotonic() < end, self.text
            await self.pilot.pause(0.01)

    async def show(self, snapshot: FleetSnapshot) -> None:
        """Let the fleet answer."""
        self.world.snapshots.put_nowait(snapshot)
        await self.until(lambda: self.app.desk.snapshot is snapshot)
        await self.pilot.pause()


@asynccontextmanager
async def console(
    *,
    snapshot: FleetSnapshot | None = USUAL,
    size: tuple[int, int] = (120, 32),
    is_read_only: bool = False,
    settings: Settings | None = None,
    history: PromptHistory | None = None,
    config: Config = CONFIG,
) -> AsyncIterator[Console]:
    """The console over a scripted world."""
    world = World()
    app = build(config, is_read_only=is_read_only, settings=settings, backend=world, history=history)
    opened = time.time()
    # The clock of the picture begins at NOW, however late in the run the test comes.
    app.desk.now = lambda: NOW + time.time() - opened
    async with app.run_test(size=size, notifications=True) as pilot:
        running = Console(app, world, pilot)
        if snapshot is not None:
            await running.show(snapshot)
        yield running

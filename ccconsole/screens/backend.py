"""What the screens ask of the floors below; the real one loads its libraries when they are first needed.

httpx, pydantic, obstore and Google's clients take longer to import than the console takes to paint.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from ccconsole.batches import Batch
    from ccconsole.config import Environment
    from ccconsole.model.batches import BatchRow, BatchShare, BatchSnapshot
    from ccconsole.model.checks import Check
    from ccconsole.model.fleet import FleetSnapshot
    from ccconsole.model.logs import LogBatch, LogQuery
    from ccconsole.model.metrics import MetricsSnapshot
    from ccconsole.model.rollouts import Adjustment, Plan, Rollout
    from ccconsole.model.secrets import Secret
    from ccconsole.model.services import Revision, Service, ServiceKey
    from ccconsole.model.tasks import Task, TaskState
    from worker_service.wire import TaskEvent

Option = str | int | float | bool


@dataclass(frozen=True)
class Draft:
    """A prompt before it is a request: its text, and options by the names of RunRequest's fields."""

    text: str
    options: Mapping[str, Option] = field(default_factory=dict)


@dataclass(frozen=True)
class BatchOrder:
    """A file of prompts and how it is to be run; `options` as a draft's, for lines that have none."""

    file: Path
    name: str | None = None
    at_most: int | None = None
    again: frozenset[TaskState] = frozenset()
    options: Mapping[str, Option] = field(default_factory=dict)
    text: str = ""
    """The words it was made from; the same again go on with the batch."""


@dataclass(frozen=True)
class BatchPlan:
    """A file that was read and looked up in the journals; nothing of it is sent yet."""

    batch: Batch
    keys: tuple[ServiceKey, ...]
    """Of the services that it is for, where its lines say nothing else."""
    order: BatchOrder
    rows: tuple[BatchRow, ...]
    shares: tuple[BatchShare, ...]
    environments: tuple[str, ...]
    notes: tuple[str, ...] = ()
    """What to know before it is confirmed."""

    @property
    def new(self) -> int:
        """How many prompts would be sent."""
        return sum(not row.is_sent for row in self.rows)


class Backend(Protocol):
    """The headless flows that the screens show."""

    def fleet(self) -> AsyncGenerator[FleetSnapshot, None]:
        """All environments, again and again."""
        ...

    def run(
        self, environment: Environment, service: Service, task_id: str, draft: Draft, size: tuple[int, int]
    ) -> AsyncGenerator[TaskEvent, None]:
        """Start a task and follow it; `size` is the terminal's columns and rows."""
        ...

    def attach(
        self, environment: Environment, task_id: str, *, follow: bool = True
    ) -> AsyncGenerator[TaskEvent, None]:
        """A task's events from its first on, through the journal; without `follow` those there are."""
        ...

    async def plan_batch(self, keys: Sequence[ServiceKey], order: BatchOrder) -> BatchPlan:
        """What a file of prompts would run on these services; nothing is sent."""
        ...

    def run_batch(
        self, plan: BatchPlan, stop: asyncio.Event, cancel: asyncio.Event
    ) -> AsyncGenerator[BatchSnapshot, None]:
        """Run it: snapshots with the rows that changed; `stop` sends nothing more, `cancel` ends all."""
        ...

    async def tasks(self, environment: Environment) -> Sequence[Task]:
        """All tasks of the environment's journal, newest first; ConsoleError where there is none."""
        ...

    async def send(
        self, environment: Environment, task_id: str, action: str, fields: Mapping[str, Any]
    ) -> None:
        """Put a command into a task's mailbox: cancel, input, resize, answer or drive."""
        ...

    def logs(self, environment: Environment, query: LogQuery, limit: int) -> AsyncGenerator[LogBatch, None]:
        """The newest `limit` entries since `query.since`, then all that come; problems are batches too."""
        ...

    async def log_history(self, environment: Environment, query: LogQuery, limit: int) -> LogBatch:
        """The newest `limit` entries of the past, oldest first."""
        ...

    def metrics(
        self, environment: Environment, services: Sequence[ServiceKey], window: float
    ) -> AsyncGenerator[MetricsSnapshot, None]:
        """All metrics of the services over the last `window` seconds, again and again."""
        ...

    async def revisions(self, environment: Environment, key: ServiceKey) -> Sequence[Revision]:
        """A service's revisions, newest first."""
        ...

    def checks(self, environment: Environment) -> AsyncGenerator[Check, None]:
        """The doctor's findings, as they are made."""
        ...

    async def secrets(self, environment: Environment) -> Sequence[Secret]:
        """The secrets that the environment's services declare."""
        ...

    async def propose(
        self, environment: Environment, key: ServiceKey, verb: str, words: Sequence[str]
    ) -> Plan | Adjustment:
        """What deploy, rollback, traffic, scale or delete would do to a service; nothing is done."""
        ...

    def roll(
        self,
        environment: Environment,
        proposal: Plan | Adjustment,
        stop: asyncio.Event,
        canary: int | None = None,
    ) -> AsyncGenerator[Rollout, None]:
        """Carry out what was proposed: a snapshot at each change; `stop` ends it in order.

        With `canary` a new revision proves itself first, with that percent of the requests.
        """
        ...

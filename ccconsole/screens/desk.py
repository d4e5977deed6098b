"""What all screens share: configuration, last snapshot, followed tasks; made by the app, handed down."""

from __future__ import annotations

import time
import uuid
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from ccconsole.commands import Place
from ccconsole.errors import Refused
from ccconsole.model.fleet import FleetSnapshot
from ccconsole.model.tasks import Task, TaskState
from ccconsole.screens.history import PromptHistory

if TYPE_CHECKING:
    from textual.geometry import Size

    from ccconsole.config import Config, Environment
    from ccconsole.model.fleet import FleetRow
    from ccconsole.model.problem import Problem
    from ccconsole.model.rollouts import Rollout
    from ccconsole.model.services import ServiceKey
    from ccconsole.screens.backend import Backend, Draft, Option
    from ccconsole.screens.groups import Group
    from ccconsole.screens.session import Session
    from worker_service.wire import TaskEvent

ENDED_SESSIONS = 20
"""Ended tasks whose terminals are kept for another look."""
ENDED_GROUPS = 10
"""Batches that are over and can be looked at again."""
DEFAULT_OPTIONS: Mapping[str, Option] = {"mode": "headless"}


@dataclass
class Desk:
    """The state of one running console; changed on the event loop alone."""

    config: Config
    backend: Backend
    identity: str
    hand: str = ""
    """Who this console is to the workers: identity, and which of that person's consoles."""
    is_read_only: bool = False
    keymap: Mapping[str, str] = field(default_factory=dict)
    history: PromptHistory = field(default_factory=lambda: PromptHistory(None))
    now: Callable[[], float] = time.time
    snapshot: FleetSnapshot = field(default_factory=FleetSnapshot)
    sessions: dict[tuple[str, str], Session] = field(default_factory=dict)
    """By environment and task id, oldest first."""
    rollouts: dict[ServiceKey, Rollout] = field(default_factory=dict)
    """The last of each service that this console began."""
    groups: dict[str, Group] = field(default_factory=dict)
    """Prompts that were sent together, by name, oldest first."""
    environment: str | None = None
    """The one environment that is shown; None: all."""
    draft: str = ""
    """A prompt that was written and not sent."""
    options: Mapping[str, Option] = field(default_factory=lambda: DEFAULT_OPTIONS)
    fleet_problem: Problem | None = None
    """Why there are no snapshots at all."""

    def __post_init__(self) -> None:
        self.snapshot = replace(self.snapshot, pending=frozenset(self.config.environments))

    @property
    def shown(self) -> FleetSnapshot:
        """The snapshot of the chosen environments."""
        problems = [*self.snapshot.problems]
        if self.fleet_problem is not None:
            problems.append(self.fleet_problem)
        rows = self._rows()
        if (only := self.environment) is None:
            return replace(self.snapshot, rows=rows, problems=tuple(problems))
        return FleetSnapshot(
            rows=tuple(row for row in rows if row.service.key.environment == only),
            problems=tuple(problem for problem in problems if problem.environment in (only, "")),
            pending=self.snapshot.pending & {only},
            ages=self.snapshot.ages,
            metrics_problems=tuple(
                problem for problem in self.snapshot.metrics_problems if problem.environment == only
            ),
            metrics_ages=self.snapshot.metrics_ages,
        )

    def _rows(self) -> tuple[FleetRow, ...]:
        """The snapshot's rows, with what runs here as its own stream tells it."""
        running = self.running()
        if not running:
            return self.snapshot.rows
        rows = []
        for row in self.snapshot.rows:
            key = row.service.key
            own = {
                session.task.id: session.task
                for session in running
                if (session.task.environment, session.task.service) == (key.environment, key.name)
            }
            others = [task for task in row.tasks if task.id not in own]
            rows.append(replace(row, tasks=(*others, *own.values())) if own else row)
        return tuple(rows)

    def row(self, key: ServiceKey) -> FleetRow | None:
        """The service's row in the last snapshot."""
        return next((row for row in self.snapshot.rows if row.service.key == key), None)

    def service_key(self, environment: str, name: str) -> ServiceKey | None:
        """The key of the service of that name; None where the last snapshot has none."""
        keys = (row.service.key for row in self.snapshot.rows)
        return next((key for key in keys if (key.environment, key.name) == (environment, name)), None)

    def environment_of(self, name: str) -> Environment:
        """The environment of that name. KeyError when deploy.toml has none."""
        return self.config.environments[name]

    def numbered(self) -> list[tuple[int, str]]:
        """The environments with their keys."""
        return list(enumerate(self.config.environments, 1))

    def start(self, row: FleetRow, draft: Draft, size: tuple[int, int]) -> Session:
        """A session for a new task; a worker has to follow it."""
        from ccconsole.screens.session import Session

        service = row.service
        environment = self.environment_of(service.key.environment)
        task = Task(
            id=uuid.uuid4().hex,
            environment=environment.name,
            service=service.key.name,
            state=TaskState.PENDING,
            prompt=draft.text,
            mode=str(draft.options.get("mode", "headless")),
            created_at=self.now(),
        )
        return self._keep(
            Session(
                task,
                environment,
                lambda: self.backend.run(environment, service, task.id, draft, size),
                service=service,
                is_own=True,
                size=size,
                hand=self.hand,
            )
        )

    def attach(self, task: Task, size: tuple[int, int]) -> tuple[Session, bool]:
        """The session of a task, and whether it is a new one that a worker has to follow."""
        from ccconsole.screens.session import Session

        known = self.sessions.get((task.environment, task.id))
        if known is not None and known.problem is None:
            return known, False
        environment = self.environment_of(task.environment)
        row = next(
            (
                row
                for row in self.snapshot.rows
                if row.service.key.name == task.service and row.service.key.environment == task.environment
            ),
            None,
        )
        session = Session(
            task,
            environment,
            lambda: self.backend.attach(environment, task.id),
            service=row.service if row is not None else None,
            size=(task.columns, task.rows) if task.mode == "interactive" else size,
            hand=self.hand,
        )
        return self._keep(session), True

    def events(self, task: Task) -> AsyncGenerator[TaskEvent, None]:
        """All events of the task that there are so far: the journal's, or what this console has seen."""
        environment = self.environment_of(task.environment)
        if environment.store is not None:
            return self.backend.attach(environment, task.id, follow=False)
        session = self.sessions.get((task.environment, task.id))
        if session is None or session.kept is None:
            raise Refused(
                f"Task {task.id} is recorded nowhere",
                f"{environment.name} has no journal, and this console did not follow the task.",
                f'Set store = "gs://bucket/prefix" for {environment.name} in deploy.toml, and deploy again.',
            )
        return session.kept.events()

    def _keep(self, session: Session) -> Session:
        self.sessions[(session.task.environment, session.task.id)] = session
        ended = [key for key, kept in self.sessions.items() if kept.is_over]
        for key in ended[: max(0, len(ended) - ENDED_SESSIONS)]:
            del self.sessions[key]
        return session

    def running(self) -> list[Session]:
        """This console's own tasks that are not at their end."""
        return [session for session in self.sessions.values() if session.is_own and not session.is_over]

    def keep_group(self, group: Group) -> None:
        """Keep it as the newest; of those that are over the oldest go."""
        self.groups.pop(group.name, None)
        self.groups[group.name] = group
        over = [name for name, kept in self.groups.items() if kept.is_over]
        for name in over[: max(0, len(over) - ENDED_GROUPS)]:
            del self.groups[name]

    def batches_under_way(self) -> list[Group]:
        """This console's batches that are not at their end."""
        return [group for group in self.groups.values() if group.is_batch and not group.is_over]

    def under_way(self) -> list[Rollout]:
        """This console's rollouts that are not at their end."""
        return [rollout for rollout in self.rollouts.values() if not rollout.is_over]

    def tasks(self, listed: Sequence[Task] = ()) -> list[Task]:
        """Of the snapshot, the sessions and a journal's list, each once, as its best witness has it."""
        found = {(task.environment, task.id): task for row in self.snapshot.rows for task in row.tasks}
        found |= {
            (task.environment, task.id): task
            for task in listed
            if task.state.is_end or (task.environment, task.id) not in found
        }
        for key, session in self.sessions.items():
            known = found.get(key)
            is_witness = session.is_own and session.problem is None
            if known is None or is_witness or session.task.state.is_end:
                found[key] = session.task
        return sorted(found.values(), key=lambda task: task.created_at, reverse=True)


_AROUND = 6
"""Lines of a one-panel screen that are not terminal: header, title, prompt, breadcrumbs, hints."""


def pane_size(screen: Size, count: int) -> tuple[int, int]:
    """Columns and rows of each terminal when so many tasks are shown on a screen of that size."""
    columns = screen.width if count == 1 else screen.width // 2
    rows = screen.height - _AROUND if count <= 2 else (screen.height - _AROUND) // 2 - 2
    return max(20, min(1000, columns)), max(5, min(1000, rows))


PLACE_NAMES: Mapping[Place, str] = {
    Place.FLEET: "Fleet",
    Place.SERVICE: "Service",
    Place.TASKS: "Tasks",
    Place.TASK: "Task",
    Place.LOGS: "Logs",
    Place.METRICS: "Metrics",
    Place.PULSES: "Pulses",
    Place.REVISIONS: "Revisions",
    Place.ROLLOUT: "Rollout",
    Place.MATRIX: "Matrix",
    Place.DOCTOR: "Doctor",
    Place.SECRETS: "Secrets",
    Place.BATCH: "Batch",
    Place.BATCH_PLAN: "Batch plan",
    Place.PROMPT: "Prompt box",
    Place.REPLAY: "Replay",
}
"""What help calls a screen."""

"""The fleet at one moment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ccconsole.model.metrics import Alert, ServiceMetrics
    from ccconsole.model.problem import Problem
    from ccconsole.model.services import Service
    from ccconsole.model.tasks import Task


@dataclass(frozen=True)
class FleetRow:
    """One service with what is running on it."""

    service: Service
    tasks: tuple[Task, ...] = ()
    """Those that are not at their end, oldest first; empty with no store as well: see `is_journaled`."""
    is_journaled: bool = False
    """Whether the environment has a store, so that `tasks` is the truth and not a blank."""
    is_declared: bool = True
    metrics: ServiceMetrics | None = None
    """None: not read yet, or not readable; `FleetSnapshot.metrics_problems` says why."""
    alerts: tuple[Alert, ...] = ()

    @property
    def busy(self) -> int:
        """How many tasks run or wait on it."""
        return sum(1 for task in self.tasks if not task.state.is_end)


@dataclass(frozen=True)
class FleetSnapshot:
    """All environments at one moment; the last good rows stay when an environment stops answering."""

    rows: tuple[FleetRow, ...] = ()
    problems: tuple[Problem, ...] = ()
    pending: frozenset[str] = frozenset()
    """Environments that have not answered yet."""
    ages: Mapping[str, float] = field(default_factory=dict)
    """Environment -> when its rows were read, seconds since the epoch."""
    metrics_problems: tuple[Problem, ...] = ()
    """Why an environment's metrics, or some of them, cannot be read; its rows are not touched by it."""
    metrics_ages: Mapping[str, float] = field(default_factory=dict)
    """Environment -> when any of its metrics were last read, seconds since the epoch."""

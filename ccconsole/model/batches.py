"""Batches: many prompts from one file, or one prompt for many services."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ccconsole.model.problem import Problem
    from ccconsole.model.services import ServiceKey
    from ccconsole.model.tasks import Task, TaskState


@dataclass(frozen=True)
class BatchRow:
    """One prompt of a batch and its task, which is PENDING until it is sent and a worker has taken it."""

    line: int
    """Where it stands in the file, from 1; of a fan-out, the number of its target."""
    task: Task
    """Its newest attempt; the prompt is cut as the journal's is."""
    attempt: int = 1
    is_sent: bool = False
    """Whether a service was asked to run it and has not refused."""
    is_earlier: bool = False
    """Whether it ended before this run of the batch, which only tells its outcome."""

    @property
    def seconds(self) -> float | None:
        """How long the task ran."""
        task = self.task
        if task.started_at is None or task.ended_at is None:
            return None
        return max(0.0, task.ended_at - task.started_at)


@dataclass(frozen=True)
class BatchShare:
    """What one service takes of a batch: so many prompts at once."""

    key: ServiceKey
    limit: int
    """Its instances times its concurrency."""
    is_detaching: bool = False
    """Whether its tasks run on when the console that sent them has left."""


@dataclass(frozen=True)
class BatchSnapshot:
    """A batch at one moment; the last snapshot of a flow, and no other, has an end."""

    name: str
    changed: tuple[BatchRow, ...]
    """What is new since the snapshot before: in the first one every row."""
    counts: Mapping[TaskState, int]
    """All rows by their states."""
    started_at: float
    at_most: int
    """How many run at once."""
    shares: tuple[BatchShare, ...] = ()
    in_flight: int = 0
    """Sent and not ended."""
    earlier: int = 0
    """Ended before this run."""
    cost_usd: float | None = None
    """Of all rows that know theirs."""
    ended_at: float | None = None
    is_stopping: bool = False
    """Whether nothing more is sent: somebody stopped it."""
    waiting: str = ""
    """Why nothing is sent just now, in words: the fleet is full, a service does not answer."""
    problems: tuple[Problem, ...] = field(default=())
    """Services that take no more of it, and why."""

    @property
    def is_over(self) -> bool:
        """Whether this is the last snapshot."""
        return self.ended_at is not None

    @property
    def total(self) -> int:
        """How many prompts it has."""
        return sum(self.counts.values())

    @property
    def ended(self) -> int:
        """How many have their outcome, `unknown` among them."""
        return sum(count for state, count in self.counts.items() if state.is_end)

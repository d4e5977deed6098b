"""Tasks: one prompt on one worker each."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class TaskState(StrEnum):
    """A task's state in words an operator reads; `lost` is said by its silent heartbeat.

    `unknown`: it was sent, its console lost sight of it, and there is no journal to ask.
    """

    PENDING = "pending"
    RUNNING = "running"
    WAITING_INPUT = "waiting_input"
    CANCELLING = "cancelling"
    DRAINING = "draining"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"
    LOST = "lost"
    UNKNOWN = "unknown"

    @property
    def is_end(self) -> bool:
        """Whether nothing more will happen to it, or nobody would hear of it."""
        return self in _ENDS


_ENDS = frozenset(
    {TaskState.COMPLETED, TaskState.FAILED, TaskState.CANCELLED, TaskState.LOST, TaskState.UNKNOWN}
)


@dataclass(frozen=True)
class Task:
    """One prompt on one worker."""

    id: str
    environment: str
    service: str
    state: TaskState
    prompt: str
    agent: str = ""
    mode: str = "headless"
    priority: int = 5
    reason: str | None = None
    detail: str | None = None
    revision: str | None = None
    instance_id: str | None = None
    created_at: float = 0.0
    started_at: float | None = None
    ended_at: float | None = None
    deadline: float | None = None
    last_output_at: float | None = None
    output_bytes: int = 0
    exit_code: int | None = None
    cost_usd: float | None = None
    actor: str | None = None

"""Tasks: one prompt on one worker each."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class TaskState(StrEnum):
    """A task's state in words an operator reads; `lost` is said by its silent heartbeat."""

    PENDING = "pending"
    RUNNING = "running"
    WAITING_INPUT = "waiting_input"
    CANCELLING = "cancelling"
    DRAINING = "draining"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"
    LOST = "lost"

    @property
    def is_end(self) -> bool:
        """Whether nothing more will happen to it."""
        return self in (TaskState.COMPLETED, TaskState.FAILED, TaskState.CANCELLED, TaskState.LOST)


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
    columns: int = 120
    rows: int = 40
    """Of its terminal, as it was last."""
    exit_code: int | None = None
    cost_usd: float | None = None
    actor: str | None = None

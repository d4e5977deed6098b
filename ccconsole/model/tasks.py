"""Tasks: one prompt on one worker each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


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


CUT_SHORT = frozenset(
    {"timeout", "cancelled", "disconnected", "sigterm", "oom", "stalled", "budget", "max_turns", "lost"}
)
"""Reasons that stopped an agent which had more to do: its session is worth going on with."""


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
    session_id: str | None = None
    """The agent's conversation, which `resume` goes on with."""
    asks: str | None = None
    """The tool that it waits to be allowed."""
    driver: str | None = None
    """Who types in an interactive task; None: nobody yet."""


@dataclass(frozen=True)
class Permission:
    """What the agent asks to be allowed."""

    id: str
    tool: str
    input: Mapping[str, Any]
    description: str = ""
    suggestions: Sequence[Any] = ()
    """The rules that allowing it for the session would set, in the agent's own form."""
    deadline: float | None = None
    """When `default` answers it, in seconds since the epoch."""
    default: str = "deny"

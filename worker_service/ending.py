"""How a run is stopped, how it may end, and how it did."""

from __future__ import annotations

import signal
from dataclasses import dataclass
from enum import IntEnum

from worker_service.agents.base import Exit
from worker_service.wire import Reason, Status


class Rung(IntEnum):
    """A step of the ladder that ends an agent."""

    INTERRUPT = 0
    TERMINATE = 1
    KILL = 2


@dataclass(frozen=True)
class Ending:
    """Why an agent is being stopped, decided here and not by the agent."""

    status: Status
    reason: Reason
    detail: str
    actor: str | None = None


@dataclass(frozen=True)
class Limits:
    """How long one run may last, be silent, and take to stop; seconds."""

    timeout: float
    stall: float
    step: float


@dataclass(frozen=True)
class Ended:
    """How the process ended, and whether the kernel then counted a kill for want of memory."""

    exit: Exit
    is_oom: bool


def exit_of(code: int) -> Exit:
    """A return code, negative for a signal's number, in words."""
    if code >= 0:
        return Exit(code, None)
    try:
        return Exit(None, signal.Signals(-code).name)
    except ValueError:
        return Exit(None, f"SIG{-code}")

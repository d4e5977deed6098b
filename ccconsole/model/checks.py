"""What the doctor looks at, and what it found."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class CheckState(StrEnum):
    """How a check ended."""

    OK = "ok"
    WARNING = "warning"
    """It works, and somebody should know."""
    FAILED = "failed"
    SKIPPED = "skipped"
    """Nothing to look at here."""
    UNKNOWN = "unknown"
    """It could not be looked at."""


@dataclass(frozen=True)
class Check:
    """One thing an environment needs."""

    environment: str
    name: str
    """For example `login`, `permission run.services.update`, `secret ANTHROPIC_API_KEY`."""
    state: CheckState
    text: str = ""
    hint: str = ""
    """The command that mends it."""
    exit_code: int = 0
    """What a verb ends with for this failure alone."""

"""What a command is, where it belongs, and what it does to the world."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Danger(StrEnum):
    """What a command does to the world; a read-only console has those that look, alone."""

    LOOKS = "looks"
    CHANGES = "changes"
    DESTROYS = "destroys"


class Place(StrEnum):
    """A screen that commands belong to."""

    FLEET = "fleet"
    SERVICE = "service"
    TASKS = "tasks"
    TASK = "task"
    LOGS = "logs"
    METRICS = "metrics"
    PULSES = "pulses"
    REVISIONS = "revisions"
    ROLLOUT = "rollout"
    MATRIX = "matrix"
    DOCTOR = "doctor"
    SECRETS = "secrets"
    BATCH = "batch"
    BATCH_PLAN = "batch_plan"
    PROMPT = "prompt"
    REPLAY = "replay"


CONSOLE: Final = tuple(place for place in Place if place is not Place.PROMPT)
"""The full screens; the prompt box is a modal over them."""
TABLES: Final = (
    *(Place.FLEET, Place.SERVICE, Place.TASKS, Place.REVISIONS),
    *(Place.MATRIX, Place.DOCTOR, Place.SECRETS, Place.BATCH, Place.BATCH_PLAN),
)


@dataclass(frozen=True)
class Command:
    """One thing a person can ask for; its id names the action, and the key in the settings."""

    id: str
    keys: str
    """Textual key names, comma-separated; empty: by `:` and the palette alone."""
    title: str
    """One or two words, for the footer."""
    help: str
    places: tuple[Place, ...]
    words: tuple[str, ...] = ()
    """What `:` knows it by."""
    danger: Danger = Danger.LOOKS
    is_listed: bool = True
    """Whether help and palette show it; those that another line speaks for are not."""
    has_priority: bool = False
    """Whether it comes before the focused widget: nothing may type it away."""
    takes_text: bool = False
    """Whether `:word text` hands the text over."""
    verb: str | None = None
    """Its twin on the command line."""
    action: str = ""
    """The screen's action where that is not the id."""

    @property
    def is_changing(self) -> bool:
        """Whether a read-only console is without it."""
        return self.danger is not Danger.LOOKS

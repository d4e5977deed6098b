"""What the screens ask of the root screen, which owns the workers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from textual.message import Message

from ccconsole.model.rollouts import Adjustment, Plan
from ccconsole.model.services import ServiceKey
from ccconsole.model.tasks import Task
from ccconsole.screens.backend import BatchPlan, Option


@dataclass
class PromptAsked(Message):
    """A prompt is to be written for these services."""

    keys: tuple[ServiceKey, ...]
    text: str = ""
    options: Mapping[str, Option] = field(default_factory=dict)
    """Over those that were used last, for this one prompt."""


@dataclass
class TaskOpened(Message):
    """A task is to be shown, and followed when it is not yet."""

    task: Task


@dataclass
class ReplayAsked(Message):
    """A task's recording is to be played."""

    task: Task


@dataclass
class ControlAsked(Message):
    """A command is to be put into a task's mailbox."""

    environment: str
    task_id: str
    action: str
    fields: dict[str, Any] = field(default_factory=dict)


@dataclass
class TargetAsked(Message):
    """Go to the fleet of an environment ("" for all), or to a service."""

    environment: str
    service: str = ""


@dataclass
class TasksAsked(Message):
    """Show the tasks of the environments that are shown."""


@dataclass
class LogsAsked(Message):
    """Show the log lines of these services, or of one task on them."""

    keys: tuple[ServiceKey, ...]
    task_id: str = ""


@dataclass
class MetricsAsked(Message):
    """Show a service's metrics."""

    key: ServiceKey | None


@dataclass
class ServiceAsked(Message):
    """Show a service, over the screen that asks."""

    key: ServiceKey


@dataclass
class TabAsked(Message):
    """Show another tab of a service in place of this one."""

    key: ServiceKey
    tab: str


@dataclass
class PulsesAsked(Message):
    """Show all services as tiles."""


@dataclass
class RolloutAsked(Message):
    """Plan a change of a service, and show it: deploy, rollback, traffic, scale or delete, with its words."""

    key: ServiceKey | None
    verb: str
    words: tuple[str, ...] = ()


@dataclass
class RolloutConfirmed(Message):
    """Carry out what was planned and confirmed."""

    proposal: Plan | Adjustment
    canary: int | None = None
    """The percent with which a new revision proves itself first."""


@dataclass
class RolloutStopped(Message):
    """End a rollout, in order, at the stage it is at."""

    key: ServiceKey


@dataclass
class BatchAsked(Message):
    """Read a file of prompts for these services, and show what would be run; `text` is the file and words."""

    keys: tuple[ServiceKey, ...]
    text: str


@dataclass
class BatchConfirmed(Message):
    """Run what was planned and confirmed."""

    plan: BatchPlan


@dataclass
class BatchHalted(Message):
    """Send nothing more of a batch; with `is_cancelling` cancel what runs as well."""

    name: str
    is_cancelling: bool


@dataclass
class BatchesAsked(Message):
    """Show the prompts that were sent together last."""


@dataclass
class DoctorAsked(Message):
    """See whether the environments have all they need."""


@dataclass
class SecretsAsked(Message):
    """Show the secrets that services declare."""


@dataclass
class MatrixAsked(Message):
    """Compare the services of all environments, and with deploy.toml."""


@dataclass
class ReloadAsked(Message):
    """Read everything again now."""


@dataclass
class QuitAsked(Message):
    """Leave the console, after a question when tasks run."""

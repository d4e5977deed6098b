"""What the screens ask of the root screen, which owns the workers.

Messages are never compared; what compares and prints them took as long to make as all the rest.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from textual.message import Message

if TYPE_CHECKING:
    from ccconsole.model.rollouts import Adjustment, Plan
    from ccconsole.model.services import ServiceKey
    from ccconsole.model.tasks import Task
    from ccconsole.screens.backend import BatchPlan, Option


@dataclass(eq=False, repr=False)
class PromptAsked(Message):
    """A prompt is to be written for these services."""

    keys: tuple[ServiceKey, ...]
    text: str = ""
    options: Mapping[str, Option] = field(default_factory=dict)
    """Over those that were used last, for this one prompt."""


@dataclass(eq=False, repr=False)
class TaskOpened(Message):
    """A task is to be shown, and followed when it is not yet."""

    task: Task


@dataclass(eq=False, repr=False)
class ReplayAsked(Message):
    """A task's recording is to be played."""

    task: Task


@dataclass(eq=False, repr=False)
class ControlAsked(Message):
    """A command is to be put into a task's mailbox."""

    environment: str
    task_id: str
    action: str
    fields: dict[str, Any] = field(default_factory=dict)


@dataclass(eq=False, repr=False)
class TargetAsked(Message):
    """Go to the fleet of an environment ("" for all), or to a service."""

    environment: str
    service: str = ""


@dataclass(eq=False, repr=False)
class TasksAsked(Message):
    """Show the tasks of the environments that are shown."""


@dataclass(eq=False, repr=False)
class LogsAsked(Message):
    """Show the log lines of these services, or of one task on them."""

    keys: tuple[ServiceKey, ...]
    task_id: str = ""


@dataclass(eq=False, repr=False)
class MetricsAsked(Message):
    """Show a service's metrics."""

    key: ServiceKey | None


@dataclass(eq=False, repr=False)
class ServiceAsked(Message):
    """Show a service, over the screen that asks."""

    key: ServiceKey


@dataclass(eq=False, repr=False)
class TabAsked(Message):
    """Show another tab of a service in place of this one."""

    key: ServiceKey
    tab: str


@dataclass(eq=False, repr=False)
class PulsesAsked(Message):
    """Show all services as tiles."""


@dataclass(eq=False, repr=False)
class RolloutAsked(Message):
    """Plan a change of a service, and show it: deploy, rollback, traffic, scale or delete, with its words."""

    key: ServiceKey | None
    verb: str
    words: tuple[str, ...] = ()


@dataclass(eq=False, repr=False)
class RolloutConfirmed(Message):
    """Carry out what was planned and confirmed."""

    proposal: Plan | Adjustment
    canary: int | None = None
    """The percent with which a new revision proves itself first."""


@dataclass(eq=False, repr=False)
class RolloutStopped(Message):
    """End a rollout, in order, at the stage it is at."""

    key: ServiceKey


@dataclass(eq=False, repr=False)
class BatchAsked(Message):
    """Read a file of prompts for these services, and show what would be run; `text` is the file and words."""

    keys: tuple[ServiceKey, ...]
    text: str


@dataclass(eq=False, repr=False)
class BatchConfirmed(Message):
    """Run what was planned and confirmed."""

    plan: BatchPlan


@dataclass(eq=False, repr=False)
class BatchHalted(Message):
    """Send nothing more of a batch; with `is_cancelling` cancel what runs as well."""

    name: str
    is_cancelling: bool


@dataclass(eq=False, repr=False)
class BatchesAsked(Message):
    """Show the prompts that were sent together last."""


@dataclass(eq=False, repr=False)
class DoctorAsked(Message):
    """See whether the environments have all they need."""


@dataclass(eq=False, repr=False)
class SecretsAsked(Message):
    """Show the secrets that services declare."""


@dataclass(eq=False, repr=False)
class MatrixAsked(Message):
    """Compare the services of all environments, and with deploy.toml."""


@dataclass(eq=False, repr=False)
class ReloadAsked(Message):
    """Read everything again now."""


@dataclass(eq=False, repr=False)
class QuitAsked(Message):
    """Leave the console, after a question when tasks run."""

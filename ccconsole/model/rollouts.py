"""What a deployment would change, and how one is going."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ccconsole.model.problem import Problem
    from ccconsole.model.services import ServiceKey, TrafficShare


class Action(StrEnum):
    """What a deployment does to a service."""

    CREATE = "create"
    UPDATE = "update"
    NONE = "none"


@dataclass(frozen=True)
class Change:
    """One declared field that is not so; secrets in plain variables are hidden in both values."""

    field: str
    """For example `cpu`, `env.LOG_LEVEL`, `secrets.ANTHROPIC_API_KEY`."""
    live: str | None
    """None: not set."""
    declared: str | None
    is_revision: bool
    """Whether it takes a new revision."""


class AdviceKind(StrEnum):
    """What an operator should know before a deployment."""

    PINNED = "pinned"
    """Traffic names revisions: a new one would serve nothing."""
    CANARY = "canary"
    """A canary was left half-way."""
    FAILED = "failed"
    """The newest revision did not start."""
    FOREIGN = "foreign"
    """A service of that name is there, and ccconsole did not make it."""
    IN_FLIGHT = "in_flight"
    PUBLIC = "public"
    LATEST_SECRET = "latest_secret"
    SERVICE_ACCOUNT = "service_account"
    IMAGE = "image"
    UNREAD = "unread"
    """Something could not be looked at."""
    DRIFT = "drift"
    """Set by somebody else beside what is declared, and kept."""


@dataclass(frozen=True)
class Advice:
    """One thing to know before a deployment, and the command or key that mends it."""

    kind: AdviceKind
    text: str
    hint: str = ""


@dataclass(frozen=True)
class Plan:
    """What a deployment of one service would do; nothing of it is done yet."""

    key: ServiceKey
    action: Action
    changes: tuple[Change, ...] = ()
    advice: tuple[Advice, ...] = ()
    image: str = ""
    """What the revision would run: pinned to its digest where the tag could be resolved."""
    etag: str = ""
    """The live service's; a plan whose service has another one by now is refused."""
    fingerprint: str = ""
    """Of all the above that matters: the same plan again has the same one."""
    in_flight: int = 0
    """Tasks that run on the service now; they go on on their revision."""
    command: str = ""
    """The gcloud command that does about the same."""
    refusal: Problem | None = None
    """Why the server would refuse it."""

    @property
    def is_new_revision(self) -> bool:
        """Whether it makes a revision."""
        return self.action is Action.CREATE or any(change.is_revision for change in self.changes)


@dataclass(frozen=True)
class Adjustment:
    """A change of a service that deploy.toml does not declare: traffic, scaling, or its end."""

    key: ServiceKey
    verb: str
    text: str
    """What it does, in one sentence."""
    command: str
    etag: str
    changes: tuple[Change, ...] = ()
    traffic: tuple[TrafficShare, ...] | None = None
    """The new shares, where it moves traffic."""
    instances: tuple[int, int] | None = None
    """The new bounds, where it scales."""
    advice: tuple[Advice, ...] = ()
    in_flight: int = 0


class StageState(StrEnum):
    """How far a stage is."""

    PENDING = "pending"
    RUNNING = "running"
    DONE = "done"
    SKIPPED = "skipped"
    FAILED = "failed"


@dataclass(frozen=True)
class Stage:
    """One named step of a rollout; times in seconds since the epoch."""

    name: str
    title: str
    state: StageState = StageState.PENDING
    detail: str = ""
    """The live condition's words, what was done, or why it was skipped."""
    started_at: float | None = None
    ended_at: float | None = None


class Outcome(StrEnum):
    """How a rollout ended."""

    DONE = "done"
    FAILED = "failed"
    ROLLED_BACK = "rolled_back"
    """A canary broke its thresholds, and the traffic is where it was."""
    CANCELLED = "cancelled"


@dataclass(frozen=True)
class Rollout:
    """A rollout at one moment; the last snapshot of a flow, and no other, has an outcome."""

    key: ServiceKey
    verb: str
    stages: tuple[Stage, ...]
    started_at: float
    ended_at: float | None = None
    outcome: Outcome | None = None
    url: str | None = None
    revision: str | None = None
    """The revision it is about: the new one, or the one that traffic went to."""
    reason: str | None = None
    """Of a failure: Cloud Run's own code, for example HEALTH_CHECK_CONTAINER_ERROR."""
    cause: str = ""
    log_lines: tuple[str, ...] = ()
    """The failed revision's last words."""
    hint: str = ""
    notes: tuple[str, ...] = ()
    """What to know afterwards, for example that traffic is pinned."""
    exit_code: int = 0

    @property
    def is_over(self) -> bool:
        """Whether this is the last snapshot."""
        return self.outcome is not None

    def stage(self, name: str) -> Stage:
        """The stage of that name; KeyError when the rollout has none."""
        for stage in self.stages:
            if stage.name == name:
                return stage
        raise KeyError(name)

"""What services and tasks cost, in USD."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from ccconsole.model.problem import Problem
from ccconsole.model.services import ServiceKey


class Billing(StrEnum):
    """What an instance is paid for: the time it answers requests (`cpu_idle`), or all its life."""

    REQUEST = "request"
    INSTANCE = "instance"


@dataclass(frozen=True)
class Size:
    """What of a service decides its price."""

    region: str
    cpus: float
    gib: float
    min_instances: int = 0
    max_instances: int | None = None


@dataclass(frozen=True)
class Estimate:
    """One size under one billing."""

    billing: Billing
    busy_hour: float
    """One instance that works for an hour."""
    full_hour: float | None
    """All instances that there may be; None: no maximum is set."""
    idle_month: float
    """The minimum instances, for 30 days without a request."""


@dataclass(frozen=True)
class Spent:
    """What a service burned since a moment, as far as Cloud Monitoring knows."""

    since: float
    """Seconds since the epoch."""
    usd: float | None
    """None: nothing was measured."""
    billable_seconds: float | None = None
    requests: float | None = None
    as_of: float | None = None
    """The newest measurement's time."""
    problem: Problem | None = None
    """Why nothing newer is known."""


@dataclass(frozen=True)
class ServiceCost:
    """One service's figures; `billing` names the estimate that holds for it."""

    key: ServiceKey
    size: Size
    is_live: bool
    """Whether the size is the live service's; else it is what deploy.toml declares."""
    is_paid: bool
    """False of an emulator: the figures are what its size costs on Cloud Run."""
    billing: Billing
    estimates: tuple[Estimate, Estimate]
    """Request-based, instance-based."""
    today: Spent

    @property
    def estimate(self) -> Estimate:
        """The one that holds."""
        return next(found for found in self.estimates if found.billing is self.billing)


@dataclass(frozen=True)
class TaskCost:
    """One task: its instance's seconds and its tokens."""

    seconds: float
    compute: float
    """At most so: tasks that ran beside it on the instance share this."""
    tokens: float | None
    """As its result says; None: it says nothing."""

    @property
    def total(self) -> float:
        """Both."""
        return self.compute + (self.tokens or 0.0)

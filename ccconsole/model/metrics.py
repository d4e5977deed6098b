"""Metrics of a service as they were measured, how old they are, and what is alarming about them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ccconsole.model.problem import Problem
    from ccconsole.model.services import ServiceKey

Points = tuple[tuple[float, float], ...]
"""(time, value), oldest first; the time ends the period that the value is of, seconds since the epoch."""


@dataclass(frozen=True)
class Series:
    """One figure over time. A period without a point was not measured, which is never the same as zero."""

    name: str
    unit: str
    """`requests`, `requests/s`, `ratio` (1 is all), `ms`, `instances`, `s`."""
    points: Points = ()
    overall: float | None = None
    """The whole window's figure: a sum, a ratio of sums, a percentile of all, or a maximum; see the name."""
    period: float = 60.0
    """Seconds from one point to the next."""
    sample_period: float = 60.0
    ingest_delay: float = 0.0
    """Seconds between two measurements, and until one can be read, as the metric's descriptor says."""
    problem: Problem | None = None
    """Why nothing newer was read; the points are the last good ones."""
    window_start: float = field(default=0.0, compare=False)
    read_at: float = field(default=0.0, compare=False)
    """When it was last read; a new reading of the same points makes no other series."""

    @property
    def as_of(self) -> float | None:
        """The newest point's time; None without any."""
        return self.points[-1][0] if self.points else None

    @property
    def normal_age(self) -> float:
        """How old the newest point of a running service may be, one missed sample included; seconds."""
        return 2 * self.sample_period + self.ingest_delay + self.period

    def age(self, now: float) -> float | None:
        """Seconds since the newest point's time."""
        return None if self.as_of is None else max(0.0, now - self.as_of)

    def current(self, now: float) -> float | None:
        """The newest value while it is of a normal age; None: no data now."""
        age = self.age(now)
        return self.points[-1][1] if age is not None and age <= self.normal_age else None

    def no_data_since(self, now: float) -> float | None:
        """Since when nothing was measured: the newest point, or the window's start; None while data comes."""
        if self.current(now) is not None:
            return None
        return self.window_start if self.as_of is None else self.as_of

    def recent(self, now: float, seconds: float) -> Points:
        """The points of the last `seconds` that can have been read by now."""
        first = now - seconds - self.ingest_delay
        return tuple(point for point in self.points if point[0] > first)


@dataclass(frozen=True)
class ServiceMetrics:
    """One service's series by name, those without data too; None of a name: that metric is not read here."""

    key: ServiceKey
    series: Mapping[str, Series] = field(default_factory=dict)

    def __getitem__(self, name: str) -> Series:
        """The series of that name; an empty one where it was not read."""
        return self.series.get(name) or Series(name, "")

    @property
    def as_of(self) -> float | None:
        """The newest point of all."""
        return max(
            (series.as_of for series in self.series.values() if series.as_of is not None), default=None
        )


@dataclass(frozen=True)
class MetricsSnapshot:
    """One environment's metrics at one moment; the last good points stay when a metric stops answering."""

    environment: str
    services: Mapping[ServiceKey, ServiceMetrics] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()
    """What could not be read; the same thing said by several metrics is here once."""
    read_at: float | None = field(default=None, compare=False)
    """When anything was last read, seconds since the epoch; None: never."""


class AlertKind(StrEnum):
    """What is alarming."""

    ERROR_RATE = "error_rate"
    FIRST_BYTE = "first_byte"
    SILENT_TASK = "silent_task"
    CPU = "cpu"
    MEMORY = "memory"
    INSTANCES = "instances"
    STALE_METRICS = "stale_metrics"


@dataclass(frozen=True)
class Alert:
    """One alarming thing about a service, while it lasts; `kind` and `subject` tell it from others."""

    kind: AlertKind
    text: str
    """In words, with the figure and its threshold."""
    since: float
    """When it was first seen, seconds since the epoch."""
    subject: str = ""
    """The task's id, where it is about one."""

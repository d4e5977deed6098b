"""Time series in memory, bounded: the last hour by the sample, five more by the minute."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from ccconsole.distributions import Distribution, merged
from ccconsole.emulator.monitoring.metrics import SAMPLE_SECONDS, Metric

Value = float | Distribution
"""An INT64 and a DOUBLE are both a number here; the metric says which it is."""
Labels = tuple[tuple[str, str], ...]
"""Sorted by name."""
Points = list[tuple[int, Value]]
"""(end of the period, value), seconds since the epoch."""

FINE_SECONDS = 3600
COARSE_SECONDS = 60
KEPT_SECONDS = 6 * 3600
MAX_SERIES = 2000
"""About twenty series for each revision that ever served."""


def labels(**values: str) -> Labels:
    """Labels from names and values."""
    return tuple(sorted(values.items()))


@dataclass(frozen=True)
class Key:
    """What tells one series from all others."""

    metric: Metric
    metric_labels: Labels
    resource_labels: Labels

    @property
    def text(self) -> str:
        """A name to sort by and to go on from."""
        parts = (self.metric.name, *(f"{k}={v}" for k, v in (*self.resource_labels, *self.metric_labels)))
        return "\n".join(parts)


@dataclass
class _Series:
    points: dict[int, Value] = field(default_factory=dict)

    @property
    def newest(self) -> int:
        return max(self.points, default=0)

    def fold(self, metric: Metric, now: float) -> None:
        """Make minutes of what is older than FINE_SECONDS, and forget what is older than KEPT_SECONDS."""
        old = [end for end in self.points if end <= now - FINE_SECONDS]
        for end in old:
            minute = _period_end(end, COARSE_SECONDS)
            if end <= now - KEPT_SECONDS:
                del self.points[end]
            elif end != minute:
                value = self.points.pop(end)
                self.points[minute] = _joined(metric, self.points.get(minute), value)


class Store:
    """All series of all revisions."""

    def __init__(self) -> None:
        self._series: dict[Key, _Series] = {}

    def add(self, key: Key, value: Value, at: float) -> None:
        """Measure `value` in the period that `at` is in: a delta adds to it, a gauge's last value holds."""
        series = self._series.get(key)
        if series is None:
            if len(self._series) >= MAX_SERIES:
                del self._series[min(self._series, key=lambda known: self._series[known].newest)]
            series = self._series[key] = _Series()
        end = _period_end(at, SAMPLE_SECONDS)
        known = series.points.get(end) if key.metric.is_delta else None
        series.points[end] = _joined(key.metric, known, value)

    def series(
        self, metric: Metric, start: float = -math.inf, end: float = math.inf
    ) -> list[tuple[Key, Points]]:
        """The metric's series that have points in (start, end], and those points, oldest first."""
        found = []
        for key, series in self._series.items():
            if key.metric is metric:
                points = [point for point in series.points.items() if start < point[0] <= end]
                if points:
                    found.append((key, sorted(points, key=lambda point: point[0])))
        return found

    def clear(self) -> None:
        """Forget everything, as a restart does."""
        self._series.clear()

    def fold(self, now: float) -> None:
        """Keep the bounds; to be called about once a minute."""
        for key, series in tuple(self._series.items()):
            series.fold(key.metric, now)
            if not series.points:
                del self._series[key]


def _period_end(at: float, period: int) -> int:
    return math.ceil(at / period) * period


def _joined(metric: Metric, known: Value | None, value: Value) -> Value:
    if known is None:
        return value
    if isinstance(known, Distribution) and isinstance(value, Distribution):
        return merged([known, value]) or value
    if isinstance(known, Distribution) or isinstance(value, Distribution):
        raise TypeError(f"{metric.name} is measured as a number and as a distribution")
    # Of a moment's measurements the highest is kept, so that a short peak is still there an hour later.
    return known + value if metric.is_delta else max(known, value)

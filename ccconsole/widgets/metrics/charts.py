"""Which charts a service has, and what each says in words: its newest values, their age, since when none."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from textual.content import Content

from ccconsole import format
from ccconsole.config import Alerts
from ccconsole.model.metrics import Points, Series, ServiceMetrics
from ccconsole.model.services import Service
from ccconsole.paints import MUTED
from ccconsole.widgets.text import STYLES, Tone, content

MINUTE = 60.0
_DAY = 86_400.0


@dataclass(frozen=True)
class Line:
    """One series of a chart."""

    name: str
    label: str
    tone: Tone


@dataclass(frozen=True)
class Chart:
    """Some series over the same axes."""

    title: str
    lines: tuple[Line, ...]
    axis: Callable[[float], str]
    """A value of the axis in words."""
    is_per_minute: bool = False
    """Whether its points are counts of a period, to be shown as so many a minute."""
    tops: Sequence[float] = ()
    """Where the axis may end; empty: at round numbers."""
    least_top: float = 0.0
    """The axis goes at least so far: a share to all of it."""
    alert: str = ""
    """The key of the threshold in `alerts`."""
    has_limit: bool = False
    """Whether the service's most instances are its limit."""

    def points(self, series: Series) -> Points:
        """The series in the unit of the axis."""
        if not self.is_per_minute:
            return series.points
        return tuple((time, value * MINUTE / series.period) for time, value in series.points)

    def limit(self, alerts: Alerts, service: Service | None) -> float | None:
        """The value that is marked across the chart."""
        if self.alert:
            return float(getattr(alerts, self.alert))
        if self.has_limit and service is not None and service.max_instances:
            return float(service.max_instances)
        return None


def _count(value: float) -> str:
    return f"{value:.1f}" if 0 < value < 10 and value % 1 else f"{value:.0f}"


def _milliseconds(value: float) -> str:
    return format.figure(value, "ms").removeprefix("≈")


_SECOND, _MINUTE = 1000.0, 60_000.0
TIMES = (
    *(10.0, 20.0, 50.0, 100.0, 200.0, 500.0),
    *(_SECOND * n for n in (1, 2, 4, 6, 10, 20, 30)),
    *(_MINUTE * n for n in (1, 2, 4, 6, 10, 20, 30, 60, 120)),
)
"""Milliseconds whose halves are round as well."""

CHARTS: Sequence[Chart] = (
    Chart(
        "instances",
        (
            Line("instance_count_active", "active", Tone.ACTIVE),
            Line("instance_count_idle", "idle", Tone.LEAVING),
        ),
        _count,
        has_limit=True,
    ),
    Chart(
        "requests a minute",
        (
            Line("request_count_2xx", "2xx", Tone.GOOD),
            Line("request_count_4xx", "4xx", Tone.WARN),
            Line("request_count_5xx", "5xx", Tone.BAD),
        ),
        _count,
        is_per_minute=True,
    ),
    Chart("error rate", (Line("error_rate", "4xx and 5xx", Tone.WARN),), format.percent, alert="error_rate"),
    Chart(
        "latency ≈",
        (
            Line("latency_p50", "p50", Tone.GOOD),
            Line("latency_p95", "p95", Tone.ACTIVE),
            Line("latency_p99", "p99", Tone.LEAVING),
        ),
        _milliseconds,
        tops=TIMES,
    ),
    Chart("CPU p99", (Line("cpu", "of its limit", Tone.ACTIVE),), format.percent, least_top=1.0, alert="cpu"),
    Chart(
        "memory p99",
        (Line("memory", "of its limit", Tone.ACTIVE),),
        format.percent,
        least_top=1.0,
        alert="memory",
    ),
    Chart("start ≈", (Line("startup_latency_p95", "p95", Tone.ACTIVE),), _milliseconds, tops=TIMES),
    Chart("waiting requests", (Line("pending_requests", "pending", Tone.WARN),), _count),
    Chart(
        "billed seconds a minute",
        (Line("billable_time", "instances", Tone.ACTIVE),),
        _count,
        is_per_minute=True,
    ),
)


def heading(chart: Chart, metrics: ServiceMetrics | None, limit: float | None, now: float) -> Content:
    """Title, the newest value of each line, and how old they are."""
    title = content((f" {chart.title}", "bold"))
    if metrics is None:
        return title
    parts = [title, content((age(chart, metrics, now), MUTED))]
    for line in chart.lines:
        series = metrics[line.name]
        value = _newest(chart, series, now)
        is_over = limit is not None and value is not None and bool(chart.alert) and value >= limit
        figure = "–" if value is None else chart.axis(value)
        words = f" {line.label} {figure}{'!' if is_over else ''}"
        parts.append(content(("━", STYLES[line.tone]), (words, "bold $warning" if is_over else "")))
    if limit is not None:
        parts.append(
            content((f"── {'most' if chart.has_limit else 'alert at'} {chart.axis(limit)}", "$error"))
        )
    return Content("  ").join(parts)


def _newest(chart: Chart, series: Series, now: float) -> float | None:
    value = series.current(now)
    return value * MINUTE / series.period if value is not None and chart.is_per_minute else value


def age(chart: Chart, metrics: ServiceMetrics, now: float) -> str:
    """How old the chart's newest point is, or since when there is none."""
    found = [metrics[line.name] for line in chart.lines]
    newest = max((series.as_of for series in found if series.as_of is not None), default=None)
    if newest is None or all(series.current(now) is None for series in found):
        since = found[0].no_data_since(now) if newest is None else newest
        told = f"no data since {_since(since, now)}"
    else:
        told = f"{format.age(newest, now)} ago"
    # The points are the last good ones then: how old they are is said all the same.
    return told if found[0].problem is None else f"✗ {found[0].problem.title}, {told}"


def _since(seconds: float | None, now: float) -> str:
    """A time of day, with its date where that is not today's."""
    is_old = seconds is not None and now - seconds >= _DAY
    return (
        format.moment(seconds).replace("T", " ").removesuffix("Z") + " UTC"
        if is_old
        else format.clock(seconds)
    )

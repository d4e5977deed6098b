"""Which of Cloud Run's metrics are read, how Google is to aggregate them, and what becomes of the answers."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from google.cloud.monitoring_v3 import Aggregation

from ccconsole.distributions import Distribution, merged
from ccconsole.model.metrics import Points, Series

PREFIX = "run.googleapis.com/"
MAX_FILTER = 2048
"""Characters: a longer filter is refused."""
MAX_ONE_OF = 100
"""https://cloud.google.com/monitoring/api/v3/filters: values in one one_of()."""

Value = float | Distribution
Labeled = Mapping[str, Mapping[float, Value]]
"""By the value of the query's label (empty without one): time -> value."""
Aligner = Aggregation.Aligner
Reducer = Aggregation.Reducer


@dataclass(frozen=True)
class Figure:
    """One series without its clocks; see `Series`."""

    name: str
    unit: str
    points: Points = ()
    overall: float | None = None


@dataclass(frozen=True)
class Query:
    """One call for all services of a project: the revisions of each are put together by Google."""

    metric: str
    """Without its prefix."""
    aligner: int
    reducer: int
    figures: Callable[[Labeled, float], Sequence[Figure]]
    """The answer of one service (and the seconds from point to point) as figures."""
    label: str = ""
    """The metric's label by which a service's series are told apart."""
    fallback_delay: float = 240.0
    """Seconds until a measurement can be read, where the descriptor is not known: Google's own example says
    that data may be invisible for so long (https://cloud.google.com/monitoring/api/v3/latency-n-retention)."""

    @property
    def group_by(self) -> list[str]:
        """The fields that are kept apart."""
        fields = ["resource.labels.service_name", "resource.labels.location"]
        return [*fields, f"metric.labels.{self.label}"] if self.label else fields

    def filter(self, services: Iterable[str] | None) -> str:
        """The filter for these services' names; for all of the project's where they are None or too many."""
        base = f'metric.type = "{PREFIX}{self.metric}" AND resource.type = "cloud_run_revision"'
        names = sorted(set(services or ()))
        if not names:
            return base
        listed = ", ".join(f'"{name}"' for name in names)
        chosen = f"= {listed}" if len(names) == 1 else f"= one_of({listed})"
        whole = f"{base} AND resource.labels.service_name {chosen}"
        return whole if len(whole) <= MAX_FILTER and len(names) <= MAX_ONE_OF else base


def _requests(found: Labeled, period: float) -> list[Figure]:
    times, rows, total = _table(found)
    by_class = {name: rows.get(name, [0.0] * len(times)) for name in ("2xx", "3xx", "4xx", "5xx")}
    failed = [a + b for a, b in zip(by_class["4xx"], by_class["5xx"], strict=True)]
    rates = [("error_rate", failed), ("error_rate_4xx", by_class["4xx"]), ("error_rate_5xx", by_class["5xx"])]
    counts = [("request_count", total), *((f"request_count_{name}", row) for name, row in by_class.items())]
    overall = math.fsum(total)
    return [
        *(_figure(name, "requests", times, row, math.fsum(row)) for name, row in counts),
        _figure("request_rate", "requests/s", times, [count / period for count in total], None),
        *(
            _figure(
                name,
                "ratio",
                [time for time, all_ in zip(times, total, strict=True) if all_],
                [part / all_ for part, all_ in zip(row, total, strict=True) if all_],
                math.fsum(row) / overall if overall else 0.0,
            )
            for name, row in rates
        ),
    ]


def _percentiles(name: str, percents: Mapping[str, float]) -> Callable[[Labeled, float], list[Figure]]:
    def figures(found: Labeled, period: float) -> list[Figure]:
        parts = {time: value for time, value in found.get("", {}).items() if isinstance(value, Distribution)}
        whole = _merged(parts.values())
        made = []
        for suffix, percent in percents.items():
            points = ((time, _percentile(parts[time], percent)) for time in sorted(parts))
            made.append(
                Figure(
                    f"{name}{suffix}",
                    "ms",
                    tuple((time, value) for time, value in points if value is not None),
                    whole.percentile(percent) if whole is not None else None,
                )
            )
        return made

    return figures


@lru_cache(maxsize=16384)
def _percentile(part: Distribution, percent: float) -> float | None:
    """Remembered: nearly all points of a window were there at the last reading."""
    return part.percentile(percent)


def _merged(parts: Iterable[Distribution]) -> Distribution | None:
    try:
        return merged(parts)
    except ValueError:  # Google changed the buckets in the middle of the window.
        return None


def _plain(name: str, unit: str, overall: Callable[[list[float]], float]) -> Callable[..., list[Figure]]:
    def figures(found: Labeled, period: float) -> list[Figure]:
        points = found.get("", {})
        times = sorted(points)
        row = [_number(points[time]) for time in times]
        return [_figure(name, unit, times, row, overall(row) if row else None)]

    return figures


def _instances(found: Labeled, period: float) -> list[Figure]:
    times, rows, total = _table(found)
    named = [("instance_count", total)]
    named += [(f"instance_count_{name}", rows.get(name, [0.0] * len(times))) for name in ("active", "idle")]
    return [_figure(name, "instances", times, row, max(row, default=0.0)) for name, row in named]


def _table(found: Labeled) -> tuple[list[float], dict[str, list[float]], list[float]]:
    """All times, each label's numbers at them, and the numbers of all labels together."""
    times = sorted({time for points in found.values() for time in points})
    rows = {label: [_number(points.get(time)) for time in times] for label, points in found.items()}
    return times, rows, [math.fsum(numbers) for numbers in zip(*rows.values(), strict=True)]


def _figure(
    name: str, unit: str, times: Sequence[float], row: Sequence[float], overall: float | None
) -> Figure:
    return Figure(name, unit, tuple(zip(times, row, strict=True)), overall if times else None)


def _number(value: Value | None) -> float:
    """A count that was not sent beside others of its moment is zero: nothing of its kind happened."""
    return value if isinstance(value, int | float) else 0.0


CORE = (
    Query("request_count", Aligner.ALIGN_DELTA, Reducer.REDUCE_SUM, _requests, "response_code_class", 180.0),
    Query(
        "request_latencies",
        Aligner.ALIGN_DELTA,
        Reducer.REDUCE_SUM,
        _percentiles("latency", {"_p50": 50.0, "_p95": 95.0, "_p99": 99.0}),
        fallback_delay=180.0,
    ),
    # The 99th: one instance of twenty that runs out of memory is what an operator must see.
    Query(
        "container/cpu/utilizations",
        Aligner.ALIGN_DELTA,
        Reducer.REDUCE_PERCENTILE_99,
        _plain("cpu", "ratio", max),
    ),
    Query(
        "container/memory/utilizations",
        Aligner.ALIGN_DELTA,
        Reducer.REDUCE_PERCENTILE_99,
        _plain("memory", "ratio", max),
    ),
    Query("container/instance_count", Aligner.ALIGN_MAX, Reducer.REDUCE_SUM, _instances, "state", 180.0),
)
"""What a fleet's rows show: five calls, however many services."""
ALL = (
    *CORE,
    Query(
        "container/startup_latencies",
        Aligner.ALIGN_DELTA,
        Reducer.REDUCE_SUM,
        _percentiles("startup_latency", {"_p95": 95.0}),
    ),
    Query(
        "pending_queue/pending_requests",
        Aligner.ALIGN_MAX,
        Reducer.REDUCE_SUM,
        _plain("pending_requests", "requests", max),
    ),
    Query(
        "container/billable_instance_time",
        Aligner.ALIGN_DELTA,
        Reducer.REDUCE_SUM,
        _plain("billable_time", "s", math.fsum),
        fallback_delay=120.0,
    ),
)
"""And what one service's own metrics show besides."""


def series_of(query: Query, found: Labeled, clocks: Series) -> list[Series]:
    """A service's answer as series that carry the clocks (all but name, unit and points) of `clocks`."""
    return [
        Series(
            name=figure.name,
            unit=figure.unit,
            points=figure.points,
            overall=figure.overall,
            period=clocks.period,
            sample_period=clocks.sample_period,
            ingest_delay=clocks.ingest_delay,
            problem=clocks.problem,
            window_start=clocks.window_start,
            read_at=clocks.read_at,
        )
        for figure in query.figures(found, clocks.period)
    ]

"""One `list_time_series` call, read through raw protobuf: twenty times as fast as proto-plus for points."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

from google.cloud import monitoring_v3

from ccconsole.cloud.connect import Connection
from ccconsole.cloud.errors import translated
from ccconsole.cloud.metric_queries import PREFIX, Query, Value
from ccconsole.distributions import Distribution, exponential, linear
from ccconsole.errors import ConsoleError

CALL_TIMEOUT = 30.0
"""Seconds for one call."""
FALLBACK_SAMPLE = 60.0
"""Seconds between two measurements at Google, where the descriptor is not known."""

Answer = dict[tuple[str, str, str], dict[float, Value]]
"""(region, service, value of the query's label) -> time -> value."""


@dataclass(frozen=True)
class Pace:
    """A metric's own clock, seconds: between two measurements, and until one can be read."""

    sample_period: float
    ingest_delay: float


_paces: WeakKeyDictionary[Connection, dict[str, Pace]] = WeakKeyDictionary()


async def paces(connection: Connection) -> Mapping[str, Pace]:
    """Metric type without prefix -> its pace, as its descriptor says; asked for once per connection.

    Empty when they cannot be read: then the documented figures hold, and the next reading asks again.
    """
    if connection not in _paces:
        try:
            _paces[connection] = await _descriptors(connection)
        except ConsoleError:
            # Whatever is wrong is said by the calls for the points themselves.
            return {}
    return _paces[connection]


async def _descriptors(connection: Connection) -> dict[str, Pace]:
    environment = connection.environment
    client = connection.client(monitoring_v3.MetricServiceAsyncClient)
    found = {}
    with translated(environment, f"read the metrics of {environment.name}"):
        pager = await client.list_metric_descriptors(
            request={
                "name": f"projects/{environment.project}",
                "filter": f'metric.type = starts_with("{PREFIX}")',
            },
            retry=None,
            timeout=CALL_TIMEOUT,
        )
        async for item in pager:
            sample = item.metadata.sample_period.ToTimedelta().total_seconds()
            delay = item.metadata.ingest_delay.ToTimedelta().total_seconds()
            if sample > 0:
                found[item.type.removeprefix(PREFIX)] = Pace(sample, delay)
    return found


async def read(
    connection: Connection,
    query: Query,
    services: Collection[str] | None,
    *,
    start: float,
    end: float,
    period: float,
) -> Answer:
    """The points of (start, end], one per `period` seconds and counted back from `end`; ConsoleErrors."""
    environment = connection.environment
    client = connection.client(monitoring_v3.MetricServiceAsyncClient)
    request = monitoring_v3.ListTimeSeriesRequest(
        name=f"projects/{environment.project}",
        filter=query.filter(services),
        interval=monitoring_v3.TimeInterval(
            start_time={"seconds": int(start)}, end_time={"seconds": int(end)}
        ),
        aggregation=monitoring_v3.Aggregation(
            alignment_period={"seconds": int(period)},
            per_series_aligner=query.aligner,
            cross_series_reducer=query.reducer,
            group_by_fields=query.group_by,
        ),
        view=monitoring_v3.ListTimeSeriesRequest.TimeSeriesView.FULL,
    )
    found: Answer = {}
    with translated(environment, f"read the metrics of {environment.name}"):
        pager = await client.list_time_series(request=request, retry=None, timeout=CALL_TIMEOUT)
        async for page in pager.pages:
            for series in type(page).pb(page).time_series:
                labels = series.resource.labels
                label = series.metric.labels[query.label] if query.label else ""
                # A series may go on in the next page.
                points = found.setdefault((labels["location"], labels["service_name"], label), {})
                _collect(points, series.points)
                await asyncio.sleep(0)  # what is typed and painted goes on meanwhile
    return found


def _collect(into: dict[float, Value], points: Any) -> None:
    for point in points:
        kind = point.value.WhichOneof("value")
        end = point.interval.end_time
        time = end.seconds + end.nanos / 1e9
        if kind == "distribution_value":
            into[time] = distribution(point.value.distribution_value)
        elif kind in ("int64_value", "double_value"):
            into[time] = float(getattr(point.value, kind))


def distribution(raw: Any) -> Distribution:
    """A raw google.api.Distribution."""
    options = raw.bucket_options
    kind = options.WhichOneof("options")
    if kind == "exponential_buckets":
        buckets = options.exponential_buckets
        bounds = exponential(buckets.num_finite_buckets, buckets.growth_factor, buckets.scale)
    elif kind == "linear_buckets":
        buckets = options.linear_buckets
        bounds = linear(buckets.num_finite_buckets, buckets.width, buckets.offset)
    else:
        bounds = tuple(options.explicit_buckets.bounds)
    return Distribution(bounds, tuple(raw.bucket_counts), raw.count, raw.mean, raw.sum_of_squared_deviation)

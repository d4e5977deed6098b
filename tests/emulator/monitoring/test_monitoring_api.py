"""Filters, aggregation, pages and refusals of Cloud Monitoring's reading side, with Google's own client."""

from __future__ import annotations

import time
from typing import Any

import pytest
from google.api_core import exceptions
from google.cloud import monitoring_v3

from ccconsole import distributions
from ccconsole.emulator.monitoring import metrics
from ccconsole.emulator.monitoring.store import Key, labels
from tests.emulator.monitoring.conftest import RUN, Measured

Aggregation = monitoring_v3.Aggregation
INVALID, ABSENT = exceptions.InvalidArgument, exceptions.MethodNotImplemented
INSTANCES, CPU = "container/instance_count", "container/cpu/utilizations"


def fill(measured: Measured) -> int:
    """Two services, one of them with two revisions; the time of the newest points."""
    newest = int(time.time()) // 60 * 60 - 60
    for service, revision, share in (("a", "a-1", 0.2), ("a", "a-2", 0.8), ("b", "b-1", 0.5)):
        resource = labels(
            project_id="demo", location="us-central1", service_name=service, revision_name=revision
        )
        for at in (newest - 60, newest - 5, newest):
            for state, number in (("active", 2), ("idle", 1)):
                measured.emulator.series.add(
                    Key(metrics.INSTANCE_COUNT, labels(state=state), resource), number, at
                )
            measured.emulator.series.add(
                Key(metrics.REQUEST_COUNT, labels(response_code_class="2xx"), resource), 3, at
            )
            measured.emulator.series.add(
                Key(metrics.CPU, (), resource), distributions.of([share], metrics.CPU.bounds), at
            )
    return newest


async def read(
    measured: Measured, metric: str, at: int, *, more: str = "", start: int = 120, **fields: Any
) -> list[Any]:
    """Raw series of the two minutes before `at`."""
    request = monitoring_v3.ListTimeSeriesRequest(
        name="projects/demo",
        filter=f'metric.type = "{RUN}{metric}"{more}',
        interval={"start_time": {"seconds": at - start}, "end_time": {"seconds": at}},
        **fields,
    )
    pager = await measured.metrics.list_time_series(request=request)
    return [item async for page in pager.pages for item in type(page).pb(page).time_series]


def agg(aligner: str, reducer: str = "REDUCE_NONE", *by: str, period: int = 60) -> Aggregation:
    return Aggregation(
        alignment_period={"seconds": period},
        per_series_aligner=getattr(Aggregation.Aligner, aligner),
        cross_series_reducer=getattr(Aggregation.Reducer, reducer),
        group_by_fields=list(by),
    )


def numbers(series: Any) -> list[float]:
    """A series' values, the newest first."""
    return [getattr(point.value, point.value.WhichOneof("value")) for point in series.points]


SERVICE = "resource.labels.service_name"


@pytest.mark.parametrize(
    ("metric", "how", "expected"),
    [
        (
            INSTANCES,
            agg("ALIGN_MAX", "REDUCE_SUM", SERVICE),
            {"a": [6, 6], "b": [3, 3]},
        ),
        (
            INSTANCES,
            agg("ALIGN_MAX", "REDUCE_MAX", SERVICE),
            {"a": [2, 2], "b": [2, 2]},
        ),
        (
            INSTANCES,
            agg("ALIGN_MEAN", "REDUCE_MEAN", SERVICE),
            {"a": [1.5, 1.5], "b": [1.5, 1.5]},
        ),
        (
            INSTANCES,
            agg("ALIGN_MAX", "REDUCE_COUNT", SERVICE),
            {"a": [4, 4], "b": [2, 2]},
        ),
        ("request_count", agg("ALIGN_DELTA", "REDUCE_SUM", SERVICE), {"a": [12, 6], "b": [6, 3]}),
        (
            "request_count",
            agg("ALIGN_RATE", "REDUCE_SUM", SERVICE),
            {"a": [0.2, 0.1], "b": [0.1, 0.05]},
        ),
        ("request_count", agg("ALIGN_DELTA", "REDUCE_SUM"), {"": [18, 9]}),
        # Of four values, two at 20 % and two at 80 %: the median ends the bucket of the lower two.
        (
            CPU,
            agg("ALIGN_DELTA", "REDUCE_PERCENTILE_50", SERVICE),
            {"a": [0.21, 0.21], "b": [0.505, 0.5]},
        ),
        (
            CPU,
            agg("ALIGN_PERCENTILE_50", "REDUCE_MAX", SERVICE),
            {"a": [0.805, 0.8], "b": [0.505, 0.5]},
        ),
    ],
)
async def test_aggregation(
    measured: Measured, metric: str, how: Aggregation, expected: dict[str, list[float]]
) -> None:
    at = fill(measured)
    found = await read(measured, metric, at, aggregation=how)
    shown = {item.resource.labels["service_name"]: numbers(item) for item in found}
    assert shown == {name: pytest.approx(row) for name, row in expected.items()}
    times = [point.interval.end_time.seconds for point in found[0].points]
    assert times == [at, at - 60]


async def test_periods_below_a_minute_are_the_one_extension(measured: Measured) -> None:
    at = fill(measured)
    how = agg("ALIGN_DELTA", "REDUCE_SUM", SERVICE, period=5)
    found = await read(measured, "request_count", at, aggregation=how, more=f' AND {SERVICE} = "b"')
    assert [point.interval.end_time.seconds for point in found[0].points] == [at, at - 5, at - 60]


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ("", {"a", "b"}),
        (' AND resource.labels.service_name = "a"', {"a"}),
        (' resource.label.service_name = "a"', {"a"}),
        (" AND resource.labels.service_name = one_of(\"b\", 'c')", {"b"}),
        (' AND resource.labels.revision_name = starts_with("a-")', {"a"}),
        (' AND resource.labels.revision_name = ends_with("-1")', {"a", "b"}),
        (' AND resource.labels.service_name != "a"', {"b"}),
        (' AND NOT resource.labels.service_name = "a"', {"b"}),
        (' AND resource.labels.service_name : "b"', {"b"}),
        (' AND resource.type = "gce_instance"', set()),
        (' AND metric.labels.state = "none"', set()),
    ],
)
async def test_filters(measured: Measured, more: str, expected: set[str]) -> None:
    at = fill(measured)
    found = await read(measured, INSTANCES, at, more=more)
    assert {item.resource.labels["service_name"] for item in found} == expected


@pytest.mark.parametrize("size", [1, 2, 7, 18, 100])
async def test_pages_of_points_lose_and_repeat_nothing(measured: Measured, size: int) -> None:
    at = fill(measured)
    whole = await read(measured, INSTANCES, at)
    paged = await read(measured, INSTANCES, at, page_size=size)

    def points(found: list[Any]) -> list[tuple[str, str, int]]:
        return [
            (
                item.resource.labels["revision_name"],
                item.metric.labels["state"],
                point.interval.end_time.seconds,
            )
            for item in found
            for point in item.points
        ]

    assert points(paged) == points(whole)
    assert len(set(points(whole))) == 18
    headers = await read(
        measured,
        INSTANCES,
        at,
        page_size=size,
        view=monitoring_v3.ListTimeSeriesRequest.TimeSeriesView.HEADERS,
    )
    assert len(headers) == 6
    assert not any(item.points for item in headers)


@pytest.mark.parametrize(
    ("metric", "fields", "error", "text"),
    [
        (
            "request_count",
            {"aggregation": agg("ALIGN_DELTA", period=0)},
            INVALID,
            "alignmentPeriod",
        ),
        (
            "request_count",
            {"aggregation": agg("ALIGN_NONE", "REDUCE_SUM")},
            INVALID,
            "perSeriesAligner",
        ),
        (
            INSTANCES,
            {"aggregation": agg("ALIGN_DELTA")},
            INVALID,
            "kind GAUGE",
        ),
        (
            "request_latencies",
            {"aggregation": agg("ALIGN_MAX")},
            INVALID,
            "DISTRIBUTION",
        ),
        (
            "request_latencies",
            {"aggregation": agg("ALIGN_RATE")},
            INVALID,
            "ALIGN_RATE",
        ),
        (
            "request_latencies",
            {"aggregation": agg("ALIGN_DELTA", "REDUCE_MAX")},
            INVALID,
            "REDUCE_MAX",
        ),
        (
            "request_count",
            {"aggregation": agg("ALIGN_PERCENTILE_95")},
            INVALID,
            "PERCENTILE",
        ),
        (
            "request_count",
            {"aggregation": agg("ALIGN_DELTA", "REDUCE_SUM", "user.name")},
            INVALID,
            "groupByFields",
        ),
        ("request_count", {"order_by": "time"}, INVALID, "orderBy"),
        ("request_count", {"page_token": "x"}, INVALID, "pageToken"),
        ("request_count", {"page_size": -1}, INVALID, "pageSize"),
        ("request_count", {"start": -1}, INVALID, "startTime"),
        ("request_count", {"more": ' OR metric.type = "x"'}, ABSENT, "OR"),
        (
            "request_count",
            {"more": ' AND metric.type = "x"'},
            INVALID,
            "single metric type",
        ),
        ("request_count", {"more": " AND"}, INVALID, "after AND"),
        ("request_count", {"more": ' AND shoe.size = "x"'}, INVALID, "no field"),
        (
            "request_count",
            {"more": f' AND {SERVICE} = "{"x" * 3000}"'},
            INVALID,
            "too long",
        ),
        ("no/such", {}, exceptions.NotFound, "Cannot find metric"),
        (
            "request_count",
            {"aggregation": agg("ALIGN_STDDEV")},
            ABSENT,
            "STDDEV",
        ),
    ],
)
async def test_what_google_refuses_is_refused(
    measured: Measured,
    metric: str,
    fields: dict[str, Any],
    error: type[Exception],
    text: str,
) -> None:
    with pytest.raises(error, match=text):
        await read(measured, metric, int(time.time()), **fields)


async def test_descriptors_tell_the_clock_of_each_metric(measured: Measured) -> None:
    pager = await measured.metrics.list_metric_descriptors(
        request={"name": "projects/demo", "filter": f'metric.type = starts_with("{RUN}container/")'}
    )
    listed = {item.type async for item in pager}
    assert f"{RUN}container/instance_count" in listed
    assert f"{RUN}request_count" not in listed
    name = f"projects/demo/metricDescriptors/{RUN}request_latencies"
    found = await measured.metrics.get_metric_descriptor(name=name)
    assert (found.name, found.unit) == (name, "ms")
    assert found.metadata.sample_period.seconds == 5
    assert [label.key for label in found.labels] == ["response_code", "response_code_class"]
    with pytest.raises(exceptions.NotFound):
        await measured.metrics.get_metric_descriptor(name="projects/demo/metricDescriptors/no/such")

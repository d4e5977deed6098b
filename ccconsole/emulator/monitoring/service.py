"""google.monitoring.v3.MetricService: descriptors and time series, read-only."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from typing import Any

import grpc
from google.api.metric_pb2 import MetricDescriptor
from google.cloud.monitoring_v3.types.metric_service import (
    GetMetricDescriptorRequest,
    ListMetricDescriptorsRequest,
    ListMetricDescriptorsResponse,
    ListTimeSeriesRequest,
    ListTimeSeriesResponse,
)

from ccconsole.emulator.faults import Fault, invalid, unimplemented
from ccconsole.emulator.monitoring import filter as filters
from ccconsole.emulator.monitoring.aggregation import Plan, Shape, plan
from ccconsole.emulator.monitoring.answers import Answer, page, written
from ccconsole.emulator.monitoring.filter import Term
from ccconsole.emulator.monitoring.metrics import METRICS, RESOURCE_TYPE, SAMPLE_SECONDS, Metric, descriptor
from ccconsole.emulator.monitoring.store import Key, Points, Store
from ccconsole.emulator.names import PROJECT
from ccconsole.emulator.pages import page as page_of
from ccconsole.emulator.rpc import Method, plus

_PREFIX = "/google.monitoring.v3.MetricService/"
_DESCRIPTOR_NAME = re.compile(r"projects/([^/]+)/metricDescriptors/(.+)")


class Monitoring:
    """The RPCs on metrics."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def methods(self) -> list[Method]:
        """The rows of google.monitoring.v3.MetricService that only read."""
        return [
            plus(f"{_PREFIX}ListMetricDescriptors", ListMetricDescriptorsRequest, self._list_descriptors),
            plus(f"{_PREFIX}GetMetricDescriptor", GetMetricDescriptorRequest, self._get_descriptor),
            plus(f"{_PREFIX}ListTimeSeries", ListTimeSeriesRequest, self._list_time_series),
        ]

    async def _list_descriptors(self, request: ListMetricDescriptorsRequest) -> Any:
        project = _project(request.name)
        terms = filters.parse(request.filter)
        found = [
            descriptor(metric, project)
            for metric in METRICS.values()
            if all(term.holds({"metric.type": metric.full_type}) for term in terms)
        ]
        rows, token = page_of(found, request.page_size, request.page_token, lambda item: str(item.type))
        return ListMetricDescriptorsResponse(metric_descriptors=rows, next_page_token=token)

    async def _get_descriptor(self, request: GetMetricDescriptorRequest) -> MetricDescriptor:
        match = _DESCRIPTOR_NAME.fullmatch(request.name)
        if match is None:
            raise invalid(f'Field name had an invalid value of "{request.name}".')
        project, name = match.groups()
        if name not in METRICS:
            raise Fault(grpc.StatusCode.NOT_FOUND, f"Could not find descriptor for metric '{name}'.")
        return descriptor(METRICS[name], project)

    async def _list_time_series(self, request: ListTimeSeriesRequest) -> Any:
        project = _project(request.name)
        if request.order_by:
            raise invalid(f'Field orderBy had an invalid value of "{request.order_by}": it must be blank.')
        if "secondary_aggregation" in request:
            raise unimplemented("The emulator does not offer a secondary aggregation.")
        terms = filters.parse(request.filter)
        metric = _metric(terms)
        checked = plan(request.aggregation, Shape(metric.kind, metric.type))
        start, end = _interval(request, metric, checked)
        found = []
        for key, points in self._store.series(metric, start, end):
            fields = _fields(key)
            if fields["project"] == project and all(term.holds(fields) for term in terms):
                found.append((fields, checked.align(points, start, end)))
                await asyncio.sleep(0)  # requests to the services go on meanwhile
        answers = _answers(found, checked, list(request.aggregation.group_by_fields))
        span = checked.period or SAMPLE_SECONDS
        is_full = request.view == ListTimeSeriesRequest.TimeSeriesView.FULL
        rows, token = page(answers, request.page_size, request.page_token, is_full=is_full)
        response = ListTimeSeriesResponse.pb()(next_page_token=token, unit=metric.unit)
        for row in rows:
            written(response.time_series.add(), row, metric, checked.shape, span)
            await asyncio.sleep(0)
        return response


def _project(name: str) -> str:
    kind, _, project = name.partition("/")
    if kind in ("organizations", "folders"):
        raise unimplemented(f"The emulator does not offer {kind}.")
    if kind != "projects" or not PROJECT.fullmatch(project):
        raise invalid(f'Field name had an invalid value of "{name}": it must be projects/PROJECT_ID.')
    return project


def _metric(terms: Sequence[Term]) -> Metric:
    named = [term for term in terms if term.field == "metric.type"]
    if len(named) != 1 or (named[0].operator, named[0].function, named[0].is_negated) != ("=", "", False):
        raise invalid(
            "Field filter had an invalid value: The filter must specify a single metric type: "
            'metric.type = "...".'
        )
    name = named[0].values[0]
    if name not in METRICS:
        text = (
            f'Cannot find metric(s) that match type = "{name}". If a metric was created recently, it could '
            "take up to 10 minutes to become available. Please try again soon."
        )
        raise Fault(grpc.StatusCode.NOT_FOUND, text)
    return METRICS[name]


def _interval(request: ListTimeSeriesRequest, metric: Metric, checked: Plan) -> tuple[float, float]:
    raw = ListTimeSeriesRequest.pb(request).interval
    if not raw.HasField("end_time"):
        raise invalid("Field interval.endTime had an invalid value: it is required.")
    end = raw.end_time.ToNanoseconds() / 1e9
    if not raw.HasField("start_time"):
        if metric.is_delta or checked.period:
            raise invalid("Field interval.startTime had an invalid value: it is required here.")
        return end - SAMPLE_SECONDS, end
    start = raw.start_time.ToNanoseconds() / 1e9
    if start > end or (start == end and metric.is_delta):
        raise invalid(
            "Field interval.startTime had an invalid value: The start time must be before the end time."
        )
    return start, end


def _fields(key: Key) -> dict[str, str]:
    resource, metric = dict(key.resource_labels), dict(key.metric_labels)
    return {
        "metric.type": key.metric.full_type,
        "resource.type": RESOURCE_TYPE,
        "project": resource["project_id"],
        **{f"resource.labels.{name}": value for name, value in resource.items()},
        **{f"metric.labels.{name}": value for name, value in metric.items()},
    }


def _answers(
    found: Sequence[tuple[dict[str, str], Points]], checked: Plan, group_by: Sequence[str]
) -> list[Answer]:
    """The series to answer, reduced where that is asked, in an order that stays."""
    if not checked.is_reduced:
        return sorted((Answer(fields, points) for fields, points in found), key=lambda row: row.name)
    for field in group_by:
        if not filters.is_field(field):
            raise invalid(f'Field aggregation.groupByFields had an invalid value of "{field}".')
    kept = [filters.canonical(field) for field in group_by]
    groups: dict[tuple[str, ...], list[Points]] = {}
    for fields, points in found:
        groups.setdefault(tuple(fields.get(field, "") for field in kept), []).append(points)
    rows = (
        Answer(dict(zip(kept, values, strict=True)), checked.reduce(parts))
        for values, parts in groups.items()
    )
    return sorted(rows, key=lambda row: row.name)

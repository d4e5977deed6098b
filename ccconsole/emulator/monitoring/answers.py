"""Time series as they are answered: in pages of points, the newest first, as Google's messages."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from ccconsole.distributions import Distribution
from ccconsole.emulator.faults import invalid
from ccconsole.emulator.monitoring.aggregation import Shape
from ccconsole.emulator.monitoring.metrics import DELTA, INT64, RESOURCE_TYPE, Metric
from ccconsole.emulator.monitoring.store import Points, Value

MAX_PAGE = 100_000
"""Points, or series where only headers are asked; also the default."""


@dataclass(frozen=True)
class Answer:
    """One series to answer; its fields by name, its points oldest first."""

    fields: Mapping[str, str]
    points: Points

    @cached_property
    def name(self) -> str:
        """What tells it from the others; the order of a list."""
        return json.dumps(sorted(self.fields.items()))


def page(rows: Sequence[Answer], size: int, token: str, *, is_full: bool) -> tuple[list[Answer], str]:
    """One page and the next one's token, empty at the end; a series may go on over several pages.

    A token names the series and the oldest point shown, so points that come meanwhile repeat nothing.
    """
    if size < 0:
        raise invalid(f'Field pageSize had an invalid value of "{size}": it must not be negative.')
    room = min(size or MAX_PAGE, MAX_PAGE)
    after, before = _read(token) if token else ("", 0)
    found: list[Answer] = []
    for row in rows:
        is_begun = row.name == after
        if row.name < after or (is_begun and not is_full):
            continue
        left = [point for point in row.points if point[0] < before] if is_begun else row.points
        if is_begun and not left:
            continue
        if room == 0:
            last = found[-1]
            return found, _write(last.name, last.points[0][0] if is_full else 0)
        shown = left[-room:] if is_full else []
        found.append(replace(row, points=shown))
        room -= len(shown) if is_full else 1
        if is_full and len(shown) < len(left):
            return found, _write(row.name, shown[0][0])
    return found, ""


def _write(name: str, before: int) -> str:
    return base64.urlsafe_b64encode(json.dumps([name, before]).encode()).decode()


def _read(token: str) -> tuple[str, int]:
    try:
        name, before = json.loads(base64.urlsafe_b64decode(token.encode()))
        return str(name), int(before)
    except (binascii.Error, UnicodeError, ValueError, TypeError) as error:
        raise invalid("Field pageToken had an invalid value: it is not one of this list's.") from error


def written(into: Any, row: Answer, metric: Metric, shape: Shape, span: float) -> None:
    """Fill a raw TimeSeries message; `span` is the seconds that a point is of."""
    into.metric.type = metric.full_type
    into.resource.type = RESOURCE_TYPE
    for field, text in row.fields.items():
        kind, _, label = field.partition(".labels.")
        if label:
            (into.metric if kind == "metric" else into.resource).labels[label] = text
    into.metric_kind = shape.kind
    into.value_type = shape.type
    into.unit = metric.unit
    for at, value in reversed(row.points):
        point = into.points.add()
        point.interval.end_time.FromNanoseconds(at * 10**9)
        begun = at - span if shape.kind == DELTA else at
        point.interval.start_time.FromNanoseconds(round(begun * 10**9))
        _put(point.value, value, shape, metric)


def _put(into: Any, value: Value, shape: Shape, metric: Metric) -> None:
    if isinstance(value, Distribution):
        _put_distribution(into.distribution_value, value, metric)
    elif shape.type == INT64:
        into.int64_value = round(value)
    else:
        into.double_value = value


def _put_distribution(into: Any, value: Distribution, metric: Metric) -> None:
    into.count = value.count
    into.mean = value.mean
    into.sum_of_squared_deviation = value.deviation
    into.bucket_counts.extend(value.counts)
    if metric.buckets is not None:
        metric.buckets.describe(into.bucket_options)

"""Alignment and reduction, as google.monitoring.v3.Aggregation describes them; pure.

A period without a measurement has no point: Google fills such gaps of a DELTA metric by interpolation between
measurements, which here would be an invention.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from google.cloud.monitoring_v3.types.common import Aggregation

from ccconsole.distributions import Distribution, merged
from ccconsole.emulator.faults import Fault, invalid, unimplemented
from ccconsole.emulator.monitoring.metrics import DELTA, DISTRIBUTION, DOUBLE, GAUGE, INT64, Kind, Type
from ccconsole.emulator.monitoring.store import Points, Value

Aligner = Aggregation.Aligner
Reducer = Aggregation.Reducer

SHORTEST_PERIOD = 1.0
"""Seconds. Google's is 60: the one extension, so that a local console need not wait a minute for a point."""
LONGEST_PERIOD = 104 * 7 * 86400.0
_NUMBERS = (INT64, DOUBLE)


@dataclass(frozen=True)
class Shape:
    """What a series' points are: a google.api.MetricDescriptor.MetricKind and a ValueType."""

    kind: int
    type: int

    @property
    def is_number(self) -> bool:
        """Whether its values are numbers."""
        return self.type in _NUMBERS

    @property
    def is_distribution(self) -> bool:
        """Whether its values are distributions."""
        return self.type == DISTRIBUTION


def _double(shape: Shape) -> Shape:
    return Shape(GAUGE, DOUBLE)


def _count(shape: Shape) -> Shape:
    return Shape(GAUGE, INT64)


def _same(shape: Shape) -> Shape:
    return shape


@dataclass(frozen=True)
class _Operation:
    is_valid: Callable[[Shape], bool]
    result: Callable[[Shape], Shape]
    value: Callable[[Sequence[Value]], Value | None]


def _numbers(values: Sequence[Value]) -> list[float]:
    return [value for value in values if not isinstance(value, Distribution)]


def _parts(values: Sequence[Value]) -> list[Distribution]:
    return [value for value in values if isinstance(value, Distribution)]


def _total(values: Sequence[Value]) -> Value | None:
    return merged(_parts(values)) if _parts(values) else math.fsum(_numbers(values))


def _mean(values: Sequence[Value]) -> Value | None:
    whole = merged(_parts(values))
    return statistics.fmean(_numbers(values)) if whole is None else whole.mean


def _percentile(percent: float) -> Callable[[Sequence[Value]], Value | None]:
    def value(values: Sequence[Value]) -> Value | None:
        whole = merged(_parts(values))
        if whole is not None:
            return whole.percentile(percent)
        return percentile(_numbers(values), percent)

    return value


def percentile(values: Sequence[float], percent: float) -> float | None:
    """The percentile of plain numbers, interpolated between the two nearest; None without any."""
    ordered = sorted(values)
    if not ordered:
        return None
    place = (len(ordered) - 1) * percent / 100
    low = math.floor(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (place - low)


def _is_number(shape: Shape) -> bool:
    return shape.is_number


def _is_delta(shape: Shape) -> bool:
    return shape.kind == DELTA


def _is_any(shape: Shape) -> bool:
    return True


def _is_distribution(shape: Shape) -> bool:
    return shape.is_distribution


_PERCENTS = {"99": 99.0, "95": 95.0, "50": 50.0, "05": 5.0}
_ALIGNERS: Mapping[int, _Operation] = {
    Aligner.ALIGN_DELTA: _Operation(_is_delta, _same, _total),
    Aligner.ALIGN_SUM: _Operation(_is_any, _same, _total),
    Aligner.ALIGN_RATE: _Operation(lambda shape: _is_delta(shape) and shape.is_number, _double, _total),
    Aligner.ALIGN_MIN: _Operation(_is_number, _same, lambda values: min(_numbers(values))),
    Aligner.ALIGN_MAX: _Operation(_is_number, _same, lambda values: max(_numbers(values))),
    Aligner.ALIGN_MEAN: _Operation(_is_number, _double, _mean),
    Aligner.ALIGN_COUNT: _Operation(_is_number, _count, len),
    **{
        int(getattr(Aligner, f"ALIGN_PERCENTILE_{name}")): _Operation(
            _is_distribution, _double, _percentile(percent)
        )
        for name, percent in _PERCENTS.items()
    },
}
_REDUCERS: Mapping[int, _Operation] = {
    Reducer.REDUCE_SUM: _Operation(_is_any, _same, _total),
    Reducer.REDUCE_MIN: _Operation(_is_number, _same, lambda values: min(_numbers(values))),
    Reducer.REDUCE_MAX: _Operation(_is_number, _same, lambda values: max(_numbers(values))),
    Reducer.REDUCE_MEAN: _Operation(_is_any, _double, _mean),
    Reducer.REDUCE_COUNT: _Operation(_is_any, _count, len),
    **{
        int(getattr(Reducer, f"REDUCE_PERCENTILE_{name}")): _Operation(_is_any, _double, _percentile(percent))
        for name, percent in _PERCENTS.items()
    },
}


@dataclass(frozen=True)
class Plan:
    """An aggregation that was checked against its metric; `period` in seconds, 0 without an aligner."""

    aligner: int
    reducer: int
    period: float
    shape: Shape
    """Of what it yields."""

    @property
    def is_reduced(self) -> bool:
        """Whether series are put together."""
        return self.reducer != Reducer.REDUCE_NONE

    def align(self, points: Points, start: float, end: float) -> Points:
        """One point at the end of each period that has any measurement; periods count back from `end`."""
        if self.aligner == Aligner.ALIGN_NONE:
            return points
        periods: dict[int, list[Value]] = {}
        for at, value in points:
            if start < at <= end:
                periods.setdefault(int((end - at) // self.period), []).append(value)
        found: Points = []
        for back, values in sorted(periods.items(), reverse=True):
            aligned = _ALIGNERS[self.aligner].value(values)
            if self.aligner == Aligner.ALIGN_RATE and isinstance(aligned, float):
                aligned /= self.period
            if aligned is not None:
                found.append((round(end - back * self.period), aligned))
        return found

    def reduce(self, series: Iterable[Points]) -> Points:
        """One series out of several that were aligned alike."""
        moments: dict[int, list[Value]] = {}
        for points in series:
            for at, value in points:
                moments.setdefault(at, []).append(value)
        reduced = ((at, _REDUCERS[self.reducer].value(values)) for at, values in sorted(moments.items()))
        return [(at, value) for at, value in reduced if value is not None]


def plan(wanted: Aggregation, shape: Shape) -> Plan:
    """Check an aggregation as Google does: INVALID_ARGUMENT for what does not fit, UNIMPLEMENTED here."""
    aligner, reducer = Aligner(wanted.per_series_aligner), Reducer(wanted.cross_series_reducer)
    if aligner == Aligner.ALIGN_NONE:
        if reducer != Reducer.REDUCE_NONE:
            raise invalid(
                'Field aggregation.perSeriesAligner had an invalid value of "ALIGN_NONE": The per-series '
                "aligner must be specified when a cross-series reducer is."
            )
        return Plan(aligner, reducer, 0.0, shape)
    period = Aggregation.pb(wanted).alignment_period.ToTimedelta().total_seconds()
    if not SHORTEST_PERIOD <= period <= LONGEST_PERIOD:
        raise invalid(
            f'Field aggregation.alignmentPeriod had an invalid value of "{period:g}s": The alignment period '
            f"must be from {SHORTEST_PERIOD:g}s (60s at Google) to 104 weeks."
        )
    shape = _checked(_ALIGNERS, aligner, shape, "perSeriesAligner")
    if reducer != Reducer.REDUCE_NONE:
        shape = _checked(_REDUCERS, reducer, shape, "crossSeriesReducer")
    return Plan(aligner, reducer, period, shape)


def _checked(operations: Mapping[int, _Operation], chosen: int, shape: Shape, field: str) -> Shape:
    name = (Aligner if operations is _ALIGNERS else Reducer)(chosen).name
    operation = operations.get(chosen)
    if operation is None:
        raise unimplemented(f"The emulator does not offer {name}.")
    if not operation.is_valid(shape):
        raise _misfit(field, name, shape)
    return operation.result(shape)


def _misfit(field: str, name: str, shape: Shape) -> Fault:
    kind, value_type = Kind.Name(shape.kind), Type.Name(shape.type)
    return invalid(
        f'Field aggregation.{field} had an invalid value of "{name}": It cannot be applied to metrics '
        f"with kind {kind} and value type {value_type}."
    )

"""Metrics for the tests of charts and for the pictures: a service's afternoon."""

from __future__ import annotations

import math
from collections.abc import Callable
from statistics import fmean

from ccconsole.model.metrics import MetricsSnapshot, Points, Series, ServiceMetrics
from ccconsole.model.services import ServiceKey

UNITS = {
    "request_count_2xx": "requests",
    "request_count_4xx": "requests",
    "request_count_5xx": "requests",
    "error_rate": "ratio",
    "latency_p50": "ms",
    "latency_p95": "ms",
    "latency_p99": "ms",
    "cpu": "ratio",
    "memory": "ratio",
    "instance_count": "instances",
    "instance_count_active": "instances",
    "instance_count_idle": "instances",
    "startup_latency_p95": "ms",
    "pending_requests": "requests",
    "billable_time": "s",
}


def every(now: float, window: float, value: Callable[[float], float | None], period: float = 60.0) -> Points:
    """A point each period, where `value` (of the share of the window that has passed) is not None."""
    count = int(window / period)
    found = ((now - window + period * (n + 1), value((n + 1) / count)) for n in range(count))
    return tuple((time, point) for time, point in found if point is not None)


def busy(x: float) -> float:
    """How many instances work."""
    return max(0.0, round(3 + 3 * math.sin(x * 7) + math.sin(x * 31)))


def afternoon(key: ServiceKey, now: float, window: float = 1800.0, shift: float = 0.0) -> ServiceMetrics:
    """Busy, with a fault in the middle and memory that grows; `shift` makes another afternoon of it."""
    shapes: dict[str, Callable[[float], float | None]] = {
        "request_count_2xx": lambda x: round(busy(x) / 2),
        "request_count_4xx": lambda x: 0.0,
        "request_count_5xx": lambda x: 2.0 if 0.5 < x < 0.6 else 0.0,
        "error_rate": lambda x: 0.5 if 0.5 < x < 0.6 else 0.0 if busy(x) else None,
        "latency_p50": lambda x: 90_000 + 60_000 * math.sin(x * 9) if busy(x) else None,
        "latency_p95": lambda x: 260_000 + 90_000 * math.sin(x * 8) if busy(x) else None,
        "latency_p99": lambda x: 420_000 + 90_000 * math.sin(x * 7) if busy(x) else None,
        "cpu": lambda x: min(1.0, 0.25 + 0.08 * busy(x) + 0.05 * math.sin(x * 90)),
        "memory": lambda x: 0.45 + 0.5 * x + 0.02 * math.sin(x * 60),
        "instance_count": lambda x: busy(x) + 1,
        "instance_count_active": busy,
        "instance_count_idle": lambda x: 1.0,
        "startup_latency_p95": lambda x: 2400 + 900 * math.sin(x * 20) if busy(x) > 4 else None,
        "pending_requests": lambda x: 2.0 if 0.2 < x < 0.25 else 0.0,
        "billable_time": lambda x: busy(x) * 60,
    }
    series = {}
    for name, shape in shapes.items():
        points = every(now, window, lambda x, shape=shape: shape((x + shift) % 1.0 if shift else x))  # type: ignore[misc]
        series[name] = Series(
            name,
            UNITS[name],
            points,
            overall=fmean(value for _, value in points) if points else None,
            ingest_delay=120.0,
            window_start=now - window,
            read_at=now,
        )
    return ServiceMetrics(key, series)


def read(metrics: ServiceMetrics, now: float) -> MetricsSnapshot:
    """What a reading brings."""
    return MetricsSnapshot(metrics.key.environment, {metrics.key: metrics}, read_at=now)

"""From sizes, seconds and prices to USD; pure. The prices are list prices: see `ccconsole.prices`."""

from __future__ import annotations

import math
from collections.abc import Mapping

from ccconsole import prices
from ccconsole.config import ServiceSpec
from ccconsole.config.values import cpus, memory_bytes
from ccconsole.model.costs import Billing, Estimate, Size, Spent, TaskCost
from ccconsole.model.metrics import ServiceMetrics
from ccconsole.model.problem import Problem
from ccconsole.model.services import Service
from ccconsole.model.tasks import Task, TaskState

HOUR = 3600.0
MONTH = 30 * 86400.0
"""Seconds."""
ROUNDING = 0.1
"""Seconds: billed time is rounded up to it (https://cloud.google.com/run/pricing)."""


def declared_size(spec: ServiceSpec) -> Size:
    """The size that deploy.toml declares."""
    return _size(spec.key.region, spec.cpu, spec.memory, spec.min_instances, spec.max_instances)


def live_size(service: Service) -> Size:
    """The live service's size; what it does not tell is Cloud Run's default, one CPU and 512 MiB."""
    cpu, memory = service.cpu or "1", service.memory or "512Mi"
    return _size(service.key.region, cpu, memory, service.min_instances, service.max_instances)


def estimates(size: Size, own: Mapping[str, float] | None = None) -> tuple[Estimate, Estimate]:
    """Request-based and instance-based; `own` are prices in place of the list's, by their names."""
    found = prices.in_region(size.region, own)
    return _estimate(size, Billing.REQUEST, found), _estimate(size, Billing.INSTANCE, found)


def rate(size: Size, billing: Billing, found: prices.Prices, *, is_idle: bool = False) -> float:
    """One instance's second; `is_idle` for one that waits, which instance-based billing tells not apart."""
    if billing is Billing.INSTANCE:
        return size.cpus * found.instance_cpu + size.gib * found.instance_memory
    if is_idle:
        return size.cpus * found.idle_cpu + size.gib * found.idle_memory
    return size.cpus * found.request_cpu + size.gib * found.request_memory


def spent(
    metrics: ServiceMetrics,
    since: float,
    size: Size,
    billing: Billing,
    own: Mapping[str, float] | None = None,
) -> Spent:
    """From the series `billable_time` and `request_count`, at today's size, what came after `since`.

    All billable time is at the price of a busy instance: of one that waits it is at most so.
    """
    series, counted = metrics["billable_time"], metrics["request_count"]
    measured = [value for at, value in series.points if at > since]
    requests = math.fsum(value for at, value in counted.points if at > since)
    if not measured:
        return Spent(since, None, as_of=series.as_of, problem=series.problem)
    found = prices.in_region(size.region, own)
    seconds = math.fsum(measured)
    usd = seconds * rate(size, billing, found)
    if billing is Billing.REQUEST:
        usd += requests / 1e6 * found.requests
    return Spent(since, usd, seconds, requests, series.as_of, series.problem)


def unknown(since: float, problem: Problem | None = None) -> Spent:
    """Where nothing could be read."""
    return Spent(since, None, problem=problem)


def of_task(
    task: Task, size: Size, billing: Billing, now: float, own: Mapping[str, float] | None = None
) -> TaskCost:
    """What a task's seconds on its instance and its tokens cost, up to `now` while it runs."""
    began = task.started_at if task.started_at is not None else task.created_at
    # A lost task's end is not known; nobody heard of it behind its last output.
    ended = task.last_output_at if task.state is TaskState.LOST else task.ended_at
    raw = max(0.0, (now if ended is None else ended) - began)
    seconds = math.ceil(round(raw / ROUNDING, 6)) * ROUNDING
    return TaskCost(seconds, seconds * rate(size, billing, prices.in_region(size.region, own)), task.cost_usd)


def _size(region: str, cpu: str, memory: str, low: int, high: int | None) -> Size:
    return Size(region, cpus(cpu), memory_bytes(memory) / (1 << 30), low, high)


def _estimate(size: Size, billing: Billing, found: prices.Prices) -> Estimate:
    busy = HOUR * rate(size, billing, found)
    full = None if size.max_instances is None else size.max_instances * busy
    idle = MONTH * size.min_instances * rate(size, billing, found, is_idle=True)
    return Estimate(billing, busy, full, idle)

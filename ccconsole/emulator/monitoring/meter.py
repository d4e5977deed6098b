"""One revision's measurements: its requests as they end, its instances at each sample."""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ccconsole import distributions
from ccconsole.emulator.instance import Instance, State
from ccconsole.emulator.monitoring import metrics
from ccconsole.emulator.monitoring.metrics import Metric
from ccconsole.emulator.monitoring.store import Key, Labels, Store, Value, labels
from ccconsole.emulator.monitoring.usage import Usage
from ccconsole.emulator.spec import RevisionSpec

_BILLED_STEP = 0.1
"""Seconds: https://cloud.google.com/run/pricing rounds up to 100 ms."""


@dataclass
class _Seen:
    """What was measured of an instance at the last sample."""

    at: float
    usage: Usage | None = None
    billed: float = 0.0
    is_started: bool = False


class Meter:
    """Writes a revision's series; nothing is written while it has no instance, and nothing invented."""

    def __init__(self, spec: RevisionSpec, store: Store) -> None:
        self._spec = spec
        self._store = store
        location = spec.service.location
        self._resource = labels(
            project_id=location.project,
            location=location.region,
            service_name=spec.service.service,
            revision_name=spec.revision,
            configuration_name=spec.service.service,
        )
        self._instances: dict[Instance, _Seen] = {}
        self._was_up = False

    def add(self, instance: Instance) -> None:
        """Measure this instance from now on, until it has ended."""
        self._instances[instance] = _Seen(time.monotonic())

    @property
    def leaders(self) -> list[int]:
        """The pids of the instances' first processes."""
        return [item.measured.pid for item in self._instances if item.measured is not None]

    def request_ended(self, status: int, seconds: float) -> None:
        """Count a request that had reached an instance; `seconds` from its head to its end."""
        answer = labels(response_code=str(status), response_code_class=f"{status // 100}xx")
        now = time.time()
        self._store.add(Key(metrics.REQUEST_COUNT, answer, self._resource), 1, now)
        self._spread(metrics.REQUEST_LATENCIES, [seconds * 1000], now, answer)

    def sample(self, used: Mapping[int, Usage], waiting: int, at: float) -> None:
        """Measure all instances; `used` by the pids of `leaders`, `waiting` requests have none.

        `at` ends the period that is measured, seconds since the epoch.
        """
        now = time.monotonic()
        self._count(waiting, at)
        peaks = [float(instance.take_peak()) for instance in self._instances]
        self._spread(metrics.CONCURRENCIES, (peak for peak in peaks if peak), at, labels(state="active"))
        self._measure(used, now, at)
        billed = sum(self._bill(instance, seen, now) for instance, seen in self._instances.items())
        if billed:
            self._add(metrics.BILLABLE_TIME, billed, at)
        for instance, seen in tuple(self._instances.items()):
            if instance.startup_seconds and not seen.is_started:
                seen.is_started = True
                self._spread(metrics.STARTUP_LATENCIES, [instance.startup_seconds * 1000], at)
            if instance.ended.is_set():
                del self._instances[instance]

    def _count(self, waiting: int, at: float) -> None:
        up = [item for item in self._instances if item.state in (State.STARTING, State.READY)]
        is_up = bool(up or waiting)
        if is_up or self._was_up:  # once more when the last one has gone: that is a measured zero
            active = sum(1 for item in up if item.active or item.state is State.STARTING)
            self._add(metrics.INSTANCE_COUNT, active, at, labels(state="active"))
            self._add(metrics.INSTANCE_COUNT, len(up) - active, at, labels(state="idle"))
            self._add(metrics.PENDING_REQUESTS, waiting, at)
        self._was_up = is_up

    def _measure(self, used: Mapping[int, Usage], now: float, at: float) -> None:
        shares_of_cpu: list[float] = []
        shares_of_memory: list[float] = []
        for instance, seen in self._instances.items():
            usage = None if instance.measured is None else used.get(instance.measured.pid)
            if usage is not None:
                shares_of_memory.append(usage.memory_bytes / self._spec.memory_bytes)
                if seen.usage is not None and now > seen.at:
                    spent = max(0.0, usage.cpu_seconds - seen.usage.cpu_seconds)
                    shares_of_cpu.append(spent / (now - seen.at) / self._spec.cpus)
            seen.usage, seen.at = usage, now
        container = labels(container_name=f"{self._spec.service.service}-1")
        self._spread(metrics.CPU, shares_of_cpu, at, container)
        self._spread(metrics.MEMORY, shares_of_memory, at, container)

    def _bill(self, instance: Instance, seen: _Seen, now: float) -> float:
        """The billed seconds since the last sample: while it starts and serves, or all its life."""
        total = instance.busy_seconds + instance.startup_seconds
        if self._spec.is_cpu_always:
            total = now - instance.started_at
        rounded = math.ceil(round(total / _BILLED_STEP, 6)) * _BILLED_STEP
        more, seen.billed = max(0.0, rounded - seen.billed), max(rounded, seen.billed)
        return more

    def _spread(self, metric: Metric, values: Iterable[float], at: float, of: Labels = ()) -> None:
        found = distributions.of(values, metric.bounds)
        if found.count:
            self._add(metric, found, at, of)

    def _add(self, metric: Metric, value: Value, at: float, of: Labels = ()) -> None:
        self._store.add(Key(metric, of, self._resource), value, at)

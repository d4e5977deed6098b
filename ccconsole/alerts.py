"""What is alarming about a service: pure functions from what is known to what is said.

The latency of a whole request is none of it: a healthy task lasts minutes, and Cloud Run counts a request
only at its end. What tells a stuck worker is its first byte, and its silence.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ccconsole import format
from ccconsole.model.metrics import Alert, AlertKind
from ccconsole.model.services import ServiceKey
from ccconsole.model.tasks import TaskState

if TYPE_CHECKING:
    from ccconsole.config import Alerts
    from ccconsole.model.fleet import FleetRow
    from ccconsole.model.metrics import Series
    from ccconsole.model.tasks import Task

ERROR_WINDOW = 900.0
"""Seconds that the error rate is of: workers serve few and long requests."""
MIN_REQUESTS = 5
"""One failure of three says nothing yet."""
SUSTAINED_POINTS = 3
"""So many periods in a row: an agent that compiles for a moment uses the whole CPU rightly."""
RELEASE = 0.9
"""An alert that has begun ends below this share of its threshold, so that it does not flicker around it."""


_Identity = tuple[ServiceKey, AlertKind, str]
"""The service, what is alarming, and the task it is about."""


@dataclass(frozen=True)
class Transitions:
    """What began and what ended between two moments, in the order of the services."""

    started: tuple[tuple[ServiceKey, Alert], ...] = ()
    ended: tuple[tuple[ServiceKey, Alert], ...] = ()


def alerts_of(row: FleetRow, limits: Alerts, now: float) -> tuple[Alert, ...]:
    """The row's alerts now; those it has already keep their beginning. `now` in seconds since the epoch."""
    begun = {(alert.kind, alert.subject): alert for alert in row.alerts}
    return tuple(
        replace(alert, since=begun[alert.kind, alert.subject].since)
        if (alert.kind, alert.subject) in begun
        else alert
        for alert in _found(row, limits, now)
    )


class AlertNews:
    """Tells what began and what ended from one snapshot's rows to the next one's; a changed text is neither.

    What could not be read now ends nothing: after a reload, or while metrics or the journal are out of reach,
    an alert that was told goes on.
    """

    def __init__(self) -> None:
        self._told: dict[_Identity, Alert] = {}

    def of(self, rows: Iterable[FleetRow]) -> Transitions:
        """The news of these rows."""
        by_key = {row.service.key: row for row in rows}
        found = {
            (key, alert.kind, alert.subject): alert for key, row in by_key.items() for alert in row.alerts
        }
        started = {identity: alert for identity, alert in found.items() if identity not in self._told}
        ended = {
            identity: alert
            for identity, alert in self._told.items()
            if identity not in found and _is_readable(identity[1], by_key.get(identity[0]))
        }
        for identity in ended:
            del self._told[identity]
        self._told |= found
        return Transitions(
            tuple((identity[0], alert) for identity, alert in started.items()),
            tuple((identity[0], alert) for identity, alert in ended.items()),
        )


def _is_readable(kind: AlertKind, row: FleetRow | None) -> bool:
    """Whether the row shows that an alert of that kind is over."""
    if row is None:
        return False
    if kind in (AlertKind.FIRST_BYTE, AlertKind.SILENT_TASK):
        return row.is_journaled
    if kind is AlertKind.INSTANCES and row.is_journaled:
        return True
    return row.metrics is not None


def _found(row: FleetRow, limits: Alerts, now: float) -> Iterator[Alert]:
    yield from _failing_requests(row, limits, now)
    yield from _exhausted(row, AlertKind.CPU, limits.cpu, SUSTAINED_POINTS, now)
    yield from _exhausted(row, AlertKind.MEMORY, limits.memory, 1, now)
    yield from _at_max(row, now)
    for task in row.tasks:
        yield from _slow(task, limits, now)
    yield from _stale(row, now)


def _failing_requests(row: FleetRow, limits: Alerts, now: float) -> Iterator[Alert]:
    if row.metrics is None:
        return
    total = _sum(row.metrics["request_count"], now)
    failed = _sum(row.metrics["request_count_4xx"], now) + _sum(row.metrics["request_count_5xx"], now)
    if total < MIN_REQUESTS:
        return
    if failed / total > _threshold(row, AlertKind.ERROR_RATE, limits.error_rate):
        minutes = round(ERROR_WINDOW / 60)
        text = f"{format.percent(failed / total)} of {total:.0f} requests failed in {minutes} minutes"
        yield Alert(AlertKind.ERROR_RATE, f"{text}, more than {format.percent(limits.error_rate)}", now)


def _sum(series: Series, now: float) -> float:
    return sum(value for _, value in series.recent(now, ERROR_WINDOW))


def _exhausted(row: FleetRow, kind: AlertKind, limit: float, points: int, now: float) -> Iterator[Alert]:
    if row.metrics is None:
        return
    series = row.metrics[kind.value]
    newest = series.current(now)
    if newest is None:
        return
    is_begun = any(alert.kind is kind for alert in row.alerts)
    last = [newest] if is_begun else [value for _, value in series.points[-points:]]
    if len(last) >= (1 if is_begun else points) and min(last) >= _threshold(row, kind, limit):
        name = "CPU" if kind is AlertKind.CPU else "memory"
        yield Alert(kind, f"{name} at {format.percent(newest)} of its limit", now)


def _at_max(row: FleetRow, now: float) -> Iterator[Alert]:
    most = row.service.max_instances
    if not most:
        return
    # The journal knows at once what the metrics say minutes later.
    is_full = row.is_journaled and row.busy >= most * (row.service.concurrency or 1)
    active = row.metrics["instance_count_active"].current(now) if row.metrics is not None else None
    if is_full or (active is not None and active >= most):
        yield Alert(AlertKind.INSTANCES, f"all {most} instances are busy; more prompts are refused", now)


def _slow(task: Task, limits: Alerts, now: float) -> Iterator[Alert]:
    if task.state is not TaskState.RUNNING:
        return
    if task.last_output_at is None:
        late = (task.started_at or now) + limits.first_byte
        if now > late:
            text = f"no output since its start {format.age(task.started_at, now)} ago"
            yield Alert(AlertKind.FIRST_BYTE, text, late, task.id)
    elif now > (late := task.last_output_at + limits.silence):
        text = f"no output for {format.age(task.last_output_at, now)}"
        yield Alert(AlertKind.SILENT_TASK, text, late, task.id)


def _stale(row: FleetRow, now: float) -> Iterator[Alert]:
    """A service without data is idle, unless a task runs on it: then its metrics are missing."""
    if row.metrics is None:
        return
    series = row.metrics["instance_count"]
    if series.current(now) is not None:
        return
    busy_since = [task.started_at for task in row.tasks if task.started_at and not task.state.is_end]
    if not busy_since or now - min(busy_since) <= series.normal_age:
        return
    if series.as_of is None:
        text = "a task runs and there are no metrics"
    else:
        text = f"a task runs and the metrics end at {format.clock(series.as_of)}"
    yield Alert(AlertKind.STALE_METRICS, text, now)


def _threshold(row: FleetRow, kind: AlertKind, limit: float) -> float:
    is_begun = any(alert.kind is kind for alert in row.alerts)
    return limit * RELEASE if is_begun else limit

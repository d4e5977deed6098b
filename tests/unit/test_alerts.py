"""When something is alarming, when it stops, and what is told of it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ccconsole.alerts import AlertNews, Transitions, alerts_of
from ccconsole.config import Alerts
from ccconsole.model.fleet import FleetRow
from ccconsole.model.metrics import Alert, AlertKind, Points, Series, ServiceMetrics
from ccconsole.model.services import Service, ServiceKey, ServiceState
from ccconsole.model.tasks import Task, TaskState

NOW = 1_800_000_000.0
KEY = ServiceKey("dev", "us-central1", "worker")
LIMITS = Alerts()


def row(*tasks: Task, most: int = 4, alerts: tuple[Alert, ...] = (), **points: Points) -> FleetRow:
    """A row whose metrics are these points, sampled each minute and readable two minutes later."""
    series = {
        name: Series(name, "", found, sample_period=60.0, ingest_delay=120.0)
        for name, found in points.items()
    }
    service = Service(KEY, ServiceState.READY, max_instances=most, concurrency=1)
    metrics = ServiceMetrics(KEY, series) if points else None
    return FleetRow(service, tasks, is_journaled=True, metrics=metrics, alerts=alerts)


def every_minute(*values: float, until: float = NOW) -> Points:
    return tuple((until - 60.0 * (len(values) - 1 - n), value) for n, value in enumerate(values))


def task(state: TaskState = TaskState.RUNNING, **fields: float) -> Task:
    return Task("t1", "dev", "worker", state, "prompt", **fields)  # type: ignore[arg-type]


def kinds(row: FleetRow, now: float = NOW) -> list[AlertKind]:
    return [alert.kind for alert in alerts_of(row, LIMITS, now)]


@pytest.mark.parametrize(
    ("requests", "client_errors", "server_errors", "is_alarming"),
    [
        ((100, 100), (), (), False),
        ((100, 100), (), (10,), False),
        ((100, 100), (), (11,), True),
        ((100, 100), (6,), (5,), True),
        # Too few requests say nothing.
        ((2, 2), (), (4,), False),
        ((3, 2), (), (4,), True),
        ((), (), (), False),
    ],
)
def test_error_rate(
    requests: tuple[float, ...],
    client_errors: tuple[float, ...],
    server_errors: tuple[float, ...],
    is_alarming: bool,
) -> None:
    found = row(
        request_count=every_minute(*requests),
        request_count_4xx=every_minute(*client_errors),
        request_count_5xx=every_minute(*server_errors),
    )
    assert kinds(found) == ([AlertKind.ERROR_RATE] if is_alarming else [])


def test_old_errors_are_forgotten() -> None:
    old = every_minute(50, until=NOW - 1500)
    assert kinds(row(request_count=old, request_count_5xx=old)) == []


def test_a_slow_request_is_no_alert() -> None:
    assert kinds(row(request_count=every_minute(9), latency_p99=every_minute(3_600_000.0))) == []


@pytest.mark.parametrize(
    ("values", "is_alarming"),
    [((1.0, 1.0), False), ((0.9, 0.95, 0.9), True), ((1.0, 0.5, 1.0), False), ((1.0, 1.0, 1.0, 0.85), False)],
)
def test_cpu_must_stay_high(values: tuple[float, ...], is_alarming: bool) -> None:
    assert kinds(row(cpu=every_minute(*values))) == ([AlertKind.CPU] if is_alarming else [])


def test_memory_is_alarming_at_once_and_ends_some_way_below() -> None:
    (alert,) = alerts_of(row(memory=every_minute(0.91)), LIMITS, NOW)
    assert (alert.kind, alert.text) == (AlertKind.MEMORY, "memory at 91% of its limit")
    assert kinds(row(memory=every_minute(0.85))) == []
    assert kinds(row(memory=every_minute(0.85), alerts=(alert,))) == [AlertKind.MEMORY]
    assert kinds(row(memory=every_minute(0.80), alerts=(alert,))) == []


def test_a_figure_that_is_too_old_alarms_nobody() -> None:
    old = NOW - 301.0
    assert kinds(row(memory=every_minute(1.0, until=old), cpu=every_minute(1, 1, 1, until=old))) == []


def test_all_instances_busy_by_the_journal_or_by_the_metrics() -> None:
    busy = [replace(task(started_at=NOW, last_output_at=NOW), id=f"t{n}") for n in range(4)]
    assert kinds(row(*busy)) == [AlertKind.INSTANCES]
    assert kinds(row(*busy[:3])) == []
    assert kinds(row(instance_count_active=every_minute(4.0), instance_count=every_minute(4.0))) == [
        AlertKind.INSTANCES
    ]
    assert kinds(row(instance_count_active=every_minute(3.0), instance_count=every_minute(4.0))) == []


@pytest.mark.parametrize(
    ("running", "expected"),
    [
        (task(started_at=NOW - 59), []),
        (task(started_at=NOW - 61), [AlertKind.FIRST_BYTE]),
        (task(started_at=NOW - 3000, last_output_at=NOW - 599), []),
        (task(started_at=NOW - 3000, last_output_at=NOW - 601), [AlertKind.SILENT_TASK]),
        # It waits for a person, or has ended, or has not begun.
        (task(TaskState.WAITING_INPUT, started_at=NOW - 3000, last_output_at=NOW - 2000), []),
        (task(TaskState.COMPLETED, started_at=NOW - 3000, last_output_at=NOW - 2000), []),
        (task(TaskState.PENDING), []),
    ],
)
def test_a_task_that_says_nothing(running: Task, expected: list[AlertKind]) -> None:
    assert kinds(row(running)) == expected


def test_a_tasks_alert_began_when_it_was_late_and_names_the_task() -> None:
    (alert,) = alerts_of(row(task(started_at=NOW - 90)), LIMITS, NOW)
    assert alert == Alert(AlertKind.FIRST_BYTE, "no output since its start 1m ago", NOW - 30, "t1")


def test_metrics_are_stale_only_where_a_task_runs() -> None:
    old = every_minute(1.0, until=NOW - 400)
    busy = task(started_at=NOW - 1000, last_output_at=NOW)
    assert kinds(row(instance_count=old)) == []
    assert kinds(row(busy, instance_count=old)) == [AlertKind.STALE_METRICS]
    assert kinds(row(busy, instance_count=())) == [AlertKind.STALE_METRICS]
    assert kinds(row(busy, instance_count=every_minute(1.0, until=NOW - 200))) == []
    # It has only begun, and Cloud Monitoring is minutes behind.
    assert kinds(row(replace(busy, started_at=NOW - 200), instance_count=())) == []
    # Nothing could be read at all: the environment says so once.
    assert kinds(row(busy)) == []


def test_an_alert_keeps_its_beginning_while_its_text_changes() -> None:
    first = alerts_of(row(memory=every_minute(0.95)), LIMITS, NOW)
    later = alerts_of(row(memory=every_minute(0.99, until=NOW + 60), alerts=first), LIMITS, NOW + 60)
    assert (later[0].since, later[0].text) == (NOW, "memory at 99% of its limit")


def test_news_tell_each_beginning_and_each_end_once() -> None:
    quiet = row(cpu=every_minute(0.1))
    one = Alert(AlertKind.CPU, "CPU at 95%", NOW)
    two = Alert(AlertKind.SILENT_TASK, "no output", NOW, "t1")
    other = replace(two, subject="t2")
    changed = replace(one, text="CPU at 99%")
    news = AlertNews()

    def told(*alerts: Alert) -> tuple[list[Alert], list[Alert]]:
        found = news.of([replace(quiet, alerts=alerts)])
        assert {key for key, _ in (*found.started, *found.ended)} <= {KEY}
        return [alert for _, alert in found.started], [alert for _, alert in found.ended]

    assert told() == ([], [])
    assert told(one) == ([one], [])
    assert told(changed, two) == ([two], [])
    assert told(changed, other) == ([other], [two])
    assert told() == ([], [changed, other])
    assert told(one) == ([one], [])


def test_what_cannot_be_read_ends_no_alert_and_begins_none_again() -> None:
    cpu = Alert(AlertKind.CPU, "CPU at 95%", NOW)
    silent = Alert(AlertKind.SILENT_TASK, "no output", NOW, "t1")
    loud = replace(row(cpu=every_minute(0.95)), alerts=(cpu, silent))
    news = AlertNews()
    assert len(news.of([loud]).started) == 2
    unread = replace(loud, metrics=None, is_journaled=False, alerts=())
    for rows in ([], [unread], [loud], [unread], [loud]):
        assert news.of(rows) == Transitions()
    assert [alert for _, alert in news.of([replace(loud, alerts=())]).ended] == [cpu, silent]

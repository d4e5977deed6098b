"""What services and tasks cost: against the sums that were worked out by hand for the guide's three sizes."""

from __future__ import annotations

import pytest

from ccconsole import cost, prices
from ccconsole.config import ServiceSpec
from ccconsole.model.costs import Billing, Size
from ccconsole.model.metrics import Points, Series, ServiceMetrics
from ccconsole.model.services import Service, ServiceKey, ServiceState
from ccconsole.model.tasks import Task, TaskState

KEY = ServiceKey("prod", "us-central1", "worker")
PROD = ServiceSpec(KEY, "worker", cpu="2", memory="4Gi", min_instances=1, max_instances=20)
SIZE = cost.declared_size(PROD)


def test_sizes() -> None:
    assert Size("us-central1", 2.0, 4.0, 1, 20) == SIZE
    live = Service(KEY, ServiceState.READY, cpu="500m", memory="512Mi", max_instances=3)
    assert cost.live_size(live) == Size("us-central1", 0.5, 0.5, 0, 3)
    assert cost.live_size(Service(KEY, ServiceState.READY)) == Size("us-central1", 1.0, 0.5)


@pytest.mark.parametrize(
    ("cpu", "memory", "by_request", "by_instance", "month"),
    [
        ("1", "1Gi", 0.0954, 0.072, 51.84),
        ("2", "2Gi", 0.1908, 0.144, 103.68),
        ("2", "4Gi", 0.2088, 0.1584, 114.048),
    ],
)
def test_the_guides_sizes(cpu: str, memory: str, by_request: float, by_instance: float, month: float) -> None:
    spec = ServiceSpec(KEY, "worker", cpu=cpu, memory=memory, min_instances=1, max_instances=10)
    requested, lasting = cost.estimates(cost.declared_size(spec))
    assert (requested.busy_hour, lasting.busy_hour) == pytest.approx((by_request, by_instance))
    assert requested.full_hour == pytest.approx(10 * by_request)
    assert lasting.idle_month == pytest.approx(month)


def test_idle_minimum_instances_have_a_price_of_their_own() -> None:
    requested, _ = cost.estimates(SIZE)
    assert requested.idle_month == pytest.approx(30 * 86400 * 6 * 0.0000025)
    assert cost.estimates(Size("us-central1", 2, 4))[0].idle_month == 0
    assert cost.estimates(Size("us-central1", 2, 4))[0].full_hour is None


def test_regions_of_the_second_tier_and_prices_of_ones_own() -> None:
    assert prices.tier("europe-west1") == 1
    assert prices.tier("europe-west3") == 2
    dear, _ = cost.estimates(Size("europe-west3", 1, 1))
    assert dear.busy_hour == pytest.approx(3600 * (0.0000336 + 0.0000035))
    own, _ = cost.estimates(Size("europe-west3", 1, 1), {"request_cpu": 0.0, "request_memory": 0.001})
    assert own.busy_hour == pytest.approx(3.6)


def measured(billable: Points, requests: Points = ()) -> ServiceMetrics:
    series = {"billable_time": Series("billable_time", "s", billable)}
    return ServiceMetrics(KEY, series | {"request_count": Series("request_count", "requests", requests)})


def test_today_is_the_billable_time_behind_midnight() -> None:
    found = measured(((99.0, 1e6), (160.0, 100.0), (220.0, 50.0)), ((100.0, 1e9), (220.0, 1e6)))
    today = cost.spent(found, 100.0, SIZE, Billing.REQUEST)
    assert (today.billable_seconds, today.requests, today.as_of) == (150, 1e6, 220)
    assert today.usd == pytest.approx(150 * (2 * 0.000024 + 4 * 0.0000025) + 0.40)
    lasting = cost.spent(found, 100.0, SIZE, Billing.INSTANCE)
    assert lasting.usd == pytest.approx(150 * (2 * 0.000018 + 4 * 0.000002))


def test_what_was_not_measured_is_not_zero() -> None:
    today = cost.spent(measured(((99.0, 10.0),)), 100.0, SIZE, Billing.REQUEST)
    assert (today.usd, today.billable_seconds, today.as_of) == (None, None, 99.0)


@pytest.mark.parametrize(
    ("fields", "state", "seconds"),
    [
        ({"started_at": 10.0, "ended_at": 12.01}, TaskState.COMPLETED, 2.1),
        ({"started_at": 10.0, "ended_at": 12.0}, TaskState.COMPLETED, 2.0),
        ({"started_at": 10.0}, TaskState.RUNNING, 90.0),
        ({}, TaskState.PENDING, 92.0),
        ({"started_at": 10.0, "last_output_at": 30.0}, TaskState.LOST, 20.0),
    ],
)
def test_a_tasks_seconds(fields: dict[str, float], state: TaskState, seconds: float) -> None:
    task = Task("t", "prod", "worker", state, "hi", created_at=8.0, **fields)  # type: ignore[arg-type]
    found = cost.of_task(task, SIZE, Billing.REQUEST, 100.0)
    assert found.seconds == pytest.approx(seconds)
    assert found.compute == pytest.approx(seconds * 0.000058)
    assert (found.tokens, found.total) == (None, found.compute)


def test_a_tasks_tokens() -> None:
    task = Task(
        "t", "prod", "worker", TaskState.COMPLETED, "hi", started_at=0.0, ended_at=100.0, cost_usd=0.25
    )
    found = cost.of_task(task, SIZE, Billing.REQUEST, 0.0)
    assert found.tokens == 0.25
    assert found.total == pytest.approx(0.2558)

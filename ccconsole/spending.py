"""What each service of an environment costs at its size, and what it burned since midnight."""

from __future__ import annotations

import asyncio
import datetime
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from ccconsole import cost
from ccconsole.cloud.connect import Connections
from ccconsole.cloud.metric_queries import ALL
from ccconsole.cloud.metrics import read_metrics
from ccconsole.cloud.services import services
from ccconsole.config import Config, Environment
from ccconsole.errors import ConsoleError
from ccconsole.model.costs import Billing, ServiceCost, Size
from ccconsole.model.metrics import MetricsSnapshot, Series, ServiceMetrics
from ccconsole.model.problem import Problem
from ccconsole.model.services import Service, ServiceKey

_QUERIES = tuple(
    query for query in ALL if query.metric in ("request_count", "container/billable_instance_time")
)
_NEWEST = 600.0
"""Seconds that are read in short periods: of a whole day, the long period that is not over is missing."""


@dataclass(frozen=True)
class Spending:
    """One environment's services, the declared and the live; what could not be read is a problem."""

    environment: str
    costs: tuple[ServiceCost, ...] = ()
    problems: tuple[Problem, ...] = ()
    is_read: bool = True
    """Whether the environment answered; else the sizes are those that deploy.toml declares."""


async def spending(
    config: Config, connections: Connections, environment: Environment, *, now: float | None = None
) -> Spending:
    """Sizes and figures of one environment: four calls beside the services' list. Nothing is raised."""
    now = time.time() if now is None else now
    since = midnight(now)
    live: tuple[Service, ...] = ()
    metrics: MetricsSnapshot | None = None
    problems: tuple[Problem, ...] = ()
    try:
        connection = await connections.connection(environment)
        live = await services(connection)
        if live:
            keys = [service.key for service in live]
            day, newest = await asyncio.gather(
                read_metrics(connection, window=now - since, queries=_QUERIES, services=keys),
                read_metrics(connection, window=_NEWEST, queries=_QUERIES, services=keys),
            )
            metrics = _joined(day, newest)
            problems = metrics.problems
    except ConsoleError as error:
        problems = (problem_of(error, environment),)
    made = [
        _cost(environment, key, size, config.prices, since, metrics, is_live=is_live)
        for key, size, is_live in _sizes(environment, live)
    ]
    is_read = not problems or metrics is not None
    return Spending(environment.name, tuple(made), problems, is_read)


def _joined(day: MetricsSnapshot, newest: MetricsSnapshot) -> MetricsSnapshot:
    """The day's series with the newest points behind the end of their last period."""
    joined: dict[ServiceKey, ServiceMetrics] = {}
    for key, found in day.services.items():
        late = newest.services.get(key)
        if late is not None:
            found = replace(
                found, series={name: _longer(one, late[name]) for name, one in found.series.items()}
            )
        joined[key] = found
    return replace(day, services=joined)


def _longer(series: Series, late: Series) -> Series:
    end = series.read_at // series.period * series.period
    return replace(series, points=series.points + tuple(point for point in late.points if point[0] > end))


def midnight(now: float) -> float:
    """When today began in the reader's own zone."""
    local = datetime.datetime.fromtimestamp(now).astimezone()
    return local.replace(hour=0, minute=0, second=0, microsecond=0).timestamp()


def billing_of(environment: Environment) -> Billing:
    """How the services of the environment are billed: what `ccconsole.cloud.deploy` declares."""
    return Billing.INSTANCE if environment.is_local else Billing.REQUEST


def is_paid(environment: Environment) -> bool:
    """Whether Google sends a bill for it."""
    return not (environment.is_local or environment.endpoint)


def problem_of(error: ConsoleError, environment: Environment) -> Problem:
    """The error as what could not be read."""
    return Problem(environment.name, error.title, error.detail, error.hint, exit_code=error.exit_code)


def _sizes(environment: Environment, live: Sequence[Service]) -> list[tuple[ServiceKey, Size, bool]]:
    """The live services' sizes, then the declared ones' that are not live."""
    found = {service.key for service in live}
    rows = [(service.key, cost.live_size(service), True) for service in live]
    return rows + [
        (spec.key, cost.declared_size(spec), False) for spec in environment.services if spec.key not in found
    ]


def _cost(
    environment: Environment,
    key: ServiceKey,
    size: Size,
    own: Mapping[str, float],
    since: float,
    metrics: MetricsSnapshot | None,
    *,
    is_live: bool,
) -> ServiceCost:
    billing = billing_of(environment)
    measured = metrics.services.get(key) if metrics is not None else None
    today = cost.unknown(since) if measured is None else cost.spent(measured, since, size, billing, own)
    return ServiceCost(key, size, is_live, is_paid(environment), billing, cost.estimates(size, own), today)

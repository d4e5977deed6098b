"""`metrics`: what Cloud Monitoring knows of services, with its units and its age."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ccconsole import format
from ccconsole.cli import output
from ccconsole.cli.output import Column, Format
from ccconsole.cli.session import (
    ConfigOption,
    FormatOption,
    Session,
    TargetArgument,
    TimeoutOption,
    run,
    session,
)
from ccconsole.cli.targets import live_service, split
from ccconsole.config.values import seconds
from ccconsole.errors import ConfigError, TimedOut
from ccconsole.model.metrics import MetricsSnapshot, Series, ServiceMetrics
from ccconsole.model.problem import Problem
from ccconsole.model.services import ServiceKey

if TYPE_CHECKING:
    from ccconsole.cloud.connect import Connections

PARTIAL = 7
MAX_WINDOW = 42 * 86400
"""Seconds: https://cloud.google.com/monitoring/quotas keeps Google Cloud's own metrics for six weeks."""
_IN_TABLE = (
    "request_count",
    "request_rate",
    "error_rate",
    "latency_p50",
    "latency_p95",
    "latency_p99",
    "cpu",
    "memory",
    "instance_count",
    "instance_count_active",
    "instance_count_idle",
    "startup_latency_p95",
    "pending_requests",
    "billable_time",
)
"""The others are in the machine formats alone."""


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command("metrics")(metrics)


def metrics(
    context: typer.Context,
    target: TargetArgument,
    window: Annotated[
        str, typer.Option(metavar="SPAN", help="How far back, for example 90s, 30m or 6h.")
    ] = "30m",
    form: FormatOption = Format.TABLE,
    config: ConfigOption = None,
    timeout: TimeoutOption = None,
) -> None:
    """Requests, latency, errors, CPU, memory and instances of services: points, units, and how old they are.

    A service without data says since when there is none, which is not zero. Google counts a request when it
    ends and shows it minutes later; percentiles are estimates (≈) from all revisions' merged distribution. In
    json, ndjson and yaml there is one row per service and metric, with its points, the newest last.
    """
    raise typer.Exit(run(_metrics(session(context), target, _window(window), form)))


def _window(text: str) -> int:
    try:
        found = seconds(int(text) if text.isdecimal() else text)
    except ValueError as error:
        raise ConfigError(f"--window {text} is no span of time", str(error)) from None
    if found > MAX_WINDOW:
        raise ConfigError(f"--window {text} is too long", "Cloud Monitoring keeps six weeks.", "--window 6h")
    return found


async def _metrics(options: Session, target: str, window: int, form: Format) -> int:
    config = options.config
    environment, _ = split(config, target)

    from ccconsole.cloud.connect import Connections
    from ccconsole.cloud.metrics import read_metrics

    async with Connections(config) as connections:
        try:
            async with asyncio.timeout(options.timeout):
                keys = await _services(options, connections, target)
                connection = await connections.connection(environment)
                snapshot = await read_metrics(connection, window=float(window), services=keys)
        except TimeoutError:
            raise TimedOut(
                f"{environment.name} does not answer",
                f"Nothing came within {options.timeout:g} s.",
                f"Give it longer: ccconsole --timeout 60 metrics {target}",
            ) from None
    rows = _rows(snapshot, window, time.time())
    if form is Format.TABLE:
        rows = [row for row in rows if row["metric"] in _IN_TABLE]
    output.rows(rows, form, _columns(window))
    for problem in snapshot.problems:
        output.error(problem)
    return _exit_code(snapshot)


async def _services(options: Session, connections: Connections, target: str) -> list[ServiceKey]:
    from ccconsole.cloud.services import services

    environment, name = split(options.config, target)
    if name is None:
        connection = await connections.connection(environment)
        return [service.key for service in await services(connection)]
    _, service = await live_service(
        options.config, connections, target, timeout=options.timeout, is_ready_needed=False
    )
    return [service.key]


def _exit_code(snapshot: MetricsSnapshot) -> int:
    if not snapshot.problems:
        return 0
    return PARTIAL if snapshot.read_at is not None else snapshot.problems[0].exit_code


def _rows(snapshot: MetricsSnapshot, window: int, now: float) -> list[dict[str, Any]]:
    return [
        _row(found, series, window, now)
        for found in snapshot.services.values()
        for series in found.series.values()
    ]


def _row(found: ServiceMetrics, series: Series, window: int, now: float) -> dict[str, Any]:
    age = series.age(now)
    return {
        "environment": found.key.environment,
        "service": found.key.name,
        "region": found.key.region,
        "metric": series.name,
        "unit": series.unit,
        "value": series.current(now),
        "overall": series.overall,
        "as_of": format.moment(series.as_of) or None,
        "age_seconds": None if age is None else round(age, 1),
        "no_data_since": format.moment(series.no_data_since(now)) or None,
        "window_seconds": window,
        "period_seconds": series.period,
        "sample_period_seconds": series.sample_period,
        "ingest_delay_seconds": series.ingest_delay,
        "problem": _problem(series.problem),
        "points": [{"time": format.moment(at), "value": value} for at, value in series.points],
    }


def _problem(problem: Problem | None) -> dict[str, Any] | None:
    if problem is None:
        return None
    return {"title": problem.title, "detail": problem.detail or None, "hint": problem.hint or None}


def _columns(window: int) -> list[Column]:
    is_even = window < 3600 or window % 3600 == 0
    span = format.age(0, window) if is_even else format.duration(window)

    def state(row: output.Row) -> str:
        if row["problem"] is not None:
            return str(row["problem"]["title"])
        return f"no data since {row['no_data_since']}" if row["no_data_since"] else ""

    def age(row: output.Row) -> str:
        return format.NOTHING if row["age_seconds"] is None else format.age(0, row["age_seconds"])

    return [
        Column("ENV", lambda row: row["environment"]),
        Column("SERVICE", lambda row: row["service"]),
        Column("METRIC", lambda row: row["metric"]),
        Column("NOW", lambda row: format.figure(row["value"], row["unit"])),
        Column(f"IN {span}", lambda row: format.figure(row["overall"], row["unit"])),
        Column("AGE", age),
        Column("STATE", state, lambda row: "red" if row["problem"] else "yellow"),
    ]

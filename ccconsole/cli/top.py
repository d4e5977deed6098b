"""`top`: the fleet's figures, one row per service, refreshed in place on a terminal."""

from __future__ import annotations

import asyncio
import re
import shutil
import sys
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import replace
from typing import Annotated, Any

import typer
from wcwidth import wcwidth

from ccconsole import format
from ccconsole.cli import output
from ccconsole.cli.fleet import OptionalTarget, exit_code
from ccconsole.cli.interrupts import interrupts, running
from ccconsole.cli.output import Column, Format
from ccconsole.cli.session import ConfigOption, FormatOption, Session, TimeoutOption, run, session
from ccconsole.cli.targets import split
from ccconsole.config import Config
from ccconsole.errors import ConfigError
from ccconsole.model.fleet import FleetRow, FleetSnapshot
from ccconsole.model.metrics import Alert
from ccconsole.model.problem import Problem

_REFRESH_SECONDS = 1.0
"""At most so often; the figures come each 5 s locally and each minute from Google."""
_STYLE = re.compile(r"\x1b\[[0-9;]*m")


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command("top")(top)


def top(
    context: typer.Context,
    target: OptionalTarget = None,
    is_watching: Annotated[
        bool | None,
        typer.Option("--watch/--once", help="Go on until Ctrl-C, as on a terminal; or print once."),
    ] = None,
    form: FormatOption = Format.TABLE,
    config: ConfigOption = None,
    timeout: TimeoutOption = None,
) -> None:
    """One row per service: busy, instances, requests, errors, latency, CPU, memory, and what is alarming.

    RPS, CPU, MEM and INST (active+idle) are of now, and - where no data comes; ERR% and P95 are of the last
    30 minutes. BUSY is from the journal, at once. AGE is that of the newest figure. Ctrl-C ends it with 0.
    """
    if is_watching is None:
        is_watching = sys.stdout.isatty() and form is Format.TABLE
    if is_watching and form not in (Format.TABLE, Format.NDJSON):
        raise ConfigError(f"-o {form.value} is one document", "It ends, --watch does not.", "-o ndjson")
    options = session(context)
    config_of, name = _chosen(options.config, target)
    flow = _watch if is_watching else _once
    raise typer.Exit(run(flow(options, config_of, _of(name), form)))


def _chosen(config: Config, target: str | None) -> tuple[Config, str | None]:
    if target is None:
        return config, None
    environment, name = split(config, target)
    return replace(config, environments={environment.name: environment}), name


def _of(name: str | None) -> Callable[[FleetSnapshot], FleetSnapshot]:
    def keep(snapshot: FleetSnapshot) -> FleetSnapshot:
        rows = tuple(row for row in snapshot.rows if name is None or row.service.key.name == name)
        return replace(snapshot, rows=rows)

    return keep


async def _once(
    options: Session, config: Config, keep: Callable[[FleetSnapshot], FleetSnapshot], form: Format
) -> int:
    from ccconsole.cloud.connect import Connections
    from ccconsole.fleet import read_fleet

    async with Connections(config) as connections:
        snapshot = keep(await read_fleet(config, connections, timeout=options.timeout, has_metrics=True))
    now = time.time()
    output.rows(_rows(snapshot, now), form, _columns())
    for problem in (*snapshot.problems, *snapshot.metrics_problems):
        output.error(problem)
    return exit_code(replace(snapshot, problems=snapshot.problems + snapshot.metrics_problems))


async def _watch(
    options: Session, config: Config, keep: Callable[[FleetSnapshot], FleetSnapshot], form: Format
) -> int:
    from ccconsole.cloud.connect import Connections
    from ccconsole.fleet import fleet

    async with interrupts() as pressed, Connections(config) as connections:
        flow = fleet(config, connections)
        async with running(_draw(flow, keep, form)) as drawing:
            if await pressed.ended_first(drawing):
                drawing.result()
    return 0


async def _draw(
    flow: AsyncGenerator[FleetSnapshot], keep: Callable[[FleetSnapshot], FleetSnapshot], form: Format
) -> None:
    drawn = 0
    async with aclosing(flow) as snapshots:
        async for snapshot in snapshots:
            if not snapshot.ages and not snapshot.problems:
                continue
            rows = _rows(keep(snapshot), time.time())
            if form is Format.NDJSON:
                output.rows(rows, form, ())
            else:
                drawn = _redraw(rows, snapshot, drawn)
            await asyncio.sleep(_REFRESH_SECONDS)


def _redraw(rows: list[dict[str, Any]], snapshot: FleetSnapshot, drawn: int) -> int:
    """Print a frame over the last one, which had `drawn` lines; how many this one has."""
    lines = output.table(rows, _columns()).splitlines()
    problems = {f"{problem.environment}: {problem.title}" for problem in snapshot.metrics_problems}
    lines += [output.plain(text) for text in sorted(problems)]
    if not sys.stdout.isatty():
        output.emit("\n".join(lines) + "\n\n")
        return 0
    width, height = shutil.get_terminal_size()
    if len(lines) >= height:
        lines = [*lines[: max(height - 2, 1)], f"{len(lines) - height + 2} more"]
    frame = "".join(f"{cut(line, width)}\x1b[K\n" for line in lines)
    output.emit((f"\x1b[{drawn}F" if drawn else "") + frame + "\x1b[J")
    return len(lines)


def cut(line: str, width: int) -> str:
    """A line that fits; one that wraps would not be found again by the next frame."""
    kept, used = [], 0
    for part in re.split(f"({_STYLE.pattern})", line):
        if _STYLE.fullmatch(part):
            kept.append(part)
            continue
        for char in part:
            used += max(wcwidth(char), 0)
            if used <= width:
                kept.append(char)
    return "".join(kept)


def _rows(snapshot: FleetSnapshot, now: float) -> list[dict[str, Any]]:
    return [
        *(_row(row, now) for row in snapshot.rows),
        *(_problem_row(problem) for problem in snapshot.problems),
    ]


def _row(row: FleetRow, now: float) -> dict[str, Any]:
    service, found = row.service, row.metrics

    def current(name: str) -> float | None:
        return None if found is None else found[name].current(now)

    def overall(name: str) -> float | None:
        return None if found is None else found[name].overall

    as_of = None if found is None else found.as_of
    return {
        "environment": service.key.environment,
        "service": service.key.name,
        "region": service.key.region,
        "state": str(service.state),
        "busy": row.busy if row.is_journaled else None,
        "max_instances": service.max_instances,
        "instances_active": current("instance_count_active"),
        "instances_idle": current("instance_count_idle"),
        "requests_per_second": current("request_rate"),
        "error_rate": overall("error_rate"),
        "latency_p95_ms": overall("latency_p95"),
        "cpu": current("cpu"),
        "memory": current("memory"),
        "metrics_as_of": format.moment(as_of) or None,
        "metrics_age_seconds": None if as_of is None else round(max(0.0, now - as_of), 1),
        "alerts": [_alert(alert) for alert in row.alerts],
    }


def _alert(alert: Alert) -> dict[str, Any]:
    return {
        "kind": alert.kind.value,
        "text": alert.text,
        "since": format.moment(alert.since),
        "task": alert.subject or None,
    }


def _problem_row(problem: Problem) -> dict[str, Any]:
    return {
        "environment": problem.environment,
        "service": None,
        "state": "problem",
        "problem": {"title": problem.title, "detail": problem.detail or None, "hint": problem.hint or None},
    }


def _columns() -> list[Column]:
    def figure(key: str, unit: str) -> Callable[[output.Row], str]:
        return lambda row: format.figure(row[key], unit) if row["service"] else ""

    def busy(row: output.Row) -> str:
        if not row["service"]:
            return ""
        running = format.NOTHING if row["busy"] is None else str(row["busy"])
        return f"{running}/{row['max_instances'] or format.NOTHING}"

    def instances(row: output.Row) -> str:
        if not row["service"]:
            return ""
        active, idle = row["instances_active"], row["instances_idle"]
        return format.NOTHING if active is None else f"{active:.0f}+{idle or 0:.0f}"

    def age(row: output.Row) -> str:
        return format.age(0, row["metrics_age_seconds"]) if row.get("metrics_age_seconds") is not None else ""

    return [
        Column("ENV", lambda row: row["environment"]),
        Column("SERVICE", lambda row: row["service"] or row["problem"]["title"], _color),
        Column("STATE", lambda row: row["state"], _color),
        Column("BUSY", busy),
        Column("INST", instances),
        Column("RPS", figure("requests_per_second", "requests/s")),
        Column("ERR%", figure("error_rate", "ratio")),
        Column("P95", figure("latency_p95_ms", "ms")),
        Column("CPU", figure("cpu", "ratio")),
        Column("MEM", figure("memory", "ratio")),
        Column("AGE", age),
        Column(
            "ALERTS", lambda row: "; ".join(item["text"] for item in row.get("alerts", ())), lambda _: "red"
        ),
    ]


def _color(row: output.Row) -> str | None:
    return None if row["service"] else "red"

"""A fleet snapshot as table rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from ccconsole.format import age
from ccconsole.model.fleet import FleetRow
from ccconsole.model.services import ServiceKey, ServiceState
from ccconsole.model.tasks import TaskState
from ccconsole.widgets.rows import Column, Row
from ccconsole.widgets.service_cells import (
    busy_span,
    capacity,
    environment_span,
    figure_orders,
    figures,
    fuse,
    oldest_task_age,
    short_revision,
    state_span,
    task_age,
    traffic_span,
    trouble_span,
)
from ccconsole.widgets.text import Span, Tone, plain

if TYPE_CHECKING:
    from ccconsole.config import Environment
    from ccconsole.model.fleet import FleetSnapshot
    from ccconsole.model.problem import Problem
    from ccconsole.widgets.rows import Order

COLUMNS = (
    Column("env", "ENV"),
    Column("service", "SERVICE", minimum=28),
    Column("state", "STATE"),
    Column("revision", "REV", rank=8),
    Column("instances", "INST", rank=7, is_right=True),
    Column("busy", "BUSY", is_right=True),
    Column("task_age", "TASK-AGE", is_right=True),
    Column("traffic", "TRAFFIC", rank=3),
    Column("errors", "ERR", rank=4, is_right=True, is_optional=True),
    Column("cpu", "CPU", rank=5, is_right=True, is_optional=True),
    Column("memory", "MEM", rank=6, is_right=True, is_optional=True),
    Column("course", "ACTIVE 30m", rank=9, is_optional=True),
    Column("message", "", rank=1, minimum=16, is_filling=True),
    Column("data_age", "AGE", rank=2, is_right=True, is_optional=True),
)

STALE_AFTER = {True: 10.0, False: 60.0}
"""Seconds until data is told to be old, local and cloud: four times the interval it is read at."""
STILL_SECONDS = 10.0
"""How often the row of a service on which nothing runs is made anew: its figures grow old."""

Drawn = dict[ServiceKey, tuple[int, bool, FleetRow, Row]]
"""Rows that were made: when, whether of old data, of what."""


def is_trouble(row: FleetRow, now: float) -> bool:
    """Whether somebody should look at the service."""
    service = row.service
    is_unwell = service.state in (ServiceState.FAILED, ServiceState.UNKNOWN)
    is_risky = service.is_public or service.is_pinned
    return is_unwell or is_risky or bool(row.alerts) or fuse(row, now) is not None


def fleet_rows(
    snapshot: FleetSnapshot,
    environments: Mapping[str, Environment],
    now: float,
    *,
    is_trouble_only: bool = False,
    drawn: Drawn | None = None,
) -> list[Row]:
    """Who waits for an answer, problems and what is still awaited as spanning rows; a row for each service.

    What `drawn` holds is not made again while it says the same: of sixty idle services that is nearly all.
    """
    places = {name: place for place, name in enumerate(environments)}
    rows = [*_waiting(snapshot, environments), *_notices(snapshot, environments, now)]
    for row in snapshot.rows:
        if is_trouble_only and not is_trouble(row, now):
            continue
        name = row.service.key.environment
        environment = environments.get(name)
        read_at = snapshot.ages.get(name)
        is_stale = _is_stale(environment, now, read_at)
        slot = int(now if row.tasks or is_stale else now // STILL_SECONDS)
        known = drawn.get(row.service.key) if drawn is not None else None
        if known is None or known[:2] != (slot, is_stale) or not (known[2] is row or known[2] == row):
            made = _service_row(row, environment, places.get(name, 99), now, read_at)
            known = (slot, is_stale, row, made)
            if drawn is not None:
                drawn[row.service.key] = known
        rows.append(known[3])
    return rows


def _is_stale(environment: Environment | None, now: float, read_at: float | None) -> bool:
    is_local = environment is not None and environment.is_local
    return read_at is not None and now - read_at > STALE_AFTER[is_local]


def _notices(snapshot: FleetSnapshot, environments: Mapping[str, Environment], now: float) -> Iterator[Row]:
    for problem in snapshot.problems:
        name = problem.environment
        is_guarded = name in environments and environments[name].is_protected
        first = environment_span(environments.get(name), name)
        yield Row(
            ("problem", name, problem.title),
            (first, Span(problem_text(problem, now), Tone.BAD)),
            is_spanning=True,
            is_pinned=True,
            is_guarded=is_guarded,
        )
    for name in environments:
        if name in snapshot.pending:
            first = environment_span(environments[name], name)
            yield Row(
                ("pending", name),
                (first, Span("… reading", Tone.DIM)),
                is_spanning=True,
                is_pinned=True,
                is_guarded=environments[name].is_protected,
            )


def _waiting(snapshot: FleetSnapshot, environments: Mapping[str, Environment]) -> Iterator[Row]:
    """The tasks that stand still until somebody answers, before everything else."""
    for row in snapshot.rows:
        name = row.service.key.environment
        for task in row.tasks:
            if task.state is not TaskState.WAITING_INPUT:
                continue
            wanted = f"asks to use {plain(task.asks)}" if task.asks else "waits for an answer"
            words = f"◆ waiting_input  {row.service.key.name}: the agent {wanted}  → enter shows it"
            yield Row(
                ("waiting", name, task.id),
                (environment_span(environments.get(name), name), Span(words, Tone.ACCENT)),
                is_spanning=True,
                is_pinned=True,
                is_guarded=name in environments and environments[name].is_protected,
            )


def problem_text(problem: Problem, now: float) -> str:
    """What could not be read, since when, and the command that mends it."""
    since = f" (for {age(problem.since, now)})" if problem.since else ""
    hint = f"  → {problem.hint}" if problem.hint else ""
    return f"✗ {problem.title}{since}{hint}"


def _service_row(
    row: FleetRow, environment: Environment | None, place: int, now: float, read_at: float | None
) -> Row:
    service = row.service
    oldest = oldest_task_age(row, now)
    busy, limit = row.busy, capacity(service)
    data_age = now - read_at if read_at is not None else None
    is_stale = _is_stale(environment, now, read_at)
    cells = (
        environment_span(environment, service.key.environment),
        Span(f"{service.key.name} PUBLIC", Tone.BAD)
        if service.is_public
        else Span(service.key.name, Tone.STRONG),
        state_span(row),
        Span(short_revision(service), Tone.DIM),
        Span(f"{service.min_instances}-{service.max_instances or '?'}"),
        busy_span(row),
        task_age(row, oldest, now),
        traffic_span(service),
        *figures(row, now),
        trouble_span(row),
        Span(age(read_at, now), Tone.WARN) if is_stale else Span(""),
    )
    orders: tuple[Order, ...] = (
        f"{place:03d} {service.key.name}",
        service.key.name,
        str(service.state),
        service.revision,
        service.max_instances,
        busy / limit if limit and row.is_journaled else None,
        oldest,
        cells[7].text or None,
        *figure_orders(row, now),
        cells[12].text or None,
        data_age,
    )
    is_guarded = environment is not None and environment.is_protected
    return Row(service.key, cells, orders, is_guarded=is_guarded)


def waiting_count(rows: Sequence[FleetRow]) -> int:
    """How many tasks wait for a person."""
    return sum(task.state is TaskState.WAITING_INPUT for row in rows for task in row.tasks)


def totals(rows: Sequence[FleetRow]) -> tuple[int, int, int]:
    """Services, busy tasks, and how many they can take."""
    return len(rows), sum(row.busy for row in rows), sum(capacity(row.service) or 0 for row in rows)

"""A fleet snapshot as table rows."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from ccconsole.format import age, percent
from ccconsole.model.fleet import FleetRow
from ccconsole.model.metrics import AlertKind
from ccconsole.model.services import ServiceKey, ServiceState
from ccconsole.model.tasks import TaskState
from ccconsole.widgets.rows import Column, Row
from ccconsole.widgets.sparkline import sparkline
from ccconsole.widgets.text import Span, Tone, plain

if TYPE_CHECKING:
    from ccconsole.config import Environment
    from ccconsole.model.fleet import FleetSnapshot
    from ccconsole.model.problem import Problem
    from ccconsole.model.services import Service
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
COURSE_SECONDS = 1800.0
COURSE_CELLS = 10

_GENERATED = re.compile(r"^(\d{5})-[a-z0-9]{3}$")

STALE_AFTER = {True: 10.0, False: 60.0}
"""Seconds until data is told to be old, local and cloud: four times the interval it is read at."""
STILL_SECONDS = 10.0
"""How often the row of a service on which nothing runs is made anew: its figures grow old."""
FUSE_SECONDS = 300.0
"""A task this near the service's request timeout is marked."""

Drawn = dict[ServiceKey, tuple[int, bool, FleetRow, Row]]
"""Rows that were made: when, whether of old data, of what."""

STATES: Mapping[ServiceState, tuple[str, Tone]] = {
    ServiceState.READY: ("●", Tone.GOOD),
    ServiceState.DEPLOYING: ("◐", Tone.WARN),
    ServiceState.FAILED: ("✗", Tone.BAD),
    ServiceState.DELETING: ("◌", Tone.LEAVING),
    ServiceState.MISSING: ("○", Tone.DIM),
    ServiceState.UNKNOWN: ("?", Tone.DIM),
}
"""A state's sign and meaning; its word stands beside them."""


def environment_span(environment: Environment | None, name: str) -> Span:
    """An environment's name; a protected one is in capitals and red."""
    if environment is not None and environment.is_protected:
        return Span(name.upper(), Tone.BAD)
    return Span(name, Tone.DIM)


def is_trouble(row: FleetRow, now: float) -> bool:
    """Whether somebody should look at the service."""
    service = row.service
    is_unwell = service.state in (ServiceState.FAILED, ServiceState.UNKNOWN)
    is_risky = service.is_public or service.is_pinned
    return is_unwell or is_risky or bool(row.alerts) or _fuse(row, now) is not None


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
        _task_age(row, oldest, now),
        traffic_span(service),
        *_figures(row, now),
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
        *_figure_orders(row, now),
        cells[12].text or None,
        data_age,
    )
    is_guarded = environment is not None and environment.is_protected
    return Row(service.key, cells, orders, is_guarded=is_guarded)


def state_span(row: FleetRow) -> Span:
    """The service's state, and how much is alarming about it."""
    sign, tone = STATES[row.service.state]
    if row.alerts:
        return Span(
            f"{sign} {row.service.state} ⚠{len(row.alerts)}", Tone.WARN if tone is not Tone.BAD else tone
        )
    return Span(f"{sign} {row.service.state}", tone)


def _figures(row: FleetRow, now: float) -> Iterator[Span]:
    """Error rate, CPU, memory, and the course of its active instances; all empty where nothing was read."""
    if row.metrics is None:
        yield from [Span("")] * 4
        return
    alarming = {alert.kind for alert in row.alerts}
    yield _figure(row.metrics["error_rate"].overall, AlertKind.ERROR_RATE in alarming)
    yield _figure(row.metrics["cpu"].current(now), AlertKind.CPU in alarming)
    yield _figure(row.metrics["memory"].current(now), AlertKind.MEMORY in alarming)
    # A request is counted when it ends, up to an hour late; instances are counted while they work.
    active = row.metrics["instance_count_active"].points
    yield Span(sparkline(active, now, COURSE_SECONDS, COURSE_CELLS), Tone.ACTIVE)


def _figure(value: float | None, is_alarming: bool) -> Span:
    if value is None:
        return Span("–", Tone.DIM)
    return Span(f"{percent(value)}{'!' if is_alarming else ''}", Tone.WARN if is_alarming else Tone.NORMAL)


def _figure_orders(row: FleetRow, now: float) -> tuple[Order, ...]:
    found = row.metrics
    if found is None:
        return (None,) * 4
    current = [found[name].current(now) for name in ("cpu", "memory", "instance_count_active")]
    return (found["error_rate"].overall, *current)


def trouble_span(row: FleetRow) -> Span:
    """What is wrong, alarming or dangerous; empty for a service that is well."""
    service = row.service
    if row.alerts and service.state is ServiceState.READY:
        more = f"  (+{len(row.alerts) - 1} more)" if len(row.alerts) > 1 else ""
        return Span(f"{row.alerts[0].text}{more}", Tone.WARN)
    if (service.message and service.state is not ServiceState.READY) or service.is_public:
        return message_span(service)
    return Span("")


def capacity(service: Service) -> int | None:
    """How many tasks the service takes at once."""
    return None if service.max_instances is None else service.max_instances * (service.concurrency or 1)


def oldest_task_age(row: FleetRow, now: float) -> float | None:
    """Seconds since the oldest unfinished task began."""
    starts = [task.started_at or task.created_at for task in row.tasks if not task.state.is_end]
    return max(0.0, now - min(starts)) if starts else None


def busy_span(row: FleetRow) -> Span:
    """How many tasks run or wait, of how many it takes."""
    limit = capacity(row.service)
    if not row.is_journaled and not row.tasks:
        return Span(f"–/{limit or '?'}", Tone.DIM)
    is_full = limit is not None and row.busy >= limit
    tone = Tone.WARN if is_full else Tone.ACTIVE if row.busy else Tone.DIM
    return Span(f"{row.busy}/{limit or '?'}{'!' if is_full else ''}", tone)


def _fuse(row: FleetRow, now: float) -> float | None:
    """Seconds to the nearest deadline, when that is near."""
    ends = [task.deadline - now for task in row.tasks if task.deadline is not None and not task.state.is_end]
    return min(ends) if ends and min(ends) < FUSE_SECONDS else None


def _task_age(row: FleetRow, oldest: float | None, now: float) -> Span:
    if oldest is None:
        return Span("")
    is_near = _fuse(row, now) is not None
    return Span(age(now - oldest, now) + ("!" if is_near else ""), Tone.WARN if is_near else Tone.ACTIVE)


def short_revision(service: Service) -> str:
    """The revision without the service's name before it, and without the random end Cloud Run gives it."""
    return _short(service.revision or "", service)


def _short(revision: str, service: Service) -> str:
    return _GENERATED.sub(r"\1", revision.removeprefix(f"{service.key.name}-"))


def traffic_span(service: Service) -> Span:
    """Where requests go: the latest revision, a pinned one (a deploy would serve nothing), or a split."""
    shares = [share for share in service.traffic if share.percent]
    if not shares:
        return Span("")
    if len(shares) > 1:
        text = "/".join(str(share.percent) for share in shares)
        return Span(f"{'PIN ' if service.is_pinned else ''}{text}", Tone.WARN)
    if service.is_pinned:
        return Span(f"PIN {_short(shares[0].revision, service)}", Tone.WARN)
    return Span("latest", Tone.DIM)


def message_span(service: Service) -> Span:
    """What is wrong, else what is dangerous, else the address."""
    if service.message and service.state is not ServiceState.READY:
        return Span(service.message, STATES[service.state][1])
    if service.is_public:
        return Span(f"anybody may run prompts here  {service.uri or ''}", Tone.BAD)
    return Span(service.uri or "", Tone.DIM)


def waiting_count(rows: Sequence[FleetRow]) -> int:
    """How many tasks wait for a person."""
    return sum(task.state is TaskState.WAITING_INPUT for row in rows for task in row.tasks)


def totals(rows: Sequence[FleetRow]) -> tuple[int, int, int]:
    """Services, busy tasks, and how many they can take."""
    return len(rows), sum(row.busy for row in rows), sum(capacity(row.service) or 0 for row in rows)

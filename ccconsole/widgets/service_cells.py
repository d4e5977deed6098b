"""What a fleet's row says of one service, cell by cell."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from ccconsole.format import age, percent
from ccconsole.model.fleet import FleetRow
from ccconsole.model.metrics import AlertKind
from ccconsole.model.services import ServiceState
from ccconsole.widgets.sparkline import sparkline
from ccconsole.widgets.text import Span, Tone

if TYPE_CHECKING:
    from ccconsole.config import Environment
    from ccconsole.model.services import Service
    from ccconsole.widgets.rows import Order

COURSE_SECONDS = 1800.0
COURSE_CELLS = 10
FUSE_SECONDS = 300.0
"""A task this near the service's request timeout is marked."""

_GENERATED = re.compile(r"^(\d{5})-[a-z0-9]{3}$")

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


def state_span(row: FleetRow) -> Span:
    """The service's state, and how much is alarming about it."""
    sign, tone = STATES[row.service.state]
    if row.alerts:
        return Span(
            f"{sign} {row.service.state} ⚠{len(row.alerts)}", Tone.WARN if tone is not Tone.BAD else tone
        )
    return Span(f"{sign} {row.service.state}", tone)


def figures(row: FleetRow, now: float) -> Iterator[Span]:
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


def figure_orders(row: FleetRow, now: float) -> tuple[Order, ...]:
    """What a table sorts them by."""
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


def fuse(row: FleetRow, now: float) -> float | None:
    """Seconds to the nearest deadline, when that is near."""
    ends = [task.deadline - now for task in row.tasks if task.deadline is not None and not task.state.is_end]
    return min(ends) if ends and min(ends) < FUSE_SECONDS else None


def task_age(row: FleetRow, oldest: float | None, now: float) -> Span:
    """How long the oldest task has run; marked when its time is nearly over."""
    if oldest is None:
        return Span("")
    is_near = fuse(row, now) is not None
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

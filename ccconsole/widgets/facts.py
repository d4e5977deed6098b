"""A service's facts in columns."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.content import Content
from textual.geometry import Size
from textual.reactive import reactive
from textual.widget import Widget

from ccconsole.format import age, clock, percent
from ccconsole.paints import MUTED
from ccconsole.widgets.service_cells import STATES, capacity, message_span, short_revision, traffic_span
from ccconsole.widgets.text import Span, Tone, content

if TYPE_CHECKING:
    from ccconsole.model.fleet import FleetRow

_LABEL = 12
_GAP = 3
_TWO_COLUMNS = 70
"""Cells from which two columns fit."""


def service_facts(row: FleetRow, now: float) -> list[tuple[str, Span]]:
    """What is known of the service, as (label, value)."""
    service = row.service
    sign, tone = STATES[service.state]
    facts = [
        ("state", Span(f"{sign} {service.state}", tone)),
        ("revision", Span(short_revision(service) or "none")),
        ("url", message_span(service)),
        ("traffic", traffic_span(service)),
        (
            "busy",
            Span(f"{row.busy} of {capacity(service) or '?'}" if row.is_journaled else "unknown: no store"),
        ),
        ("instances", Span(f"{service.min_instances} to {service.max_instances or '?'}")),
        ("size", Span(" · ".join(part for part in (_cpu(service.cpu), service.memory) if part))),
        ("timeout", Span(f"{service.timeout / 60:.0f} min" if service.timeout else "")),
        ("concurrency", Span(str(service.concurrency or ""))),
        ("region", Span(service.key.region)),
        ("image", Span(service.image or "")),
        ("account", Span(service.service_account or "")),
        ("access", Span("PUBLIC", Tone.BAD) if service.is_public else Span("private")),
        (
            "secrets",
            Span(", ".join(f"{name} = {secret}" for name, secret in sorted(service.secrets.items()))),
        ),
        ("env", Span(", ".join(f"{name}={value}" for name, value in sorted(service.env.items())))),
        ("updated", Span(_updated(row, now))),
    ]
    facts[1:1] = [
        ("alert", Span(f"{alert.text} (for {age(alert.since, now)})", Tone.WARN)) for alert in row.alerts
    ]
    if (load := _load(row, now)) is not None:
        facts.insert(facts.index(next(fact for fact in facts if fact[0] == "instances")) + 1, ("load", load))
    if service.latest_created_revision not in (None, service.revision):
        facts.insert(2, ("newest", Span(f"{service.latest_created_revision} is not ready", Tone.WARN)))
    return [(label, value) for label, value in facts if value.text]


def _load(row: FleetRow, now: float) -> Span | None:
    """The newest figures and how old they are; None where none were read."""
    found = row.metrics
    if found is None:
        return None
    active, idle = (found[f"instance_count_{name}"].current(now) for name in ("active", "idle"))
    if active is None:
        since = found["instance_count"].no_data_since(now)
        return Span(f"no data since {clock(since)}", Tone.DIM)
    parts = [
        f"{active:.0f} active, {idle or 0:.0f} idle",
        f"CPU {percent(found['cpu'].current(now))}",
        f"memory {percent(found['memory'].current(now))}",
        f"as of {age(found.as_of, now)} ago",
    ]
    return Span(" · ".join(parts))


def _cpu(cpu: str | None) -> str:
    return f"{cpu} CPU" if cpu else ""


def _updated(row: FleetRow, now: float) -> str:
    service = row.service
    when = f"{age(service.updated_at, now)} ago" if service.updated_at else ""
    return " ".join(part for part in (when, f"by {service.updated_by}" if service.updated_by else "") if part)


class Facts(Widget):
    """Labels and values, in two columns where there is room."""

    facts: reactive[tuple[tuple[str, Span], ...]] = reactive((), layout=True)

    def render(self) -> Content:
        """Short facts side by side; the last, long ones on lines of their own."""
        return Content("\n").join(self._lines(self.size.width))

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """As many lines as the facts take."""
        return len(self._lines(width))

    def _lines(self, width: int) -> list[Content]:
        half = (width - _GAP) // 2
        lines: list[Content] = []
        is_open = False
        for label, value in self.facts:
            line = content((f" {label:<{_LABEL}}", MUTED), value)
            is_short = width >= _TWO_COLUMNS and line.cell_length <= half
            if is_open and is_short:
                pad = " " * (half + _GAP - lines[-1].cell_length)
                lines[-1] = Content("").join([lines[-1], Content(pad), line])
                is_open = False
            else:
                lines.append(line.truncate(width, ellipsis=True))
                is_open = is_short
        return lines

"""A service as a tile: its state, what runs on it, and the course of its figures."""

from __future__ import annotations

from collections.abc import Iterator

from textual.content import Content
from textual.reactive import reactive
from textual.widget import Widget

from ccconsole.config import Environment
from ccconsole.format import NOTHING, percent, rate
from ccconsole.model.fleet import FleetRow
from ccconsole.model.metrics import AlertKind, Series, ServiceMetrics
from ccconsole.paints import MUTED
from ccconsole.widgets.service_cells import COURSE_SECONDS, STATES, busy_span, environment_span
from ccconsole.widgets.sparkline import sparkline
from ccconsole.widgets.text import STYLES, Span, Tone, content

_LABEL, _VALUE = 9, 8


class Pulse(Widget):
    """One tile."""

    picture: reactive[Content] = reactive(Content(""))

    def render(self) -> Content:
        """The lines of the tile."""
        return self.picture


def picture(row: FleetRow, environment: Environment | None, width: int, now: float) -> Content:
    """Six lines, so many cells wide."""
    lines = [_head(row, environment, width)]
    found = row.metrics or ServiceMetrics(row.service.key)
    alarming = {alert.kind for alert in row.alerts}
    for label, series, value, is_alarming in _figures(found, alarming, now):
        room = max(0, width - _LABEL - _VALUE - 1)
        course = sparkline(series.points, now, COURSE_SECONDS, room)
        style = "bold $warning" if is_alarming else ""
        told = f"{value}{'!' if is_alarming else ''}"
        lines.append(
            content(
                (f"{label:<{_LABEL}}", MUTED), (course, STYLES[Tone.ACTIVE]), (f"{told:>{_VALUE}}", style)
            )
        )
    return Content("\n").join(lines)


def _head(row: FleetRow, environment: Environment | None, width: int) -> Content:
    service = row.service
    sign, tone = STATES[service.state]
    alerts = content((f" ⚠{len(row.alerts)}", "bold $warning")) if row.alerts else content("")
    right = Content("").join([content(busy_span(row)), alerts])
    left = Content(" ").join(
        [
            content(Span(sign, tone)),
            content(environment_span(environment, service.key.environment)),
            content(Span(service.key.name, Tone.STRONG)),
        ]
    )
    left = left.truncate(max(0, width - right.cell_length - 1), ellipsis=True)
    return Content("").join(
        [left, Content(" " * max(1, width - left.cell_length - right.cell_length)), right]
    )


def _figures(
    found: ServiceMetrics, alarming: set[AlertKind], now: float
) -> Iterator[tuple[str, Series, str, bool]]:
    active, requests = found["instance_count_active"], found["request_rate"]
    count = active.current(now)
    is_full = AlertKind.INSTANCES in alarming
    yield "active", active, NOTHING if count is None else f"{count:.0f}", is_full
    yield "requests", requests, rate(requests.current(now)), False
    for label, name, kind in (
        ("errors", "error_rate", AlertKind.ERROR_RATE),
        ("CPU", "cpu", AlertKind.CPU),
        ("memory", "memory", AlertKind.MEMORY),
    ):
        yield label, found[name], percent(found[name].current(now)), kind in alarming

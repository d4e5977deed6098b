"""Toasts of alerts: one for what began, one for what is over, however many there are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from textual.app import App
from textual.notifications import SeverityLevel

from ccconsole.widgets.text import plain_lines

if TYPE_CHECKING:
    from ccconsole.alerts import Transitions
    from ccconsole.model.metrics import Alert
    from ccconsole.model.services import ServiceKey

MOST_TOLD = 5
"""Alerts that one toast names."""
SECONDS = 12.0


def tell(app: App[int], news: Transitions) -> None:
    """Tell what is news; nothing where nothing is."""
    _toast(app, "began", news.started, "warning")
    _toast(app, "over", news.ended, "information")


def _toast(
    app: App[int], what: str, told: Sequence[tuple[ServiceKey, Alert]], severity: SeverityLevel
) -> None:
    if not told:
        return
    lines = [f"{key}: {alert.text}" for key, alert in told[:MOST_TOLD]]
    if len(told) > MOST_TOLD:
        lines.append(f"and {len(told) - MOST_TOLD} more")
    title = f"alert {what}" if len(told) == 1 else f"{len(told)} alerts {what}"
    app.notify(plain_lines("\n".join(lines)), title=title, severity=severity, markup=False, timeout=SECONDS)

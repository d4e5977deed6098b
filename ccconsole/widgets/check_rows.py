"""The doctor's findings and an environment's secrets as table rows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ccconsole.config import Environment
from ccconsole.format import age
from ccconsole.model.checks import Check, CheckState
from ccconsole.model.secrets import Secret
from ccconsole.widgets.rows import Column, Row
from ccconsole.widgets.service_cells import environment_span
from ccconsole.widgets.text import Span, Tone

CHECK_COLUMNS = (
    Column("env", "ENV"),
    Column("check", "CHECK", minimum=20),
    Column("state", "STATE"),
    Column("text", "WHAT", minimum=20, is_filling=True),
)
SECRET_COLUMNS = (
    Column("env", "ENV"),
    Column("secret", "SECRET", minimum=24),
    Column("fills", "FILLS", rank=2),
    Column("versions", "VERSIONS"),
    Column("age", "NEWEST", is_right=True),
    Column("readers", "READERS", rank=1, minimum=16, is_filling=True),
)
STATES: Mapping[CheckState, tuple[str, Tone]] = {
    CheckState.OK: ("✓", Tone.GOOD),
    CheckState.WARNING: ("!", Tone.WARN),
    CheckState.FAILED: ("✗", Tone.BAD),
    CheckState.SKIPPED: ("–", Tone.DIM),
    CheckState.UNKNOWN: ("?", Tone.WARN),
}
_GRAVEST_FIRST = (
    CheckState.FAILED,
    CheckState.UNKNOWN,
    CheckState.WARNING,
    CheckState.OK,
    CheckState.SKIPPED,
)


def check_rows(checks: Iterable[Check], environments: Mapping[str, Environment]) -> list[Row]:
    """A row for each finding; ordered by state, the gravest come first."""
    places = {name: place for place, name in enumerate(environments)}
    rows = []
    for number, check in enumerate(checks):
        sign, tone = STATES[check.state]
        text = f"{check.text}  → {check.hint}" if check.hint else check.text
        cells = (
            environment_span(environments.get(check.environment), check.environment),
            Span(check.name, Tone.STRONG),
            Span(f"{sign} {check.state}", tone),
            Span(text, Tone.NORMAL if check.state is not CheckState.OK else Tone.DIM),
        )
        grave = _GRAVEST_FIRST.index(check.state)
        order = f"{places.get(check.environment, 99):03} {number:03}"
        rows.append(Row((check.environment, check.name), cells, (order, check.name, grave, check.text)))
    return rows


def secret_rows(secrets: Iterable[Secret], environments: Mapping[str, Environment], now: float) -> list[Row]:
    """A row for each secret: what of it is on, and who reads it."""
    rows = []
    for secret in secrets:
        on = [version.number for version in secret.versions if version.state == "enabled"]
        off = len(secret.versions) - len(on)
        versions = Span(f"{', '.join(on) or 'none'} on{f', {off} off' if off else ''}")
        if not secret.is_there:
            versions = Span("✗ not there", Tone.BAD)
        newest = secret.newest
        readers = ", ".join(secret.readers)
        cells = (
            environment_span(environments.get(secret.environment), secret.environment),
            Span(secret.name, Tone.STRONG),
            Span(", ".join(secret.variables), Tone.DIM),
            versions,
            Span(age(newest.created_at, now) if newest else ""),
            Span(secret.problem, Tone.WARN) if secret.problem else Span(readers, Tone.DIM),
        )
        orders = (
            f"{secret.environment} {secret.name}",
            secret.name,
            cells[2].text,
            versions.text,
            newest.created_at if newest else None,
            readers or None,
        )
        rows.append(Row((secret.environment, secret.name), cells, orders))
    return rows

"""Whether the environments have all they need, and the command for each thing that is missing."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from typing import ClassVar

from textual.app import ComposeResult

from ccconsole.commands import Place
from ccconsole.model.checks import Check, CheckState
from ccconsole.screens.base import bindings
from ccconsole.screens.inspecting import InspectingScreen, Item
from ccconsole.widgets.bars import TitleLine
from ccconsole.widgets.check_rows import CHECK_COLUMNS, check_rows
from ccconsole.widgets.rows import Row, Sort
from ccconsole.widgets.table import RowTable
from ccconsole.widgets.text import Span, Tone


class DoctorScreen(InspectingScreen):
    """The gravest first; nothing is changed, and no worker is called."""

    PLACE: ClassVar = Place.DOCTOR
    BINDINGS: ClassVar = bindings(Place.DOCTOR)
    sort = Sort("state")

    def body(self) -> ComposeResult:
        """The table under its title."""
        yield TitleLine()
        yield RowTable(CHECK_COLUMNS, empty="nothing to look at", id="doctor-table")

    def trail(self) -> tuple[str, ...]:
        """Fleet, doctor."""
        return ("fleet", "doctor")

    def heading(self) -> Span:
        """Of all, or of one environment."""
        return Span(f"doctor ({self.desk.environment or 'all'})", Tone.STRONG)

    def heading_parts(self) -> Sequence[Span]:
        """How many failed."""
        checks = [item for item in self.shown_items() if isinstance(item, Check)]
        failed = sum(check.state is CheckState.FAILED for check in checks)
        warned = sum(check.state is CheckState.WARNING for check in checks)
        parts = [Span(f"✗ {failed} failed", Tone.BAD)] if failed else []
        return [*parts, *([Span(f"! {warned} to know", Tone.WARN)] if warned else [])]

    def items_of(self, environment: str) -> AsyncGenerator[Item, None]:
        """The findings."""
        return self.desk.backend.checks(self.desk.environment_of(environment))

    def item_rows(self, items: Sequence[Item]) -> list[Row]:
        """A line each."""
        checks = (item for item in items if isinstance(item, Check))
        return check_rows(checks, self.desk.config.environments)

    def _check(self, key: object) -> Check | None:
        checks = (item for item in self.shown_items() if isinstance(item, Check))
        return next((check for check in checks if (check.environment, check.name) == key), None)

    def open_row(self, key: object) -> None:
        """All that was found, to be read in peace."""
        if (check := self._check(key)) is not None:
            words = "\n".join(part for part in (check.text, check.hint) if part)
            self.tell(f"{check.environment}: {check.name}", words)

    def copied(self, key: object) -> str | None:
        """The command that mends it."""
        check = self._check(key)
        return check.hint or check.text if check is not None else None

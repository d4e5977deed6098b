"""Services of all environments side by side: where they differ, and where they are not as declared."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult

from ccconsole.commands import Place
from ccconsole.model.services import ServiceState
from ccconsole.screens.base import bindings
from ccconsole.screens.choosing import EnvironmentChoice
from ccconsole.screens.tabled import TableScreen
from ccconsole.widgets.bars import TitleLine
from ccconsole.widgets.matrix_rows import Side, columns, matrix_rows, sides_of
from ccconsole.widgets.rows import Row
from ccconsole.widgets.table import RowTable
from ccconsole.widgets.text import Span, Tone


class MatrixScreen(EnvironmentChoice, TableScreen):
    """Fields down, services across; `x` leaves out what is alike everywhere."""

    PLACE: ClassVar = Place.MATRIX
    BINDINGS: ClassVar = bindings(Place.MATRIX)
    is_different_only = True

    def body(self) -> ComposeResult:
        """The table under its title."""
        yield TitleLine()
        yield RowTable(columns(self._sides()), empty="all are alike", id="matrix-table")

    def trail(self) -> tuple[str, ...]:
        """Fleet, matrix."""
        return ("fleet", "matrix")

    def heading(self) -> Span:
        """Of all, or of one environment."""
        return Span(f"fields ({self.desk.environment or 'all'})", Tone.STRONG)

    def heading_parts(self) -> Sequence[Span]:
        """What is shown, and what `!` means."""
        what = "differences" if self.is_different_only else "all fields"
        return [Span(what, Tone.ACCENT), Span("! is not what deploy.toml declares", Tone.DIM)]

    def _sides(self) -> list[Side]:
        services = (row.service for row in self.desk.shown.rows)
        live = (service for service in services if service.state is not ServiceState.MISSING)
        return sides_of(live, self.desk.config.environments)

    def rows(self) -> Sequence[Row]:
        """The fields."""
        sides = self._sides()
        self.table.columns = columns(sides)
        return matrix_rows(sides, is_different_only=self.is_different_only)

    def action_differences(self) -> None:
        """Differences alone, or all fields."""
        self.is_different_only = not self.is_different_only
        self.redraw()

    def copied(self, key: object) -> str | None:
        """The field's row."""
        return next((row.text for row in self.table.rows if row.key == key), None)

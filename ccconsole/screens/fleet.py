"""The fleet: one table over all environments."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.app import ComposeResult

from ccconsole.commands import Place
from ccconsole.model.services import ServiceKey
from ccconsole.screens.base import bindings
from ccconsole.screens.changing import ServiceChange
from ccconsole.screens.choosing import EnvironmentChoice
from ccconsole.screens.messages import (
    LogsAsked,
    MatrixAsked,
    MetricsAsked,
    PromptAsked,
    PulsesAsked,
    TaskOpened,
)
from ccconsole.screens.root import RootScreen
from ccconsole.widgets.bars import Crumbs, TitleLine
from ccconsole.widgets.fleet_rows import COLUMNS, fleet_rows
from ccconsole.widgets.service_cells import message_span
from ccconsole.widgets.table import RowTable
from ccconsole.widgets.text import Span, Tone

if TYPE_CHECKING:
    from ccconsole.screens.desk import Desk
    from ccconsole.widgets.fleet_rows import Drawn
    from ccconsole.widgets.rows import Row


class FleetScreen(EnvironmentChoice, ServiceChange, RootScreen):
    """All services, their problems, and what runs on them."""

    PLACE: ClassVar = Place.FLEET
    BINDINGS: ClassVar = bindings(Place.FLEET)
    is_trouble_only = False
    _can_go_back = False

    def __init__(self, desk: Desk, *, id: str | None = None) -> None:
        super().__init__(desk, id=id)
        self._drawn: Drawn = {}

    def body(self) -> ComposeResult:
        """The table under its title."""
        yield TitleLine()
        yield RowTable(COLUMNS, empty="no service; deploy.toml declares them", id="fleet-table")

    def rows(self) -> Sequence[Row]:
        """The chosen environments' services."""
        desk = self.desk
        return fleet_rows(
            desk.shown,
            desk.config.environments,
            desk.now(),
            is_trouble_only=self.is_trouble_only,
            drawn=self._drawn,
        )

    def heading(self) -> Span:
        """Services of all environments, or of one."""
        return Span(f"services ({self.desk.environment or 'all'})", Tone.STRONG)

    def heading_parts(self) -> Sequence[Span]:
        """Whether the well ones are left out, and where the figures cannot be read."""
        parts = [Span("problems only", Tone.BAD)] if self.is_trouble_only else []
        if found := self.desk.shown.metrics_problems:
            more = f" (+{len(found) - 1} more)" if len(found) > 1 else ""
            parts.append(Span(f"{found[0].title}{more}: m says more", Tone.WARN))
        return parts

    def redraw(self) -> None:
        """What the row under the cursor has to say as well: a narrow table has no room for it."""
        super().redraw()
        self._note()
        if self._can_go_back != (can_go_back := self._is_narrowed()):
            self._can_go_back = can_go_back
            self.refresh_bindings()

    def _is_narrowed(self) -> bool:
        return bool(
            self.filter_text or self.table.marks or self.is_trouble_only or self.desk.environment is not None
        )

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Escape is offered where there is something to take back."""
        return super().check_action(action, parameters) and (action != "back" or self._can_go_back)

    @on(RowTable.CursorMoved)
    def _note(self) -> None:
        key = self.table.cursor_key
        row = self.desk.row(key) if isinstance(key, ServiceKey) else None
        self.query_one(Crumbs).note = message_span(row.service) if row is not None else Span("")

    def open_row(self, key: object) -> None:
        """A service's screen, or the task that waits for an answer; a problem is told in full."""
        if isinstance(key, ServiceKey) and (row := self.desk.row(key)) is not None:
            self.open_service(row.service)
            return
        for task in (task for row in self.desk.shown.rows for task in row.tasks):
            if ("waiting", task.environment, task.id) == key:
                self.post_message(TaskOpened(task))
                return
        for problem in self.desk.shown.problems:
            if ("problem", problem.environment, problem.title) == key:
                text = "\n".join(part for part in (problem.detail, problem.hint) if part)
                self.tell(problem.title, text)

    def copied(self, key: object) -> str | None:
        """`dev/worker`, as the verbs take it."""
        return str(key) if isinstance(key, ServiceKey) else None

    def action_problems(self) -> None:
        """Only the rows that need somebody, or all again."""
        self.is_trouble_only = not self.is_trouble_only
        self.redraw()

    def action_prompt(self, text: str = "") -> None:
        """For the marked services, else the one under the cursor."""
        self.post_message(PromptAsked(self.chosen_keys(), text))

    def chosen_keys(self) -> tuple[ServiceKey, ...]:
        """The marked services, else the one under the cursor."""
        marked = [row.service.key for row in self.desk.snapshot.rows if row.service.key in self.table.marks]
        key = self.table.cursor_key
        if not marked and isinstance(key, ServiceKey):
            marked = [key]
        return tuple(marked)

    def action_logs(self) -> None:
        """Of the marked services, else of the one under the cursor."""
        self.post_message(LogsAsked(self.chosen_keys()))

    def service_key(self) -> ServiceKey | None:
        """The one under the cursor."""
        key = self.table.cursor_key
        return key if isinstance(key, ServiceKey) else None

    def action_metrics(self) -> None:
        """Of the service under the cursor."""
        self.post_message(MetricsAsked(self.service_key()))

    def action_matrix(self) -> None:
        """All services side by side."""
        self.post_message(MatrixAsked())

    def action_pulses(self) -> None:
        """All services as tiles."""
        self.post_message(PulsesAsked())

    def action_mark(self) -> None:
        """Mark the row and go on."""
        self.table.toggle_mark()
        self.redraw()

    def action_mark_range(self) -> None:
        """Mark all up to here."""
        self.table.mark_range()
        self.redraw()

    def action_clear_marks(self) -> None:
        """No marks."""
        self.table.clear_marks()
        self.redraw()

    def action_back(self) -> None:
        """Filter, then marks, then the choice of problems; there is no screen behind this one."""
        if self.filter_text:
            self._set_filter("")
        elif self.table.marks:
            self.action_clear_marks()
        elif self.is_trouble_only:
            self.action_problems()
        elif self.desk.environment is not None:
            self.choose(None)

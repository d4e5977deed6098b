"""One service: its facts, and the tasks that ran and run on it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult

from ccconsole.commands import Place
from ccconsole.screens.base import bindings
from ccconsole.screens.changing import ServiceChange
from ccconsole.screens.listing import TaskListScreen
from ccconsole.screens.messages import LogsAsked, MetricsAsked, PromptAsked
from ccconsole.screens.tabs import ServiceTab
from ccconsole.widgets.bars import TitleLine
from ccconsole.widgets.facts import Facts, service_facts
from ccconsole.widgets.table import RowTable
from ccconsole.widgets.task_rows import COLUMNS, task_rows
from ccconsole.widgets.text import Span, Tone

if TYPE_CHECKING:
    from ccconsole.model.services import ServiceKey
    from ccconsole.model.tasks import Task
    from ccconsole.screens.desk import Desk
    from ccconsole.widgets.rows import Row


class ServiceScreen(ServiceChange, ServiceTab, TaskListScreen):
    """Facts above, tasks below, both live."""

    PLACE: ClassVar = Place.SERVICE
    BINDINGS: ClassVar = bindings(Place.SERVICE)
    TAB: ClassVar = "tasks"

    def __init__(self, desk: Desk, key: ServiceKey) -> None:
        super().__init__(desk, (key.environment,))
        self.key = key

    def body(self) -> ComposeResult:
        """Facts, then the table of tasks under its title."""
        yield self.tab_bar()
        yield Facts(id="facts")
        yield TitleLine()
        yield RowTable(COLUMNS, empty="no task yet; p writes a prompt", id="task-table")

    def service_key(self) -> ServiceKey | None:
        """This one."""
        return self.key

    def trail(self) -> tuple[str, ...]:
        """Fleet, service."""
        return ("fleet", str(self.key))

    def heading(self) -> Span:
        """Its tasks."""
        return Span("tasks", Tone.STRONG)

    def tasks(self) -> Sequence[Task]:
        """Those of this service."""
        return [task for task in super().tasks() if task.service == self.key.name]

    def rows(self) -> Sequence[Row]:
        """Without the service, which is the same for all."""
        now = self.desk.now()
        return [*self.notices(), *task_rows(self.tasks(), now, self.desk.config.environments)]

    def redraw(self) -> None:
        """The facts as well."""
        row = self.desk.row(self.key)
        gone = [("state", Span("no longer there", Tone.BAD))]
        facts = service_facts(row, self.desk.now()) if row is not None else gone
        self.query_one(Facts).facts = tuple(facts)
        super().redraw()

    def action_logs(self) -> None:
        """Of this service."""
        self.root.post_message(LogsAsked((self.key,)))

    def action_metrics(self) -> None:
        """Of this service."""
        self.root.post_message(MetricsAsked(self.key))

    def action_prompt(self, text: str = "") -> None:
        """For this service."""
        self.root.post_message(PromptAsked((self.key,), text))

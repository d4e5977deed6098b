"""The tasks of all environments, or of the chosen one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult

from ccconsole.commands import Place
from ccconsole.screens.base import bindings
from ccconsole.screens.choosing import EnvironmentChoice
from ccconsole.screens.listing import TaskListScreen
from ccconsole.screens.messages import LogsAsked, MetricsAsked, PromptAsked
from ccconsole.widgets.bars import TitleLine
from ccconsole.widgets.table import RowTable
from ccconsole.widgets.task_rows import COLUMNS_EVERYWHERE, task_rows
from ccconsole.widgets.text import Span, Tone

if TYPE_CHECKING:
    from ccconsole.model.services import ServiceKey
    from ccconsole.model.tasks import Task
    from ccconsole.screens.desk import Desk
    from ccconsole.widgets.rows import Row


class TasksScreen(EnvironmentChoice, TaskListScreen):
    """Newest first, over every service."""

    PLACE: ClassVar = Place.TASKS
    BINDINGS: ClassVar = bindings(Place.TASKS)

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk, tuple(desk.config.environments))

    def body(self) -> ComposeResult:
        """The table under its title."""
        yield TitleLine()
        yield RowTable(
            COLUMNS_EVERYWHERE, empty="no task yet; p on a service writes a prompt", id="task-table"
        )

    def trail(self) -> tuple[str, ...]:
        """Fleet, tasks."""
        return ("fleet", "tasks")

    def heading(self) -> Span:
        """Of all, or of one environment."""
        return Span(f"tasks ({self.desk.environment or 'all'})", Tone.STRONG)

    def tasks(self) -> Sequence[Task]:
        """Those of the chosen environments."""
        only = self.desk.environment
        return [task for task in super().tasks() if only in (None, task.environment)]

    def rows(self) -> Sequence[Row]:
        """With their services."""
        environments = self.desk.config.environments
        tasks = task_rows(self.tasks(), self.desk.now(), environments, is_everywhere=True)
        return [*self.notices(), *tasks]

    def action_prompt(self, text: str = "") -> None:
        """For the service of the task under the cursor."""
        if (key := self._service()) is not None:
            self.root.post_message(PromptAsked((key,), text))

    def action_logs(self) -> None:
        """Of the task under the cursor."""
        task, key = self.task_under_cursor(), self._service()
        if task is not None and key is not None:
            self.root.post_message(LogsAsked((key,), task.id))

    def action_metrics(self) -> None:
        """Of the service of the task under the cursor."""
        self.root.post_message(MetricsAsked(self._service()))

    def _service(self) -> ServiceKey | None:
        task = self.task_under_cursor()
        return None if task is None else self.desk.service_key(task.environment, task.service)

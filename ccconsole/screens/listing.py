"""Lists of tasks: what runs, from snapshots and sessions, and what ended, from the journals."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from textual import on
from textual.message import Message

from ccconsole.errors import ConsoleError
from ccconsole.model.problem import Problem
from ccconsole.screens.choice import ChoiceScreen, cancel_question
from ccconsole.screens.messages import ControlAsked, ReplayAsked, TaskOpened
from ccconsole.screens.tabled import TableScreen
from ccconsole.widgets.fleet_rows import problem_text
from ccconsole.widgets.rows import Row, Sort
from ccconsole.widgets.service_cells import environment_span
from ccconsole.widgets.text import Span, Tone

if TYPE_CHECKING:
    from ccconsole.model.tasks import Task
    from ccconsole.screens.desk import Desk

LOCAL_SECONDS = 2.0
CLOUD_SECONDS = 15.0
"""Between two readings of a journal, as the fleet's."""


class TaskListScreen(TableScreen):
    """Polls the journals of its environments while it exists."""

    sort = Sort("age", is_reversed=True)

    @dataclass
    class Listed(Message):
        """A journal was read, or could not be."""

        environment: str
        tasks: Sequence[Task]
        problem: Problem | None

    def __init__(self, desk: Desk, environments: Sequence[str]) -> None:
        super().__init__(desk)
        self.environments = environments
        self._listed: dict[str, Sequence[Task]] = {}
        self._problems: dict[str, Problem] = {}

    def on_mount(self) -> None:
        """One reader for each journal."""
        for name in self.environments:
            if self.desk.environment_of(name).store is not None:
                self.run_worker(
                    self._poll(name), name=f"tasks {name}", group=f"tasks {name}", exit_on_error=False
                )

    async def _poll(self, name: str) -> None:
        environment = self.desk.environment_of(name)
        while True:
            try:
                self.post_message(self.Listed(name, await self.desk.backend.tasks(environment), None))
            except ConsoleError as error:
                problem = Problem(name, error.title, error.detail, error.hint, self.desk.now())
                self.post_message(self.Listed(name, (), problem))
            await asyncio.sleep(LOCAL_SECONDS if environment.is_local else CLOUD_SECONDS)

    @on(Listed)
    def _listed_changed(self, message: Listed) -> None:
        name = message.environment
        if message.problem is None:
            self._problems.pop(name, None)
            self._listed[name] = message.tasks
        else:
            known = self._problems.get(name)
            if known is None or known.title != message.problem.title:
                self._problems[name] = message.problem
        if self.is_in_sight:
            self.redraw()

    def tasks(self) -> Sequence[Task]:
        """All that is known of, newest first."""
        listed = [task for tasks in self._listed.values() for task in tasks]
        return self.desk.tasks(listed)

    def notices(self) -> Iterator[Row]:
        """What could not be read, what is still read, and which environments keep no journal."""
        now = self.desk.now()
        for name in self.environments:
            environment = self.desk.environment_of(name)
            first = environment_span(environment, name)
            if (problem := self._problems.get(name)) is not None:
                text = Span(problem_text(problem, now), Tone.BAD)
            elif environment.store is None:
                text = Span(
                    "no store: only this console's own tasks are known  → set store in deploy.toml", Tone.DIM
                )
            elif name not in self._listed:
                text = Span("… reading", Tone.DIM)
            else:
                continue
            yield Row(("notice", name), (first, text), is_spanning=True, is_pinned=True)

    def task_under_cursor(self) -> Task | None:
        """The task the cursor is on."""
        key = self.table.cursor_key
        return next((task for task in self.tasks() if (task.environment, task.id) == key), None)

    def open_row(self, key: object) -> None:
        """Its terminal."""
        for task in self.tasks():
            if (task.environment, task.id) == key:
                self.root.post_message(TaskOpened(task))

    def copied(self, key: object) -> str | None:
        """The task's id."""
        task = self.task_under_cursor()
        return task.id if task is not None else None

    def action_replay(self) -> None:
        """Of the task under the cursor."""
        if (task := self.task_under_cursor()) is not None:
            self.root.post_message(ReplayAsked(task))
        else:
            self.say("There is no task under the cursor.", is_warning=True)

    def action_cancel(self) -> None:
        """After a question."""
        task = self.task_under_cursor()
        if task is None or task.state.is_end:
            self.say("There is no running task under the cursor.", is_warning=True)
            return
        guarded = self.desk.environment_of(task.environment).is_protected
        question, choices = cancel_question(f"{task.environment}/{task.service}", is_guarded=guarded)

        def answered(answer: str | None) -> None:
            if answer is not None:
                self.root.post_message(ControlAsked(task.environment, task.id, "cancel", {"mode": answer}))

        self.app.push_screen(ChoiceScreen(question, choices), answered)

"""Lists that are read once for each environment, and again on demand: the doctor's findings, secrets."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass

from textual import on, work
from textual.message import Message

from ccconsole.errors import ConsoleError
from ccconsole.model.checks import Check
from ccconsole.model.problem import Problem
from ccconsole.model.secrets import Secret
from ccconsole.screens.choosing import EnvironmentChoice
from ccconsole.screens.desk import Desk
from ccconsole.screens.tabled import TableScreen
from ccconsole.widgets.fleet_rows import problem_text
from ccconsole.widgets.rows import Row
from ccconsole.widgets.service_cells import environment_span
from ccconsole.widgets.text import Span, Tone

Item = Check | Secret


class InspectingScreen(EnvironmentChoice, TableScreen):
    """Subclasses say what is read, and how it looks."""

    @dataclass
    class Found(Message):
        """An environment has answered with one more item, is done, or has a problem."""

        environment: str
        item: Item | None = None
        problem: Problem | None = None

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self._items: dict[str, list[Item]] = {}
        self._problems: dict[str, Problem] = {}
        self._reading: set[str] = set()

    @abstractmethod
    def items_of(self, environment: str) -> AsyncGenerator[Item, None]:
        """What is read of an environment, one by one; raises ConsoleError."""

    @abstractmethod
    def item_rows(self, items: Sequence[Item]) -> list[Row]:
        """How they look."""

    def on_mount(self) -> None:
        """Read all environments side by side."""
        self._read_all()

    def _read_all(self) -> None:
        self._items.clear()
        self._problems.clear()
        self._reading = set(self.desk.config.environments)
        self.workers.cancel_group(self, "inspection")
        for name in self.desk.config.environments:
            self._read(name)

    @work(group="inspection", exit_on_error=False)
    async def _read(self, name: str) -> None:
        try:
            async with aclosing(self.items_of(name)) as items:
                async for item in items:
                    self.post_message(self.Found(name, item))
            self.post_message(self.Found(name))
        except ConsoleError as error:
            problem = Problem(name, error.title, error.detail, error.hint, self.desk.now(), error.exit_code)
            self.post_message(self.Found(name, problem=problem))

    @on(Found)
    def _found(self, message: Found) -> None:
        name = message.environment
        if message.item is not None:
            self._items.setdefault(name, []).append(message.item)
        else:
            self._reading.discard(name)
            if message.problem is not None:
                self._problems[name] = message.problem
        self.redraw()

    def shown_items(self) -> list[Item]:
        """Of the chosen environments."""
        only = self.desk.environment
        return [item for name, items in self._items.items() if only in (None, name) for item in items]

    def rows(self) -> Sequence[Row]:
        """What could not be read and what is still read, then the items."""
        notices = []
        now, only = self.desk.now(), self.desk.environment
        for name, environment in self.desk.config.environments.items():
            text = None
            if (problem := self._problems.get(name)) is not None:
                text = Span(problem_text(problem, now), Tone.BAD)
            elif name in self._reading:
                text = Span("… reading", Tone.DIM)
            if text is not None and only in (None, name):
                first = environment_span(environment, name)
                notices.append(Row(("notice", name), (first, text), is_spanning=True, is_pinned=True))
        return [*notices, *self.item_rows(self.shown_items())]

    def action_reload(self) -> None:
        """Read again."""
        self._read_all()
        self.redraw()

"""A service's revisions and the traffic they take; a way back to any of them."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.message import Message

from ccconsole.commands import Place
from ccconsole.errors import ConsoleError
from ccconsole.model.problem import Problem
from ccconsole.model.services import Revision, ServiceKey
from ccconsole.screens.base import bindings
from ccconsole.screens.changing import ServiceChange
from ccconsole.screens.desk import Desk
from ccconsole.screens.messages import LogsAsked, MetricsAsked, PromptAsked, RolloutAsked
from ccconsole.screens.tabled import TableScreen
from ccconsole.screens.tabs import ServiceTab
from ccconsole.widgets.bars import TitleLine
from ccconsole.widgets.fleet_rows import problem_text
from ccconsole.widgets.revision_rows import COLUMNS, revision_rows
from ccconsole.widgets.rows import Row, Sort
from ccconsole.widgets.table import RowTable
from ccconsole.widgets.text import Span, Tone

LOCAL_SECONDS, CLOUD_SECONDS = 3.0, 20.0
"""Between two readings."""


class RevisionsScreen(ServiceChange, ServiceTab, TableScreen):
    """Reads while it exists."""

    PLACE: ClassVar = Place.REVISIONS
    BINDINGS: ClassVar = bindings(Place.REVISIONS)
    TAB: ClassVar = "revisions"
    sort = Sort("age", is_reversed=True)

    @dataclass
    class Listed(Message):
        """The revisions were read, or could not be."""

        revisions: Sequence[Revision]
        problem: Problem | None

    def __init__(self, desk: Desk, key: ServiceKey) -> None:
        super().__init__(desk)
        self.key = key
        self._revisions: Sequence[Revision] | None = None
        self._problem: Problem | None = None

    def body(self) -> ComposeResult:
        """The table under its title."""
        yield self.tab_bar()
        yield TitleLine()
        yield RowTable(COLUMNS, empty="no revision", id="revision-table")

    def on_mount(self) -> None:
        """Begin to read."""
        self._poll()

    @work(group="revisions", exclusive=True, exit_on_error=False)
    async def _poll(self) -> None:
        environment = self.desk.environment_of(self.key.environment)
        while True:
            try:
                found = await self.desk.backend.revisions(environment, self.key)
                self.post_message(self.Listed(found, None))
            except ConsoleError as error:
                now = self.desk.now()
                problem = Problem(environment.name, error.title, error.detail, error.hint, now)
                self.post_message(self.Listed((), problem))
            await asyncio.sleep(LOCAL_SECONDS if environment.is_local else CLOUD_SECONDS)

    @on(Listed)
    def _listed(self, message: Listed) -> None:
        if message.problem is None:
            self._revisions, self._problem = message.revisions, None
        elif self._problem is None or self._problem.title != message.problem.title:
            self._problem = message.problem
        self.redraw()

    def service_key(self) -> ServiceKey | None:
        """This one."""
        return self.key

    def trail(self) -> tuple[str, ...]:
        """Fleet, service, revisions."""
        return ("fleet", str(self.key), "revisions")

    def heading(self) -> Span:
        """Of the service."""
        return Span(f"revisions {self.key}", Tone.STRONG)

    def heading_parts(self) -> Sequence[Span]:
        """Whether a new one would serve nothing."""
        row = self.desk.row(self.key)
        if row is None or not row.service.is_pinned:
            return []
        return [Span("PINNED: a new revision serves 0%; :traffic latest=100 follows the newest", Tone.WARN)]

    def rows(self) -> Sequence[Row]:
        """What could not be read, then the revisions."""
        now, row = self.desk.now(), self.desk.row(self.key)
        notices = []
        if self._problem is not None:
            text = Span(problem_text(self._problem, now), Tone.BAD)
            notices.append(Row("problem", (Span(""), text), is_spanning=True, is_pinned=True))
        elif self._revisions is None:
            reading = (Span(""), Span("… reading", Tone.DIM))
            notices.append(Row("reading", reading, is_spanning=True, is_pinned=True))
        service = None if row is None else row.service
        return [*notices, *revision_rows(self._revisions or (), service, now)]

    def copied(self, key: object) -> str | None:
        """The revision's name."""
        return str(key)

    def action_rollback(self, words: str = "") -> None:
        """To the revision under the cursor."""
        name = words or str(self.table.cursor_key or "")
        if any(revision.name == name for revision in self._revisions or ()):
            self.root.post_message(RolloutAsked(self.key, "rollback", (name,)))

    def open_row(self, key: object) -> None:
        """Its lines are those of the service."""
        self.root.post_message(LogsAsked((self.key,)))

    def action_logs(self) -> None:
        """Of the service."""
        self.root.post_message(LogsAsked((self.key,)))

    def action_metrics(self) -> None:
        """Of the service."""
        self.root.post_message(MetricsAsked(self.key))

    def action_prompt(self, text: str = "") -> None:
        """For the service."""
        self.root.post_message(PromptAsked((self.key,), text))

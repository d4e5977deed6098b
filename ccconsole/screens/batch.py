"""Prompts that were sent together, each with its outcome."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.widgets import Static

from ccconsole.commands import Place
from ccconsole.errors import ConsoleError
from ccconsole.format import count
from ccconsole.model.batches import BatchRow
from ccconsole.screens.base import bindings
from ccconsole.screens.choice import Choice, ChoiceScreen, cancel_question
from ccconsole.screens.desk import Desk
from ccconsole.screens.groups import Group
from ccconsole.screens.messages import BatchAsked, BatchHalted, ControlAsked, TaskOpened
from ccconsole.screens.tabled import TableScreen
from ccconsole.widgets.bars import TitleLine
from ccconsole.widgets.batch_rows import COLUMNS, Drawn, batch_rows, course, notices, trouble
from ccconsole.widgets.line_input import Asked
from ccconsole.widgets.rows import Row, Sort
from ccconsole.widgets.table import RowTable
from ccconsole.widgets.text import Span, Tone, content


class BatchTable(TableScreen):
    """A table of prompts, and a line that says what to press."""

    sort = Sort("line")

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self.drawn: Drawn = {}

    def body(self) -> ComposeResult:
        """The table under its title, what is wrong, and what to press."""
        yield TitleLine()
        yield Static(id="batch-trouble")
        yield RowTable(COLUMNS, id="batch-table")
        yield Static(id="confirmation", classes="one-line")

    def trail(self) -> tuple[str, ...]:
        """Fleet, batch."""
        return ("fleet", "batch")

    def prompts(self) -> Sequence[BatchRow]:
        """All of them, in the order of the file."""
        return ()

    def error(self) -> ConsoleError | None:
        """What is wrong with all of it."""
        return None

    def advice(self) -> Span:
        """What to press."""
        return Span("")

    def rows(self) -> Sequence[Row]:
        """A line each."""
        return batch_rows(self.prompts(), self.desk.now(), self.drawn)

    def redraw(self) -> None:
        """The rows, and the words around them."""
        super().redraw()
        error, said = self.error(), self.query_one("#batch-trouble", Static)
        said.display = error is not None
        if error is not None:
            said.update(trouble(error))
        self.query_one("#confirmation", Static).update(content(self.advice()))

    def prompt_of(self, key: object) -> BatchRow | None:
        """The prompt of a row."""
        return next((row for row in self.prompts() if row.line == key), None)

    def copied(self, key: object) -> str | None:
        """The task's id."""
        row = self.prompt_of(key)
        return row.task.id if row is not None else None


class BatchScreen(BatchTable):
    """Of a batch, or of one prompt for several services; leaving it leaves all of it running."""

    PLACE: ClassVar = Place.BATCH
    BINDINGS: ClassVar = bindings(Place.BATCH)

    def __init__(self, desk: Desk, group: Group) -> None:
        super().__init__(desk)
        self.group = group
        self._was_over = group.is_over

    def prompts(self) -> Sequence[BatchRow]:
        """As the desk has them."""
        return [self.group.rows[line] for line in sorted(self.group.rows)]

    def rows(self) -> Sequence[Row]:
        """Services that take no more of it stand above."""
        return [*notices(self.group.snapshot.problems), *super().rows()]

    def error(self) -> ConsoleError | None:
        """Why its flow ended early."""
        return self.group.problem

    def heading(self) -> Span:
        """Its name."""
        return Span(self.group.title, Tone.STRONG)

    def heading_parts(self) -> Sequence[Span]:
        """How it stands."""
        return course(self.group.snapshot, self.desk.now())

    def advice(self) -> Span:
        """What to press."""
        over = "esc goes back" if self.group.is_over else "X stops it after a question; esc leaves it running"
        return Span(f" enter opens a task; {over}", Tone.DIM)

    def show_group(self, group: Group) -> None:
        """This one in place of what is shown."""
        self.group = group
        self.drawn.clear()
        self.redraw()
        self.refresh_bindings()

    def redraw(self) -> None:
        """What can be done changes when it ends."""
        super().redraw()
        if self._was_over is not self.group.is_over:
            self._was_over = self.group.is_over
            self.refresh_bindings()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Only what makes sense for these prompts is offered."""
        match action:
            case "cancel" | "cancel_rest" if self.group.is_over:
                return False
            case "previous_batch" | "next_batch" if len(self.desk.groups) < 2:
                return False
        return super().check_action(action, parameters)

    def action_batch(self, text: str = "") -> None:
        """Where this one ran: the same again goes on with it."""
        if text:
            self.root.post_message(BatchAsked(self.group.keys, text))
        else:
            self.ask(Asked.COMMAND, f"batch {self.group.text}")

    def open_row(self, key: object) -> None:
        """Its terminal."""
        row = self.prompt_of(key)
        if row is None:
            return
        task = row.task
        if not row.is_sent:
            self.say("It was not sent yet.")
        elif (
            self.desk.environment_of(task.environment).store is None
            and (task.environment, task.id) not in self.desk.sessions
        ):
            self.say(
                f"{task.environment} has no store: of its prompts a batch keeps the outcomes alone.",
                is_warning=True,
            )
        else:
            self.root.post_message(TaskOpened(task))

    def action_cancel(self) -> None:
        """The task under the cursor, after a question."""
        row = self.prompt_of(self.table.cursor_key)
        if row is None or not row.is_sent or row.task.state.is_end:
            self.say("There is no running task under the cursor.", is_warning=True)
            return
        task = row.task
        guarded = self.desk.environment_of(task.environment).is_protected
        question, choices = cancel_question(f"{task.environment}/{task.service}", is_guarded=guarded)

        def answered(answer: str | None) -> None:
            if answer is not None:
                self.root.post_message(ControlAsked(task.environment, task.id, "cancel", {"mode": answer}))

        self.app.push_screen(ChoiceScreen(question, choices), answered)

    def action_cancel_rest(self) -> None:
        """All that is left, after a question."""
        group = self.group
        running = f"the {count(group.snapshot.in_flight)} in flight"
        choices = [Choice("y", f"send nothing more, and cancel {running}", "cancel")]
        if group.is_batch:
            choices.append(Choice("s", f"send nothing more, and let {running} end", "stop"))

        def answered(answer: str | None) -> None:
            if answer is not None:
                self._halt(is_cancelling=answer == "cancel")

        question = content(("Stop ", "bold"), (group.title, "bold $accent"), ("?", "bold"))
        self.app.push_screen(ChoiceScreen(question, choices), answered)

    def _halt(self, *, is_cancelling: bool) -> None:
        if self.group.is_batch:
            self.root.post_message(BatchHalted(self.group.name, is_cancelling))
            return
        for row in self.group.rows.values():
            if not row.task.state.is_end:
                self.root.post_message(ControlAsked(row.task.environment, row.task.id, "cancel"))

    def action_previous_batch(self) -> None:
        """The one that was sent before."""
        self._turn(-1)

    def action_next_batch(self) -> None:
        """The one that was sent after it."""
        self._turn(1)

    def _turn(self, by: int) -> None:
        groups = list(self.desk.groups.values())
        if self.group in groups:
            self.show_group(groups[(groups.index(self.group) + by) % len(groups)])

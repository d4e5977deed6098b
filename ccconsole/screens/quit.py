"""The question before the console goes while tasks run."""

from __future__ import annotations

from enum import StrEnum
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Static

from ccconsole.screens.desk import Desk
from ccconsole.widgets.task_rows import first_words
from ccconsole.widgets.text import MUTED, content

_LISTED = 6


class Leave(StrEnum):
    """What becomes of the running tasks."""

    CANCEL = "cancel"
    KEEP = "keep"


class QuitScreen(ModalScreen[Leave | None]):
    """Cancel them, leave them running, or stay; None: stay."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("c", "leave('cancel')", "Cancel them and quit"),
        Binding("l", "leave('keep')", "Leave them running"),
        Binding("escape,s,q", "stay", "Stay"),
    ]

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self.sessions = desk.running()
        self.groups = desk.batches_under_way()
        flying = [
            row.task.environment
            for group in self.groups
            for row in group.rows.values()
            if row.is_sent and not row.task.state.is_end
        ]
        places = [*(session.environment.name for session in self.sessions), *flying]
        self.running = len(places)
        self.lost = sum(desk.environment_of(name).store is None for name in places)

    def compose(self) -> ComposeResult:
        """What runs, and the three ways on in words."""
        count = len(self.sessions)
        told = "One of your tasks is running" if count == 1 else f"{count} of your tasks are running"
        if not count:
            told = "A batch is under way"
        with Vertical(classes="dialog"):
            yield Static(content((told, "bold $warning")), classes="dialog-title")
            for group in self.groups:
                snapshot = group.snapshot
                going = f"  {snapshot.ended} of {snapshot.total} ended, {snapshot.in_flight} in flight"
                yield Static(content("  ● ", group.title, (going, MUTED)), classes="one-line")
            for session in self.sessions[:_LISTED]:
                task = session.task
                where = (f"{task.environment}/{task.service}  ", MUTED)
                yield Static(content("  ● ", where, first_words(task.prompt, 40)), classes="one-line")
            if count > _LISTED:
                yield Static(content((f"  and {count - _LISTED} more", MUTED)))
            yield Static(
                content(
                    (" c   ", "bold $accent"), f"cancel {'it' if self.running == 1 else 'them'} and quit"
                ),
                classes="spaced",
            )
            yield Static(content((" l   ", "bold $accent"), self._keeping()), id="keeping")
            yield Static(content((" esc ", "bold $accent"), "stay"))

    def _keeping(self) -> str:
        later = "; :batch FILE goes on later" if self.groups else ""
        if not self.lost:
            return f"leave running; :tasks finds them, if their idle instances are kept{later}"
        if self.lost == self.running and not self.groups:
            return "not possible: without a store they end with this console"
        return f"leave running; {self.lost} in environments without a store will end{later}"

    def action_leave(self, how: str) -> None:
        """Answer, unless nothing could be left."""
        if how == Leave.KEEP and self.lost == self.running and not self.groups:
            self.app.bell()
            return
        self.dismiss(Leave(how))

    def action_stay(self) -> None:
        """Nothing happened."""
        self.dismiss(None)

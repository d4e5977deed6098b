"""The question before the console goes while tasks run or rollouts are under way."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Static

from ccconsole.model import Rollout
from ccconsole.screens.session import Session
from ccconsole.widgets.task_rows import first_words
from ccconsole.widgets.text import MUTED, content

_LISTED = 6


class Leave(StrEnum):
    """What becomes of the running tasks."""

    CANCEL = "cancel"
    KEEP = "keep"


class QuitScreen(ModalScreen[Leave | None]):
    """Cancel the tasks, leave them running, or stay; None: stay. Rollouts stop where they are."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("c", "leave('cancel')", "Cancel them and quit"),
        Binding("l", "leave('keep')", "Leave them running"),
        Binding("escape,s,q", "stay", "Stay"),
    ]

    def __init__(self, sessions: Sequence[Session], rollouts: Sequence[Rollout] = ()) -> None:
        super().__init__()
        self.sessions = sessions
        self.rollouts = rollouts
        self.lost = [session for session in sessions if not session.outlives_console]

    def compose(self) -> ComposeResult:
        """What runs, and the three ways on in words."""
        with Vertical(classes="dialog"):
            if self.sessions:
                yield from self._tasks()
            for rollout in self.rollouts:
                yield Static(content((f"{rollout.verb} of {rollout.key} is under way", "bold $warning")))
                yield Static(content(("  leaving stops it where it is; this goes on with it:", MUTED)))
                yield Static(content(f"  ccconsole {rollout.verb} {rollout.key}"))
            if self.sessions:
                it = "it" if len(self.sessions) == 1 else "them"
                yield Static(content((" c   ", "bold $accent"), f"cancel {it} and quit"), classes="spaced")
            yield Static(content((" l   ", "bold $accent"), self._keeping()), id="keeping")
            yield Static(content((" esc ", "bold $accent"), "stay"))

    def _tasks(self) -> ComposeResult:
        count = len(self.sessions)
        told = "One of your tasks is running" if count == 1 else f"{count} of your tasks are running"
        yield Static(content((told, "bold $warning")), classes="dialog-title")
        for session in self.sessions[:_LISTED]:
            task = session.task
            where = (f"{task.environment}/{task.service}  ", MUTED)
            yield Static(content("  ● ", where, first_words(task.prompt, 40)), classes="one-line")
        if count > _LISTED:
            yield Static(content((f"  and {count - _LISTED} more", MUTED)))

    def _keeping(self) -> str:
        if not self.sessions:
            return "leave"
        if not self.lost:
            return "leave running; :tasks finds them, if their idle instances are kept"
        if len(self.lost) == len(self.sessions):
            return "not possible: without a store and CPU of their own they end with this console"
        return f"leave running; {len(self.lost)} without a store, or CPU of their own, will end"

    def action_leave(self, how: str) -> None:
        """Answer, unless nothing could be left."""
        is_for_nothing = how == Leave.CANCEL and not self.sessions
        if is_for_nothing or (how == Leave.KEEP and self.lost and len(self.lost) == len(self.sessions)):
            self.app.bell()
            return
        self.dismiss(Leave(how))

    def action_stay(self) -> None:
        """Nothing happened."""
        self.dismiss(None)

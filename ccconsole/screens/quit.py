"""The question before the console goes while tasks run, or batches and rollouts are under way."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Static

from ccconsole.format import count
from ccconsole.model.rollouts import Rollout
from ccconsole.paints import MUTED
from ccconsole.screens.groups import Group
from ccconsole.screens.session import Session
from ccconsole.widgets.task_rows import first_words
from ccconsole.widgets.text import content

_LISTED = 6


class Leave(StrEnum):
    """What becomes of the running tasks."""

    CANCEL = "cancel"
    KEEP = "keep"


class QuitScreen(ModalScreen[Leave | None]):
    """Cancel the tasks, leave them running, or stay; None: stay.

    Rollouts stop where they are, and of batches nothing more is sent.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("c", "leave('cancel')", "Cancel them and quit"),
        Binding("l", "leave('keep')", "Leave them running"),
        Binding("escape,s,q", "stay", "Stay"),
    ]

    def __init__(
        self,
        sessions: Sequence[Session],
        rollouts: Sequence[Rollout] = (),
        batches: Sequence[Group] = (),
    ) -> None:
        super().__init__()
        self.sessions = sessions
        self.rollouts = rollouts
        self.batches = batches
        self.running = len(sessions) + sum(len(batch.flying) for batch in batches)
        self.lost = sum(not session.outlives_console for session in sessions)
        self.lost += sum(len(batch.lost) for batch in batches)

    def compose(self) -> ComposeResult:
        """What runs, and the three ways on in words."""
        with Vertical(classes="dialog"):
            if self.sessions:
                yield from self._tasks()
            for batch in self.batches:
                yield from self._batch(batch)
            for rollout in self.rollouts:
                yield Static(content((f"{rollout.verb} of {rollout.key} is under way", "bold $warning")))
                yield Static(content(("  leaving stops it where it is; this goes on with it:", MUTED)))
                yield Static(content(f"  ccconsole {rollout.verb} {rollout.key}"))
            if self.sessions or self.batches:
                yield Static(content((" c   ", "bold $accent"), self._cancelling()), classes="spaced")
            yield Static(content((" l   ", "bold $accent"), self._keeping()), id="keeping")
            yield Static(content((" esc ", "bold $accent"), "stay"))

    def _tasks(self) -> ComposeResult:
        number = len(self.sessions)
        told = "One of your tasks is running" if number == 1 else f"{number} of your tasks are running"
        yield Static(content((told, "bold $warning")), classes="dialog-title")
        for session in self.sessions[:_LISTED]:
            task = session.task
            where = (f"{task.environment}/{task.service}  ", MUTED)
            yield Static(content("  ● ", where, first_words(task.prompt, 40)), classes="one-line")
        if number > _LISTED:
            yield Static(content((f"  and {number - _LISTED} more", MUTED)))

    @staticmethod
    def _batch(batch: Group) -> ComposeResult:
        told = f"{count(batch.snapshot.ended)} of {count(batch.snapshot.total)} ended"
        told += f", {count(len(batch.flying))} in flight, {count(batch.waiting)} not sent"
        yield Static(content((f"{batch.title} is under way", "bold $warning"), (f"  {told}", MUTED)))
        yield Static(content(("  leaving sends nothing more; this goes on with it:", MUTED)))
        yield Static(content(f"  :batch {batch.text}"))

    def _cancelling(self) -> str:
        if not self.running:
            return "stop the batch and quit"
        return f"cancel {'it' if self.running == 1 else 'them'} and quit"

    @property
    def _can_keep(self) -> bool:
        return not self.lost or self.lost < self.running

    def _keeping(self) -> str:
        if not self.running:
            return "leave"
        if not self._can_keep:
            return "not possible: without a store and CPU of their own they end with this console"
        if not self.lost:
            return "leave running; :tasks finds them, if their idle instances are kept"
        return f"leave running; {count(self.lost)} without a store, or CPU of their own, will end"

    def action_leave(self, how: str) -> None:
        """Answer, unless nothing could be left."""
        is_for_nothing = how == Leave.CANCEL and not self.sessions and not self.batches
        if is_for_nothing or (how == Leave.KEEP and not self._can_keep):
            self.app.bell()
            return
        self.dismiss(Leave(how))

    def action_stay(self) -> None:
        """Nothing happened."""
        self.dismiss(None)

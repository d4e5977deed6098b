"""Owns the batches: they go on without the screen that shows them, and tell their end."""

from __future__ import annotations

from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from textual import on, work
from textual.message import Message

from ccconsole.errors import ConsoleError
from ccconsole.model.tasks import TaskState
from ccconsole.screens.messages import BatchAsked, BatchConfirmed, BatchesAsked, BatchHalted
from ccconsole.screens.options import OptionError
from ccconsole.screens.rolling import RollingScreen

if TYPE_CHECKING:
    from ccconsole.model.batches import BatchSnapshot
    from ccconsole.screens.backend import BatchPlan
    from ccconsole.screens.groups import Group
    from ccconsole.screens.session import Session


class BatchingScreen(RollingScreen):
    """One run of a batch at a time, and of prompts for several services the outcomes."""

    @dataclass
    class BatchChanged(Message):
        """Some of its prompts stand otherwise, or it is over."""

        group: Group
        snapshot: BatchSnapshot

    @dataclass
    class BatchFailed(Message):
        """Its flow ended before its end."""

        group: Group
        error: ConsoleError

    @on(BatchAsked)
    def _batch_asked(self, message: BatchAsked) -> None:
        from ccconsole.screens.batch_plan import BatchPlanScreen
        from ccconsole.screens.batch_words import ordered

        if not message.keys:
            self.say("There is no service here to run prompts on.", is_warning=True)
            return
        try:
            order = ordered(message.text)
        except OptionError as error:
            self.say(f":batch {message.text}: {error}", is_warning=True)
            return
        self.app.push_screen(BatchPlanScreen(self.desk, message.keys, order))

    @on(BatchesAsked)
    def _batches_asked(self) -> None:
        from ccconsole.screens.batch import BatchScreen

        if not self.desk.groups:
            self.say("No prompts were sent together yet: mark services and press p, or :batch FILE")
        elif not isinstance(self.app.screen, BatchScreen):
            self.open_group(next(reversed(self.desk.groups.values())))

    def open_group(self, group: Group) -> None:
        """Its screen over the one in sight, or in place of another batch's."""
        from ccconsole.screens.batch import BatchScreen

        if isinstance(self.app.screen, BatchScreen):
            self.app.screen.show_group(group)
        else:
            self.app.push_screen(BatchScreen(self.desk, group))

    @on(BatchConfirmed)
    def _batch_confirmed(self, message: BatchConfirmed) -> None:
        from ccconsole.screens.batch_plan import BatchPlanScreen
        from ccconsole.screens.groups import of_plan

        plan = message.plan
        known = self.desk.groups.get(plan.batch.name)
        if known is not None and not known.is_over:
            self.say(f"{known.name} is under way already.", is_warning=True)
            return
        group = of_plan(plan, self.desk.now())
        self.desk.keep_group(group)
        self.table.clear_marks()
        self._dispatch(group, plan)
        if isinstance(self.app.screen, BatchPlanScreen):
            self.app.pop_screen()
            self.open_group(group)

    @work(group="batches", exit_on_error=False)
    async def _dispatch(self, group: Group, plan: BatchPlan) -> None:
        flow = self.desk.backend.run_batch(plan, group.stop, group.cancel)
        try:
            async with aclosing(flow) as snapshots:
                async for snapshot in snapshots:
                    self.post_message(self.BatchChanged(group, snapshot))
        except ConsoleError as error:
            self.post_message(self.BatchFailed(group, error))

    @on(BatchHalted)
    def _batch_halted(self, message: BatchHalted) -> None:
        if (group := self.desk.groups.get(message.name)) is not None:
            (group.cancel if message.is_cancelling else group.stop).set()

    @on(BatchChanged)
    def _batch_changed(self, message: BatchChanged) -> None:
        message.group.take(message.snapshot)
        self._tell_group(message.group)

    @on(BatchFailed)
    def _batch_failed(self, message: BatchFailed) -> None:
        message.group.fail(message.error)
        self.toast(message.error)
        self.tell_desk()

    def note_session(self, session: Session) -> None:
        """A task that is followed by itself stands otherwise: so does what it was sent together with."""
        task = session.task
        if session.problem is not None and not task.state.is_end:
            task = replace(task, state=TaskState.UNKNOWN, reason="unknown", detail=session.problem.title)
        for group in self.desk.groups.values():
            was_over = group.is_over
            if group.note(task, self.desk.now()) and not was_over:
                self._tell_group(group)

    def _tell_group(self, group: Group) -> None:
        from ccconsole.screens.batch import BatchScreen
        from ccconsole.widgets.batch_rows import is_bad, told

        screen = self.app.screen
        if group.is_over and not (isinstance(screen, BatchScreen) and screen.group is group):
            self.say(f"{group.title}: {told(group.snapshot)}", is_warning=is_bad(group.snapshot))
        self.tell_desk()

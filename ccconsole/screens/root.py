"""The bottom of the stack: owns every worker that has to outlive a screen, and answers what screens ask."""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import TYPE_CHECKING

from textual import on
from textual.message import Message
from textual.worker import Worker, WorkerState

from ccconsole.alerts import AlertNews
from ccconsole.errors import ConsoleError
from ccconsole.model.problem import Problem
from ccconsole.screens import alarms
from ccconsole.screens.base import ConsoleScreen
from ccconsole.screens.desk import pane_size
from ccconsole.screens.messages import (
    ControlAsked,
    PromptAsked,
    QuitAsked,
    ReloadAsked,
    TaskOpened,
)
from ccconsole.screens.opening import OpeningScreen
from ccconsole.widgets.service_cells import capacity
from ccconsole.widgets.task_rows import first_words

if TYPE_CHECKING:
    from ccconsole.model.fleet import FleetRow, FleetSnapshot
    from ccconsole.screens.backend import Draft
    from ccconsole.screens.desk import Desk
    from ccconsole.screens.groups import Group
    from ccconsole.screens.session import Session

FLEET = "fleet"
HISTORY = "history"
PANES = 4
"""Terminals side by side at most; more tasks than that are shown as a table first."""
LEAVING_SECONDS = 0.6
"""How long the quit waits for the cancels to be taken; the budget is a second for all of it."""


class RootScreen(OpeningScreen):
    """The workers, and what they are asked for."""

    def __init__(self, desk: Desk, *, id: str | None = None) -> None:
        super().__init__(desk, id=id)
        self._alerts = AlertNews()

    @dataclass
    class SnapshotRead(Message):
        """The fleet answered."""

        snapshot: FleetSnapshot

        def can_replace(self, message: Message) -> bool:
            """Only the newest counts."""
            return isinstance(message, RootScreen.SnapshotRead)

    @dataclass
    class SessionChanged(Message):
        """Something but the output of a followed task changed."""

        session: Session

    @dataclass
    class ControlFailed(Message):
        """A command did not reach its task."""

        error: ConsoleError

    def on_mount(self) -> None:
        """Begin to read once the first picture stands: the libraries for it take longer than the picture."""
        self.call_after_refresh(self._begin)

    def _begin(self) -> None:
        self._read_fleet()
        self.run_worker(self._load(), name="history", group=HISTORY, exit_on_error=False)

    async def _load(self) -> None:
        """The prompts written before, and the screens that the first key may open."""
        await asyncio.to_thread(self.desk.history.load)
        for name in ("service", "prompt", "task", "tasks", "logs", "metrics"):
            await asyncio.to_thread(importlib.import_module, f"ccconsole.screens.{name}")

    def _read_fleet(self) -> None:
        self.desk.fleet_problem = None
        self.run_worker(self._fleet(), name="fleet", group=FLEET, exclusive=True, exit_on_error=False)

    async def _fleet(self) -> None:
        async with aclosing(self.desk.backend.fleet()) as snapshots:
            async for snapshot in snapshots:
                self.post_message(self.SnapshotRead(snapshot))

    @on(SnapshotRead)
    def _snapshot_read(self, message: SnapshotRead) -> None:
        self.desk.snapshot = message.snapshot
        self.desk.fleet_problem = None
        self.tell_desk()
        alarms.tell(self.app, self._alerts.of(message.snapshot.rows))

    @on(Worker.StateChanged)
    def _fleet_failed(self, event: Worker.StateChanged) -> None:
        """Without snapshots there is nothing to see: the reason takes their place."""
        if event.worker.group == FLEET and event.state is WorkerState.ERROR:
            error = event.worker.error
            title = error.title if isinstance(error, ConsoleError) else "The fleet cannot be read: a bug"
            self.desk.fleet_problem = Problem("", title, hint="ctrl+r reads again", since=self.desk.now())
            self.tell_desk()

    def tell_desk(self) -> None:
        """Have the screen in sight drawn again."""
        for screen in reversed(self.app.screen_stack):
            if isinstance(screen, ConsoleScreen):
                screen.post_message(self.DeskChanged())
                return

    def _follow(self, session: Session) -> None:
        key = f"{session.task.environment}/{session.task.id}"
        self.run_worker(self._drain(session), name=f"task {key}", group=f"task {key}", exit_on_error=False)
        if not self.desk.is_read_only:
            self.run_worker(
                self._deliver(session), name=f"keys {key}", group=f"keys {key}", exit_on_error=False
            )

    async def _drain(self, session: Session) -> None:
        async with aclosing(session.follow()) as changes:
            async for _task in changes:
                self.post_message(self.SessionChanged(session))

    async def _deliver(self, session: Session) -> None:
        async with aclosing(session.commands()) as commands:
            async for typed in commands:
                try:
                    await self.desk.backend.send(
                        session.environment, session.task.id, typed.action, typed.fields
                    )
                except ConsoleError as error:
                    self.post_message(self.ControlFailed(error))

    @on(SessionChanged)
    def _session_changed(self, message: SessionChanged) -> None:
        task = message.session.task
        is_shown = self._is_shown(message.session)
        self.note_session(message.session)
        for alarm in message.session.take_alarms():
            self.app.bell()
            if not is_shown:
                self.say(f"{task.environment}/{task.service}: {alarm}", is_warning=True)
        if task.state.is_end and not is_shown:
            self.say(f"{task.environment}/{task.service}: {task.state}", is_warning=task.state != "completed")
        self.tell_desk()

    def _is_shown(self, session: Session) -> bool:
        screen = self.app.screen
        return isinstance(screen, ConsoleScreen) and session in screen.in_sight()

    @on(ControlFailed)
    def _control_failed(self, message: ControlFailed) -> None:
        self.toast(message.error)

    @on(PromptAsked)
    def _prompt_asked(self, message: PromptAsked) -> None:
        from ccconsole.screens.prompt import PromptScreen

        rows = [row for key in message.keys if (row := self.desk.row(key)) is not None]
        if not rows:
            self.say("There is no service here to prompt.", is_warning=True)
            return

        def sent(draft: Draft | None) -> None:
            if draft is not None:
                self._send(rows, draft)

        self.app.push_screen(PromptScreen(self.desk, rows, message.text, message.options), sent)

    def _send(self, rows: Sequence[FleetRow], draft: Draft) -> None:
        """One task on each service, and their terminals side by side."""
        size = pane_size(self.app.size, len(rows))
        sessions = [self.desk.start(row, draft, size) for row in rows]
        for session in sessions:
            self._follow(session)
        group = self._kept_together(rows, draft, sessions) if len(sessions) > 1 else None
        self.table.clear_marks()
        self.run_worker(self._save_history(), name="history", group=HISTORY, exit_on_error=False)
        if group is not None and len(sessions) > PANES:
            self.open_group(group)
        else:
            self._show(sessions)

    def _kept_together(self, rows: Sequence[FleetRow], draft: Draft, sessions: Sequence[Session]) -> Group:
        """Remember what was sent together, for a look at all the outcomes."""
        from ccconsole.model.batches import BatchShare
        from ccconsole.screens.groups import fan_out

        tasks = [session.task for session in sessions]
        shares = [BatchShare(row.service.key, capacity(row.service) or 1) for row in rows]
        title = f"{len(rows)} services: {first_words(draft.text, 40)}"
        group = fan_out(tasks[0].id, title, tasks, shares, self.desk.now())
        self.desk.keep_group(group)
        return group

    async def _save_history(self) -> None:
        try:
            await asyncio.to_thread(self.desk.history.save)
        except OSError as error:
            reason = error.strerror or str(error)
            raise ConsoleError(
                "The prompt's history cannot be saved", reason, str(self.desk.history.path)
            ) from error

    def _show(self, sessions: Sequence[Session]) -> None:
        from ccconsole.screens.task import TaskScreen

        if isinstance(self.app.screen, TaskScreen):
            self.app.screen.show(sessions)
        else:
            self.app.push_screen(TaskScreen(self.desk, sessions))

    @on(TaskOpened)
    def _task_opened(self, message: TaskOpened) -> None:
        session, is_new = self.desk.attach(message.task, pane_size(self.app.size, 1))
        if is_new:
            self._follow(session)
        self._show([session])

    @on(ControlAsked)
    def _control_asked(self, message: ControlAsked) -> None:
        self.run_worker(self._control(message), name=message.action, group="controls", exit_on_error=False)

    async def _control(self, message: ControlAsked) -> None:
        environment = self.desk.environment_of(message.environment)
        session = self.desk.sessions.get((message.environment, message.task_id))
        if message.action == "cancel" and not environment.store and session is not None and session.is_own:
            self.workers.cancel_group(self, f"task {message.environment}/{message.task_id}")
            session.close(
                "its stream was closed by this console, which cancels it: there is no store to ask through"
            )
            self.post_message(self.SessionChanged(session))
            return
        await self.desk.backend.send(environment, message.task_id, message.action, message.fields)

    @on(ReloadAsked)
    def _reload_asked(self) -> None:
        self._read_fleet()
        self.say("Reading again")

    @on(QuitAsked)
    def _quit_asked(self) -> None:
        from ccconsole.screens.quit import Leave, QuitScreen

        running, rollouts = self.desk.running(), self.desk.under_way()
        batches = self.desk.batches_under_way()
        if not running and not rollouts and not batches:
            self.app.exit(0)
            return

        def answered(leave: Leave | None) -> None:
            if leave is Leave.CANCEL:
                for batch in batches:
                    batch.cancel.set()
                self.run_worker(
                    self._cancel_all(running, batches), name="quit", group="quit", exit_on_error=False
                )
            elif leave is Leave.KEEP:
                self.app.exit(0)

        if not isinstance(self.app.screen, QuitScreen):
            self.app.push_screen(QuitScreen(running, rollouts, batches), answered)

    async def _cancel_all(self, sessions: Sequence[Session], batches: Sequence[Group]) -> None:
        """Ask for all cancels at once; those without a store end as their streams close.

        A batch asks for its own: it is given the time.
        """
        sends = [
            self.desk.backend.send(session.environment, session.task.id, "cancel", {})
            for session in sessions
            if session.environment.store
        ]
        try:
            async with asyncio.timeout(LEAVING_SECONDS):
                await asyncio.gather(*sends, return_exceptions=True)
                await asyncio.gather(*(batch.over.wait() for batch in batches))
        finally:
            self.app.exit(0)

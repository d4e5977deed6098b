"""Answers what screens ask to see: pushes the screen, or goes back to it."""

from __future__ import annotations

import asyncio
import importlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from textual import on
from textual.message import Message

from ccconsole.screens.batching import BatchingScreen
from ccconsole.screens.messages import (
    DoctorAsked,
    LogsAsked,
    MatrixAsked,
    MetricsAsked,
    PulsesAsked,
    ReplayAsked,
    SecretsAsked,
    ServiceAsked,
    TabAsked,
    TargetAsked,
    TasksAsked,
)
from ccconsole.widgets.text import plain

if TYPE_CHECKING:
    from ccconsole.model.services import Service
    from ccconsole.model.tasks import Task
    from ccconsole.recordings.reading import Recording

PATIENCE_SECONDS = 0.5
"""What takes longer is said."""


class OpeningScreen(BatchingScreen):
    """The bottom of the stack; screens that the first key may open are imported before it is pressed."""

    @dataclass
    class Recorded(Message):
        """All that happened in a task is in a recording."""

        recording: Recording

    @on(TargetAsked)
    def _target_asked(self, message: TargetAsked) -> None:
        self.desk.environment = message.environment or None
        while self.app.screen is not self:
            self.app.pop_screen()
        self.redraw()
        self.show_desk()
        if message.service:
            self._open_named(message.environment, message.service)

    def _open_named(self, environment: str, name: str) -> None:
        for row in self.desk.snapshot.rows:
            if (row.service.key.environment, row.service.key.name) == (environment, name):
                self.open_service(row.service)
                return
        self.say(f"{plain(environment)} has no service {plain(name)}.", is_warning=True)

    def open_service(self, service: Service) -> None:
        """Its screen over this one."""
        from ccconsole.screens.service import ServiceScreen

        self.app.push_screen(ServiceScreen(self.desk, service.key))

    @on(TasksAsked)
    def _tasks_asked(self) -> None:
        from ccconsole.screens.tasks import TasksScreen

        if not isinstance(self.app.screen, TasksScreen):
            self.app.push_screen(TasksScreen(self.desk))

    @on(LogsAsked)
    def _logs_asked(self, message: LogsAsked) -> None:
        from ccconsole.screens.logs import LogsScreen

        if message.keys:
            self.app.push_screen(LogsScreen(self.desk, message.keys, message.task_id))
        else:
            self.say("There is no service here with log lines.", is_warning=True)

    @on(MetricsAsked)
    def _metrics_asked(self, message: MetricsAsked) -> None:
        from ccconsole.screens.metrics import MetricsScreen

        if message.key is not None:
            self.app.push_screen(MetricsScreen(self.desk, message.key))
        else:
            self.say("There is no service here with metrics.", is_warning=True)

    @on(TabAsked)
    def _tab_asked(self, message: TabAsked) -> None:
        from ccconsole.screens.logs import LogsScreen
        from ccconsole.screens.metrics import MetricsScreen
        from ccconsole.screens.revisions import RevisionsScreen
        from ccconsole.screens.service import ServiceScreen

        match message.tab:
            case "logs":
                self.app.switch_screen(LogsScreen(self.desk, (message.key,)))
            case "metrics":
                self.app.switch_screen(MetricsScreen(self.desk, message.key))
            case "revisions":
                self.app.switch_screen(RevisionsScreen(self.desk, message.key))
            case _:
                self.app.switch_screen(ServiceScreen(self.desk, message.key))

    @on(ReplayAsked)
    def _replay_asked(self, message: ReplayAsked) -> None:
        self.run_worker(
            self._record(message.task), name="replay", group="replay", exclusive=True, exit_on_error=False
        )

    async def _record(self, task: Task) -> None:
        telling = self.set_timer(PATIENCE_SECONDS, lambda: self.say("Reading what happened"))
        recorded = (
            await asyncio.to_thread(importlib.import_module, "ccconsole.recordings.exporting")
        ).recorded
        try:
            self.post_message(self.Recorded(await recorded(task, self.desk.events(task))))
        finally:
            telling.stop()

    @on(Recorded)
    def _recorded(self, message: Recorded) -> None:
        from ccconsole.recordings.player import Player
        from ccconsole.screens.replay import ReplayScreen

        self.app.push_screen(ReplayScreen(self.desk, Player(message.recording)))

    @on(ServiceAsked)
    def _service_asked(self, message: ServiceAsked) -> None:
        from ccconsole.screens.service import ServiceScreen

        self.app.push_screen(ServiceScreen(self.desk, message.key))

    @on(PulsesAsked)
    def _pulses_asked(self) -> None:
        from ccconsole.screens.pulses import PulsesScreen

        self.app.push_screen(PulsesScreen(self.desk))

    @on(MatrixAsked)
    def _matrix_asked(self) -> None:
        from ccconsole.screens.matrix import MatrixScreen

        self.app.push_screen(MatrixScreen(self.desk))

    @on(DoctorAsked)
    def _doctor_asked(self) -> None:
        from ccconsole.screens.doctor import DoctorScreen

        self.app.push_screen(DoctorScreen(self.desk))

    @on(SecretsAsked)
    def _secrets_asked(self) -> None:
        from ccconsole.screens.secrets import SecretsScreen

        self.app.push_screen(SecretsScreen(self.desk))

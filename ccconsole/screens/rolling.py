"""Owns the rollouts: they go on without the screen that shows them, and tell their end."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from dataclasses import dataclass
from typing import TYPE_CHECKING

from textual import on, work
from textual.message import Message

from ccconsole.screens.messages import RolloutAsked, RolloutConfirmed, RolloutStopped
from ccconsole.screens.tabled import TableScreen

if TYPE_CHECKING:
    from ccconsole.model.rollouts import Adjustment, Plan, Rollout
    from ccconsole.model.services import ServiceKey
    from ccconsole.screens.desk import Desk


class RollingScreen(TableScreen):
    """One rollout of a service at a time."""

    @dataclass
    class RolloutChanged(Message):
        """A rollout has another stage, other words, or an end."""

        rollout: Rollout

    def __init__(self, desk: Desk, *, id: str | None = None) -> None:
        super().__init__(desk, id=id)
        self._stops: dict[ServiceKey, asyncio.Event] = {}

    @on(RolloutAsked)
    def _rollout_asked(self, message: RolloutAsked) -> None:
        from ccconsole.screens.rollout import RolloutScreen

        if message.key is None:
            self.say("There is no service here to change.", is_warning=True)
        else:
            self.app.push_screen(RolloutScreen(self.desk, message.key, message.verb, message.words))

    @on(RolloutConfirmed)
    def _rollout_confirmed(self, message: RolloutConfirmed) -> None:
        key = message.proposal.key
        known = self.desk.rollouts.get(key)
        if known is not None and not known.is_over:
            self.say(f"{key}: {known.verb} is under way already.", is_warning=True)
            return
        stop = self._stops[key] = asyncio.Event()
        self._roll(message.proposal, stop, message.canary)

    @work(group="rollouts", exit_on_error=False)
    async def _roll(self, proposal: Plan | Adjustment, stop: asyncio.Event, canary: int | None) -> None:
        environment = self.desk.environment_of(proposal.key.environment)
        flow = self.desk.backend.roll(environment, proposal, stop, canary)
        async with aclosing(flow) as snapshots:
            async for snapshot in snapshots:
                self.post_message(self.RolloutChanged(snapshot))

    @on(RolloutStopped)
    def _rollout_stopped(self, message: RolloutStopped) -> None:
        if (stop := self._stops.get(message.key)) is not None:
            stop.set()

    @on(RolloutChanged)
    def _rollout_changed(self, message: RolloutChanged) -> None:
        rollout = message.rollout
        self.desk.rollouts[rollout.key] = rollout
        if rollout.is_over:
            from ccconsole.model.rollouts import Outcome
            from ccconsole.screens.rollout import RolloutScreen

            screen = self.app.screen
            if not (isinstance(screen, RolloutScreen) and screen.key == rollout.key):
                outcome = str(rollout.outcome).replace("_", " ")
                is_bad = rollout.outcome is not Outcome.DONE
                self.say(f"{rollout.key}: {rollout.verb} {outcome}", is_warning=is_bad)
        self.tell_desk()

    def tell_desk(self) -> None:
        """Have the screen in sight drawn again."""

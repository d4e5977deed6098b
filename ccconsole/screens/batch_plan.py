"""What a file of prompts would run, before it is confirmed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual import on, work
from textual.message import Message

from ccconsole.commands import Place
from ccconsole.errors import ConsoleError
from ccconsole.format import count
from ccconsole.model.batches import BatchRow
from ccconsole.model.services import ServiceKey
from ccconsole.screens.backend import BatchOrder, BatchPlan
from ccconsole.screens.base import bindings
from ccconsole.screens.batch import BatchTable
from ccconsole.screens.desk import Desk
from ccconsole.screens.groups import titled
from ccconsole.screens.messages import BatchConfirmed
from ccconsole.widgets.line_input import Asked, LineInput
from ccconsole.widgets.text import Span, Tone


class BatchPlanScreen(BatchTable):
    """Reads the file when it opens; once confirmed, the batch takes its place."""

    PLACE: ClassVar = Place.BATCH_PLAN
    BINDINGS: ClassVar = bindings(Place.BATCH_PLAN)

    @dataclass
    class Planned(Message):
        """The file is read and looked up, or there is a reason why it is not."""

        plan: BatchPlan | ConsoleError

    def __init__(self, desk: Desk, keys: tuple[ServiceKey, ...], order: BatchOrder) -> None:
        super().__init__(desk)
        self.keys = keys
        self.order = order
        self.plan: BatchPlan | ConsoleError | None = None

    def on_mount(self) -> None:
        """Read it."""
        self._plan()

    @work(group="batch-plan", exclusive=True, exit_on_error=False)
    async def _plan(self) -> None:
        try:
            found: BatchPlan | ConsoleError = await self.desk.backend.plan_batch(self.keys, self.order)
        except ConsoleError as error:
            found = error
        self.post_message(self.Planned(found))

    @on(Planned)
    def _planned(self, message: Planned) -> None:
        self.plan = message.plan
        self.drawn.clear()
        self.redraw()
        self.refresh_bindings()

    @property
    def _found(self) -> BatchPlan | None:
        return self.plan if isinstance(self.plan, BatchPlan) else None

    def prompts(self) -> Sequence[BatchRow]:
        """As they stand before anything is sent."""
        return self._found.rows if self._found is not None else ()

    def error(self) -> ConsoleError | None:
        """What is wrong with the file, or with where it is to run."""
        return self.plan if isinstance(self.plan, ConsoleError) else None

    def heading(self) -> Span:
        """Its name, once that is known."""
        title = str(self.order.file) if self._found is None else titled(self._found.batch.name)
        return Span(title, Tone.STRONG)

    def heading_parts(self) -> Sequence[Span]:
        """How many go where."""
        if self._found is None:
            return []
        where = [Span(f"{share.key} {count(share.limit)} at once") for share in self._found.shares]
        return [Span(f"{count(self._found.new)} to run", Tone.ACCENT), *where]

    def advice(self) -> Span:
        """What to press."""
        plan = self._found
        if plan is None:
            return Span(" ctrl+r reads it again" if self.plan is not None else " … reading", Tone.DIM)
        notes = "".join(f"; {note}" for note in plan.notes)
        if self._is_idle(plan):
            return Span(f" nothing to run: all have ended{notes}", Tone.DIM)
        if self.desk.is_read_only:
            return Span(" this console is read-only", Tone.WARN)
        prompts = "prompt" if plan.new == 1 else "prompts"
        what = f"run {count(plan.new)} {prompts}, at most {count(plan.batch.at_most)} at once"
        if self._guarded:
            return Span(f" enter, then type {self._word}, to {what}{notes}", Tone.BAD)
        return Span(f" enter to {what}; esc to leave it{notes}", Tone.ACCENT)

    @property
    def _guarded(self) -> list[str]:
        """The protected environments that some of it would run in."""
        names = self._found.environments if self._found is not None else ()
        return [name for name in names if self.desk.environment_of(name).is_protected]

    @property
    def _word(self) -> str:
        """What has to be typed, as for the verb: the service's name, or of several the environment's."""
        assert self._found is not None
        name = self._guarded[0]
        there = [share.key.name for share in self._found.shares if share.key.environment == name]
        return there[0] if len(there) == 1 else name

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Confirming needs something to run."""
        if action == "confirm" and (self._found is None or self._is_idle(self._found)):
            return False
        return super().check_action(action, parameters)

    def action_confirm(self) -> None:
        """Run it, or ask for the name first."""
        if self._guarded:
            self.ask(Asked.NAME, sign=">")
        else:
            self._confirmed()

    @staticmethod
    def _is_idle(plan: BatchPlan) -> bool:
        """Whether there is nothing to send, and nothing that runs to be watched."""
        return all(row.is_earlier for row in plan.rows)

    @on(LineInput.Ended)
    def _named(self, message: LineInput.Ended) -> None:
        if message.asked is not Asked.NAME:
            return
        if message.text.strip() == self._word:
            self._confirmed()
        else:
            self.say(f"That is not {self._word}: nothing was sent.", is_warning=True)

    def _confirmed(self) -> None:
        if self._found is not None:
            self.root.post_message(BatchConfirmed(self._found))

    def action_reload(self) -> None:
        """Read the file again."""
        self.plan = None
        self._plan()
        self.redraw()
        self.refresh_bindings()

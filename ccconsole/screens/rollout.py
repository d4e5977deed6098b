"""One change of a service: what it would do, the confirmation, and its stages as they go."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.content import Content
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Static

from ccconsole.commands import Place
from ccconsole.errors import ConsoleError
from ccconsole.model.rollouts import Adjustment, Plan, Rollout
from ccconsole.model.services import ServiceKey
from ccconsole.paints import MUTED
from ccconsole.screens.base import ConsoleScreen, bindings
from ccconsole.screens.desk import Desk
from ccconsole.screens.messages import LogsAsked, RolloutConfirmed, RolloutStopped
from ccconsole.widgets.bars import TitleLine
from ccconsole.widgets.line_input import Asked, LineInput
from ccconsole.widgets.rollout import course, headline, is_idle, proposed
from ccconsole.widgets.text import Span, Tone, content


class RolloutScreen(ConsoleScreen):
    """Plans when it opens; leaving it leaves a rollout running."""

    PLACE: ClassVar = Place.ROLLOUT
    BINDINGS: ClassVar = bindings(Place.ROLLOUT)

    @dataclass
    class Proposed(Message):
        """The plan is there, or the reason why it is not."""

        proposal: Plan | Adjustment | ConsoleError

    def __init__(self, desk: Desk, key: ServiceKey, verb: str, words: tuple[str, ...] = ()) -> None:
        super().__init__(desk)
        self.key = key
        self.verb = verb
        self.words = words
        self.proposal: Plan | Adjustment | ConsoleError | None = None
        self._is_confirmed = False

    def body(self) -> ComposeResult:
        """The plan above, the stages below."""
        yield TitleLine()
        with VerticalScroll(id="rollout-scroll"):
            yield Static(id="proposal")
            yield Static(id="course")
        yield Static(id="confirmation", classes="one-line")

    def on_mount(self) -> None:
        """A rollout that is under way is shown; else the change is planned."""
        if self._rollout is None:
            self._propose()

    def home(self) -> Widget | None:
        """The text scrolls."""
        return self.query_one("#rollout-scroll")

    def trail(self) -> tuple[str, ...]:
        """Fleet, service, the verb."""
        return ("fleet", str(self.key), self.verb)

    @property
    def _rollout(self) -> Rollout | None:
        """What is to be seen of a rollout: the one begun here, or one under way."""
        known = self.desk.rollouts.get(self.key)
        return known if known is not None and (self._is_confirmed or not known.is_over) else None

    @work(group="proposal", exclusive=True, exit_on_error=False)
    async def _propose(self) -> None:
        environment = self.desk.environment_of(self.key.environment)
        try:
            found: Plan | Adjustment | ConsoleError = await self.desk.backend.propose(
                environment, self.key, self.verb, self.words
            )
        except ConsoleError as error:
            found = error
        self.post_message(self.Proposed(found))

    @on(Proposed)
    def _proposed(self, message: Proposed) -> None:
        self.proposal = message.proposal
        self.redraw()
        self.refresh_bindings()

    def redraw(self) -> None:
        """Plan, stages, and what to press."""
        rollout, found = self._rollout, self.proposal
        parts = [Span(f"{self.verb} {self.key}", Tone.STRONG)]
        if isinstance(found, (Plan, Adjustment)):
            parts.append(headline(found))
        if self._canary is not None:
            parts.append(Span(f"canary {self._canary}%", Tone.WARN))
        self.query_one(TitleLine).parts = tuple(parts)
        plan = self.query_one("#proposal", Static)
        if isinstance(found, ConsoleError):
            said = [content((f" ✗ {found.title}", "bold $error"))]
            said += [content(f"   {part}") for part in (found.detail, found.hint) if part]
            plan.update(Content("\n").join(said))
        elif found is not None:
            plan.update(proposed(found))
        else:
            plan.update(content((" … planning" if rollout is None else "", MUTED)))
        stages = self.query_one("#course", Static)
        stages.display = rollout is not None
        if rollout is not None:
            stages.update(course(rollout, self.desk.now()))
        self.query_one("#confirmation", Static).update(content(self._confirmation()))

    def _confirmation(self) -> Span:
        rollout, found = self._rollout, self.proposal
        if rollout is not None:
            over = "esc goes back" if rollout.is_over else "ctrl+x stops it in order; esc leaves it running"
            return Span(f" {over}", Tone.DIM)
        if not isinstance(found, (Plan, Adjustment)):
            return Span(" ctrl+r plans again", Tone.DIM) if found is not None else Span("")
        if is_idle(found):
            return Span(" nothing to do", Tone.DIM)
        if self.desk.is_read_only:
            return Span(" this console is read-only", Tone.WARN)
        if self._is_typed:
            return Span(f" enter, then type {self.key.name}, to {self.verb}", Tone.BAD)
        return Span(f" enter to {self.verb}, esc to leave it", Tone.ACCENT)

    @property
    def _canary(self) -> int | None:
        """The share of `deploy canary 10`."""
        match self.words:
            case ("canary", percent) if percent.isdecimal() and 0 < int(percent) < 100:
                return int(percent)
        return None

    @property
    def _is_typed(self) -> bool:
        """Whether the service's name has to be typed: a protected environment, and what cannot be undone."""
        environment = self.desk.environment_of(self.key.environment)
        return environment.is_protected or (self.verb == "delete" and not environment.is_local)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Confirming needs a plan, stopping a rollout."""
        found, rollout = self.proposal, self._rollout
        if action == "confirm" and (
            rollout is not None or not isinstance(found, (Plan, Adjustment)) or is_idle(found)
        ):
            return False
        if action == "stop" and (rollout is None or rollout.is_over):
            return False
        return super().check_action(action, parameters)

    def action_confirm(self) -> None:
        """Do it, or ask for the name first."""
        if self._is_typed:
            self.ask(Asked.NAME, sign=">")
        else:
            self._confirmed()

    @on(LineInput.Ended)
    def _named(self, message: LineInput.Ended) -> None:
        if message.asked is not Asked.NAME:
            return
        if message.text.strip() == self.key.name:
            self._confirmed()
        else:
            self.say("That is not the service's name: nothing was done.", is_warning=True)

    def _confirmed(self) -> None:
        if isinstance(self.proposal, (Plan, Adjustment)):
            self._is_confirmed = True
            self.desk.rollouts.pop(self.key, None)
            self.root.post_message(RolloutConfirmed(self.proposal, self._canary))
            self.refresh_bindings()

    def action_stop(self) -> None:
        """End it at the stage it is at."""
        self.root.post_message(RolloutStopped(self.key))

    def action_reload(self) -> None:
        """Plan again, where nothing is under way."""
        rollout = self._rollout
        if rollout is None or rollout.is_over:
            self._is_confirmed, self.proposal = False, None
            self._propose()
            self.redraw()

    def action_logs(self) -> None:
        """The service's lines."""
        self.root.post_message(LogsAsked((self.key,)))

    @property
    def page(self) -> int:
        """The lines in sight."""
        return self.query_one("#rollout-scroll").size.height

    def step(self, by: int) -> None:
        """Scroll."""
        self.query_one("#rollout-scroll").scroll_relative(y=by, animate=False)

    def leap(self, *, is_to_end: bool) -> None:
        """The first line, or the last."""
        text = self.query_one("#rollout-scroll")
        if is_to_end:
            text.scroll_end(animate=False)
        else:
            text.scroll_home(animate=False)

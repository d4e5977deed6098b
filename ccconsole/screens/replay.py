"""A recording on the whole screen: played, paused, sought in, searched."""

from __future__ import annotations

import re
from contextlib import aclosing
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.message import Message
from textual.widget import Widget

from ccconsole.commands import Place
from ccconsole.recordings.player import Player
from ccconsole.screens.base import ConsoleScreen, bindings
from ccconsole.screens.desk import Desk
from ccconsole.terminal.view import TerminalPane
from ccconsole.widgets.line_input import Asked, LineInput
from ccconsole.widgets.replaying import ReplayFacts, ReplayTitle, ReplayTrack

STEP_SECONDS, LEAP_SECONDS = 5.0, 60.0
_TIME = re.compile(r"([+-]?)(?:(\d+):)?(?:(\d+):)?(\d+(?:\.\d+)?)(%?)")
_NEEDS_FLEET = frozenset({"palette", "fleet", "tasks", "doctor", "secrets", "reload"})


class ReplayPane(TerminalPane, inherit_bindings=False):
    """Its keys are the screen's: arrows seek here."""


class ReplayScreen(ConsoleScreen):
    """Drives a player, and shows where it is; leaving it lets go of the recording."""

    PLACE: ClassVar = Place.REPLAY
    BINDINGS: ClassVar = bindings(Place.REPLAY)

    class Moved(Message):
        """Something may look different."""

        def can_replace(self, message: Message) -> bool:
            """Only the newest counts."""
            return isinstance(message, ReplayScreen.Moved)

    def __init__(self, desk: Desk, player: Player, *, is_alone: bool = False) -> None:
        """`is_alone` where there is no fleet below, and leaving it leaves the program."""
        super().__init__(desk)
        self.player = player
        self._is_alone = is_alone
        self._has_told_flaws = False
        self._search = ""

    def body(self) -> ComposeResult:
        """Title, terminal, track."""
        yield ReplayTitle(classes="one-line")
        yield ReplayPane(self.player.terminal)
        yield ReplayTrack(classes="one-line")

    @property
    def pane(self) -> ReplayPane:
        """The terminal."""
        return self.query_one(ReplayPane)

    def home(self) -> Widget | None:
        """The terminal, so that its cursor is seen."""
        return self.pane

    def trail(self) -> tuple[str, ...]:
        """Where it comes from."""
        title = self.player.recording.header.title or self.player.recording.name
        return (*(() if self._is_alone else ("fleet",)), "replay", title)

    def on_mount(self) -> None:
        """Begin to play."""
        self.run_worker(self._play(), name="replay", group="replay", exit_on_error=False)

    async def _play(self) -> None:
        async with aclosing(self.player.moves()) as moves:
            async for _ in moves:
                self.post_message(self.Moved())

    @on(Moved)
    def redraw(self) -> None:
        """Title and track as the player is now."""
        facts = self._facts()
        self.query_one(ReplayTitle).facts = facts
        self.query_one(ReplayTrack).facts = facts
        if facts.progress == 1 and not self._has_told_flaws:
            self._has_told_flaws = True
            if flaws := self.player.recording.flaws.sentences():
                self.tell("The recording has flaws", "\n".join(flaws))

    def _facts(self) -> ReplayFacts:
        player, timeline = self.player, self.player.timeline
        state = "playing" if player.is_playing else "ended" if player.is_at_end else "paused"
        marker = player.marker
        return ReplayFacts(
            title=player.recording.header.title or player.recording.name,
            state="reading" if player.is_seeking else state,
            position=player.position,
            length=timeline.length,
            speed=player.speed,
            idle_limit=player.idle_limit,
            marker="" if marker is None else marker.label or "marker",
            markers=timeline.marker_times,
            marker_number=timeline.passed(player.position),
            progress=timeline.progress,
        )

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Alone there is nowhere else to go."""
        if self._is_alone and action in _NEEDS_FLEET:
            return False
        if action in ("search_next", "search_previous"):
            return bool(self._search)
        return super().check_action(action, parameters)

    @property
    def page(self) -> int:
        """The lines in sight."""
        return self.pane.size.height

    def step(self, by: int) -> None:
        """Scroll the terminal."""
        self.pane.scroll_lines(by)

    def leap(self, *, is_to_end: bool) -> None:
        """The recording's beginning, or its end."""
        self.pane.follow()
        if is_to_end:
            self.player.seek_end()
        else:
            self.player.seek(0.0)

    def action_play(self) -> None:
        """Pause, or go on."""
        self.pane.follow()
        self.player.toggle()

    def _seek_by(self, seconds: float) -> None:
        self.pane.follow()
        self.player.seek(self.player.position + seconds)

    def action_seek_back(self) -> None:
        """A little back."""
        self._seek_by(-STEP_SECONDS)

    def action_seek_on(self) -> None:
        """A little on."""
        self._seek_by(STEP_SECONDS)

    def action_leap_back(self) -> None:
        """Far back."""
        self._seek_by(-LEAP_SECONDS)

    def action_leap_on(self) -> None:
        """Far on."""
        self._seek_by(LEAP_SECONDS)

    def action_frame_back(self) -> None:
        """The output before."""
        self.player.step(-1)

    def action_frame_on(self) -> None:
        """The next output."""
        self.player.step(1)

    def action_slower(self) -> None:
        """Half as fast."""
        self.player.change_speed(-1)

    def action_faster(self) -> None:
        """Twice as fast."""
        self.player.change_speed(1)

    def action_next_marker(self) -> None:
        """Towards the end."""
        self._seek_marker(is_forward=True)

    def action_previous_marker(self) -> None:
        """Towards the beginning."""
        self._seek_marker(is_forward=False)

    def _seek_marker(self, *, is_forward: bool) -> None:
        self.pane.follow()
        if not self.player.seek_marker(is_forward=is_forward):
            is_known = self.player.timeline.is_scanned or not is_forward
            self.say("No marker that way" if is_known else "No marker that way yet: still reading")

    def action_idle(self, text: str = "") -> None:
        """On and off, or so many seconds."""
        if not text:
            self.player.toggle_idle_limit()
        elif (seconds := _number(text)) is not None and seconds > 0:
            self.player.set_idle_limit(seconds)
        else:
            self.say(f"{text!r} is no number of seconds, for example :idle 2", is_warning=True)

    def action_speed(self, text: str = "") -> None:
        """So many times as fast."""
        if (speed := _number(text.removesuffix("x"))) is not None and speed > 0:
            self.player.set_speed(speed)
        else:
            self.say(f"{text!r} is no speed, for example :speed 4", is_warning=True)

    def action_seek(self, text: str = "") -> None:
        """To a time, a part of the whole, or so many seconds from here."""
        found = _TIME.fullmatch(text.replace(" ", ""))
        if found is None:
            self.say(f"{text!r} is no time, for example :seek 1:30, :seek 50%, :seek -10", is_warning=True)
            return
        sign, first, second, last, percent = found.groups()
        seconds = float(last)
        if percent:
            seconds *= self.player.timeline.length / 100
        for part, size in ((second or first, 60), (first if second else None, 3600)):
            seconds += int(part or 0) * size
        self.pane.follow()
        self.player.seek(seconds if not sign else self.player.position + float(f"{sign}1") * seconds)

    def action_copy(self) -> None:
        """The selection, or the whole screen."""
        text = self.pane.selected_text() or self.player.terminal.text()
        self.app.copy_to_clipboard(text)
        self.say(f"Copied {len(text.splitlines())} lines")

    def action_search(self, text: str = "") -> None:
        """Write what to find, or find it."""
        if text:
            self._search = text
            self.action_search_previous()
        else:
            self.ask(Asked.SEARCH, self._search)

    @on(LineInput.Ended)
    def _search_ended(self, message: LineInput.Ended) -> None:
        if message.asked is Asked.SEARCH and message.text:
            self.action_search(message.text)

    def action_search_next(self) -> None:
        """Towards the end of what is shown."""
        self._found(self.pane.search(self._search, is_forward=True))

    def action_search_previous(self) -> None:
        """Towards its beginning."""
        self._found(self.pane.search(self._search, is_forward=False))

    def _found(self, is_found: bool) -> None:
        if not is_found:
            self.say(f"{self._search!r} is not found there", is_warning=True)

    def action_back(self) -> None:
        """One screen back; alone, out."""
        if self._is_alone:
            self.app.exit(0)
        else:
            super().action_back()

    def action_quit(self) -> None:
        """Alone nothing runs that would have to be asked about."""
        if self._is_alone:
            self.app.exit(0)
        else:
            super().action_quit()


def _number(text: str) -> float | None:
    return float(text) if re.fullmatch(r"\d+(\.\d+)?", text.strip()) else None

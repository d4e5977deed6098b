"""The keys and words that drive a player: seeking, stepping, speed, markers, silences."""

from __future__ import annotations

import re

from ccconsole.recordings.player import Player
from ccconsole.screens.desk import Desk
from ccconsole.screens.searching import SearchingScreen
from ccconsole.terminal.view import TerminalPane

STEP_SECONDS, LEAP_SECONDS = 5.0, 60.0
PAN_COLUMNS = 10
_TIME = re.compile(r"([+-]?)(?:(\d+):)?(?:(\d+):)?(\d+(?:\.\d+)?)(%?)")


class ReplayPane(TerminalPane, inherit_bindings=False):
    """Its keys are the screen's: arrows seek here."""


class PlayingScreen(SearchingScreen):
    """The subclass shows the pane, and runs the player."""

    def __init__(self, desk: Desk, player: Player) -> None:
        super().__init__(desk)
        self.player = player

    @property
    def pane(self) -> ReplayPane:
        """The terminal."""
        return self.query_one(ReplayPane)

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

    def action_pan_left(self) -> None:
        """Columns that are out of sight to the left."""
        self.pane.scroll_columns(-PAN_COLUMNS)

    def action_pan_right(self) -> None:
        """Columns that are out of sight to the right."""
        self.pane.scroll_columns(PAN_COLUMNS)

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


def _number(text: str) -> float | None:
    return float(text) if re.fullmatch(r"\d+(\.\d+)?", text.strip()) else None

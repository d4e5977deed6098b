"""A recording on the whole screen: played, paused, sought in, searched."""

from __future__ import annotations

from contextlib import aclosing
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.message import Message
from textual.widget import Widget

from ccconsole.commands import Place
from ccconsole.recordings.player import Player
from ccconsole.screens.base import bindings
from ccconsole.screens.desk import Desk
from ccconsole.screens.playing import PlayingScreen, ReplayPane
from ccconsole.widgets.replaying import ReplayFacts, ReplayTitle, ReplayTrack

_NEEDS_FLEET = frozenset({"palette", "fleet", "tasks", "doctor", "secrets", "reload"})


class ReplayScreen(PlayingScreen):
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
        super().__init__(desk, player)
        self._is_alone = is_alone
        self._has_told_flaws = False

    def body(self) -> ComposeResult:
        """Title, terminal, track."""
        yield ReplayTitle(classes="one-line")
        yield ReplayPane(self.player.terminal)
        yield ReplayTrack(classes="one-line")

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
        return super().check_action(action, parameters)

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

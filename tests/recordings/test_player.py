"""The player by a clock of the test's own: when what is shown, and that a seek shows what playing shows."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ccconsole.recordings.head import SCROLLBACK_LINES, Goal, Head
from ccconsole.recordings.player import TICK, Player
from ccconsole.recordings.reading import Recording
from ccconsole.terminal.engine import Terminal
from tests.recordings.casts import cast, session
from tests.terminal.states import screen, state


class Clock:
    """Stands still until it is told."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


class Desk:
    """A player with its clock."""

    def __init__(self, path: Path, **options: float) -> None:
        self.clock = Clock()
        self.player = Player(Recording.open(path), clock=self.clock, **options)

    @property
    def shown(self) -> str:
        return "\n".join(screen(self.player.terminal)).strip()

    async def after(self, seconds: float) -> str:
        """What is shown when so much time has passed, and the player was asked when it wanted to be."""
        end = self.clock.now + seconds
        while True:
            wait = await self.player.catch_up()
            if wait is None or self.clock.now + wait > end:
                break
            self.clock.now += max(wait, 1e-6)  # a real clock never stands still
        self.clock.now = end
        await self.player.catch_up()
        return self.shown

    async def at(self) -> str:
        return await self.after(0)


@asynccontextmanager
async def desk(path: Path, *, is_scanned: bool = True, **options: float) -> AsyncIterator[Desk]:
    """A player of a file, which is scanned before it plays."""
    found = Desk(path, **options)
    with closing(found.player.recording):
        if is_scanned:
            assert [progress async for progress in found.player.timeline.scan()][-1] == 1.0
        yield found


@pytest.fixture
def steps(tmp_path: Path) -> Path:
    """One, two, three, at 1, 2 and 10 seconds, with markers."""
    return cast(
        tmp_path / "steps.cast",
        [0.5, "m", "begin"],
        [1.0, "o", "one "],
        [2.0, "o", "two "],
        [2.0, "m", "half"],
        [10.0, "o", "three"],
        [11.5, "m", "end"],
    )


async def test_it_plays_in_time_and_stops_at_the_end(steps: Path) -> None:
    async with desk(steps) as at:
        player = at.player
        assert await at.after(0.9) == ""
        assert await at.after(0.2) == "one"
        assert await at.after(0.9) == "one two"
        assert (round(player.position, 3), player.marker) == (2.0, (2.0, "half"))
        assert await at.after(7.9) == "one two"
        assert await at.after(0.2) == "one two three"
        assert player.is_playing
        assert await at.after(5) == "one two three"
        assert (player.is_playing, player.is_at_end, player.position) == (False, True, 11.5)
        player.toggle()
        assert await at.at() == ""
        assert await at.after(2) == "one two"


@pytest.mark.parametrize(("speed", "seconds"), [(0.25, 8.0), (1.0, 2.0), (16.0, 0.125), (999.0, 0.125)])
async def test_speeds(steps: Path, speed: float, seconds: float) -> None:
    async with desk(steps) as at:
        at.player.set_speed(speed)
        assert await at.after(seconds * 0.99) == "one"
        assert await at.after(seconds * 0.02) == "one two"


async def test_a_new_speed_goes_on_from_here(steps: Path) -> None:
    async with desk(steps, speed=2.0) as at:
        player = at.player
        await at.after(0.6)
        player.change_speed(1)
        assert (player.speed, round(player.position, 6)) == (4.0, 1.2)
        for _ in range(9):
            player.change_speed(-1)
        assert player.speed == 0.25
        assert await at.after(3.1) == "one"
        assert await at.after(0.2) == "one two"


async def test_a_pause_holds_the_time(steps: Path) -> None:
    async with desk(steps) as at:
        await at.after(1.5)
        at.player.toggle()
        assert await at.after(50) == "one"
        assert (await at.player.catch_up(), at.player.position) == (None, 1.5)
        at.player.toggle()
        assert await at.after(0.6) == "one two"


async def test_silences_are_shortened(steps: Path) -> None:
    async with desk(steps, idle_limit=0.5) as at:
        assert await at.after(0.55) == ""
        assert await at.after(0.5) == "one"
        assert await at.after(0.5) == "one two"
        assert await at.after(0.5) == "one two three"
        at.player.seek(6.0)
        at.player.toggle_idle_limit()
        assert await at.after(3.9) == "one two"
        at.player.toggle_idle_limit()
        assert at.player.idle_limit == 0.5
        assert await at.after(0.2) == "one two three"


async def test_seeking_there_and_back(steps: Path) -> None:
    async with desk(steps) as at:
        player = at.player
        for position, shown in ((5, "one two"), (99, "one two three"), (1, "one"), (-5, ""), (2, "one two")):
            player.seek(position)
            assert await at.at() == shown
            assert player.position == min(max(position, 0), 11.5)
        player.seek_end()
        assert await at.at() == "one two three"
        assert player.position == 11.5


async def test_markers(steps: Path) -> None:
    async with desk(steps) as at:
        player = at.player
        seen = []
        while player.seek_marker(is_forward=True):
            seen.append((await at.at(), player.position, player.marker))
        assert [(shown, position) for shown, position, _ in seen] == [
            ("", 0.5),
            ("one two", 2.0),
            ("one two three", 11.5),
        ]
        assert [marker.label for *_, marker in seen if marker] == ["begin", "half", "end"]
        player.toggle()
        player.is_playing = False
        player.seek(11.5)
        await at.at()
        assert player.seek_marker(is_forward=False)
        assert await at.at() == "one two"
        player.toggle()
        await at.after(0.3)
        assert player.seek_marker(is_forward=False)
        await at.at()
        assert player.position == 0.5
        assert not player.seek_marker(is_forward=False)


async def test_steps_stop_at_each_output(steps: Path) -> None:
    async with desk(steps) as at:
        player = at.player
        shown = []
        for by in (1, 1, -1, 1, 1, 1, -1, -1, -1, -1):
            player.step(by)
            shown.append(await at.at())
        three = "one two three"
        assert shown == ["one", "one two", "one", "one two", three, three, "one two", "one", "", ""]
        assert not player.is_playing
        player.step(1)
        player.step(1)
        assert await at.at() == "one two"


async def test_before_it_is_scanned_it_plays_and_a_far_seek_waits(tmp_path: Path) -> None:
    path = session(tmp_path / "s.cast", size=400_000)
    async with desk(path, is_scanned=False) as at:
        player = at.player
        assert player.timeline.length > 10
        scan = player.timeline.scan()
        await anext(scan)
        assert 0 < player.timeline.progress < 1
        assert await at.after(1) or player.position == 1
        player.seek_end()
        assert (await player.catch_up(), player.is_seeking) == (TICK, True)
        async for _ in scan:
            pass
        await at.at()
        assert (player.is_seeking, player.is_at_end) == (False, True)
        assert player.position == player.timeline.length


async def test_whoever_watches_is_woken(steps: Path) -> None:
    async with desk(steps) as at:
        at.player.toggle()
        moves = at.player.moves()
        await anext(moves)
        for ask in (at.player.toggle, lambda: at.player.seek(3), lambda: at.player.set_speed(2)):
            ask()
            await anext(moves)
        assert at.shown == "one two"
        await moves.aclose()


@pytest.fixture(scope="module")
def sessions(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("sessions")
    names = ("Ink-style UI", "vim", "ls --color", "wide Unicode")
    return [session(folder / f"{n}.cast", name, 25_000, n) for n, name in enumerate(names)]


@given(
    which=st.integers(0, 3),
    places=st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=6),
)
@settings(max_examples=40, deadline=None, derandomize=True)
async def test_a_seek_shows_what_playing_from_the_start_shows(
    sessions: list[Path], which: int, places: list[tuple[float, bool]]
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("ccconsole.recordings.timeline.STRIDE_SECONDS", 0.0)
        patch.setattr("ccconsole.recordings.head.EVENTS_AT_ONCE", 9)
        async with desk(sessions[which]) as at:
            assert len(at.player.timeline.frames) > 5
            for part, is_played in places:
                at.player.seek(part * at.player.timeline.length)
                at.player.is_playing = is_played
                await at.after(3.0)
                assert state(at.player.terminal) == straight(at.player)


def straight(player: Player) -> tuple[object, ...]:
    """The state of a terminal into which all up to the player's position is played in one go."""
    header = player.recording.header
    head = Head(player.recording, Terminal(header.columns, header.rows, scrollback_lines=SCROLLBACK_LINES))
    while not head.play(Goal(player.position)):
        pass
    head.terminal.take_replies(), player.terminal.take_replies()
    return state(head.terminal)


async def test_frames_are_thinned_out_where_they_take_too_much(
    sessions: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ccconsole.recordings.timeline.FRAMES_BYTES", 100_000)
    monkeypatch.setattr("ccconsole.recordings.timeline.STRIDE_SECONDS", 1e-9)
    monkeypatch.setattr("ccconsole.recordings.head.EVENTS_AT_ONCE", 9)
    async with desk(sessions[0]) as at:
        frames = at.player.timeline.frames
        assert frames[0].place == at.player.recording.start
        assert sum(frame.snapshot.size for frame in frames) < 200_000


async def test_a_recording_that_begins_with_a_gap_has_the_time_of_what_follows(tmp_path: Path) -> None:
    path = tmp_path / "task.ndjson"
    path.write_text(
        '{"id": 4, "type": "gap", "data": {"from": 1, "to": 4, "reason": "gone", "ts": 9e9}}\n'
        '{"id": 5, "type": "output", "data": {"data": "one", "ts": 1e9}}\n'
        '{"id": 6, "type": "output", "data": {"data": " two", "ts": 1000000002}}\n'
    )
    async with desk(path) as at:
        assert await at.after(1) == "one"
        assert at.player.timeline.markers == [(0, "events 1 to 4 are missing: gone")]
        assert await at.after(1.1) == "one two"


async def test_a_task_s_own_events_are_played(tmp_path: Path) -> None:
    def event(number: int | None, kind: str, at: float, **data: object) -> str:
        return json.dumps({"id": number, "type": kind, "data": {"taskId": "t1", "ts": 1e9 + at, **data}})

    path = tmp_path / "task.ndjson"
    lines = (
        event(1, "status", 0, status="pending", cols=30, rows=4),
        event(2, "output", 1, data="b25lIA==", encoding="base64"),
        event(3, "control", 2, action="resize", cols=50, rows=7, ok=True),
        event(4, "gap", 900, **{"from": 4, "to": 8, "reason": "lost"}),
        event(9, "output", 3, data="two", encoding="utf-8"),
        event(None, "complete", 9000, status="failed", reason="lost"),
    )
    path.write_text("\n".join(lines) + "\n")
    async with desk(path) as at:
        player = at.player
        assert (player.terminal.columns, player.terminal.rows) == (30, 4)
        assert await at.after(1.5) == "one"
        assert await at.after(1) == "one"
        assert (player.terminal.columns, player.terminal.rows) == (50, 7)
        assert await at.after(1) == "one two"
        assert [(time, label) for time, label in player.timeline.markers] == [
            (0, "pending"),
            (2, "events 4 to 8 are missing: lost"),
            (3, "failed: lost"),
        ]
        assert (player.recording.header.title, player.timeline.length) == ("t1", 3)

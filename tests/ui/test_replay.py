from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from ccconsole.app import build
from ccconsole.config import Config
from ccconsole.model.tasks import TaskState
from ccconsole.recordings.player import Player
from ccconsole.recordings.reading import Recording
from ccconsole.screens.panel import TaskPanel
from ccconsole.screens.replay import ReplayScreen
from tests.recordings.casts import cast
from tests.terminal.states import cells
from tests.ui.test_task import started
from tests.ui.test_words import command
from tests.ui.world import NOW, Console, console, task
from worker_service.wire import EventType, TaskEvent


def event(number: int, kind: str, at: float, **data: Any) -> TaskEvent:
    return TaskEvent(number, EventType(kind), {"ts": NOW - 100 + at, "seq": number, **data})


def output(number: int, at: float, text: str) -> TaskEvent:
    return event(number, "output", at, data=text, encoding="utf-8")


PAST = (
    event(1, "status", 0, status="pending", cols=120, rows=24),
    event(2, "status", 1, status="running"),
    output(3, 2, "\x1b[32mfirst\x1b[m [/red] 日本\r\n"),
    event(4, "permission", 20, tool="Bash[/x]"),
    event(5, "control", 30, action="answer", behavior="allow", actor="ada", ok=True),
    output(6, 90, "last"),
    event(7, "complete", 95, status="completed", outputBytes=9),
)
ENDED = task("old", "dev", "worker-dev", TaskState.COMPLETED, created_at=NOW - 100, ended_at=NOW - 5)


async def replayed(running: Console) -> ReplayScreen:
    """The replay of a task that ended, from the list of tasks; paused."""
    running.world.past = PAST
    running.world.journal["dev"] = [ENDED]
    await running.press("t")
    await running.until(lambda: "✓ completed" in running.text)
    await running.press("G", "r")
    await running.until(lambda: isinstance(running.app.screen, ReplayScreen))
    screen = running.app.screen
    assert isinstance(screen, ReplayScreen)
    await running.until(lambda: screen.player.timeline.is_scanned)
    await running.press("space")
    await running.until(lambda: not screen.player.is_playing)
    return screen


async def at(running: Console, screen: ReplayScreen, position: float, shown: str) -> None:
    """Wait until it stands there and shows this."""
    await running.until(
        lambda: (
            not screen.player.is_seeking
            and round(screen.player.position, 2) == position
            and shown in running.text
        )
    )


async def test_an_ended_task_is_played_again() -> None:
    async with console() as running:
        screen = await replayed(running)
        await running.press("G")
        await at(running, screen, 95, "■ ended  1:35.0 / 1:35.0  1x  ◆ 5/5 completed  old")
        assert "first [/red] 日本" in running.text
        assert "last" in running.text
        await running.press("g")
        await at(running, screen, 0, "‖ paused  0:00.0 / 1:35.0  1x  ◆ 1/5 pending")
        assert "first" not in running.text
        for key, position, shown in (
            ("shift+right", 60, "◆ 4/5 allow by ada"),
            ("left", 55, "first [/red]"),
            ("shift+left", 0, "pending"),
            ("right", 5, "◆ 2/5 running"),
            ("m", 20, "◆ 3/5 asks to use Bash[/x]"),
            ("M", 1, "◆ 2/5 running"),
            ("full_stop", 2, "first [/red]"),
            ("full_stop", 90, "last"),
            ("comma", 2, "‖ paused  0:02.0"),
        ):
            await running.press(key)
            await at(running, screen, position, shown)
        await running.press("greater_than_sign", "plus", "less_than_sign", "i")
        await running.until(lambda: "2x  idle ≤ 2s" in running.text)
        await running.press("space")
        await running.until(lambda: screen.player.is_at_end)
        await running.press("escape")
        await running.until(lambda: running.app.screen is not screen)
        assert screen.player.recording._file.closed


def is_told(running: Console, text: str) -> bool:
    return text in running.told


async def test_words_say_where_and_how_fast() -> None:
    async with console() as running:
        screen = await replayed(running)
        for words, position, shown in (
            ("seek 1:30", 90, "last"),
            ("seek -0:10.5", 79.5, "allow by ada"),
            ("seek 50%", 47.5, "first"),
            ("seek +2", 49.5, "first"),
            ("seek 9999", 95, "completed"),
            ("speed 4x", 95, "4x"),
            ("idle 3", 95, "idle ≤ 3s"),
        ):
            await command(running, words)
            await at(running, screen, position, shown)
        for words, told in (
            ("seek [/x]", "'[/x]' is no time"),
            ("speed fast", "'fast' is no speed"),
            ("idle -1", "'-1' is no number of seconds"),
        ):
            await command(running, words)
            await running.until(partial(is_told, running, told))


async def test_a_replay_is_searched_copied_and_left_for_other_places() -> None:
    async with console() as running:
        screen = await replayed(running)
        await running.press("G")
        await at(running, screen, 95, "last")
        await running.press("slash")
        await running.write("FIRST")
        await running.press("enter")
        await running.until(lambda: "'FIRST' is not found there" in running.told)
        await running.press("slash", *["backspace"] * 5, *"first", "enter", "c")
        assert running.app.clipboard.startswith("first [/red] 日本\nlast")
        await running.press("question_mark")
        await running.until(lambda: "5 seconds back" in running.text)
        await running.press("escape", "q")
        await running.until(lambda: running.app.screen is not screen)


async def test_the_end_of_a_replay_is_the_live_pane_cell_by_cell() -> None:
    async with console() as running:
        live = await started(running)
        terminal = live.session.terminal
        text = "\x1b[1;31mred\x1b[m\r\n日本 👍🏽 e\u0301\r\n" + "x" * 200 + "\x1b[5;9H\x1b[44mblue\x1b[K"
        running.world.write(text)
        await running.until(lambda: "blue" in terminal.text())
        running.world.past = (
            event(1, "status", 0, status="pending", cols=terminal.columns, rows=terminal.rows),
            output(2, 1, text),
        )
        pane = live.query_one(TaskPanel).pane
        shown = [cells(terminal, n) for n in range(terminal.line_count)]
        await running.press("r")
        await running.until(lambda: isinstance(running.app.screen, ReplayScreen))
        screen = running.app.screen
        assert isinstance(screen, ReplayScreen)
        await running.press("G")
        await running.until(lambda: screen.player.is_at_end)
        again = screen.player.terminal
        assert [cells(again, n) for n in range(again.line_count)] == shown
        assert again.cursor == terminal.cursor
        await running.pilot.pause()
        rows = min(pane.size.height, screen.pane.size.height)
        assert [screen.pane.render_line(y).text for y in range(rows)] == [
            pane.render_line(y).text for y in range(rows)
        ]


async def test_the_recording_is_saved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    async with console() as running:
        await started(running)
        running.world.past = PAST
        await running.press("ctrl+s")
        await running.until(lambda: "Saved 7 events" in running.told)
        (path,) = (tmp_path / "state" / "ccconsole" / "recordings").glob("dev-*.cast")
        assert str(path) in running.told
        assert path.stat().st_mode & 0o777 == 0o600
        header, *lines = [json.loads(line) for line in path.read_text().splitlines()]
        assert (header["width"], header["height"], len(lines)) == (120, 24, 7)
        for name in ("a.txt", "a.ndjson"):
            await command(running, f"save {tmp_path / name}")
            await running.until((tmp_path / name).exists)
        assert (tmp_path / "a.txt").read_text() == "first [/red] 日本\nlast\n"
        await command(running, f"save {tmp_path / 'a.txt'}")
        await running.until(lambda: "is there already" in running.told)
        await command(running, f"save {tmp_path / 'a.odt'}")
        await running.until(lambda: "does not say which format" in running.told)


async def test_without_a_store_the_console_s_own_memory_is_saved_and_played(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ccconsole.recordings.keeping.KEPT_BYTES", 3000)
    async with console() as running:
        screen = await started(running, "3")
        for number in range(9):
            running.world.write(f"{number} {'x' * 700}\r\n")
        await running.until(lambda: "8 xx" in screen.session.terminal.text())
        await command(running, f"save {tmp_path / 'a.txt'}")
        await running.until(lambda: "Saved " in running.told)
        assert (tmp_path / "a.txt").read_text().startswith("[events 1 to ")
        assert "too much to be held here" in running.told
        assert "The task has not ended" in running.told
        await running.press("r")
        await running.until(lambda: isinstance(running.app.screen, ReplayScreen))
        await running.press("G")
        await running.until(lambda: "8 xx" in running.text)


async def test_a_task_that_nobody_recorded_says_so() -> None:
    async with console() as running:
        screen = await started(running, "3")
        del running.app.desk.sessions[("staging", screen.session.task.id)]
        await running.press("r")
        await running.until(lambda: "is recorded nowhere" in running.told)


async def test_alone_on_a_terminal(tmp_path: Path) -> None:
    path = cast(
        tmp_path / "x.cast",
        "?",
        [1, "o", "one\x1b[1;180Hfar"],
        [9, "m", ""],
        title="[/b] a \x1b[31mtitle",
        width=200,
    )
    recording = Recording.open(path)
    app = build(
        Config({}), first=lambda desk: ReplayScreen(desk, Player(recording, speed=16.0), is_alone=True)
    )
    async with app.run_test(size=(90, 20), notifications=True) as pilot:
        running = Console(app, None, pilot)  # type: ignore[arg-type]
        await running.until(lambda: "■ ended" in running.text)
        assert "one" in running.text
        assert "[/b] a title" in running.text
        await running.until(lambda: "line 2 is no event: left out" in running.told)
        assert "far" not in running.text
        app.clear_notifications()  # which would cover a line of the help for their twelve seconds
        await running.press(*"l" * 11)
        await running.until(lambda: "far" in running.text and "one" not in running.text)
        await running.press(*"h" * 11, "t", "ctrl+p")
        await running.press("question_mark")
        await running.until(lambda: "5 seconds back" in running.text)
        assert "Deploy" not in running.text
        await running.press("escape", "g", "q")
        await running.until(lambda: app.return_code == 0)
    assert recording._file.closed

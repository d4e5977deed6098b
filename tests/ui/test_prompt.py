from __future__ import annotations

from pathlib import Path

from textual.events import Paste
from textual.widgets import Input

from ccconsole.screens.history import PromptHistory
from ccconsole.screens.prompt import PromptArea, PromptScreen
from ccconsole.screens.task import TaskScreen
from tests.ui.world import Console, console


def box(running: Console) -> str:
    return running.app.screen.query_one(PromptArea).text


async def opened(running: Console) -> None:
    await running.press("p")
    await running.until(lambda: isinstance(running.app.screen, PromptScreen))


async def test_enter_sends_and_ctrl_j_is_a_new_line() -> None:
    async with console() as running:
        await opened(running)
        assert "local/worker-local" in running.text
        assert "alt+enter ctrl+j new line" in running.text
        await running.write("one")
        await running.press("ctrl+j")
        await running.write("two")
        await running.press("alt+enter")
        await running.write("three")
        await running.press("enter")
        await running.until(lambda: running.world.runs)
        where, name, draft = running.world.runs[0]
        assert (where, name, draft.text) == ("local", "worker-local", "one\ntwo\nthree")
        assert draft.options == {"mode": "headless"}
        await running.until(lambda: isinstance(running.app.screen, TaskScreen))


async def test_nothing_empty_is_sent() -> None:
    async with console() as running:
        await opened(running)
        await running.press("space", "ctrl+j", "enter")
        await running.until(lambda: "the prompt is empty" in running.text)
        assert running.world.runs == []


async def test_a_protected_environment_asks_once_more_and_an_edit_asks_again() -> None:
    async with console() as running:
        await running.press("4")
        await opened(running)
        await running.write("go")
        await running.press("enter")
        await running.until(lambda: "PROD/worker-prod is protected" in running.text.replace("  ", " "))
        assert running.world.runs == []
        await running.press("escape")
        assert isinstance(running.app.screen, PromptScreen)
        await running.press("enter")
        await running.write("!")
        await running.press("enter")
        assert running.world.runs == []
        await running.press("enter")
        await running.until(lambda: running.world.runs)
        assert running.world.runs[0][2].text == "go!"


async def test_what_was_written_waits_for_the_next_time() -> None:
    async with console() as running:
        await opened(running)
        await running.write("half a thou")
        await running.press("escape")
        await opened(running)
        assert box(running) == "half a thou"


async def test_history_is_walked_at_the_edges_and_kept(tmp_path: Path) -> None:
    history = PromptHistory(tmp_path / "prompts.jsonl")
    history.add("first")
    history.add("second\nline")
    async with console(history=history) as running:
        await opened(running)
        await running.write("now")
        await running.press("up")
        assert box(running) == "second\nline"
        await running.press("up")
        assert box(running) == "second\nline"
        await running.press("up")
        assert box(running) == "first"
        await running.press("up", "down", "down", "down")
        assert box(running) == "now"
        await running.press("enter")
        await running.until(lambda: history.path is not None and history.path.exists())
    again = PromptHistory(history.path)
    again.load()
    assert again.entries == ["first", "second\nline", "now"]


async def test_options_are_checked_before_anything_is_sent() -> None:
    async with console() as running:
        await opened(running)
        await running.write("go")
        await running.press("ctrl+t")
        line = running.app.screen.query_one("#options", Input)
        assert line.value == "mode=supervised"
        line.value += " timeout=9h"
        await running.press("enter")
        await running.until(lambda: "timeout is between" in running.text)
        line.value = "mode=headless timeout=30m model=opus"
        await running.press("enter")
        await running.until(lambda: running.world.runs)
        assert running.world.runs[0][2].options == {
            "mode": "headless",
            "timeout_seconds": 1800,
            "model": "opus",
        }


async def test_without_a_store_nobody_could_type_or_answer() -> None:
    async with console() as running:
        await running.press("3")
        await opened(running)
        await running.write("go")
        await running.press("ctrl+t", "enter")
        await running.until(lambda: "staging has no store" in running.text)
        assert running.world.runs == []


async def test_a_prompt_goes_to_every_marked_service() -> None:
    async with console() as running:
        await running.press("space", "space", "j", "space")
        await opened(running)
        assert "local/worker-local, dev/worker-dev, staging/worker-staging" in running.text
        await running.write("all of you")
        await running.press("enter")
        await running.until(lambda: len(running.world.runs) == 3)
        assert {(where, name) for where, name, _ in running.world.runs} == {
            ("local", "worker-local"),
            ("dev", "worker-dev"),
            ("staging", "worker-staging"),
        }
        screen = running.app.screen
        assert isinstance(screen, TaskScreen)
        assert (len(screen.shown), screen.tiles) == (3, 4)
        assert running.fleet.table.marks == set()


async def test_pasted_lines_are_text_and_not_sent() -> None:
    async with console() as running:
        await opened(running)
        running.app.post_message(Paste("one\ntwo\n"))
        await running.until(lambda: box(running) == "one\ntwo\n")
        assert running.world.runs == []

from __future__ import annotations

import gc
import subprocess
import sys
import weakref
from dataclasses import replace
from pathlib import Path

import pytest
from textual._styles_cache import StylesCache

from ccconsole import app as console_app
from ccconsole import commands
from ccconsole.app import SWEEP_SECONDS, build
from ccconsole.errors import ConfigError
from ccconsole.garbage import LATEST, MOST, Sweeper
from ccconsole.keymap import Settings
from ccconsole.screens.base import ConsoleScreen
from ccconsole.screens.fleet import FleetScreen
from ccconsole.screens.service import ServiceScreen
from ccconsole.screens.task import TaskScreen
from ccconsole.screens.tasks import TasksScreen
from tests.ui.pictures import pictures
from tests.ui.world import CONFIG, USUAL, World, console

HEAVY = ("google", "grpc", "fastapi", "obstore", "httpx", "pydantic", "ccconsole.terminal")


def test_nothing_heavy_is_loaded_before_the_first_picture() -> None:
    code = f"import sys, ccconsole.app; print([name for name in {HEAVY} if name in sys.modules])"
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=30
    )
    assert loaded.stdout.strip() == "[]"


@pytest.mark.parametrize("screen", [FleetScreen, ServiceScreen, TasksScreen, TaskScreen])
def test_every_command_of_a_screen_has_its_action(screen: type[ConsoleScreen]) -> None:
    for command in commands.at(screen.PLACE):
        action = (command.action or command.id).partition("(")[0]
        assert callable(getattr(screen, f"action_{action}", None)), command.id


def test_an_unknown_theme_is_a_mistake_in_the_settings() -> None:
    with pytest.raises(ConfigError, match="There is no theme 'pink'"):
        build(CONFIG, settings=Settings(theme="pink"), backend=World())


def test_wrong_settings_are_told_before_any_picture(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    folder = tmp_path / "ccconsole"
    folder.mkdir()
    (folder / "config.toml").write_text("[keys]\nnothing = 'x'\n")
    with pytest.raises(ConfigError, match="1 mistake"):
        console_app.run(CONFIG)


@pytest.mark.parametrize("theme", ["ccconsole-dark", "ccconsole-light", "nord"])
async def test_themes(theme: str) -> None:
    async with console(settings=Settings(theme=theme)) as running:
        assert len(running.names) == len(USUAL.rows)


async def test_without_colour_every_state_is_told_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    async with console() as running:
        for told in ("● ready", "✗ failed", "PROD"):
            assert told in running.text


async def test_the_pictures_of_the_readme() -> None:
    drawn = await pictures()
    assert "worker-staging" in drawn["fleet"]
    assert "passed&#160;200&#160;times" in drawn["task"]


async def test_the_environment_of_the_command_line_is_chosen_first() -> None:
    app = build(CONFIG, environment="dev", backend=World())
    async with app.run_test() as pilot:
        app.desk.snapshot = replace(USUAL)
        screen = app.screen_stack[0]
        assert isinstance(screen, FleetScreen)
        screen.show_desk()
        await pilot.pause()
        assert {row.key.environment for row in screen.table.rows} == {"dev"}  # type: ignore[attr-defined]


async def test_a_screen_that_was_left_goes() -> None:
    """Soon after it or the next ones, and not when Python looks for garbage, which is seldom."""
    async with console() as running:
        gc.collect()
        gc.freeze()
        gc.disable()
        try:
            left = []
            for _ in range(4):
                await running.press("enter")
                left.append(weakref.ref(running.app.screen))
                await running.press("escape")
                await running.pilot.pause(2 * SWEEP_SECONDS)
            assert left[0]() is None
        finally:
            gc.enable()


def test_where_there_is_much_else_it_waits_for_more_of_its_kind() -> None:
    class Left:
        def __init__(self) -> None:
            self.itself = self

    much: list[list[int]] = [[] for _ in range(MOST + 1)]
    sweeper = Sweeper()
    gc.disable()
    try:
        left = weakref.ref(Left())
        for _ in range(LATEST - 1):
            sweeper.sweep()
        assert left() is not None
        sweeper.sweep()
        assert left() is None
    finally:
        gc.enable()
    assert len(much) == MOST + 1


async def test_of_a_screen_that_was_left_nothing_stays() -> None:
    """A console is open for days: what its widgets have painted goes with them."""
    async with console() as running:
        kept = []
        for _ in range(5):
            await running.press("enter", "escape", "p", "escape", "question_mark", "escape")
            gc.collect()
            kept.append(sum(isinstance(item, StylesCache) for item in gc.get_objects()))
        assert kept[-1] - kept[0] < 40, kept  # of what is on the screen more or less; 84 when all stays

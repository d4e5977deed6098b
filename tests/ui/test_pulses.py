from __future__ import annotations

from dataclasses import replace

import pytest

from ccconsole.model.fleet import FleetRow
from ccconsole.model.services import ServiceKey
from ccconsole.screens.logs import LogsScreen
from ccconsole.screens.metrics import MetricsScreen
from ccconsole.screens.pulses import PulsesScreen
from ccconsole.screens.revisions import RevisionsScreen
from ccconsole.screens.service import ServiceScreen
from ccconsole.widgets.pulses import Pulse
from tests.ui.measures import afternoon
from tests.ui.test_alerts import CPU
from tests.ui.world import NOW, USUAL, Console, console, fleet, row


def beating(where: str, name: str, number: int = 0) -> FleetRow:
    found = row(where, name)
    return replace(found, metrics=afternoon(found.service.key, NOW), alerts=(CPU,) if number % 7 == 3 else ())


async def pulses(running: Console) -> PulsesScreen:
    await running.press("M")
    await running.until(lambda: isinstance(running.app.screen, PulsesScreen))
    screen = running.app.screen
    assert isinstance(screen, PulsesScreen)
    await running.until(lambda: shown(screen))
    return screen


def shown(screen: PulsesScreen) -> list[str]:
    return [tile.picture.plain for tile in screen.query(Pulse) if tile.display]


async def test_each_service_is_a_tile() -> None:
    rows = (beating("dev", "worker-dev", 3), beating("prod", "worker-prod"), *USUAL.rows[2:3])
    async with console(snapshot=fleet(*rows), size=(130, 40)) as running:
        screen = await pulses(running)
        first, second, third = shown(screen)
        assert "worker-dev" in first
        assert "⚠1" in first
        assert "%!" in first
        assert "█" in first.splitlines()[1]
        assert "writer" in second, "in the order of deploy.toml"
        assert "PROD worker-prod" in third
        await running.show(fleet(*rows[:1]))
        await running.until(lambda: len(shown(screen)) == 1)


async def test_keys_move_among_the_tiles_and_open() -> None:
    rows = [row("dev", f"worker-{n}") for n in range(9)]
    async with console(snapshot=fleet(*rows), size=(130, 30)) as running:
        screen = await pulses(running)
        assert screen.columns == 3
        for keys, place in (
            ("j", 3),
            ("right", 4),
            ("k", 1),
            ("left", 0),
            ("left", 0),
            ("G", 8),
            ("j", 8),
            ("g", 0),
        ):
            await running.press(keys)
            assert screen.place == place, keys
        await running.press("j", "enter")
        await running.until(lambda: isinstance(running.app.screen, ServiceScreen))
        opened = running.app.screen
        assert isinstance(opened, ServiceScreen)
        assert opened.key.name == "worker-3"
        await running.press("escape")
        assert running.app.screen is screen


async def test_a_digit_chooses_the_environment() -> None:
    async with console() as running:
        screen = await pulses(running)
        await running.press("2")
        await running.until(lambda: len(shown(screen)) == 2)
        await running.press("0")
        await running.until(lambda: len(shown(screen)) == 5)


@pytest.mark.parametrize("size", [(20, 8), (80, 24), (250, 60)])
async def test_any_size_will_do(size: tuple[int, int]) -> None:
    rows = [beating("dev", f"worker-{n}", n) for n in range(60)]
    async with console(snapshot=fleet(*rows), size=size) as running:
        screen = await pulses(running)
        await running.press("G", "ctrl+b", "ctrl+f")
        assert len(shown(screen)) == 60


async def test_tabs_of_a_service_take_each_others_place() -> None:
    async with console() as running:
        await running.press("j", "enter", "right_square_bracket")
        await running.until(lambda: isinstance(running.app.screen, LogsScreen))
        await running.press("right_square_bracket")
        await running.until(lambda: isinstance(running.app.screen, MetricsScreen))
        assert " tasks   logs   metrics " in running.text
        await running.press("right_square_bracket")
        await running.until(lambda: isinstance(running.app.screen, RevisionsScreen))
        await running.press("right_square_bracket")
        await running.until(lambda: isinstance(running.app.screen, ServiceScreen))
        await running.press("left_square_bracket", "left_square_bracket")
        await running.until(lambda: isinstance(running.app.screen, MetricsScreen))
        metrics = running.app.screen
        assert isinstance(metrics, MetricsScreen)
        assert metrics.key == ServiceKey("dev", "us-central1", "worker-dev")
        await running.press("escape")
        await running.until(lambda: running.app.screen is running.fleet)


async def test_lines_of_several_services_have_no_tabs() -> None:
    async with console() as running:
        await running.press("j", "space", "space", "l")
        await running.until(lambda: isinstance(running.app.screen, LogsScreen))
        assert " tasks   logs   metrics " not in running.text
        await running.press("right_square_bracket")
        assert isinstance(running.app.screen, LogsScreen)

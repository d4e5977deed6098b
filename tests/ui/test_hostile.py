"""Text from outside, everywhere it is shown, and screens of any size."""

from __future__ import annotations

import pytest

from ccconsole.errors import Refused
from ccconsole.model.fleet import FleetSnapshot
from ccconsole.model.problem import Problem
from ccconsole.model.services import ServiceState
from ccconsole.model.tasks import TaskState
from ccconsole.screens.service import ServiceScreen
from ccconsole.screens.task import TaskScreen
from ccconsole.screens.tasks import TasksScreen
from tests.ui.test_task import started
from tests.ui.world import NOW, USUAL, console, fleet, row, task

BAD = "[/foo] bad [red]\x1b[2J\x1b]0;owned\x07\x9b31m\u202e\x00"
SHOWN = "[/foo] bad [red]"


async def test_every_place_that_shows_outside_text() -> None:
    problem = Problem("dev", BAD, BAD, BAD, NOW)
    hostile = row(
        "dev",
        BAD,
        task(BAD, "dev", BAD, prompt=BAD, agent=BAD, actor=BAD),
        state=ServiceState.FAILED,
        message=BAD,
        image=BAD,
        revision=BAD,
        env={BAD: BAD},
        updated_by=BAD,
    )
    snapshot = FleetSnapshot((hostile,), (problem,), ages={"dev": NOW})
    async with console(snapshot=snapshot, size=(200, 50)) as running:
        running.world.journal["dev"] = [
            task(f"x{BAD}", "dev", BAD, TaskState.FAILED, prompt=BAD, reason=BAD, detail=BAD, ended_at=NOW)
        ]
        assert SHOWN in running.text
        await running.press("g", "enter")
        await running.until(lambda: SHOWN in running.told)
        await running.press("slash", *"[/foo", "enter", "j", "enter")
        await running.until(lambda: isinstance(running.app.screen, ServiceScreen))
        await running.until(lambda: "✗ failed" in running.text)
        assert SHOWN in running.text
        await running.press("t")
        await running.until(lambda: isinstance(running.app.screen, TasksScreen))
        await running.until(lambda: running.text.count(SHOWN) > 4)
        await running.press("G", "enter")
        await running.until(lambda: isinstance(running.app.screen, TaskScreen))
        running.world.say("error", message=BAD)
        await running.until(lambda: SHOWN in running.text)
        running.world.write(BAD)
        running.world.say("complete", status="failed", reason=BAD, detail=BAD, actor=BAD)
        await running.until(lambda: running.app.screen.query(".task-end").first().display)
        await running.press("ctrl+p")
        await running.until(lambda: "Prompt the service" in running.text)
        await running.write("foo")
        await running.until(lambda: "Open this service" in running.text)
        await running.press("escape", "colon", *"[/foo]", "enter")
        await running.until(lambda: "No command, environment or service '[/foo]'" in running.told)
        for character in "\x1b\x07\x9b\u202e\x00":
            assert character not in running.text
            assert character not in running.told


async def test_a_hostile_error_is_a_toast() -> None:
    async with console() as running:
        await started(running)
        running.world.events.put_nowait(Refused(BAD, BAD, BAD))
        await running.until(lambda: SHOWN in running.text)


@pytest.mark.parametrize("size", [(1, 1), (10, 4), (40, 12), (300, 80)])
async def test_every_screen_at_every_size(size: tuple[int, int]) -> None:
    async with console(size=(80, 24)) as running:
        await running.pilot.resize_terminal(*size)
        await running.press("j", "enter")
        await running.until(lambda: isinstance(running.app.screen, ServiceScreen))
        await running.press("question_mark", "escape", "ctrl+p", "escape", "t")
        await running.until(lambda: isinstance(running.app.screen, TasksScreen))
        await running.press("escape", "escape")
        await started(running)
        running.world.write("some output\r\n")
        await running.pilot.resize_terminal(80, 24)
        await running.until(lambda: "some output" in running.text)


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        ((80, 24), ["ENV", "SERVICE", "STATE", "BUSY", "TASK-AGE"]),
        ((200, 50), ["ENV", "SERVICE", "STATE", "REV", "INST", "BUSY", "TASK-AGE", "TRAFFIC"]),
    ],
)
async def test_columns_by_width(size: tuple[int, int], expected: list[str]) -> None:
    rows = fleet(row("dev", "claudecluster-worker-development"), *USUAL.rows)
    async with console(snapshot=rows, size=size) as running:
        head = running.fleet.table.render_line(0).text.replace("↑", "").split()
        assert [title for title in head if title in expected] == expected
        assert max(len(line) for line in running.text.splitlines()) <= size[0]
        if size == (80, 24):
            await running.press("j", "j", "j")
            assert "container failed to start" in running.text

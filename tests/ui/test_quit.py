from __future__ import annotations

import pytest

from ccconsole.errors import Refused
from ccconsole.model.rollouts import Rollout
from ccconsole.screens.quit import QuitScreen
from tests.ui.test_task import started
from tests.ui.world import NOW, Console, console, fleet, row


async def asked(running: Console) -> None:
    await running.press("ctrl+q")
    await running.until(lambda: isinstance(running.app.screen, QuitScreen))


async def gone(running: Console) -> None:
    await running.until(lambda: not running.app.is_running)
    assert running.app.return_code == 0


async def test_staying_changes_nothing() -> None:
    async with console() as running:
        screen = await started(running)
        await asked(running)
        assert "One of your tasks is running" in running.text
        await running.press("ctrl+q", "escape")
        await running.until(lambda: running.app.screen is screen)
        assert running.world.sent == []
        assert running.world.closed == 0


async def test_cancel_them_and_quit() -> None:
    async with console() as running:
        screen = await started(running)
        await asked(running)
        await running.press("c")
        await gone(running)
        assert running.world.sent == [("dev", screen.session.task.id, "cancel", {})]
    assert running.world.closed == 1


async def test_a_store_in_trouble_does_not_hold_the_quit_up() -> None:
    async with console() as running:
        await started(running)
        running.world.refusal = Refused("no", "", "")
        await asked(running)
        await running.press("c")
        await gone(running)


async def test_leave_them_running() -> None:
    async with console() as running:
        await started(running)
        await asked(running)
        assert ":tasks finds them" in running.text
        await running.press("l")
        await gone(running)
        assert running.world.sent == []


@pytest.mark.parametrize(("key", "is_instance_billed"), [("3", True), ("2", False)])
async def test_without_a_store_or_cpu_of_their_own_they_cannot_be_left(
    key: str, is_instance_billed: bool
) -> None:
    rows = [row(where, "worker", is_instance_billed=is_instance_billed) for where in ("dev", "staging")]
    async with console(snapshot=fleet(*rows)) as running:
        await started(running, key)
        await asked(running)
        assert "not possible" in running.text
        await running.press("l")
        assert isinstance(running.app.screen, QuitScreen)
        await running.press("c")
        await gone(running)
    assert running.world.closed == 1


async def test_a_rollout_under_way_is_told() -> None:
    async with console() as running:
        key = running.app.desk.snapshot.rows[1].service.key
        running.app.desk.rollouts[key] = Rollout(key, "deploy", (), NOW)
        await asked(running)
        assert "deploy of dev/worker-dev is under way" in running.text
        assert "ccconsole deploy dev/worker-dev" in running.text
        assert "cancel" not in running.text
        await running.press("l")
        await gone(running)


async def test_an_ended_task_asks_nothing() -> None:
    async with console() as running:
        await started(running)
        running.world.say("complete", status="completed")
        await running.until(lambda: not running.app.desk.running())
        await running.press("escape", "q")
        await gone(running)

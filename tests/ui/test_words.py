from __future__ import annotations

from ccconsole.screens.service import ServiceScreen
from ccconsole.screens.tasks import TasksScreen
from tests.ui.world import Console, console


async def command(running: Console, text: str) -> None:
    await running.press("colon")
    await running.write(text)
    await running.press("enter")
    await running.pilot.pause()


async def test_environments_and_services_are_words() -> None:
    async with console() as running:
        await command(running, "dev")
        assert running.names == ["worker-dev", "writer"]
        await command(running, "all")
        assert len(running.names) == 5
        await command(running, "dev/writer")
        await running.until(lambda: isinstance(running.app.screen, ServiceScreen))
        assert "container failed to start" in running.text
        await command(running, "tasks")
        await running.until(lambda: isinstance(running.app.screen, TasksScreen))
        await command(running, "fleet")
        await running.until(lambda: running.app.screen is running.fleet)


async def test_words_with_a_text() -> None:
    async with console() as running:
        await command(running, "filter wri.er")
        assert running.names == ["writer"]
        await command(running, 'filter it\'s "quoted"')
        assert running.names == []
        await running.press("escape")
        await command(running, "sort service")
        assert running.names[0] == "worker-dev"
        await command(running, "sort nonsense")
        await running.until(lambda: "No column 'nonsense'" in running.told)


async def test_an_unknown_word_is_answered_with_what_is_near() -> None:
    async with console() as running:
        await command(running, "taks")
        await running.until(lambda: "Did you mean :tasks" in running.told)
        await command(running, "dev/nobody")
        await running.until(lambda: "dev has no service nobody" in running.told)


async def test_tab_completes_and_up_repeats() -> None:
    async with console() as running:
        await command(running, "problems")
        assert running.fleet.is_trouble_only
        await running.press("colon", "up", "enter")
        await running.until(lambda: not running.fleet.is_trouble_only)
        await running.press("colon", *"stagi")
        await running.pilot.pause()
        await running.press("tab", "enter")
        await running.until(lambda: running.app.desk.environment == "staging")


async def test_the_palette_finds_commands_environments_and_services() -> None:
    async with console() as running:
        await running.press("ctrl+p")
        await running.until(lambda: "Prompt the service" in running.text)
        await running.write("dev/wri")
        await running.until(lambda: "Open this service" in running.text)
        await running.press("enter")
        await running.until(lambda: isinstance(running.app.screen, ServiceScreen))


async def test_help_is_made_of_the_registry() -> None:
    async with console(size=(120, 50)) as running:
        await running.press("question_mark")
        await running.until(lambda: "Keys and commands" in running.text)
        for told in ("ctrl+z", ":problems", "1 … 9", "Keep the rows that match a pattern"):
            assert told in running.text
        await running.press("escape")
        assert running.app.screen is running.fleet


async def test_q_quits_at_once_when_nothing_runs() -> None:
    async with console() as running:
        await command(running, "q")
        await running.until(lambda: running.app.return_code == 0 and not running.app.is_running)

from __future__ import annotations

import asyncio

from ccconsole.errors import NotSignedIn
from ccconsole.model.fleet import FleetSnapshot
from ccconsole.model.problem import Problem
from ccconsole.model.services import ServiceKey, ServiceState
from tests.ui.world import CONFIG, NOW, USUAL, console, fleet, row, task


async def test_before_the_first_answer_each_environment_is_being_read() -> None:
    async with console(snapshot=None) as running:
        rows = running.fleet.table.rows
        assert [(row.cells[0].text, row.cells[1].text) for row in rows] == [
            (name.upper() if name == "prod" else name, "… reading") for name in CONFIG.environments
        ]


async def test_one_table_over_all_environments_in_their_order() -> None:
    async with console() as running:
        assert running.names == ["worker-local", "worker-dev", "writer", "worker-staging", "worker-prod"]
        assert "busy 1/25" in running.text
        assert "PROD" in running.text


async def test_what_a_row_says() -> None:
    public = row("dev", "open-door", is_public=True)
    full = row("dev", "full", *(task(f"t{n}", "dev", "full", deadline=NOW + 3) for n in range(5)))
    async with console(snapshot=fleet(public, full)) as running:
        cells = {row.key.name: [cell.text for cell in row.cells] for row in running.fleet.table.rows}  # type: ignore[attr-defined]
        assert cells["full"][2:8] == ["● ready", "00042", "0-5", "5/5!", "1m!", "latest"]
        assert cells["open-door"][1] == "open-door PUBLIC"
        assert "anybody may run prompts" in cells["open-door"][12]


async def test_the_cursor_stays_with_its_service() -> None:
    async with console() as running:
        await running.press("j", "j")
        key = running.fleet.table.cursor_key
        assert key == ServiceKey("dev", "us-central1", "writer")
        await running.show(fleet(row("dev", "aaa-new"), *USUAL.rows))
        assert running.fleet.table.cursor_key == key
        await running.press("O")
        assert running.fleet.table.cursor_key == key
        await running.show(fleet(*(row for row in USUAL.rows if row.service.key != key)))
        assert running.fleet.table.cursor_key is not None


async def test_an_untouched_cursor_prefers_what_can_be_opened() -> None:
    problem = Problem("dev", "Not signed in")
    async with console(snapshot=FleetSnapshot(USUAL.rows, (problem,))) as running:
        first = running.fleet.table.cursor_key
        assert isinstance(first, ServiceKey)
        await running.press("g")
        at_top = running.fleet.table.cursor_key
        await running.show(FleetSnapshot(USUAL.rows, (problem,)))
        assert running.fleet.table.cursor_key == at_top


async def test_motion() -> None:
    rows = [row("dev", f"worker-{number:02}") for number in range(60)]
    async with console(snapshot=fleet(*rows), size=(80, 24)) as running:
        table = running.fleet.table
        await running.press("G")
        assert table.cursor_key == rows[-1].service.key
        assert "worker-59" in running.text
        await running.press("k", "ctrl+b")
        assert "worker-59" not in table.render_line(1).text
        await running.press("g", "ctrl+f", "ctrl+d", "ctrl+u", "down", "up")
        assert table.cursor_key == rows[table.page].service.key
        await running.press("home")
        assert table.cursor_key == rows[0].service.key
        await running.press("k")
        assert table.cursor_key == rows[0].service.key


async def test_a_filter_works_while_it_is_written_and_stays() -> None:
    async with console() as running:
        await running.press("slash")
        await running.write("!dev")
        assert running.names == ["worker-local", "worker-staging", "worker-prod"]
        await running.press("enter")
        assert "/!dev" in running.text
        await running.show(fleet(*USUAL.rows, row("dev", "hidden"), row("prod", "seen")))
        assert running.names == ["worker-local", "worker-staging", "seen", "worker-prod"]
        await running.press("escape")
        assert len(running.names) == 7


async def test_escape_in_the_filter_takes_it_back() -> None:
    async with console() as running:
        await running.press("slash", "d", "e", "v", "escape")
        assert len(running.names) == 5
        assert running.app.focused is running.fleet.table


async def test_sorting_by_column_and_turning_it() -> None:
    async with console() as running:
        await running.press("shift+right")
        assert running.names[0] == "worker-dev"
        assert "SERVICE↑" in running.text
        await running.press("O")
        assert running.names[0] == "writer"
        assert "SERVICE↓" in running.text
        await running.press("shift+left")
        assert running.names[0] == "worker-local"


async def test_environments_by_number() -> None:
    async with console() as running:
        await running.press("2")
        assert running.names == ["worker-dev", "writer"]
        await running.press("4")
        assert running.names == ["worker-prod"]
        await running.press("9")
        assert running.names == ["worker-prod"]
        await running.press("0")
        assert len(running.names) == 5


async def test_a_failed_environment_is_a_row_with_its_remedy_and_its_last_rows_stay() -> None:
    problem = Problem("prod", "Not signed in", "The token expired.", "gcloud auth login", NOW - 65)
    snapshot = FleetSnapshot(USUAL.rows, (problem,), ages={"prod": NOW - 300})
    async with console(snapshot=snapshot) as running:
        first = running.fleet.table.rows[0]
        assert first.cells[0].text == "PROD"
        assert "✗ Not signed in (for 1m)  → gcloud auth login" in first.cells[1].text
        assert "worker-prod" in running.names
        assert "1 problem" in running.text
        assert running.fleet.table.rows[-1].cells[-1].text == "5m"
        await running.press("slash")
        await running.write("nothing")
        await running.press("enter")
        assert running.names == []
        assert "Not signed in" in running.text
        await running.press("enter")
        await running.until(lambda: "The token expired." in running.told)


async def test_problems_only() -> None:
    async with console() as running:
        await running.press("ctrl+z")
        assert running.names == ["writer"]
        assert "problems only" in running.text
        await running.press("escape")
        assert len(running.names) == 5


async def test_a_fleet_that_cannot_be_read_says_why_and_can_be_read_again() -> None:
    async with console(snapshot=None) as running:
        running.world.snapshots.put_nowait(
            NotSignedIn("No credentials", "None were found.", "gcloud auth login")
        )
        await running.until(lambda: "No credentials" in running.fleet.table.rows[0].cells[1].text)
        await running.press("ctrl+r")
        await running.show(USUAL)
        assert len(running.names) == 5


async def test_a_bug_is_shown_as_one_and_the_console_goes_on() -> None:
    async with console(snapshot=None) as running:
        running.world.snapshots.put_nowait(ZeroDivisionError("[/foo] bad"))
        await running.until(lambda: "This is a bug in ccconsole" in running.text)
        assert "ZeroDivisionError: [/foo] bad" in running.text
        await running.press("c")
        assert "ZeroDivisionError" in running.app.clipboard
        await running.press("escape", "ctrl+r")
        await running.show(USUAL)
        assert len(running.names) == 5


async def test_an_equal_snapshot_paints_no_row() -> None:
    rows = [row("dev", f"worker-{number:02}") for number in range(60)]
    rows[-1] = row("dev", "worker-59", state=ServiceState.FAILED)
    async with console(snapshot=fleet(*rows)) as running:
        await running.pilot.pause()
        table = running.fleet.table
        painted: list[int] = []
        paint = table.render_line
        table.render_line = lambda y: (painted.append(y), paint(y))[1]  # type: ignore[method-assign,func-returns-value]
        await running.show(fleet(*rows))
        await asyncio.sleep(0)
        assert painted == []
        await running.show(fleet(row("dev", "worker-00", state=ServiceState.FAILED), *rows[1:]))
        await running.until(lambda: painted)
        assert painted == [1]


async def test_reading_only_leaves_the_changing_commands_out() -> None:
    async with console(is_read_only=True) as running:
        assert "read-only" in running.text
        assert "Prompt" not in running.text
        await running.press("p")
        assert running.app.screen is running.fleet
        await running.press("colon")
        await running.write("prompt")
        await running.press("enter")
        await running.until(lambda: "This console is read-only" in running.told)
        await running.press("question_mark")
        await running.until(lambda: "Keys and commands" in running.text)
        assert "Prompt the service under the cursor" not in running.text
        await running.press("escape", "ctrl+p")
        await running.pilot.pause()
        await running.write("prompt")
        await running.pilot.pause()
        assert "Prompt the service" not in running.text

"""Prompts that are sent together: a file's, planned and confirmed, and one for several services."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from ccconsole.batches import Batch
from ccconsole.errors import ConfigError, Refused
from ccconsole.model.batches import BatchRow, BatchShare, BatchSnapshot
from ccconsole.model.problem import Problem
from ccconsole.model.services import ServiceKey
from ccconsole.model.tasks import Task, TaskState
from ccconsole.screens.backend import BatchOrder, BatchPlan
from ccconsole.screens.batch import BatchScreen, BatchTable
from ccconsole.screens.batch_plan import BatchPlanScreen
from ccconsole.screens.batch_words import ordered
from ccconsole.screens.groups import of_plan
from ccconsole.screens.options import OptionError
from ccconsole.screens.quit import QuitScreen
from ccconsole.screens.task import TaskScreen
from tests.ui.world import NOW, Console, console, fleet, row


def seen(running: Console, words: str) -> bool:
    return words in running.text


DEV = ServiceKey("dev", "us-central1", "worker-dev")
PROD = ServiceKey("prod", "us-central1", "worker-prod")


def prompt(line: int, state: TaskState = TaskState.PENDING, where: ServiceKey = DEV, **rest: Any) -> BatchRow:
    is_sent = rest.pop("is_sent", state is not TaskState.PENDING)
    is_earlier = rest.pop("is_earlier", False)
    if state is not TaskState.PENDING:
        rest = {"started_at": NOW - 9, "ended_at": NOW - 5 if state.is_end else None} | rest
    task = Task(f"b-{line}", where.environment, where.name, state, f"mend {line}", **rest)
    return BatchRow(line, task, is_sent=is_sent, is_earlier=is_earlier)


def plan(*rows: BatchRow, where: ServiceKey = DEV, **rest: Any) -> BatchPlan:
    return BatchPlan(
        batch=Batch("nightly", (), (), 5),
        order=BatchOrder(Path("work.ndjson"), text="work.ndjson name=nightly"),
        rows=rows,
        keys=(where,),
        shares=(BatchShare(where, 5, is_detaching=True),),
        environments=(where.environment,),
        **rest,
    )


def snapshot(rows: Sequence[BatchRow], changed: Sequence[BatchRow] = (), **rest: Any) -> BatchSnapshot:
    return BatchSnapshot(
        "nightly",
        tuple(changed or rows),
        Counter(row.task.state for row in rows),
        NOW - 60,
        5,
        in_flight=sum(row.is_sent and not row.task.state.is_end for row in rows),
        **({"shares": (BatchShare(DEV, 5, is_detaching=True),)} | rest),
    )


ROWS = (prompt(1), prompt(2), prompt(4, TaskState.COMPLETED, is_earlier=True))


@asynccontextmanager
async def planned(found: BatchPlan | ConfigError, *keys: str) -> AsyncIterator[Console]:
    """The screen of a file that was written behind `:batch` on the second service."""
    async with console() as running:
        running.world.batch_plan = found
        await running.press(*(keys or ("j",)), "colon")
        await running.write("batch work.ndjson at_most=3 again=failed model=opus")
        await running.press("enter")
        await running.until(lambda: isinstance(running.app.screen, BatchPlanScreen))
        await running.until(lambda: "reading" not in running.text)
        yield running


@asynccontextmanager
async def under_way(*rows: BatchRow, **rest: Any) -> AsyncIterator[Console]:
    """A batch that was confirmed and says how it stands."""
    async with planned(plan(*ROWS)) as running:
        await running.press("enter")
        await running.until(lambda: running.world.batches)
        running.world.batch_snapshots.put_nowait(snapshot(rows, **rest))
        await running.until(lambda: isinstance(running.app.screen, BatchScreen))
        await running.until(lambda: "in flight" in running.text and " of 3 ended" in running.text)
        yield running


async def test_a_file_is_shown_before_anything_is_sent() -> None:
    async with planned(plan(*ROWS, notes=("left out: dev/x is failed",))) as running:
        (asked,) = running.world.orders
        assert asked[0] == (DEV,)
        assert (asked[1].file, asked[1].at_most) == (Path("work.ndjson"), 3)
        assert asked[1].again == {TaskState.FAILED}
        assert asked[1].options == {"model": "opus"}
        for words in (
            "batch nightly [3]",
            "2 to run",
            "dev/worker-dev 5 at once",
            "before",
            "left out: dev/x",
        ):
            assert words in running.text
        assert "enter to run 2 prompts, at most 5 at once" in running.text
        hints = running.text.splitlines()[-1]
        assert "Do it" in hints
        for title in ("Cancel", "Stop", "Next batch", "Open"):
            assert title not in hints
        await running.press("X", "ctrl+x")
        assert isinstance(running.app.screen, BatchPlanScreen)
        await running.press("escape")
        assert running.world.batches == []


async def test_mistakes_are_shown_line_by_line() -> None:
    wrong = ConfigError(
        "work.ndjson has 2 mistakes", "work.ndjson:1: [b]x\nwork.ndjson:7: y", "Nothing was started."
    )
    async with planned(wrong) as running:
        for words in ("has 2 mistakes", "work.ndjson:1: [b]x", "work.ndjson:7: y", "ctrl+r reads it again"):
            assert words in running.text
        running.world.batch_plan = plan(*ROWS)
        await running.press("enter", "ctrl+r")
        await running.until(lambda: "enter to run 2" in running.text)
        assert running.world.batches == []


async def test_a_batch_goes_on_behind_its_screen_and_tells_its_end() -> None:
    rows = [prompt(1, TaskState.FAILED, reason="exit", cost_usd=0.5), prompt(2, TaskState.RUNNING), ROWS[2]]
    async with under_way(*rows) as running:
        for words in ("2 of 3 ended", "1/5 in flight", "✓ 1 completed", "1 failed", "exit", "$0.50"):
            await running.until(partial(seen, running, words))
        await running.press("escape")
        await running.until(lambda: not isinstance(running.app.screen, BatchTable))
        assert "batch 2/3" in running.text.splitlines()[0]
        done = prompt(2, TaskState.COMPLETED, cost_usd=0.25)
        last = snapshot([rows[0], done, rows[2]], [done], ended_at=NOW, cost_usd=0.75)
        running.world.batch_snapshots.put_nowait(last)
        await running.until(lambda: "batch nightly: 2 completed, 1 failed, $0.75" in running.told)
        await running.press("B")
        await running.until(lambda: "3 of 3 ended" in running.text)
        assert "esc goes back" in running.text
        assert "batch 3/3" not in running.text
        assert "Stop" not in running.text.splitlines()[-1]


async def test_what_failed_is_run_again_from_where_it_is_seen() -> None:
    failed = prompt(1, TaskState.FAILED, reason="exit")
    async with under_way(failed, prompt(2, TaskState.RUNNING), ROWS[2]) as running:
        rows = [failed, prompt(2, TaskState.COMPLETED), ROWS[2]]
        running.world.batch_snapshots.put_nowait(snapshot(rows, ended_at=NOW))
        await running.until(lambda: "3 of 3 ended" in running.text)
        screen = running.app.screen
        await running.press("colon")
        await running.write("batch")
        await running.press("enter")
        await running.until(lambda: "batch work.ndjson name=nightly" in running.text)
        await running.write(" again=failed")
        running.world.batch_plan = plan(prompt(1), *rows[1:])
        await running.press("enter")
        await running.until(lambda: "enter to run 1 prompt," in running.text)
        assert running.world.orders[-1][0] == (DEV,)
        assert running.world.orders[-1][1].again == {TaskState.FAILED}
        await running.press("enter")
        await running.until(lambda: len(running.world.batches) == 2)
        await running.until(lambda: running.app.screen is screen)
        await running.until(lambda: "2 of 3 ended" in running.text)


async def test_enter_opens_the_task_under_the_cursor() -> None:
    async with under_way(prompt(1, TaskState.RUNNING), prompt(2), ROWS[2]) as running:
        await running.press("j", "enter")
        await running.until(lambda: "not sent yet" in running.told)
        await running.press("k", "enter")
        await running.until(lambda: isinstance(running.app.screen, TaskScreen))
        assert ("dev", "b-1") in running.app.desk.sessions


async def test_without_a_store_there_is_no_terminal_to_open() -> None:
    bare = ServiceKey("staging", "us-central1", "worker")
    async with under_way(prompt(1, TaskState.RUNNING, where=bare), prompt(2), ROWS[2]) as running:
        await running.press("enter")
        await running.until(lambda: "staging has no store" in running.told)
        assert isinstance(running.app.screen, BatchScreen)


async def test_at_80_columns_the_title_has_what_matters() -> None:
    rows = [prompt(1, TaskState.RUNNING), prompt(2, TaskState.FAILED), ROWS[2]]
    async with under_way(*rows, is_stopping=True) as running:
        await running.pilot.resize_terminal(80, 24)
        title = "batch nightly [3]  2 of 3 ended  1 failed  stopping  1/5 in flight"
        await running.until(lambda: title in running.text)
        assert "X stops it after a question; esc leaves it running" in running.text
        assert "? Help" in running.text.splitlines()[-1]


@pytest.mark.parametrize(("key", "is_cancelling"), [("y", True), ("s", False)])
async def test_what_is_left_is_stopped_after_a_question(key: str, is_cancelling: bool) -> None:
    async with under_way(prompt(1, TaskState.RUNNING), prompt(2), ROWS[2]) as running:
        _, stop, cancel = running.world.batches[0]
        await running.press("X", "x")
        assert not stop.is_set()
        assert not cancel.is_set()
        await running.press("X")
        await running.until(
            lambda: "the 1 in flight" in running.text and "Stop batch nightly?" in running.text
        )
        await running.press(key)
        await running.until(lambda: stop.is_set() or cancel.is_set())
        assert (stop.is_set(), cancel.is_set()) == (not is_cancelling, is_cancelling)


async def test_one_task_is_cancelled_alone() -> None:
    async with under_way(prompt(1, TaskState.RUNNING), prompt(2), ROWS[2]) as running:
        await running.press("ctrl+x", "y")
        await running.until(lambda: running.world.sent)
        assert running.world.sent == [("dev", "b-1", "cancel", {"mode": "interrupt"})]


async def test_production_wants_the_name_typed() -> None:
    found = plan(prompt(1, where=PROD), where=PROD)
    async with planned(found, "G") as running:
        assert "then type worker-prod" in running.text
        await running.press("enter")
        await running.write("worker-dev")
        await running.press("enter")
        await running.until(lambda: "nothing was sent" in running.told)
        assert running.world.batches == []
        await running.press("enter")
        await running.write("worker-prod")
        await running.press("enter")
        await running.until(lambda: running.world.batches)


async def test_a_flow_that_fails_says_why_and_is_over() -> None:
    async with under_way(prompt(1, TaskState.RUNNING), prompt(2), ROWS[2]) as running:
        running.world.batch_snapshots.put_nowait(
            Refused("Another console runs this batch", "", "Wait for it.")
        )
        await running.until(lambda: "✗ Another console runs this batch" in running.text)
        assert running.app.desk.batches_under_way() == []


async def test_a_service_that_takes_no_more_stands_above() -> None:
    async with under_way(prompt(1, TaskState.RUNNING), prompt(2), ROWS[2]) as running:
        problem = Problem("dev", "The fleet is full", "Every instance is busy.", exit_code=8)
        rows = [prompt(1), prompt(2), ROWS[2]]
        running.world.batch_snapshots.put_nowait(snapshot(rows, problems=(problem,), waiting="dev/x: full"))
        await running.until(lambda: "The fleet is full: Every instance is busy." in running.text)
        assert "waiting: dev/x: full" in running.text


async def test_quitting_tells_of_a_batch_and_can_end_it() -> None:
    async with under_way(prompt(1, TaskState.RUNNING), prompt(2), ROWS[2]) as running:
        await running.press("ctrl+q")
        await running.until(lambda: isinstance(running.app.screen, QuitScreen))
        for words in (
            "batch nightly is under way  1 of 3 ended, 1 in flight, 1 not sent",
            "leaving sends nothing more; this goes on with it:",
            ":batch work.ndjson name=nightly",
            "cancel it and quit",
            "leave running; :tasks finds them",
        ):
            assert words in running.text
        await running.press("c")
        await running.until(lambda: running.world.batches[0][2].is_set())
        await running.until(lambda: not running.app.is_running)


@pytest.mark.parametrize("left", [0, 1])
async def test_what_hangs_on_this_console_is_told_before_it_is_quit(left: int) -> None:
    rows = [prompt(1, TaskState.RUNNING), prompt(2, TaskState.RUNNING, where=PROD), ROWS[2]][1 - left :]
    shares = (BatchShare(DEV, 5, is_detaching=True), BatchShare(PROD, 5))
    async with under_way(*rows, prompt(9), shares=shares) as running:
        await running.press("ctrl+q")
        await running.until(lambda: isinstance(running.app.screen, QuitScreen))
        assert ("not possible", "leave running; 1 without a store, or CPU of their own")[left] in running.text
        await running.press("l")
        await running.until(lambda: running.app.is_running is not bool(left))
        assert not running.world.batches[0][2].is_set()


async def test_what_ran_before_hangs_on_no_console() -> None:
    rows = [prompt(1, TaskState.RUNNING), prompt(2, TaskState.RUNNING)]
    group = of_plan(plan(rows[0], prompt(2), prompt(3)), NOW)
    group.take(snapshot([*rows, prompt(3)], shares=(BatchShare(DEV, 5),)))
    assert (group.flying, group.lost, group.waiting) == (rows, rows[1:], 1)


async def test_one_prompt_for_several_services_is_a_group_with_outcomes() -> None:
    async with console() as running:
        await running.press("space", "space", "p")
        await running.until(lambda: running.app.screen.query("#prompt"))
        await running.write("all of you")
        await running.press("enter")
        await running.until(lambda: len(running.world.runs) == 2)
        await running.press("B")
        await running.until(lambda: isinstance(running.app.screen, BatchScreen))
        await running.until(lambda: "2 services: all of you [2]" in running.text)
        assert "0 of 2 ended" in running.text
        first, second = running.app.desk.sessions.values()
        running.world.say("status", status="running")
        running.world.say("complete", status="completed", usage={"costUsd": 0.5})
        await running.until(lambda: "1 of 2 ended" in running.text)
        for words in ("✓ 1 completed", "$0.50", "local/worker-local", "dev/worker-dev"):
            assert words in running.text
        await running.press("X", "y")
        left = next(one for one in (first, second) if not one.is_over)
        await running.until(lambda: running.world.sent or left.is_over)


async def test_more_services_than_terminals_side_by_side_are_a_table_first() -> None:
    rows = [row("dev", f"worker-{number}") for number in range(6)]
    async with console(snapshot=fleet(*rows)) as running:
        await running.press("space", "G", "ctrl+@", "p")
        await running.until(lambda: running.app.screen.query("#prompt"))
        await running.write("all of you")
        await running.press("enter")
        await running.until(lambda: len(running.world.runs) == 6)
        await running.until(lambda: "0 of 6 ended" in running.text)
        await running.press("enter")
        await running.until(lambda: isinstance(running.app.screen, TaskScreen))


async def test_nothing_together_is_said() -> None:
    async with console() as running:
        await running.press("B")
        await running.until(lambda: "No prompts were sent together yet" in running.told)


async def test_a_read_only_console_runs_no_file() -> None:
    async with console(is_read_only=True) as running:
        await running.press("colon")
        await running.write("batch work.ndjson")
        await running.press("enter")
        await running.until(lambda: "read-only" in running.told)
        assert running.world.orders == []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("work.txt at_most=0", "at_most"),
        ("work.txt again=completed", "again takes failed"),
        ("work.txt colour=red", "no option 'colour=red'"),
        ("'work.txt", "quote"),
        ("work.txt disconnect=detach", "disconnect is for one task alone"),
        ("work.txt resume=4f1c", "resume is for one task alone"),
    ],
)
def test_what_is_written_wrong_behind_batch(text: str, said: str) -> None:
    with pytest.raises(OptionError, match=said):
        ordered(text)


def test_a_file_may_have_blanks_in_its_name() -> None:
    assert ordered("'my work.txt' name=n").file == Path("my work.txt")
    assert ordered("~/x.txt").file == Path.home() / "x.txt"

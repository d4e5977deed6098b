from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import pytest

from ccconsole.errors import Denied
from ccconsole.model.logs import LogBatch, LogMode, Severity
from ccconsole.model.problem import Problem
from ccconsole.screens.logs import LogsScreen
from ccconsole.screens.task import TaskScreen
from tests.ui.lines import entry, live
from tests.ui.world import NOW, Console, console


@asynccontextmanager
async def logs(size: tuple[int, int] = (120, 32)) -> AsyncIterator[tuple[Console, LogsScreen]]:
    """The logs of worker-dev, from the fleet."""
    async with console(size=size) as running:
        await running.press("j", "l")
        await running.until(lambda: isinstance(running.app.screen, LogsScreen) and running.world.log_queries)
        screen = running.app.screen
        assert isinstance(screen, LogsScreen)
        yield running, screen


async def tell(running: Console, screen: LogsScreen, batch: LogBatch) -> None:
    """Let a batch arrive and be painted."""
    before = sum(map(len, (screen.book.entries, screen.book.shown)))
    running.world.log_batches[batch.environment].put_nowait(batch)
    feed = screen.status.feeds[batch.environment]
    await running.until(lambda: running.world.log_batches[batch.environment].empty())
    if batch.entries:
        await running.until(lambda: sum(map(len, (screen.book.entries, screen.book.shown))) > before)
    await running.until(lambda: feed.mode is batch.mode)
    await running.pilot.pause()


async def kept_are(running: Console, screen: LogsScreen, count: int) -> None:
    await running.until(lambda: len(screen.book.shown) == count)


def told(running: Console, words: str) -> bool:
    return words in running.told


async def test_lines_come_as_they_are_and_the_view_follows_them() -> None:
    async with logs() as (running, screen):
        assert "… reading" in running.text
        [(where, query)] = running.world.log_queries
        assert (where, query.services, query.regions) == ("dev", ("worker-dev",), ("us-central1",))
        assert query.since == pytest.approx(NOW - 3600, abs=60)
        await tell(running, screen, live(entry("[bold]not markup\x1b[31m red"), entry("second", at=1)))
        assert "[bold]not markup red" in running.text
        assert "● live" in running.text
        await tell(running, screen, live(*(entry(f"number {n}", at=2 + n) for n in range(100))))
        assert "number 99" in running.text
        assert "number 10 " not in running.text
        assert "logs dev/worker-dev [102]" in running.text


async def test_who_reads_further_up_is_not_moved_and_sees_how_much_came() -> None:
    async with logs() as (running, screen):
        await tell(running, screen, live(*(entry(f"number {n:03}", at=n) for n in range(100))))
        await running.press("g")
        top = screen.view.render_line(0).text
        assert "number 000" in top
        await tell(running, screen, live(*(entry(f"late {n}", at=200 + n) for n in range(7))))
        await tell(running, screen, live(entry("older", at=-5)))
        assert "paused: +8 new" in running.text
        assert screen.view.render_line(0).text == top
        await running.press("f")
        assert "paused" not in running.text
        assert "late 6" in running.text
        await running.press("s")
        await tell(running, screen, live(entry("another", at=300)))
        assert "another" not in running.text
        await running.press("s")
        assert "another" in running.text


async def test_search_walks_the_matches_in_their_context() -> None:
    async with logs() as (running, screen):
        await tell(running, screen, live(*(entry(f"number {n:03}", at=n) for n in range(200))))
        await running.press("slash")
        await running.write("r .[05]5")
        await running.press("enter")
        await running.until(lambda: screen.view.cursor_entry is not None and screen.book.matches)
        assert "/r .[05]5 4/4" in running.text
        assert "number 156" in running.text
        await running.press("n")
        assert screen.view.cursor_entry is not None
        assert screen.view.cursor_entry.text == "number 005"
        await running.press("N", "N")
        assert screen.view.cursor_entry.text == "number 105"
        await running.press("escape")
        await running.until(lambda: screen.book.pattern is None)
        assert len(screen.book.shown) == 200


async def test_a_filter_works_while_it_is_written_and_looks_for_older_ones() -> None:
    async with logs() as (running, screen):
        history = LogBatch("dev", LogMode.HISTORY, NOW, (entry("good", at=-60),), has_older=True)
        await tell(running, screen, history)
        await tell(running, screen, live(entry("bad", at=1, severity=Severity.ERROR)))
        assert "older ones: o" in running.text
        running.world.log_past["dev"] = LogBatch(
            "dev", LogMode.HISTORY, NOW, (entry("bad too", at=-900, severity=Severity.ERROR),)
        )
        await running.press("ampersand")
        await running.write("BAD")
        await running.until(lambda: "bad too" in running.text)
        assert "good" not in running.text
        query = running.world.log_queries[-1][1]
        assert (query.pattern, query.since) == ("(?i)BAD", screen.since)
        assert query.until == pytest.approx(NOW - 60, abs=0.001)
        await running.press("enter")
        assert "&BAD" in running.text
        assert "[2 of 2]" in running.text
        await running.press("escape")
        await running.until(lambda: "good" in running.text)
        assert "bad too" in running.text, "without a filter the look back is asked again"
        assert running.world.log_queries[-1][1].pattern == ""


async def test_severity_and_errors() -> None:
    async with logs() as (running, screen):
        lines = [
            entry("is debug", severity=Severity.DEBUG),
            entry("is info", at=1),
            entry("is warning", at=2, severity=Severity.WARNING),
            entry("is error", at=3, severity=Severity.ERROR),
        ]
        await tell(running, screen, live(*lines))
        for word, kept in (("INFO", 3), ("WARNING", 2), ("ERROR", 1), ("", 4)):
            await running.press("v")
            await kept_are(running, screen, kept)
            assert (f"≥ {word}" in running.text) == bool(word)
        await running.press("e")
        await running.until(lambda: len(screen.book.shown) == 1)
        await running.press("e")
        await running.until(lambda: len(screen.book.shown) == 4)
        await running.press("colon")
        await running.write("severity warning")
        await running.press("enter")
        await running.until(lambda: len(screen.book.shown) == 2)


async def test_a_range_hides_what_is_older_and_reads_what_is_missing() -> None:
    async with logs() as (running, screen):
        await tell(running, screen, live(entry("long ago", at=-3000), entry("now", at=0)))
        await running.press("2")
        await running.until(lambda: len(screen.book.shown) == 1)
        assert "last minute" in running.text
        assert len(running.world.log_queries) == 1, "all of the last minute was here"
        yesterday = entry("yesterday", at=-80_000)
        running.world.log_past["dev"] = LogBatch("dev", LogMode.HISTORY, NOW, (yesterday,))
        await running.press("1")
        await running.until(lambda: len(screen.book.shown) == 3)
        assert running.world.log_queries[-1][1].since == pytest.approx(NOW - 86_400, abs=60)
        await running.press("0")
        await running.until(lambda: not screen.book.shown)
        await tell(running, screen, live(entry("fresh", at=3600)))
        assert "fresh" in running.text


async def test_older_ones_are_read_a_thousand_at_a_time() -> None:
    async with logs() as (running, screen):
        first = entry("first", at=-60)
        await tell(running, screen, LogBatch("dev", LogMode.HISTORY, NOW, (first,), has_older=True))
        running.world.log_past["dev"] = LogBatch(
            "dev", LogMode.HISTORY, NOW, (entry("older", at=-90), first), has_older=True
        )
        await running.press("o")
        await running.until(lambda: len(screen.book.entries) == 2)
        running.world.log_past["dev"] = LogBatch("dev", LogMode.HISTORY, NOW, (entry("oldest", at=-95),))
        await running.press("o")
        await running.until(lambda: len(screen.book.entries) == 3)
        assert running.world.log_queries[-1][1].until == pytest.approx(NOW - 90, abs=0.001)
        await running.until(lambda: "older ones" not in running.text)
        await running.press("o")
        assert "are here" in running.told


async def test_what_is_missing_is_counted_on_the_screen() -> None:
    async with logs() as (running, screen):
        await tell(running, screen, live(entry("a"), suppressed=1200, dropped=3, lag=2.5))
        await tell(running, screen, live(entry("b", at=1), suppressed=34))
        assert "1,234 withheld by Google" in running.text
        assert "3 lost" in running.text
        assert "+2.5s" in running.text


@pytest.mark.parametrize("has_lines", [False, True])
async def test_why_there_is_nothing_new_and_the_command_that_mends_it(has_lines: bool) -> None:
    needs = "It needs logging.logEntries.list."
    problem = Problem("dev", "Not allowed to read the logs of dev", needs, "gcloud projects x", NOW)
    async with logs() as (running, screen):
        if has_lines:
            await tell(running, screen, live(entry("the last good line")))
        await tell(running, screen, LogBatch("dev", LogMode.WAITING, NOW, problem=problem))
        assert "Not allowed to read the logs of dev" in running.text
        assert "gcloud projects x" in running.text
        assert ("the last good line" in running.text) == has_lines
        await tell(running, screen, live())
        assert "Not allowed" not in running.text


async def test_nothing_there_says_so_and_what_to_press() -> None:
    async with logs() as (running, screen):
        await tell(running, screen, live())
        assert "No line in the last hour." in running.text
        assert "1 looks at a day" in running.text


async def test_a_line_is_unfolded_and_copied_with_its_json() -> None:
    payload = {"message": "hello", "user": "ada"}
    async with logs() as (running, screen):
        lines = [
            entry("hello", payload=payload, labels={"tier": "gold"}),
            entry("one\ntwo\nthree", at=1, trace="abc123"),
        ]
        await tell(running, screen, live(*lines))
        assert "hello ▸{…}" in running.text
        assert "one ⏎+2" in running.text
        assert "three" not in running.text
        await running.press("x")
        assert "three" in running.text
        assert "abc123" in running.text
        await running.press("g", "x")
        assert '"user": "ada"' in running.text
        assert "tier=gold" in running.text
        await running.press("c")
        assert '"user": "ada"' in running.app.clipboard
        await running.press("x")
        assert '"user": "ada"' not in running.text


async def test_long_lines_are_cut_wrapped_and_looked_along() -> None:
    long = "".join(f"<{number:04}>" for number in range(60))
    async with logs(size=(100, 24)) as (running, screen):
        await tell(running, screen, live(entry(long), entry("end", at=1)))
        assert "<0059>" not in running.text
        for _ in range(20):
            await running.press("right")
        assert "<0059>" in running.text
        await running.press("w")
        assert "<0000>" in running.text
        assert "<0059>" in running.text
        await running.press("u", "u")
        assert "<0000>" in running.text


async def test_enter_opens_the_task_of_a_line() -> None:
    async with logs() as (running, screen):
        await tell(running, screen, live(entry("of a task", task_id="task-dev")))
        await running.press("enter")
        await running.until(lambda: isinstance(running.app.screen, TaskScreen))
        screen_of_task = running.app.screen
        assert isinstance(screen_of_task, TaskScreen)
        assert screen_of_task.session.task.id == "task-dev"
        await running.press("l")
        await running.until(lambda: len(running.world.log_queries) == 2)
        assert running.world.log_queries[-1][1].task_id == "task-dev"


async def test_marked_services_are_merged_with_a_colour_each() -> None:
    async with console() as running:
        await running.press("j", "space", "space", "space", "l")
        await running.until(lambda: len(running.world.log_queries) == 2)
        screen = running.app.screen
        assert isinstance(screen, LogsScreen)
        assert {where: query.services for where, query in running.world.log_queries} == {
            "dev": ("worker-dev", "writer"),
            "staging": ("worker-staging",),
        }
        await tell(running, screen, live(entry("from dev", at=1), entry("from writer", at=3, name="writer")))
        staged = entry("from staging", at=2, where="staging", name="worker-staging")
        await tell(running, screen, live(staged, where="staging"))
        texts = [screen.view.render_line(y) for y in range(3)]
        assert [strip.text.split()[2] for strip in texts] == [
            "dev/worker-dev",
            "staging/worker-staging",
            "dev/writer",
        ]
        names = [segment for strip in texts for segment in strip if "/w" in segment.text]
        colours = {segment.style.color for segment in names if segment.style}
        assert len(colours) == 3


async def test_lines_are_saved_whole(tmp_path: Path) -> None:
    async with logs() as (running, screen):
        await tell(running, screen, live(entry("one\ntwo"), entry("three", at=1)))
        for name in ("lines.log", "lines.ndjson"):
            await running.press("colon")
            await running.write(f"save {tmp_path / name}")
            await running.press("enter")
            await running.until(partial(told, running, name))
        assert "one\ntwo" in (tmp_path / "lines.log").read_text()
        assert len((tmp_path / "lines.ndjson").read_text().splitlines()) == 2
        assert (tmp_path / "lines.log").stat().st_mode & 0o777 == 0o600
        await running.press("colon")
        await running.write(f"save {tmp_path / 'lines.log'}")
        await running.press("enter")
        await running.until(lambda: "cannot be saved" in running.told)


async def test_the_mouse_scrolls_chooses_and_unfolds() -> None:
    async with logs() as (running, screen):
        await tell(running, screen, live(*(entry(f"number {n:03}", at=n) for n in range(100))))
        view = screen.view
        view.scroll_rows(-50)
        await running.pilot.pause()
        first = int(view.render_line(3).text.split("number ")[1][:3])
        await running.pilot.mouse_down(view, offset=(20, 3))
        await running.pilot.hover(view, offset=(20, 5))
        await running.pilot.mouse_up(view, offset=(20, 5))
        await running.until(lambda: "Copied 3 lines" in running.told)
        assert [f"number {n:03}" in running.app.clipboard for n in range(first - 1, first + 4)] == [
            False,
            True,
            True,
            True,
            False,
        ]
        await running.pilot.click(view, offset=(20, 1), times=2)
        await running.until(lambda: "instance  00ab12cd" in running.text)


async def test_a_failed_look_back_is_said_once_and_the_lines_stay() -> None:
    async with logs() as (running, screen):
        await tell(running, screen, live(entry("here")))
        running.world.log_past["dev"] = Denied("Not allowed to read the logs of dev", "", "gcloud x")
        await running.press("1")
        await running.until(lambda: "Not allowed to read" in running.told)
        assert "here" in running.text


async def test_leaving_closes_the_flows() -> None:
    async with logs() as (running, _screen):
        names = {worker.group for worker in running.app.workers}
        assert "logs dev" in names
        await running.press("q")
        await running.until(lambda: "logs dev" not in {worker.group for worker in running.app.workers})

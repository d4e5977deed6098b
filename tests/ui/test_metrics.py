from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from ccconsole.model.metrics import MetricsSnapshot, Series, ServiceMetrics
from ccconsole.model.problem import Problem
from ccconsole.model.services import ServiceKey
from ccconsole.screens.logs import LogsScreen
from ccconsole.screens.metrics import MetricsScreen
from ccconsole.widgets.metrics.charts import CHARTS, heading
from ccconsole.widgets.metrics.drawing import drawn
from ccconsole.widgets.metrics.view import ChartView
from tests.ui.measures import afternoon, every, read
from tests.ui.world import NOW, Console, console

KEY = ServiceKey("dev", "us-central1", "worker-dev")
BY_TITLE = {chart.title: chart for chart in CHARTS}


@asynccontextmanager
async def charts(size: tuple[int, int] = (120, 60)) -> AsyncIterator[tuple[Console, MetricsScreen]]:
    """The charts of worker-dev, from the fleet."""
    async with console(size=size) as running:
        await running.press("j", "m")
        await running.until(lambda: isinstance(running.app.screen, MetricsScreen))
        await running.until(lambda: running.world.metric_queries)
        screen = running.app.screen
        assert isinstance(screen, MetricsScreen)
        yield running, screen


async def tell(running: Console, screen: MetricsScreen, snapshot: MetricsSnapshot) -> None:
    running.world.metric_snapshots.put_nowait(snapshot)
    await running.until(lambda: screen.snapshot is snapshot)
    await running.pilot.pause()


def pictures(screen: MetricsScreen) -> list[str]:
    return [view.picture.plain for view in screen.query(ChartView)]


async def test_every_chart_is_drawn_with_its_values_and_its_age() -> None:
    async with charts() as (running, screen):
        assert "… reading" in running.text
        assert running.world.metric_queries == [("dev", (KEY,), 1800.0)]
        await tell(running, screen, read(afternoon(KEY, running.app.desk.now() - 130), NOW))
        await running.until(lambda: all(pictures(screen)))
        for words in ("━ active 5", "━ p95 ", "━ of its limit 94%!", "── alert at 90%", "2m ago", "[30m]"):
            assert words in running.text, words
        assert "counted when it ends" in running.text


@pytest.mark.parametrize("size", [(80, 24), (120, 32), (200, 50), (40, 12)])
async def test_at_any_size_it_draws_and_scrolls(size: tuple[int, int]) -> None:
    async with charts(size) as (running, screen):
        await tell(running, screen, read(afternoon(KEY, running.app.desk.now()), NOW))
        await running.until(lambda: all(pictures(screen)))
        charts_in_sight = screen.query_one("#charts-scroll")
        await running.press("G")
        await running.until(lambda: charts_in_sight.scroll_y == charts_in_sight.max_scroll_y)
        await running.press("g", "j", "ctrl+f", "k")
        await running.press("g")
        await running.until(lambda: charts_in_sight.scroll_y == 0)


async def test_an_idle_service_says_since_when_and_never_zero() -> None:
    async with charts() as (running, screen):
        idle = ServiceMetrics(
            KEY, {name: Series(name, "", window_start=NOW - 1800) for name in ("cpu", "memory", "error_rate")}
        )
        await tell(running, screen, read(idle, NOW))
        await running.until(lambda: "no data since" in running.text)
        assert "━ of its limit –" in running.text


async def test_a_window_is_chosen_by_key_or_in_words() -> None:
    async with charts() as (running, screen):
        await running.press("4")
        await running.until(lambda: running.world.metric_queries[-1][2] == 21_600)
        assert "[6h]" in running.text
        await running.press("colon")
        await running.write("window 2h")
        await running.press("enter")
        await running.until(lambda: running.world.metric_queries[-1][2] == 7_200)
        assert "[2h]" in running.text
        for wrong in ("window soon", "window 2000h"):
            await running.press("colon")
            await running.write(wrong)
            await running.press("enter")
        await running.until(lambda: "six weeks" in running.told and "No window 'soon'" in running.told)
        assert len(running.world.metric_queries) == 3
        assert screen.window == 7_200


@pytest.mark.parametrize("was_read", [False, True])
async def test_what_cannot_be_read_says_why_and_the_last_charts_stay(was_read: bool) -> None:
    problem = Problem(
        "dev", "Not allowed to read the metrics of dev", "It needs x.", "gcloud projects y", NOW
    )
    async with charts() as (running, screen):
        good = read(afternoon(KEY, running.app.desk.now()), NOW)
        if was_read:
            await tell(running, screen, good)
            await running.until(lambda: all(pictures(screen)))
        bad = replace(good, problems=(problem,)) if was_read else MetricsSnapshot("dev", problems=(problem,))
        await tell(running, screen, bad)
        await running.until(lambda: "Not allowed to read the metrics of dev" in running.text)
        assert "gcloud projects y" in running.text
        assert ("CPU p99" in running.text) == was_read


async def test_from_charts_to_lines_and_back() -> None:
    async with charts() as (running, _screen):
        await running.press("l")
        await running.until(lambda: isinstance(running.app.screen, LogsScreen))
        await running.press("escape", "escape")
        await running.until(lambda: running.app.screen is running.fleet)
        await running.until(lambda: "metrics" not in {worker.group for worker in running.app.workers})


def test_a_gap_stays_a_gap() -> None:
    points = every(NOW, 1800, lambda x: 0.5 if x < 0.3 or x > 0.7 else None)
    metrics = ServiceMetrics(KEY, {"cpu": Series("cpu", "ratio", points)})
    picture = drawn(BY_TITLE["CPU p99"], metrics, 0.9, (NOW - 1800, NOW), (60, 12)).plain
    middle = [line[24:40] for line in picture.splitlines()[:-2] if "─" not in line]
    assert not "".join(middle).strip()
    assert any("⠒" in line or "⠤" in line or "⠉" in line or "⣀" in line for line in picture.splitlines())
    assert "90%" not in picture.splitlines()[0]
    assert picture.splitlines()[0].startswith("100%")


def test_the_threshold_is_a_line_and_an_idle_chart_has_one_too() -> None:
    empty = ServiceMetrics(KEY, {})
    picture = drawn(BY_TITLE["memory p99"], empty, 0.9, (NOW - 1800, NOW), (60, 12)).plain
    assert "─" * 30 in "\n".join(picture.splitlines()[:-2])


def test_a_peak_does_not_vanish_among_many_points() -> None:
    points = every(NOW, 86_400, lambda x: 9.0 if abs(x - 0.5) < 0.0002 else 1.0, period=30.0)
    metrics = ServiceMetrics(KEY, {"pending_requests": Series("pending_requests", "", points, period=30.0)})
    picture = drawn(BY_TITLE["waiting requests"], metrics, None, (NOW - 86_400, NOW), (60, 12)).plain
    assert any(0x2800 < ord(char) <= 0x28FF for line in picture.splitlines()[:3] for char in line)


def test_counts_of_a_period_are_shown_a_minute() -> None:
    points = ((NOW - 5, 3.0),)
    metrics = ServiceMetrics(KEY, {"request_count_2xx": Series("request_count_2xx", "", points, period=5.0)})
    assert "2xx 36" in heading(BY_TITLE["requests a minute"], metrics, None, NOW).plain


async def test_hostile_words_are_no_markup() -> None:
    problem = Problem("dev", "[bold red]x[/]\x1b[31m", "[link=x]", "$(rm)", NOW)
    async with charts() as (running, screen):
        await tell(running, screen, MetricsSnapshot("dev", problems=(problem,)))
        await running.until(lambda: "[bold red]x[/]" in running.text)


def test_old_data_has_its_date_and_a_failed_reading_the_age_of_its_last_points() -> None:
    chart = BY_TITLE["waiting requests"]
    problem = Problem("dev", "Not allowed to read metrics", since=NOW)
    for ago, words in ((130.0, "no data since "), (3 * 86_400.0, " UTC")):
        series = Series("pending_requests", "", ((NOW - ago - 3600, 1.0),), problem=problem)
        told = heading(chart, ServiceMetrics(KEY, {"pending_requests": series}), None, NOW).plain
        assert "✗ Not allowed to read metrics, no data since" in told
        assert words in told

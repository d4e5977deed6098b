"""The metrics of one service as charts, each with its age; a window that keys choose."""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.containers import Container, VerticalScroll
from textual.content import Content
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Static

from ccconsole.commands import Place
from ccconsole.config.values import seconds
from ccconsole.format import age
from ccconsole.model.metrics import MetricsSnapshot, ServiceMetrics
from ccconsole.model.problem import Problem
from ccconsole.model.services import ServiceKey
from ccconsole.paints import MUTED
from ccconsole.screens.base import bindings
from ccconsole.screens.desk import Desk
from ccconsole.screens.messages import LogsAsked, PromptAsked
from ccconsole.screens.tabs import ServiceTab
from ccconsole.widgets.bars import TitleLine
from ccconsole.widgets.fleet_rows import problem_text
from ccconsole.widgets.metrics.charts import CHARTS, heading
from ccconsole.widgets.metrics.view import ChartView
from ccconsole.widgets.text import Span, Tone, content, plain

WINDOWS: Mapping[int, tuple[str, float]] = {
    1: ("15m", 900.0),
    2: ("30m", 1800.0),
    3: ("1h", 3600.0),
    4: ("6h", 21_600.0),
    5: ("1d", 86_400.0),
    6: ("7d", 604_800.0),
}
"""By key; seconds."""
FIRST_WINDOW = 2
LONGEST = 42 * 86_400
"""Seconds: https://cloud.google.com/monitoring/quotas keeps Google Cloud's own metrics for six weeks."""
_COLUMNS = ((150, 3), (90, 2), (0, 1))
"""Charts side by side, from so many cells on."""
_Wanted = tuple[ChartView, float | None, tuple[int, int]]
"""A chart, the value that is marked across it, and its columns and rows."""
_NOTE = "A request is counted when it ends: a task of an hour shows an hour late."


class MetricsScreen(ServiceTab):
    """Reads while it exists; the charts are drawn in a thread."""

    PLACE: ClassVar = Place.METRICS
    BINDINGS: ClassVar = bindings(Place.METRICS)
    TAB: ClassVar = "metrics"

    @dataclass
    class Told(Message):
        """Metrics were read, or could not be."""

        snapshot: MetricsSnapshot
        window: float

    @dataclass
    class Drawn(Message):
        """A picture is done."""

        view: ChartView
        picture: Content

    def __init__(self, desk: Desk, key: ServiceKey) -> None:
        super().__init__(desk)
        self.key = key
        self.window = WINDOWS[FIRST_WINDOW][1]
        self.snapshot: MetricsSnapshot | None = None
        self._until = desk.now()

    def body(self) -> ComposeResult:
        """Title, what is wrong, the charts."""
        yield self.tab_bar()
        yield TitleLine()
        yield Static(id="metrics-problems")
        with VerticalScroll(id="charts-scroll"), Container(id="charts"):
            for chart in CHARTS:
                yield ChartView(chart)

    def on_mount(self) -> None:
        """Begin to read."""
        self._read(self.window)

    def home(self) -> Widget | None:
        """The charts scroll."""
        return self.query_one("#charts-scroll")

    def service_key(self) -> ServiceKey | None:
        """This one."""
        return self.key

    def trail(self) -> tuple[str, ...]:
        """Fleet, service, metrics."""
        return ("fleet", str(self.key), "metrics")

    @work(group="metrics", exclusive=True, exit_on_error=False)
    async def _read(self, window: float) -> None:
        environment = self.desk.environment_of(self.key.environment)
        async with aclosing(self.desk.backend.metrics(environment, (self.key,), window)) as snapshots:
            async for snapshot in snapshots:
                self.post_message(self.Told(snapshot, window))

    @on(Told)
    def _told(self, message: Told) -> None:
        if message.window == self.window:
            self.snapshot = message.snapshot
            self._until = self.desk.now()
            self.redraw()
            self._draw()

    @on(ChartView.Fitted)
    def _draw(self) -> None:
        if (found := self._metrics()) is not None:
            wanted = [(view, limit, view.room) for view, limit in self._limits()]
            self._pictures(found, wanted, (self._until - self.window, self._until))

    @work(group="charts", exclusive=True, exit_on_error=False)
    async def _pictures(
        self, found: ServiceMetrics, wanted: Sequence[_Wanted], span: tuple[float, float]
    ) -> None:
        drawing = await asyncio.to_thread(importlib.import_module, "ccconsole.widgets.metrics.drawing")
        for view, limit, room in wanted:
            picture = await asyncio.to_thread(drawing.drawn, view.chart, found, limit, span, room)
            self.post_message(self.Drawn(view, picture))

    @on(Drawn)
    def _drawn(self, message: Drawn) -> None:
        message.view.picture = message.picture

    def _metrics(self) -> ServiceMetrics | None:
        """What was read of the service; None before anything was."""
        if self.snapshot is None or self.snapshot.read_at is None:
            return None
        return self.snapshot.services.get(self.key)

    def _limits(self) -> Iterator[tuple[ChartView, float | None]]:
        alerts = self.desk.environment_of(self.key.environment).alerts
        row = self.desk.row(self.key)
        for view in self.query(ChartView):
            yield view, view.chart.limit(alerts, None if row is None else row.service)

    def redraw(self) -> None:
        """Title, problems, and the words over each chart."""
        now, found = self.desk.now(), self._metrics()
        self.query_one(TitleLine).parts = tuple(self._title(now))
        problems = self.snapshot.problems if self.snapshot is not None else ()
        words = self._words(problems, now)
        told = self.query_one("#metrics-problems", Static)
        told.update(words)
        # Before anything was read there is nothing to look at but the reason.
        self.query_one("#charts-scroll").display = found is not None
        for view, limit in self._limits():
            view.heading = heading(view.chart, found, limit, now)

    def _title(self, now: float) -> Iterator[Span]:
        yield Span(f"metrics {self.key}", Tone.STRONG)
        for number, (name, span) in WINDOWS.items():
            is_chosen = span == self.window
            yield Span(f"[{name}]", Tone.ACCENT) if is_chosen else Span(f"{number} {name}", Tone.DIM)
        if self.window not in {span for _, span in WINDOWS.values()}:
            yield Span(f"[{age(0, self.window)}]", Tone.ACCENT)
        if self.snapshot is not None and self.snapshot.read_at is not None:
            yield Span(f"read {age(self.snapshot.read_at, now)} ago", Tone.DIM)

    def _words(self, problems: tuple[Problem, ...], now: float) -> Content:
        if self.snapshot is None:
            return content(("  … reading", MUTED))
        if not problems:
            return content((f" {_NOTE}", MUTED))
        if self.snapshot.read_at is not None:
            return Content("\n").join(
                [content(Span(f" {problem_text(one, now)}", Tone.BAD)) for one in problems]
            )
        lines = [
            content((f"  {plain(line)}", "$error" if part == f"✗ {one.title}" else ""))
            for one in problems
            for part in ("", f"✗ {one.title}", one.detail, one.hint)
            for line in part.splitlines() or [""]
        ]
        return Content("\n").join(lines)

    def on_resize(self) -> None:
        """As many charts side by side as there is room for."""
        count = next(columns for width, columns in _COLUMNS if self.size.width >= width)
        grid = self.query_one("#charts")
        for _, columns in _COLUMNS:
            grid.set_class(columns == count, f"-charts-{columns}")

    def action_window(self, words: str | int = "") -> None:
        """The window of that number, or of that length."""
        if isinstance(words, int):
            self._look(WINDOWS[words][1])
            return
        try:
            length = float(seconds(words))
        except ValueError as error:
            self.say(f"No window {words!r}: {error}.", is_warning=True)
            return
        if length > LONGEST:
            self.say("Cloud Monitoring keeps six weeks: 42 days are the longest window.", is_warning=True)
        else:
            self._look(length)

    def _look(self, window: float) -> None:
        if window != self.window:
            self.window, self.snapshot = window, None
            self._read(window)
            self.redraw()

    def action_logs(self) -> None:
        """Of this service."""
        self.root.post_message(LogsAsked((self.key,)))

    def action_prompt(self, words: str = "") -> None:
        """For this service."""
        self.root.post_message(PromptAsked((self.key,), words))

    @property
    def page(self) -> int:
        """The lines in sight."""
        return self.query_one("#charts-scroll").size.height

    def step(self, by: int) -> None:
        """Scroll the charts."""
        self.query_one("#charts-scroll").scroll_relative(y=by, animate=False)

    def leap(self, *, is_to_end: bool) -> None:
        """The first chart, or the last."""
        charts = self.query_one("#charts-scroll")
        if is_to_end:
            charts.scroll_end(animate=False)
        else:
            charts.scroll_home(animate=False)

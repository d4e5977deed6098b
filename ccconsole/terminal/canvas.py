"""Painting a terminal on a widget."""

from __future__ import annotations

import asyncio
import time
from typing import ClassVar

from rich.segment import Segment
from textual.color import Color
from textual.geometry import Region
from textual.strip import Strip

from ccconsole.terminal.engine import Line, Terminal
from ccconsole.terminal.engine.rows import BLANK
from ccconsole.terminal.scrolling import TerminalScroll
from ccconsole.terminal.strips import Painter, Span

PAINT_INTERVAL = 1 / 30
"""Seconds between two paintings at least."""

MAX_HOLD = 0.2
"""Seconds that synchronized output (?2026) may hold painting, should the program forget to end it."""

_BLACK = Color(0, 0, 0)
_NOTHING: list[Span] = []


class TerminalCanvas(TerminalScroll):
    """Shows the newest lines of a terminal, or others; paints what changed, thirty times a second at most.

    `render_line` shows the last painting, so that nothing is ever seen half drawn.
    """

    ALLOW_SELECT = False

    PAINTS: ClassVar = {
        "selection": "$background on $primary",
        "match": "$foreground on $warning-darken-2",
        "found": "bold $background on $warning",
        "missed": "$background on $accent",
    }

    DEFAULT_CSS = """
    TerminalCanvas {
        background: $background;
        color: $foreground;
        overflow: hidden hidden;
    }
    """

    def __init__(self, terminal: Terminal, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(terminal, id=id, classes=classes)
        self._painter = Painter(terminal)
        self._shown: list[Line] = []
        self._spans: list[list[Span]] = []
        self._strips: list[Strip | None] = []
        """Rows that were painted, None where they have to be anew."""
        self._columns = (0, 0)
        """The first of them, and how many."""
        self._label = ""
        self._painted_at = 0.0
        self._held_since: float | None = None
        self._is_paint_due = False

    def overlays(self, numbers: range) -> dict[int, list[Span]]:
        """What a subclass paints over lines, by their numbers."""
        return {}

    def before_paint(self) -> None:
        """What a subclass does before each painting."""

    def on_mount(self) -> None:
        """Start to watch the engine."""
        self.show(self.terminal)

    def on_unmount(self) -> None:
        """Stop watching it."""
        self.terminal.remove_listener(self.request_paint)

    def show(self, terminal: Terminal) -> None:
        """Put another terminal in, at its end."""
        self.terminal.remove_listener(self.request_paint)
        self.terminal = terminal
        self._painter = Painter(terminal)
        self.forget()
        self.is_following = True
        self._shown, self._spans = [], []
        if self.is_attached:
            terminal.add_listener(self.request_paint)
            self._tell_colours()
            self._paint()

    def _tell_colours(self) -> None:
        background, foreground = self.background_colors[1], self.colors[3]
        self.terminal.set_colours(foreground.hex6, background.hex6)

    def notify_style_update(self) -> None:
        """Another theme: everything is painted anew."""
        super().notify_style_update()
        self._shown, self._spans = [], []
        self.request_paint()

    def request_paint(self) -> None:
        """The engine changed: paint now, or when the last painting is old enough."""
        if self._is_paint_due or not self.is_attached:
            return
        self._is_paint_due = True
        wait = self._painted_at + PAINT_INTERVAL - time.monotonic()
        self._paint_in(wait)

    def _paint_in(self, seconds: float) -> None:
        if seconds > 0:
            # Not a timer of Textual's: one that begins later than it should have ended never comes, and with
            # a few microseconds to wait that happened within a minute on a busy machine.
            asyncio.get_running_loop().call_later(seconds, self.call_later, self._paint_if_due)
        else:
            self.call_later(self._paint_if_due)

    def _paint_if_due(self) -> None:
        """What a timer calls: a painting in between may have made it needless."""
        if self._is_paint_due and time.monotonic() - self._painted_at >= PAINT_INTERVAL:
            self._paint()
        elif self._is_paint_due:
            self._is_paint_due = False
            self.request_paint()

    def _paint(self) -> None:
        self._is_paint_due = False
        if not self.is_attached or self._is_held():
            return
        self.before_paint()
        self._painted_at = time.monotonic()
        self.fit(self._shown[0].text if self._shown else "")
        look = self.visual_style
        if self._painter.set_look(look.rich_style, self.get_line_filters(), look.background or _BLACK):
            self._shown = []
        width, height = self.size
        top, count = self.top, self.terminal.line_count
        numbers = range(top, top + height)
        shown = [self.terminal.line(number) if number < count else BLANK for number in numbers]
        over = self.overlays(numbers)
        spans = [over.get(number, _NOTHING) for number in numbers]
        label = self._missed_label(width)
        if len(shown) != len(self._shown):
            self._strips = [None] * height
            self.refresh()
        else:
            pairs = zip(shown, spans, self._shown, self._spans, strict=True)
            dirty = [
                y for y, (line, span, old, old_span) in enumerate(pairs) if line != old or span != old_span
            ]
            if label != self._label and height - 1 not in dirty:
                dirty.append(height - 1)
            for y in dirty:
                self._strips[y] = None
            if dirty:
                self.refresh(*_regions(dirty, width))
        self._shown, self._spans, self._label = shown, spans, label
        self._see_columns()

    def _is_held(self) -> bool:
        """Whether the program is in the middle of a frame; asks to be painted later if so."""
        if not self.terminal.is_synchronized:
            self._held_since = None
            return False
        now = time.monotonic()
        if self._held_since is None:
            self._held_since = now
        if now - self._held_since >= MAX_HOLD:
            return False
        self._is_paint_due = True
        self._paint_in(PAINT_INTERVAL)
        return True

    def _missed_label(self, width: int) -> str:
        missed = self.missed_lines
        label = f" +{missed} line{'s' if missed != 1 else ''} " if missed else ""
        return label if len(label) <= width else ""

    def render_lines(self, crop: Region) -> list[Strip]:
        """Rows of the last painting.

        Textual's own way, which adds borders, padding and opacity and keeps what it made, took twice as long
        for a terminal, which has none of them and knows what has changed.
        """
        self._see_columns()
        strips = [self.render_line(y) for y in crop.line_range]
        if crop.column_span != (0, self._columns[1]):
            strips = [strip.crop(*crop.column_span) for strip in strips]
        return strips

    def render_line(self, y: int) -> Strip:
        """One of them."""
        if y >= len(self._shown):
            return Strip.blank(self.size.width, self.visual_style.rich_style)
        strip = self._strips[y]
        if strip is None:
            strip = self._strips[y] = self._painted(y)
        return strip

    def _see_columns(self) -> None:
        columns = (self.scroll_offset.x, self.size.width)
        if columns != self._columns:
            self._columns = columns
            self._strips = [None] * len(self._shown)

    def _painted(self, y: int) -> Strip:
        x, width = self._columns
        strip = self._painter.paint(self._shown[y], x, width, self._spans[y])
        if y == len(self._shown) - 1 and self._label:
            label = Segment(self._label, self._painter.filtered(self.paint("missed")))
            strip = Strip([*strip.crop(0, width - len(self._label)), label], width)
        return strip

    def watch_scroll_x(self, old_value: float, new_value: float) -> None:
        """Every row shows other columns."""
        super().watch_scroll_x(old_value, new_value)
        self.request_paint()


def _regions(rows: list[int], width: int) -> list[Region]:
    """Rows in ascending order as regions, those next to each other as one."""
    regions = []
    first = last = rows[0]
    for y in [*rows[1:], -1]:
        if y != last + 1:
            regions.append(Region(0, first, width, last + 1 - first))
            first = y
        last = y
    return regions

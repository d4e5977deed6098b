"""Painting a terminal on a widget, and scrolling through its lines."""

from __future__ import annotations

import time
from typing import ClassVar

from rich.segment import Segment
from textual.geometry import Region, Size
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.widget import Widget

from ccconsole.terminal.engine import Line, Terminal
from ccconsole.terminal.engine.rows import BLANK
from ccconsole.terminal.strips import Painter, Span

PAINT_INTERVAL = 1 / 30
"""Seconds between two paintings at least."""

FOUND_AGAIN_LINES = 1000
"""Up and down of where it was, a line is looked for after a resize: 4 ms at most."""

MAX_HOLD = 0.2
"""Seconds that synchronized output (?2026) may hold painting, should the program forget to end it."""


class TerminalCanvas(ScrollView):
    """Shows the newest lines of a terminal, or others; paints what changed, thirty times a second at most.

    `render_line` shows the last painting, so that nothing is ever seen half drawn.
    """

    ALLOW_SELECT = False

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "terminal--selection",
        "terminal--match",
        "terminal--found",
        "terminal--missed",
    }

    DEFAULT_CSS = """
    TerminalCanvas {
        background: $background;
        color: $foreground;
        overflow: hidden hidden;
        & > .terminal--selection { background: $primary; color: $text; }
        & > .terminal--match { background: $warning-darken-2; color: $text; }
        & > .terminal--found { background: $warning; color: $background; text-style: bold; }
        & > .terminal--missed { background: $accent; color: $text; }
    }
    """

    def __init__(self, terminal: Terminal, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self.terminal = terminal
        self.is_following = True
        """Whether the newest lines are kept in sight."""
        self._painter = Painter(terminal)
        self._shown: list[Line] = []
        self._spans: list[list[Span]] = []
        self._label = ""
        self._seen_end = 0
        """Where the output ended when following stopped, in lines ever had."""
        self._missed = 0
        """Lines that had come since then when last painted."""
        self._evicted = 0
        self._generation = 0
        self._painted_at = 0.0
        self._held_since: float | None = None
        self._is_paint_due = False

    def overlays(self, number: int) -> list[Span]:
        """What a subclass paints over a line."""
        return []

    def before_paint(self) -> None:
        """What a subclass does before each painting."""

    def forget(self) -> None:
        """What a subclass does when places in the terminal lose their meaning."""

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
        if wait > 0:
            self.set_timer(wait, self._paint_if_due)
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
        self._fit()
        self._painter.set_base(self.rich_style)
        width, height = self.size
        top = self.top
        shown, spans = [], []
        for y in range(height):
            number = top + y
            line = self.terminal.line(number) if number < self.terminal.line_count else BLANK
            shown.append(line)
            spans.append(self.overlays(number))
        label = self._missed_label(width)
        if len(shown) != len(self._shown):
            self.refresh()
        else:
            pairs = zip(shown, spans, self._shown, self._spans, strict=True)
            dirty = [
                y for y, (line, span, old, old_span) in enumerate(pairs) if line != old or span != old_span
            ]
            if label != self._label:
                dirty.append(height - 1)
            if dirty:
                self.refresh(*(Region(0, y, width, 1) for y in dirty))
        self._shown, self._spans, self._label = shown, spans, label

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
        self.set_timer(PAINT_INTERVAL, self._paint_if_due)
        return True

    def _fit(self) -> None:
        """Bring the scroll position up to date with the engine, without a layout of the screen."""
        terminal = self.terminal
        size = Size(terminal.columns, terminal.line_count)
        if size != self.virtual_size:
            self.set_reactive(Widget.virtual_size, size)
            self._scroll_update(size)
        lost = terminal.evicted - self._evicted
        if terminal.generation != self._generation:
            self._generation = terminal.generation
            self.forget()
            self.is_following = self.is_following or terminal.is_alternate
            if not self.is_following:
                self._move(self._found_again(self.scroll_offset.y - lost))
                self._seen_end = terminal.evicted + terminal.line_count - self._missed
                self.is_following = self.scroll_offset.y >= self._end
        elif not self.is_following and lost > 0:
            self._move(max(self.scroll_offset.y - lost, 0))
        self._evicted = terminal.evicted
        self._missed = self.missed_lines
        if self.is_following:
            self._move(self._end)

    def _found_again(self, top: int) -> int:
        """Where the first line in sight is now that line numbers mean something else, or about there.

        The engine wraps only the newest lines anew, and so the line is about as far from the end as before,
        or where it was.
        """
        text = self._shown[0].text if self._shown else ""
        last = max(self.terminal.line_count - self.size.height, 0)
        top = min(max(top, 0), last)
        for away in range(FOUND_AGAIN_LINES if text else 0):
            for number in {top - away, top + away}:
                if 0 <= number <= last:
                    found = self.terminal.line(number).text
                    if found and (text.startswith(found) or found.startswith(text)):
                        return number
        return top

    def _move(self, y: int) -> None:
        self.set_scroll(None, y)
        if self.show_vertical_scrollbar:
            self.vertical_scrollbar.position = y

    @property
    def top(self) -> int:
        """The number of the first line in sight."""
        return self._end if self.is_following else self.scroll_offset.y

    @property
    def _end(self) -> int:
        """The first line in sight when following: a screen higher than the pane is shown where it ends."""
        terminal = self.terminal
        last = terminal.history + terminal.cursor.y
        for number in range(terminal.line_count - 1, last, -1):
            if terminal.line(number).text:
                last = number
                break
        return min(max(last + 1 - self.size.height, 0), self.max_scroll_y)

    @property
    def missed_lines(self) -> int:
        """Lines that came while the pane was scrolled away."""
        if self.is_following:
            return 0
        return max(self.terminal.evicted + self.terminal.line_count - self._seen_end, 0)

    def _missed_label(self, width: int) -> str:
        missed = self.missed_lines
        label = f" +{missed} line{'s' if missed != 1 else ''} " if missed else ""
        return label if len(label) <= width else ""

    def render_line(self, y: int) -> Strip:
        """A row of the last painting."""
        width = self.size.width
        if y >= len(self._shown):
            return Strip.blank(width, self.rich_style)
        x = self.scroll_offset.x
        strip = self._painter.paint(self._shown[y], x, width, self._spans[y])
        if y == len(self._shown) - 1 and self._label:
            style = self.rich_style + self.get_component_rich_style("terminal--missed")
            strip = strip.crop(0, width - len(self._label))
            strip = Strip([*strip, Segment(self._label, style)], width)
        return strip

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Scrolled by the scrollbar or by somebody else."""
        super().watch_scroll_y(old_value, new_value)
        self._scrolled(round(new_value))

    def watch_scroll_x(self, old_value: float, new_value: float) -> None:
        """Every row shows other columns."""
        super().watch_scroll_x(old_value, new_value)
        self.request_paint()

    def _scrolled(self, y: int) -> None:
        is_at_end = y >= self._end
        if self.is_following and not is_at_end:
            self._seen_end = self.terminal.evicted + self.terminal.line_count
        self.is_following = is_at_end
        self.request_paint()

    def scroll_lines(self, count: int) -> None:
        """Scroll by lines, up when negative; at the end the pane follows again."""
        y = min(max(self.top + count, 0), self.max_scroll_y)
        self._move(y)
        self._scrolled(y)

    def scroll_columns(self, count: int) -> None:
        """Scroll by columns, to the left when negative."""
        self.scroll_x = self.scroll_x + count

    def stay(self) -> None:
        """Keep the lines in sight that are there now, whatever comes."""
        if self.is_following:
            self._move(self._end)
            self.is_following = False
            self._seen_end = self.terminal.evicted + self.terminal.line_count

    def follow(self) -> None:
        """To the newest lines, and stay there."""
        self.is_following = True
        self.request_paint()

    def action_scroll_up(self) -> None:
        """One line up."""
        self.scroll_lines(-1)

    def action_scroll_down(self) -> None:
        """One line down."""
        self.scroll_lines(1)

    def action_page_up(self) -> None:
        """A page up, less a line."""
        self.scroll_lines(-max(self.size.height - 1, 1))

    def action_page_down(self) -> None:
        """A page down, less a line."""
        self.scroll_lines(max(self.size.height - 1, 1))

    def action_scroll_home(self) -> None:
        """To the oldest line."""
        self.scroll_lines(-self.terminal.line_count)

    def action_scroll_end(self) -> None:
        """To the newest lines."""
        self.follow()

"""The terminal pane: paints the engine's lines, scrolls, selects, searches, and types."""

from __future__ import annotations

import re
import time
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style as RichStyle
from textual import events
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.widget import Widget

from ccconsole.terminal.engine import Line, Terminal
from ccconsole.terminal.engine.rows import BLANK
from ccconsole.terminal.pointer import Pointer
from ccconsole.terminal.strips import Painter, Span

PAINT_INTERVAL = 1 / 30
"""Seconds between two paintings at least."""

MAX_HOLD = 0.2
"""Seconds that synchronized output (?2026) may hold painting, should the program forget to end it."""

RELEASE_KEY = "ctrl+right_square_bracket"
"""Takes the keyboard back from the program, as in telnet."""

_LOCAL_KEYS = {
    "shift+pageup": "page_up",
    "shift+pagedown": "page_down",
    "shift+home": "scroll_home",
    "shift+end": "scroll_end",
}

_CURSOR_STYLES = (
    RichStyle(reverse=True),
    RichStyle(reverse=True),
    RichStyle(underline=True),
    RichStyle(underline2=True),
)
"""By DECSCUSR's shape (the user's choice, block, underline, bar); a bar has no cell of its own: two lines."""


class TerminalPane(ScrollView, can_focus=True):
    """A terminal on the screen. Feed the engine (`feeder.feed`); the pane sees it and paints.

    Not interactive, it scrolls: arrows, page up and down, home, end, the wheel. Interactive, keys, pastes,
    focus and (where the program asked) the mouse become `Typed`; shift with page up, page down, home or end
    scrolls, and ctrl+] leaves. A drag, a double or a triple click selects and copies, with shift also where
    the program has the mouse. The pane never changes the engine's size and takes no replies: on `SizeChanged`
    whoever runs the program resizes both, and sends what `Terminal.take_replies` gives.
    """

    ALLOW_SELECT = False

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "terminal--selection",
        "terminal--match",
        "terminal--found",
        "terminal--missed",
    }

    DEFAULT_CSS = """
    TerminalPane {
        background: $background;
        color: $foreground;
        overflow: hidden hidden;
        & > .terminal--selection { background: $primary; color: $text; }
        & > .terminal--match { background: $warning-darken-2; color: $text; }
        & > .terminal--found { background: $warning; color: $background; text-style: bold; }
        & > .terminal--missed { background: $accent; color: $text; }
    }
    """

    class Typed(Message):
        """Keys, a paste, the mouse or the focus, as the bytes that the program expects."""

        def __init__(self, data: bytes) -> None:
            super().__init__()
            self.data = data

    class SizeChanged(Message):
        """The pane has room for so many cells; posted in interactive mode."""

        def __init__(self, columns: int, rows: int) -> None:
            super().__init__()
            self.columns = columns
            self.rows = rows

    class Copied(Message):
        """A selection went to the clipboard."""

        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    class ClipboardRequested(Message):
        """The program asked to set the clipboard (OSC 52); nothing happens unless a person agrees."""

        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    def __init__(
        self,
        terminal: Terminal,
        *,
        is_interactive: bool = False,
        id: str | None = None,
        classes: str | None = None,
    ) -> None:
        super().__init__(id=id, classes=classes)
        self.terminal = terminal
        self.is_interactive = is_interactive
        self.is_following = True
        """Whether the newest lines are kept in sight."""
        self._painter = Painter(terminal)
        self._pointer = Pointer(self)
        self._shown: list[Line] = []
        self._spans: list[list[Span]] = []
        self._label = ""
        self._pattern: re.Pattern[str] | None = None
        self._search_text = ""
        self._found: tuple[int, int, int] | None = None
        self._seen_end = 0
        """Where the output ended when following stopped, in lines ever had."""
        self._evicted = 0
        self._generation = 0
        self._painted_at = 0.0
        self._held_since: float | None = None
        self._is_paint_due = False

    # Painting

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
        self._pointer.clear()
        self._found = None
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
        self._painted_at = time.monotonic()
        clipboard = self.terminal.take_clipboard()
        if clipboard is not None:
            self.post_message(self.ClipboardRequested(clipboard))
        self._fit()
        self._painter.set_base(self.rich_style)
        width, height = self.size
        top = self.top
        shown, spans = [], []
        for y in range(height):
            number = top + y
            line = self.terminal.line(number) if number < self.terminal.line_count else BLANK
            shown.append(line)
            spans.append(self._spans_of(number))
        label = self._missed_label(width)
        if len(shown) != len(self._shown) or label != self._label:
            self.refresh()
        else:
            pairs = zip(shown, spans, self._shown, self._spans, strict=True)
            dirty = [
                y for y, (line, span, old, old_span) in enumerate(pairs) if line != old or span != old_span
            ]
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
        if terminal.generation != self._generation:
            self._generation = terminal.generation
            self._pointer.clear()
            self._found = None
            self.is_following = self.is_following or terminal.is_alternate
        size = Size(terminal.columns, terminal.line_count)
        if size != self.virtual_size:
            self.set_reactive(Widget.virtual_size, size)
            self._scroll_update(size)
        lost = terminal.evicted - self._evicted
        self._evicted = terminal.evicted
        if self.is_following:
            self._move(self._end)
        elif lost > 0:
            self._move(max(self.scroll_offset.y - lost, 0))

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

    def _spans_of(self, number: int) -> list[Span]:
        """What is painted over a line: matches, the selection, the cursor."""
        spans: list[Span] = []
        place = number + self.terminal.evicted
        if self._pattern is not None and number < self.terminal.line_count:
            style = self.get_component_rich_style("terminal--match")
            spans += [(start, stop, style) for start, stop in self.terminal.matches(number, self._pattern)]
            if self._found is not None and self._found[0] == place:
                spans.append((*self._found[1:], self.get_component_rich_style("terminal--found")))
        selected = self._pointer.selected_columns(place)
        if selected is not None:
            spans.append((*selected, self.get_component_rich_style("terminal--selection")))
        cursor = self.terminal.cursor
        if self.has_focus and cursor.is_visible and number == self.terminal.history + cursor.y:
            spans.append((cursor.x, cursor.x + 1, _CURSOR_STYLES[(cursor.style + 1) // 2]))
        return spans

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

    # Scrolling

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

    # Searching

    def set_search(self, pattern: str) -> None:
        """Highlight what a regular expression matches, or the text itself when it is none; empty: nothing.

        Without a capital in it the case does not matter.
        """
        flags = re.MULTILINE if pattern != pattern.lower() else re.MULTILINE | re.IGNORECASE
        self._found = None
        if not pattern:
            self._pattern = None
        else:
            try:
                self._pattern = re.compile(pattern, flags)
            except re.error:
                self._pattern = re.compile(re.escape(pattern), flags)
        self._search_text = pattern
        self.request_paint()

    def search(self, pattern: str, *, is_forward: bool = False) -> bool:
        """Go to the next match after the last one found, or before it; False when there is none that way."""
        if pattern != self._search_text:
            self.set_search(pattern)
        if self._pattern is None:
            return False
        terminal = self.terminal
        if self._found is None:
            bottom = min(self.top + self.size.height, terminal.line_count) - 1
            here = (self.top, -1) if is_forward else (bottom, terminal.columns)
        else:
            here = (self._found[0] - terminal.evicted, self._found[1])
        for line, start, stop in terminal.search(self._pattern, here[0], is_forward=is_forward):
            if (line, start) > here if is_forward else (line, start) < here:
                self._found = (line + terminal.evicted, start, stop)
                self._reveal(line)
                return True
        return False

    def search_next(self) -> bool:
        """The next match towards the end."""
        return self.search(self._search_text, is_forward=True)

    def search_previous(self) -> bool:
        """The next match towards the beginning."""
        return self.search(self._search_text, is_forward=False)

    def _reveal(self, line: int) -> None:
        if self.top <= line < self.top + self.size.height:
            self.request_paint()
        else:
            self.scroll_lines(line - self.size.height // 2 - self.top)

    # Selecting and typing

    def selected_text(self) -> str:
        """What is selected, empty when nothing is."""
        return self._pointer.selected_text()

    def copy_selection(self) -> None:
        """The selection to the clipboard."""
        text = self.selected_text()
        if text:
            self.app.copy_to_clipboard(text)
            self.post_message(self.Copied(text))

    def type(self, data: bytes) -> None:
        """Bytes for the program, from whatever device."""
        if data and self.is_interactive:
            self.post_message(self.Typed(data))

    def on_key(self, event: events.Key) -> None:
        """Keys of an interactive terminal belong to its program, but for those that leave and scroll."""
        if not self.is_interactive:
            return
        event.stop()
        event.prevent_default()
        if event.key == RELEASE_KEY:
            self.screen.set_focus(None)
        elif event.key in _LOCAL_KEYS and not self.terminal.is_alternate:
            getattr(self, f"action_{_LOCAL_KEYS[event.key]}")()
        else:
            data = self.terminal.encode_key(event.key, event.character)
            if data:
                self.follow()
                self.type(data)

    def on_paste(self, event: events.Paste) -> None:
        """A paste, in brackets when the program wants it so."""
        if self.is_interactive:
            event.stop()
            self.type(self.terminal.encode_paste(event.text))

    def on_focus(self) -> None:
        """The cursor appears."""
        self.type(self.terminal.encode_focus(True))
        self.request_paint()

    def on_blur(self) -> None:
        """The cursor goes."""
        self.type(self.terminal.encode_focus(False))
        self.request_paint()

    def on_resize(self) -> None:
        """Room for more or fewer cells."""
        width, height = self.size
        if self.is_interactive and width and height:
            self.post_message(self.SizeChanged(width, height))
        self._paint()

    def on_mouse_down(self, event: events.MouseDown) -> None:
        """A press: the program's, or a selection begins."""
        self._pointer.press(event)

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """A drag."""
        self._pointer.move(event)

    def on_mouse_up(self, event: events.MouseUp) -> None:
        """The end of a drag."""
        self._pointer.release(event)

    def _on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        self._pointer.wheel(event, is_up=True)

    def _on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        self._pointer.wheel(event, is_up=False)

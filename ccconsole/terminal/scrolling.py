"""Scrolling through the lines of a terminal: following its end, or staying with what is read."""

from __future__ import annotations

from textual.geometry import Size
from textual.scroll_view import ScrollView
from textual.widget import Widget

from ccconsole.paints import Painted
from ccconsole.terminal.engine import Terminal

FOUND_AGAIN_LINES = 1000
"""Up and down of where it was, a line is looked for after a resize: 4 ms at most."""


class TerminalScroll(ScrollView, Painted):
    """Knows which lines of a terminal are in sight; a subclass paints them."""

    def __init__(self, terminal: Terminal, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self.terminal = terminal
        self.is_following = True
        """Whether the newest lines are kept in sight."""
        self._seen_end = 0
        """Where the output ended when following stopped, in lines ever had."""
        self._missed = 0
        """Lines that had come since then when last painted."""
        self._evicted = 0
        self._generation = 0

    def request_paint(self) -> None:
        """What the subclass does when other lines are in sight."""

    def forget(self) -> None:
        """What a subclass does when places in the terminal lose their meaning."""

    def fit(self, first: str) -> None:
        """Bring the scroll position up to date with the engine, without a layout of the screen.

        `first` is the text of the first line that was in sight.
        """
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
                self._move(self._found_again(first, self.scroll_offset.y - lost))
                self._seen_end = terminal.evicted + terminal.line_count - self._missed
                self.is_following = self.scroll_offset.y >= self._end
        elif not self.is_following and lost > 0:
            self._move(max(self.scroll_offset.y - lost, 0))
        self._evicted = terminal.evicted
        self._missed = self.missed_lines
        if self.is_following:
            self._move(self._end)

    def _found_again(self, text: str, top: int) -> int:
        """Where the line of that text is now that line numbers mean something else, or about there.

        The engine wraps only the newest lines anew, and so the line is about as far from the end as before,
        or where it was.
        """
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

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Scrolled by the scrollbar or by somebody else."""
        super().watch_scroll_y(old_value, new_value)
        self._scrolled(round(new_value))

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

"""A log view: paints the lines in sight alone, stays where the reader is, or follows the end."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import ClassVar

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.message import Message
from textual.strip import Strip

from ccconsole.model.logs import LogEntry
from ccconsole.paints import MUTED, Painted
from ccconsole.widgets.logs import text
from ccconsole.widgets.logs.book import LogBook
from ccconsole.widgets.logs.layout import Layout
from ccconsole.widgets.logs.places import Places
from ccconsole.widgets.logs.text import Look, Piece

WHEEL_ROWS = 3
SIDE_STEP = 20
"""Columns that one step to the side goes."""
_GROUND = ""
"""The view's own style, beside those by name."""
_INKS = {
    "normal": "$foreground",
    "dim": MUTED,
    "good": "$success",
    "active": "$primary",
    "warn": "$warning",
    "bad": "bold $error",
    "accent": "$secondary",
    **{f"source-{number}": colour for number, colour in enumerate(text.SOURCES)},
}
"""What text may be over any ground."""


class LogView(Painted, can_focus=True):
    """Shows a book. Each entry takes one row, or more when it is wrapped or opened."""

    PAINTS: ClassVar = {
        **_INKS,
        "cursor": "on $primary 22%",
        "chosen": "on $accent 30%",
        "match": "bold $background on $warning",
        "bar": "$panel-lighten-1",
        "thumb": "$primary",
    }

    @dataclass
    class Moved(Message):
        """The cursor is on another entry, or the view began or ceased to follow."""

        view: LogView

    @dataclass
    class Chosen(Message):
        """A drag over entries ended: they are to be copied."""

        entries: list[LogEntry]

    @dataclass
    class Opened(Message):
        """An entry was clicked twice."""

        view: LogView

    def __init__(self, book: LogBook, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.book = book
        self._shown = book.shown
        """The list that is painted, until the next change is told: a filter may be at work on another one."""
        self.empty: tuple[str, ...] = ()
        """What stands in an empty view, line by line."""
        self.side = 0
        """Columns scrolled to the right."""
        self._rows = Layout()
        self.places = Places(self._height)
        self._painted: list[tuple[int, int]] = []
        self._thumb = (0, 0)
        self._styles: dict[str, Style] = {}
        self._drag: tuple[int, int] | None = None

    @property
    def cursor_entry(self) -> LogEntry | None:
        """The entry under the cursor."""
        shown, cursor = self._shown, self.places.cursor
        return shown[cursor] if cursor < len(shown) else None

    @property
    def is_following(self) -> bool:
        """Whether it stays at the end."""
        return self.places.is_following

    def is_open(self, entry: LogEntry) -> bool:
        """Whether an entry is unfolded."""
        return self._rows.is_open(entry)

    def hold(self) -> tuple[LogEntry | None, LogEntry | None]:
        """The entries at the top and under the cursor, to stay with while the book changes."""
        shown, top = self._shown, self.places.top
        return (shown[top] if top < len(shown) else None), self.cursor_entry

    def changed(self, held: tuple[LogEntry | None, LogEntry | None]) -> None:
        """Paint the book as it is now, with what was in sight before in its place."""
        self._shown = self.book.shown
        top, cursor = (0 if entry is None else self.book.index(entry) for entry in held)
        self.places.renumber(len(self._shown), top, cursor)
        self._paint()

    def relook(self, look: Look) -> None:
        """Draw all lines in another way."""
        if look != self.look:
            self._rows.fit(self._room, look)
            self._paint()

    @property
    def look(self) -> Look:
        """How lines are drawn."""
        return self._rows.look

    def follow(self, *, is_following: bool = True) -> None:
        """Stay at the end, or stay here."""
        self.places.follow(is_following=is_following)
        self._moved()

    def move(self, by: int) -> None:
        """Move the cursor by entries; within one that is taller than the view, by rows."""
        self.places.move(by)
        self._moved()

    def move_to(self, index: int) -> None:
        """Put the cursor on the entry of that number."""
        self.places.move_to(index)
        self._moved()

    def scroll_rows(self, by: int) -> None:
        """Scroll by rows; the cursor comes along."""
        self.places.scroll(by)
        self._moved()

    def scroll_aside(self, by: int) -> None:
        """Look at another part of long lines."""
        ends = [self._rows.rows(self._shown[index])[row][-1][0] for index, row in self._painted]
        longest = max((cell_len(words) for words in ends), default=0)
        self.side = max(0, min(self.side + by, longest - SIDE_STEP))
        self._paint()

    def toggle_open(self) -> None:
        """Show all of the entry under the cursor, or its one line."""
        if (entry := self.cursor_entry) is not None:
            self._rows.toggle(entry)
            self.places.reveal()
            self._moved()

    def _moved(self) -> None:
        self._paint()
        self.post_message(self.Moved(self))

    def _paint(self) -> None:
        self._painted, self._thumb = self.places.visible(), self.places.thumb()
        self.refresh()

    def on_resize(self) -> None:
        """Other rows fit, and lines wrap elsewhere."""
        self._rows.fit(self._room, self.look)
        self.places.height = max(1, self.size.height)
        self._paint()

    def notify_style_update(self) -> None:
        """Another theme."""
        super().notify_style_update()
        self._styles.clear()
        self.refresh()

    def on_focus(self) -> None:
        """The cursor is brighter with the focus."""
        self.refresh()

    def on_blur(self) -> None:
        """And fainter without."""
        self.refresh()

    @property
    def _room(self) -> int:
        return max(1, self.size.width - 1)

    def _height(self, index: int) -> int:
        return self._rows.height(self._shown[index])

    def render_line(self, y: int) -> Strip:
        """The row that is in sight there, and the bar beside it."""
        if y < len(self._painted):
            index, row = self._painted[y]
            strip = self._row(index, row)
        else:
            strip = self._blank(y)
        strip = strip.adjust_cell_length(self._room, self._style(_GROUND))
        return Strip.join([strip, Strip([self._bar(y)], 1)])

    def _blank(self, y: int) -> Strip:
        line = y - 1
        if self._shown or not 0 <= line < len(self.empty):
            return Strip([])
        return Strip([Segment(f"  {self.empty[line]}", self._style("dim" if line else "normal"))])

    def _row(self, index: int, number: int) -> Strip:
        entry = self._shown[index]
        rows = self._rows.rows(entry)
        pieces = rows[min(number, len(rows) - 1)]
        ground = self._style(_GROUND)
        if self._drag is not None and min(self._drag) <= index <= max(self._drag):
            ground += self._style("chosen")
        elif index == self.places.cursor:
            is_bright = self.has_focus
            cursor = self._style("cursor")
            ground += cursor if is_bright else Style(bgcolor=cursor.bgcolor)
        *before, last = pieces
        segments = [Segment(part, ground + self._style(tone)) for part, tone in before]
        ending = Strip([*self._marked(last, ground)])
        if self.side and not self.look.is_wrapped and not self._rows.is_open(entry):
            ending = ending.crop(self.side, None)
        return Strip([*segments, *ending]).adjust_cell_length(self._room, ground)

    def _marked(self, piece: Piece, ground: Style) -> list[Segment]:
        """The text with what a search finds in it."""
        words, tone = piece
        ink = ground + self._style(tone)
        pattern = self.book.pattern.pattern if self.book.pattern is not None else None
        if pattern is None:
            return [Segment(words, ink)]
        found, at = [], 0
        for match in _matches(pattern, words):
            found += [
                Segment(words[at : match.start()], ink),
                Segment(match.group(), ink + self._style("match")),
            ]
            at = match.end()
        return [*found, Segment(words[at:], ink)]

    def _style(self, name: str) -> Style:
        known = self._styles.get(name)
        if known is None:
            full = self.paint(name) if name else self.rich_style
            known = Style(color=full.color, bold=full.bold or None) if name in _INKS else full
            self._styles[name] = known
        return known

    def _bar(self, y: int) -> Segment:
        start, stop = self._thumb
        if stop - start >= self.size.height:
            return Segment(" ", self._style(_GROUND))
        is_thumb = start <= y < stop
        return Segment("┃" if is_thumb else "│", self._style("thumb" if is_thumb else "bar"))

    def _index_at(self, y: int) -> int | None:
        return self._painted[y][0] if 0 <= y < len(self._painted) else None

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """A step of the wheel."""
        event.stop()
        self.scroll_rows(-WHEEL_ROWS)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """A step of the wheel."""
        event.stop()
        self.scroll_rows(WHEEL_ROWS)

    def on_mouse_down(self, event: events.MouseDown) -> None:
        """Puts the cursor there and begins a choice; on the bar it goes to that part of the log."""
        if event.x >= self._room:
            self.move_to(event.y * len(self._shown) // max(1, self.size.height))
        elif (index := self._index_at(event.y)) is not None:
            self.move_to(index)
            self.follow(is_following=False)
            self._drag = (index, index)
            self.capture_mouse()

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """A drag chooses whole entries."""
        if self._drag is not None and (index := self._index_at(event.y)) is not None:
            self._drag = (self._drag[0], index)
            self.refresh()

    def on_mouse_up(self, event: events.MouseUp) -> None:
        """The end of a drag."""
        if self._drag is None:
            return
        self.release_mouse()
        first, last = sorted(self._drag)
        self._drag = None
        if last > first:
            self.post_message(self.Chosen(self._shown[first : last + 1]))
        self.refresh()

    def on_click(self, event: events.Click) -> None:
        """Twice: open."""
        if event.chain == 2 and event.x < self._room:
            self.post_message(self.Opened(self))


def _matches(pattern: re.Pattern[str], words: str) -> list[re.Match[str]]:
    return [match for match in pattern.finditer(words) if match.end() > match.start()]

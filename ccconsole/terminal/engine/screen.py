"""The state of the terminal (two buffers, cursor, pen, modes), and how text is written and scrolled."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from ccconsole.terminal.engine.cells import CONTINUATION, Clusters
from ccconsole.terminal.engine.rows import Row
from ccconsole.terminal.engine.scrollback import Scrollback
from ccconsole.terminal.engine.styles import PLAIN, StyleTable

TAB_WIDTH = 8

MAX_REPLIES = 1 << 16
"""Bytes of answers that wait to be taken; a program that floods us with queries loses the later answers."""

DEFAULT_MODES = frozenset({7, 25, 2027})
"""DEC private modes set at the start: autowrap, visible cursor, grapheme clusters."""


@dataclass
class SavedCursor:
    """What DECSC saves."""

    x: int = 0
    y: int = 0
    pen: str = PLAIN
    charsets: tuple[str, ...] = ("B",) * 4
    shift: int = 0
    is_origin: bool = False


@dataclass
class Buffer:
    """The main or the alternate screen."""

    rows: list[Row]
    scrollback: Scrollback | None = None
    """Only the main screen has one."""
    saved: SavedCursor = field(default_factory=SavedCursor)
    keyboard: list[int] = field(default_factory=list)
    """The stack of kitty keyboard flags."""

    def copy(self) -> Buffer:
        """Another of the same content."""
        scrollback = None if self.scrollback is None else self.scrollback.copy()
        rows = [row.copy() for row in self.rows]
        return Buffer(rows, scrollback, replace(self.saved), self.keyboard.copy())


@dataclass
class Events:
    """What the program asked for beside the screen, until somebody takes it."""

    bells: int = 0
    clipboard: str | None = None
    """The newest OSC 52 write; only a person may let it through."""


class Screen:
    """Everything that sequences change. Columns and rows count from 0; x == columns is the delayed wrap.

    One like another shares its tables of styles, clusters and links, so that their cells mean the same.
    """

    def __init__(
        self, columns: int, rows: int, max_lines: int, max_bytes: int, like: Screen | None = None
    ) -> None:
        self.table: StyleTable = StyleTable() if like is None else like.table
        self.clusters: Clusters = Clusters() if like is None else like.clusters
        self.links: list[str] = [""] if like is None else like.links
        self.link_numbers: dict[str, int] = {} if like is None else like.link_numbers
        self.columns = columns
        self.height = rows
        self.main = Buffer([Row() for _ in range(rows)], Scrollback(self.table, max_lines, max_bytes))
        self.alternate = Buffer([Row() for _ in range(rows)])
        self.events = Events()
        self.replies: list[bytes] = []
        self.reply_bytes = 0
        self.generation = 0
        """Changes whenever line numbers lose their meaning: resize, cleared scrollback, another screen."""
        self.foreground = 0xE0E0E0
        self.background = 0x121212
        self.reset()

    def reset(self) -> None:
        """RIS: everything but the scrollback as at the start."""
        self.buffer = self.main
        self.rows = self.main.rows
        for buffer in (self.main, self.alternate):
            buffer.saved = SavedCursor()
            buffer.keyboard = []
            for row in buffer.rows:
                row.clear(PLAIN)
        self.title = ""
        self.titles: list[str] = []
        self.cursor_style = 0
        self.tabs = set(range(TAB_WIDTH, self.columns, TAB_WIDTH))
        self.x = self.y = 0
        self.last_printed = ""
        self.generation += 1
        self.soft_reset()
        self.modes = set(DEFAULT_MODES)
        self.saved_modes: dict[int, bool] = {}
        """What XTSAVE saved."""
        self.is_newline_mode = False

    def soft_reset(self) -> None:
        """DECSTR: modes, margins, pen and character sets, not the screen's content."""
        self.modes = {mode for mode in getattr(self, "modes", DEFAULT_MODES) if mode not in (1, 6, 66)} | {
            7,
            25,
        }
        self.is_autowrap = True
        self.is_insert = False
        self.is_origin = False
        self.pen = PLAIN
        self.charsets = ["B"] * 4
        self.shift = 0
        self.single_shift: int | None = None
        """The character set of the next character alone."""
        self.top = 0
        self.bottom = self.height - 1
        self.buffer.saved = SavedCursor()
        self.update_directness()

    def update_directness(self) -> None:
        """Whether text that fits the row is written as it is: no insert mode, no other character set."""
        self.is_direct = not self.is_insert and self.charsets[self.shift] == "B" and self.single_shift is None

    @property
    def fill(self) -> str:
        """The style of what is erased now: the pen's background."""
        return self.table.erased[self.pen]

    @property
    def column(self) -> int:
        """The cursor's column on the screen, the delayed wrap set aside."""
        return min(self.x, self.columns - 1)

    def reply(self, answer: str) -> None:
        """Queue an answer to the program."""
        if self.reply_bytes < MAX_REPLIES:
            encoded = answer.encode()
            self.replies.append(encoded)
            self.reply_bytes += len(encoded)

    def write(self, cells: str) -> None:
        """Print cells at the cursor, in the common state of the modes."""
        end = self.x + len(cells)
        if end <= self.columns:
            self.rows[self.y].put(self.x, cells, self.pen * len(cells))
            self.x = end
        else:
            self.write_wrapping(cells)

    def write_wrapping(self, cells: str) -> None:
        """Print cells that may not fit the row, or that push others to the right."""
        at = 0
        while at < len(cells):
            if self.x >= self.columns:
                self.wrap()
            stop = at + self.columns - self.x
            if stop < len(cells) and cells[stop] == CONTINUATION:
                stop -= 1
                if stop == at:
                    self.skip_last_column()
                    at += 2 if self.columns == 1 else 0
                    continue
            piece = cells[at:stop]
            row = self.rows[self.y]
            if self.is_insert:
                row.insert(self.x, len(piece), row.fill, self.columns)
            row.put(self.x, piece, self.pen * len(piece))
            self.x += len(piece)
            at = stop

    def wrap(self) -> None:
        """Go on in the next row, which belongs to the same line."""
        self.rows[self.y].is_wrapped = True
        self.x = 0
        self.line_feed()

    def skip_last_column(self) -> None:
        """A wide character does not fit the last column: blank it and be ready to wrap."""
        self.rows[self.y].truncate(self.x, self.fill)
        self.x = self.columns

    def line_feed(self) -> None:
        """Down one row, scrolling at the bottom margin."""
        if self.y == self.bottom:
            self.scroll_up(1)
        elif self.y < self.height - 1:
            self.y += 1

    def scroll_up(self, count: int, top: int | None = None) -> None:
        """Scroll the region; rows that leave the main screen's top go to the scrollback."""
        first = self.top if top is None else top
        count = min(count, self.bottom - first + 1)
        rows = self.rows
        scrollback = self.buffer.scrollback
        leaving = rows[first : first + count]
        if first == 0 and scrollback is not None and top is None:
            for row in leaving:
                scrollback.push(row, self.columns)
        del rows[first : first + count]
        end = self.bottom + 1 - count
        rows[end:end] = self._blanked(leaving)

    def scroll_down(self, count: int, top: int | None = None) -> None:
        """Scroll the region down; rows that leave at the bottom are lost."""
        first = self.top if top is None else top
        count = min(count, self.bottom - first + 1)
        rows = self.rows
        end = self.bottom + 1 - count
        leaving = rows[end : self.bottom + 1]
        del rows[end : self.bottom + 1]
        rows[first:first] = self._blanked(leaving)

    def _blanked(self, rows: list[Row]) -> list[Row]:
        """Rows that left, to come in again at the other end."""
        fill = self.table.erased[self.pen]
        for row in rows:
            row.clear(fill)
        return rows

    def switch(self, buffer: Buffer) -> None:
        """Show the main or the alternate screen."""
        if buffer is not self.buffer:
            self.buffer = buffer
            self.rows = buffer.rows
            self.generation += 1

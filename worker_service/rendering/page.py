"""The page of cells that a terminal's output is written on; what scrolls off it becomes text."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

from worker_service.rendering.row import Row

TAB_WIDTH = 8

_NARROW = re.compile("[ -~\xa1-\xac\xae-\u02ff\u2010-\u2027\u2190-\u2199\u2500-\u25fc\u2800-\u28ff]+")
"""Text of which each character is a cell of its own, whatever stands beside it."""
_MAX_CLUSTER = 32
"""Characters of one cell, marks and all."""


class Page:
    """Rows of cells and a cursor; columns and rows count from 0, x == columns is the delayed wrap.

    `left` takes the text of the rows that scroll off its top; a page without it, the alternate screen, lets
    them go.
    """

    def __init__(self, columns: int, height: int, left: list[str] | None) -> None:
        self.columns, self.height = columns, height
        self.left = left
        self.reset()

    def reset(self) -> None:
        """Blank, with the cursor at home."""
        self.rows = [Row() for _ in range(self.height)]
        self.x = self.y = 0
        self.last_printed = ""
        self.soft_reset()

    def soft_reset(self) -> None:
        """Margins and modes as at the start."""
        self.top, self.bottom = 0, self.height - 1
        self.saved = (0, 0)
        self.is_autowrap = True

    @property
    def column(self) -> int:
        """The cursor's column, the delayed wrap set aside."""
        return min(self.x, self.columns - 1)

    @property
    def is_plain(self) -> bool:
        """Whether lines that come now scroll through the whole page, one below the other."""
        is_whole = self.is_autowrap and not self.x and not self.top and self.bottom == self.height - 1
        return is_whole and not any(row.cells or row.is_wrapped for row in self.rows[self.y :])

    def write(self, run: str) -> None:
        """Print characters, none of them a control."""
        if not run:
            return
        if run.isascii() or _NARROW.fullmatch(run):
            self.last_printed = run[-1]
            self._write_narrow(run)
            return
        for cluster in _clusters(run):
            self._write_cluster(cluster)

    def _write_narrow(self, run: str) -> None:
        end = self.x + len(run)
        if end <= self.columns:
            self.rows[self.y].put(self.x, run)
            self.x = end
            return
        at = 0
        while at < len(run):
            if self.x >= self.columns:
                self._wrap()
            piece = run[at : at + self.columns - self.x]
            if not self.is_autowrap and len(piece) < len(run) - at:
                piece, at = piece[:-1] + run[-1], len(run)
            self.rows[self.y].put(self.x, piece)
            self.x += len(piece)
            at += len(piece)

    def _write_cluster(self, cluster: str) -> None:
        width = min(_width(cluster), self.columns)
        if width == 0:
            self._join(cluster)
            return
        self.last_printed = cluster
        if self.x + width > self.columns:
            if self.x < self.columns and self.is_autowrap:
                self.rows[self.y].truncate(self.x)
            self._wrap()
            if self.x + width > self.columns:
                return
        self.rows[self.y].put(self.x, [cluster, ""][:width])
        self.x += width

    def _join(self, cluster: str) -> None:
        """A mark without a width belongs to the cell before the cursor."""
        row, x = self.rows[self.y], self.x - 1
        if x >= len(row.cells):
            row.put(x, " ")
        if x > 0 and not row.cells[x]:
            x -= 1
        if x >= 0 and len(row.cells[x]) < _MAX_CLUSTER:
            row.cells[x] += cluster
            self.last_printed = row.cells[x]

    def _wrap(self) -> None:
        if not self.is_autowrap:
            self.x = self.columns - 1
            return
        self.rows[self.y].is_wrapped = True
        self.x = 0
        self.line_feed()

    def line_feed(self) -> None:
        """Down one row, scrolling at the bottom margin."""
        self.x = self.column
        if self.y == self.bottom:
            self.scroll_up(1)
        elif self.y < self.height - 1:
            self.y += 1

    def reverse_line_feed(self) -> None:
        """Up one row, scrolling down at the top margin."""
        self.x = self.column
        if self.y == self.top:
            self.scroll_down(1)
        elif self.y > 0:
            self.y -= 1

    def scroll_up(self, count: int, first: int | None = None) -> None:
        """Scroll the region; what leaves the page's top is text from then on."""
        start = self.top if first is None else first
        count = min(count, self.bottom - start + 1)
        if start == 0 and first is None and self.left is not None:
            self.left += [row.text() for row in self.rows[:count]]
        del self.rows[start : start + count]
        self.rows[self.bottom + 1 - count : self.bottom + 1 - count] = [Row() for _ in range(count)]

    def scroll_down(self, count: int, first: int | None = None) -> None:
        """Scroll the region down; what leaves at its bottom is lost."""
        start = self.top if first is None else first
        count = min(count, self.bottom - start + 1)
        del self.rows[self.bottom + 1 - count : self.bottom + 1]
        self.rows[start:start] = [Row() for _ in range(count)]

    def push_all(self) -> None:
        """Everything above the cursor becomes text, and the cursor goes to the blank page's top."""
        self.scroll_up(self.y)
        self.y = 0

    def erase(self, first: int, stop: int) -> None:
        """Blank whole rows."""
        for row in self.rows[first:stop]:
            row.truncate(0)

    def resize(self, columns: int, height: int) -> None:
        """Another size. Rows stay as they were cut; the uppermost leave where there are too many."""
        surplus = max(self.y + 1 - height, 0)
        self.top, self.bottom = 0, self.height - 1
        self.scroll_up(surplus)
        del self.rows[height:]
        self.rows += [Row() for _ in range(height - len(self.rows))]
        self.columns, self.height, self.bottom = columns, height, height - 1
        self.x, self.y = min(self.x, columns), self.y - surplus

    def take(self) -> str:
        """What scrolled off since the last time."""
        if not self.left:
            return ""
        text = "".join(self.left)
        self.left.clear()
        return text

    def obey(self, final: str, first: int, second: int) -> None:
        """A control sequence by its final character; `first` and `second` are 0 where not given."""
        count = max(first, 1)
        match final:
            case "A" | "F":
                self.x = 0 if final == "F" else self.column
                self.y = max(self.y - count, self.top if self.y >= self.top else 0)
            case "e":
                self.x, self.y = self.column, min(self.y + count, self.height - 1)
            case "B" | "E":
                self.x = 0 if final == "E" else self.column
                self.y = min(self.y + count, self.bottom if self.y <= self.bottom else self.height - 1)
            case "C" | "a":
                self.x = min(self.x + count, self.columns - 1)
            case "D":
                self.x = max(self.column - count, 0)
            case "G" | "`":
                self.x = min(count, self.columns) - 1
            case "d":
                self.x, self.y = self.column, min(count, self.height) - 1
            case "H" | "f":
                self.x, self.y = min(max(second, 1), self.columns) - 1, min(count, self.height) - 1
            case "r" if count < (bottom := min(second or self.height, self.height)):
                self.top, self.bottom, self.x, self.y = count - 1, bottom - 1, 0, 0
            case "b" if self.last_printed:
                self._repeat(count)
            case _:
                self._edit(final, first, count)

    def _repeat(self, count: int) -> None:
        """The last character again; of more than a screenful only what scrolled off sees less."""
        in_row = max(self.columns // (_width(self.last_printed) or 1), 1)
        beyond = count - in_row * self.height
        self.write(self.last_printed * (count if beyond <= 0 else in_row * self.height + beyond % in_row))

    def _edit(self, final: str, first: int, count: int) -> None:
        row, x = self.rows[self.y], self.column
        if final in "JKX@P":
            self.x = x
        match final:
            case "J" | "K" if first < 3:
                self._erase(final, first)
            case "X":
                self._blank(x, x + count)
            case "@":
                row.insert(x, min(count, self.columns - x), self.columns)
            case "P":
                row.delete(x, count)
            case "L" | "M" if self.top <= self.y <= self.bottom:
                (self.scroll_down if final == "L" else self.scroll_up)(count, self.y)
                self.x = 0
            case "S":
                self.scroll_up(count)
            case "T":
                self.scroll_down(count)

    def _erase(self, final: str, which: int) -> None:
        """To the end, from the start, or all: of the row (EL), or of the page (ED)."""
        x = self.column
        if which == 0:
            self.rows[self.y].truncate(x)
        elif which == 1:
            self._blank(0, x + 1)
        else:
            self.rows[self.y].truncate(0)
        if final == "J":
            if which != 1:
                self.erase(self.y + 1, self.height)
            if which != 0:
                self.erase(0, self.y)

    def _blank(self, start: int, stop: int) -> None:
        row = self.rows[self.y]
        if stop >= self.columns:
            row.truncate(start)
        elif start < len(row.cells):
            row.put(start, " " * (stop - start))


# wcwidth is imported where text first needs it: a worker's cold start need not wait 80 ms for it.


def _clusters(run: str) -> Iterator[str]:
    from wcwidth import iter_graphemes

    return iter_graphemes(run)


@lru_cache(maxsize=4096)
def _width(cluster: str) -> int:
    from wcwidth import wcswidth

    return min(max(wcswidth(cluster), 0), 2) or int(cluster[0].isalpha())

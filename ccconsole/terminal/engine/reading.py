"""Reading the terminal: lines, text between two places, words, search."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import chain

from ccconsole.terminal.engine.cells import CONTINUATION
from ccconsole.terminal.engine.rows import Line
from ccconsole.terminal.engine.screen import Screen

_WORD = re.compile(r"[\w\-./~:@%+#=?&,]+")
"""What a double click takes: paths and addresses as a whole."""


def line(screen: Screen, number: int) -> Line:
    """One line of the shown buffer, the scrollback's first."""
    scrollback = screen.buffer.scrollback
    history = 0 if scrollback is None else len(scrollback)
    if number < 0:
        raise IndexError(number)
    if scrollback is not None and number < history:
        return scrollback[number]
    return screen.rows[number - history].line()


def text(screen: Screen, start: tuple[int, int], end: tuple[int, int]) -> str:
    """Text from one (line, column) to another, excluded; blanks before a line's end are left out."""
    scrollback = screen.buffer.scrollback
    count = screen.height + (0 if scrollback is None else len(scrollback))
    parts = []
    for number in range(max(start[0], 0), min(end[0] + 1, count)):
        row = line(screen, number)
        first = start[1] if number == start[0] else 0
        stop = end[1] if number == end[0] else max(len(row.text), screen.columns)
        cells = row.text[first:stop]
        if cells[:1] == CONTINUATION:
            cells = row.text[first - 1 : stop]
        plain = screen.clusters.text(cells)
        if row.is_wrapped and number != end[0]:
            parts.append(plain)
        else:
            parts += (plain.rstrip(" "), "\n")
    return "".join(parts).rstrip("\n")


def matches(screen: Screen, number: int, pattern: re.Pattern[str]) -> list[tuple[int, int]]:
    """The pattern's matches in one line as (first column, column after the last); empty ones left out."""
    scrollback = screen.buffer.scrollback
    history = 0 if scrollback is None else len(scrollback)
    is_history = scrollback is not None and number < history
    cells = scrollback.text(number) if scrollback is not None and is_history else line(screen, number).text
    if cells.isascii():
        return [match.span() for match in pattern.finditer(cells) if match[0]]
    columns = _columns(screen, cells)
    found = pattern.finditer(screen.clusters.text(cells))
    return [(columns[match.start()], columns[match.end()]) for match in found if match[0]]


def search(
    screen: Screen, pattern: re.Pattern[str], first: int, is_forward: bool
) -> Iterator[tuple[int, int, int]]:
    """Matches as (line, first column, column after the last) from a line on, in either direction."""
    scrollback = screen.buffer.scrollback
    history = 0 if scrollback is None else len(scrollback)
    count = history + screen.height
    first = min(max(first, 0), count - 1)
    shown = range(max(first, history), count) if is_forward else range(first, history - 1, -1)
    kept: Iterable[int] = ()
    if scrollback is not None and history:
        kept = scrollback.candidates(pattern, min(first, history - 1), is_forward)
    numbers = chain(kept if first < history else (), shown) if is_forward else chain(shown, kept)
    for number in numbers:
        found = matches(screen, number, pattern)
        for start, stop in found if is_forward else reversed(found):
            yield number, start, stop


def _columns(screen: Screen, cells: str) -> list[int]:
    """The column of each character of the cells' text, and the one after the last."""
    columns = []
    for column, cell in enumerate(cells):
        if cell != CONTINUATION:
            columns += [column] * len(screen.clusters.text(cell))
    return [*columns, len(cells)]


def word_at(screen: Screen, number: int, column: int) -> tuple[int, int]:
    """The columns of the word at a place, or of the one cell there that is no word."""
    cells = line(screen, number).text
    columns = _columns(screen, cells)
    plain = screen.clusters.text(cells)
    for match in _WORD.finditer(plain):
        start, stop = columns[match.start()], columns[match.end()]
        if start <= column < stop:
            return start, stop
    return column, column + 1

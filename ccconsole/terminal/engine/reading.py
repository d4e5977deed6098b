"""Reading the terminal: lines, text between two places, words, search."""

from __future__ import annotations

import re
from collections.abc import Iterator

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


def search(screen: Screen, pattern: re.Pattern[str], first: int) -> Iterator[tuple[int, int, int]]:
    """Matches within one line each; lines that come in meanwhile are searched too."""
    number = max(first, 0)
    while True:
        try:
            cells = line(screen, number).text
        except IndexError:
            return
        columns = None if cells.isascii() else _columns(screen, cells)
        for match in pattern.finditer(cells if columns is None else screen.clusters.text(cells)):
            start, stop = match.span()
            if start == stop:
                continue
            yield (number, start, stop) if columns is None else (number, columns[start], columns[stop])
        number += 1


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

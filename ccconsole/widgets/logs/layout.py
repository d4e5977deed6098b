"""The rows that each entry takes: one, or more when it is wrapped or opened."""

from __future__ import annotations

from ccconsole.model.logs import LogEntry
from ccconsole.widgets.logs import text
from ccconsole.widgets.logs.book import Key, key
from ccconsole.widgets.logs.text import INDENT, Look, Piece

_MOST_LAID_OUT = 4_000
"""Entries whose rows are remembered."""

Rows = list[list[Piece]]


class Layout:
    """Knows the width, the look, and which entries are opened."""

    def __init__(self) -> None:
        self.look = Look()
        self._width = 80
        self._opened: set[Key] = set()
        self._rows: dict[Key, Rows] = {}

    def fit(self, width: int, look: Look) -> None:
        """Another width in cells, or another look: nothing that was laid out is right."""
        self._width, self.look = width, look
        self._rows.clear()

    def is_open(self, entry: LogEntry) -> bool:
        """Whether an entry is unfolded."""
        return key(entry) in self._opened

    def toggle(self, entry: LogEntry) -> None:
        """Unfold it, or fold it."""
        self._opened ^= {key(entry)}
        self._rows.pop(key(entry), None)

    def height(self, entry: LogEntry) -> int:
        """How many rows it takes."""
        return len(self.rows(entry)) if self.look.is_wrapped or self.is_open(entry) else 1

    def rows(self, entry: LogEntry) -> Rows:
        """Its rows; the last piece of each is its text."""
        known = self._rows.get(key(entry))
        if known is None:
            if len(self._rows) > _MOST_LAID_OUT:
                self._rows.clear()
            known = self._rows[key(entry)] = self._lay_out(entry)
        return known

    def _lay_out(self, entry: LogEntry) -> Rows:
        before, first = text.columns(entry, self.look), text.line(entry)
        tone = text.SEVERITIES[entry.severity][1]
        if not self.look.is_wrapped and not self.is_open(entry):
            return [[*before, (first, tone)]]
        left = text.cells(before)
        pieces = text.wrapped(first, max(10, self._width - left))
        rows = [[*before, (pieces[0], tone)], *([(" " * left, ""), (piece, tone)] for piece in pieces[1:])]
        if self.is_open(entry):
            rows += [[(" " * INDENT, ""), piece] for piece in text.details(entry, self._width)]
        return rows

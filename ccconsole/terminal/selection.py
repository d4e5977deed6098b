"""A selection in a terminal: two places that stay with their text while lines scroll away."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from enum import Enum

from ccconsole.terminal.engine import Terminal
from ccconsole.terminal.feeder import PAUSE

TEXT_LINES = 500
"""Lines read between two pauses: 4 ms of coloured ones (measured)."""

Place = tuple[int, int]
"""A line, counted from the first the terminal ever had, and a column."""


class Unit(Enum):
    """What a drag takes at once: one, two or three clicks before it."""

    CELL = 1
    WORD = 2
    LINE = 3


@dataclass
class Selection:
    """From where the button went down to where the mouse is, in whole units."""

    anchor: Place
    head: Place
    unit: Unit = Unit.CELL

    def ends(self, terminal: Terminal) -> tuple[Place, Place]:
        """Its first place, and the one after its last."""
        first, last = sorted((self.anchor, self.head))
        if self.unit is Unit.LINE:
            return (first[0], 0), (last[0], terminal.columns)
        if self.unit is Unit.WORD:
            return (first[0], _word(terminal, first)[0]), (last[0], _word(terminal, last)[1])
        return first, (last[0], last[1] + 1) if self.anchor != self.head else last

    def columns(self, terminal: Terminal, line: int) -> tuple[int, int] | None:
        """The columns of a line (counted as places are) that are selected."""
        (first, start), (last, stop) = self.ends(terminal)
        if not first <= line <= last or (first, start) == (last, stop):
            return None
        return start if line == first else 0, stop if line == last else terminal.columns

    def text(self, terminal: Terminal) -> str:
        """What is selected, less what the scrollback has lost."""
        (first, start), (last, stop) = self.ends(terminal)
        if (first, start) == (last, stop):
            return ""
        evicted = terminal.evicted
        if first < evicted:
            first, start = evicted, 0
        return (
            terminal.selected_text((first - evicted, start), (last - evicted, stop)) if last >= first else ""
        )


def _word(terminal: Terminal, place: Place) -> tuple[int, int]:
    number = place[0] - terminal.evicted
    if not 0 <= number < terminal.line_count:
        return place[1], place[1] + 1
    return terminal.word_at(number, place[1])


async def whole_text(terminal: Terminal) -> str:
    """All lines that there are now, as `Terminal.text` gives them, in slices that leave room for others."""
    line, end = terminal.evicted, terminal.evicted + terminal.line_count
    parts = []
    while line < end:
        line = max(line, terminal.evicted)
        first = line - terminal.evicted
        last = min(first + TEXT_LINES, end - terminal.evicted) - 1
        # A slice ends where a line of text does: else its end would be taken for the end of all.
        while last + 1 < end - terminal.evicted and (
            terminal.line(last).is_wrapped or not terminal.line(last).text.strip(" ")
        ):
            last += 1
        parts.append(terminal.text(first, last + 1))
        line = last + 1 + terminal.evicted
        await asyncio.sleep(PAUSE)
    return "\n".join(parts).rstrip("\n")

"""What is wrong with a recording: however many lines are, each kind of flaw is one sentence."""

from __future__ import annotations

from enum import StrEnum


class Flaw(StrEnum):
    """A kind of flaw, in words for one line and for several."""

    NO_EVENT = "no event|no events"
    TOO_LONG = "too long|too long"
    TIME = "out of time|out of time"
    SIZE = "of no possible size|of no possible size"
    CUT_OFF = "cut off|cut off"


_MEANINGS = {
    Flaw.NO_EVENT: "left out",
    Flaw.TOO_LONG: "left out",
    Flaw.TIME: "shown at the time of the line before",
    Flaw.SIZE: "the nearest possible is taken",
    Flaw.CUT_OFF: "the recording ended while it was written; what came before is whole",
}


class Flaws:
    """The flaws found so far."""

    def __init__(self) -> None:
        self.line = 1
        """The one that is read now."""
        self._found: dict[Flaw, tuple[int, int, int]] = {}
        """By kind: the first line, the last, how many."""

    def add(self, flaw: Flaw) -> None:
        """Note one in the line that is read; a line has each once."""
        first, last, count = self._found.get(flaw, (self.line, 0, 0))
        if last != self.line:
            self._found[flaw] = first, self.line, count + 1

    @property
    def are_harmless(self) -> bool:
        """Whether nothing of the recording is missing."""
        return self._found.keys() <= {Flaw.TIME, Flaw.SIZE}

    def sentences(self) -> list[str]:
        """One for each kind."""
        return [_sentence(flaw, first, count) for flaw, (first, _, count) in self._found.items()]


def _sentence(flaw: Flaw, line: int, count: int) -> str:
    one, several = flaw.value.split("|")
    where = f"line {line} is {one}" if count == 1 else f"line {line} and {count - 1:,} more are {several}"
    return f"{where}: {_MEANINGS[flaw]}"

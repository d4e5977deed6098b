"""The head that plays a recording into a terminal: what has been played, and the frames to go back to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ccconsole.recordings.flaws import Flaws
from ccconsole.recordings.reading import PIECE_BYTES, Event, Place, Recording
from ccconsole.terminal.engine import Snapshot, Terminal

SCROLLBACK_LINES = 500
"""To look back from where one is, and for a resize to take lines from; each frame keeps as many."""
EVENTS_AT_ONCE = 256
"""A few milliseconds of the smallest events."""


@dataclass(frozen=True, slots=True)
class Frame:
    """What a terminal showed at a place in a recording."""

    place: Place
    snapshot: Snapshot


@dataclass(frozen=True, slots=True)
class Goal:
    """Where a head is to go: behind all events up to a time, or, if given, behind so many steps."""

    time: float
    steps: int | None = None

    def is_behind(self, place: Place) -> bool:
        """Whether the place can be played on to this goal."""
        return place.time <= self.time if self.steps is None else place.steps <= self.steps


class Head:
    """A terminal, and how far the recording has been played into it."""

    def __init__(
        self,
        recording: Recording,
        terminal: Terminal,
        *,
        flaws: Flaws | None = None,
        on_marker: Callable[[float, str], None] | None = None,
    ) -> None:
        self.terminal = terminal
        self._recording = recording
        self._flaws = flaws
        self._on_marker = on_marker
        self._go(recording.start)

    def _go(self, place: Place) -> None:
        self.offset, self._line, self.steps, self.time = place.offset, place.line, place.steps, place.time
        self.is_whole = True
        """Whether no event is half played."""
        self._events = self._recording.events(place, self._flaws)
        self._next = next(self._events, None)

    @property
    def place(self) -> Place:
        """Behind the last whole event."""
        return Place(self.offset, self._line, self.steps, self.time)

    @property
    def next_time(self) -> float | None:
        """When the next event is; None behind the last."""
        return None if self._next is None else self._next.time

    def frame(self) -> Frame:
        """What is shown here; only where the head is whole."""
        return Frame(self.place, self.terminal.snapshot())

    def go(self, frame: Frame) -> None:
        """Go on from a frame of this recording."""
        self.terminal.restore(frame.snapshot)
        self._go(frame.place)

    def play(self, goal: Goal) -> bool:
        """Play some milliseconds' worth of events towards a goal that lies ahead; True once it is reached."""
        output: list[bytes] = []
        size = 0
        for _ in range(EVENTS_AT_ONCE):
            event = self._next
            if event is None or self._is_there(event, goal):
                self._feed(output)
                return True
            if isinstance(event.data, bytes):
                output.append(event.data)
                size += len(event.data)
            elif isinstance(event.data, tuple):
                self._feed(output)
                self.terminal.resize(*event.data)
            elif event.code == "m" and self._on_marker is not None:
                self._on_marker(event.time, event.data)
            self._pass(event)
            if size >= PIECE_BYTES and (self.is_whole or size >= 2 * PIECE_BYTES):
                break
        self._feed(output)
        return False

    def _is_there(self, event: Event, goal: Goal) -> bool:
        return event.time > goal.time if goal.steps is None else self.steps >= goal.steps

    def _pass(self, event: Event) -> None:
        self.is_whole = event.offset > 0
        if self.is_whole:
            self.offset, self._line, self.time = event.offset, event.line, event.time
            if event.code in ("o", "r"):
                self.steps += 1
        self._next = next(self._events, None)

    def _feed(self, output: list[bytes]) -> None:
        if output:
            self.terminal.feed(b"".join(output))
            output.clear()

"""What a player wants to know beforehand: a recording's length, its markers, and frames to seek from."""

from __future__ import annotations

import asyncio
import time
from bisect import bisect_right
from collections.abc import AsyncGenerator
from typing import NamedTuple

from ccconsole.recordings.head import Frame, Goal, Head
from ccconsole.recordings.reading import Place, Recording
from ccconsole.terminal.engine import Terminal
from ccconsole.terminal.feeder import BUDGET, PAUSE

STRIDE_SECONDS = 0.06
"""Of work between two frames: what a seek takes at most, where nothing else wants the processor."""
FRAMES_BYTES = 64 << 20
"""What all frames may take; when there are more, every second one goes and the stride doubles."""
MAX_MARKERS = 10_000
PROGRESS_SECONDS = 0.1
_ALL = Goal(float("inf"))


class Marker(NamedTuple):
    """A named moment of a recording."""

    time: float
    label: str


class Timeline:
    """Built by `scan`, which plays the whole recording once, unseen; what is behind it is not known yet."""

    def __init__(self, recording: Recording, terminal: Terminal) -> None:
        """The terminal is blank, and a twin of those that its frames are for."""
        self._recording = recording
        self._head = Head(recording, terminal, flaws=recording.flaws, on_marker=self._mark)
        self.frames: list[Frame] = [self._head.frame()]
        """In order; the first is the beginning."""
        self.markers: list[Marker] = []
        self._marker_times: tuple[float, ...] = ()
        self.length = recording.last_time()
        """Seconds; what the file's end says until all is scanned."""
        self.is_scanning = self.is_scanned = False
        self._stride, self._worked_since = STRIDE_SECONDS, time.thread_time()
        self._frames_size = 0

    @property
    def scanned(self) -> Place:
        """How far it is known."""
        return self._head.place

    @property
    def progress(self) -> float:
        """How much of the file is scanned, from 0 to 1."""
        return 1.0 if self.is_scanned else min(self.scanned.offset / max(self._recording.size, 1), 1.0)

    async def scan(self) -> AsyncGenerator[float, None]:
        """Read it all, some milliseconds at a time; yields the progress now and then, and 1 at the end."""
        self.is_scanning = True
        try:
            async for _ in self._scan():
                yield self.progress
        finally:
            self.is_scanning = False
        self.length = self.scanned.time
        self.is_scanned = True
        yield 1.0

    async def _scan(self) -> AsyncGenerator[None, None]:
        started = told = time.perf_counter()
        while not self._head.play(_ALL):
            self._keep_frame()
            now = time.perf_counter()
            if now - told > PROGRESS_SECONDS:
                told = now
                yield
            if now - started > BUDGET:
                await asyncio.sleep(PAUSE)
                started = time.perf_counter()

    def covers(self, goal: Goal) -> bool:
        """Whether the goal is known, so that the way to it is short."""
        scanned = self.scanned
        passed = scanned.time > goal.time if goal.steps is None else scanned.steps >= goal.steps
        return self.is_scanned or passed

    def frame_before(self, goal: Goal) -> Frame:
        """The last frame from which the goal can be played on to."""
        if goal.steps is None:
            at = bisect_right(self.frames, goal.time, key=lambda frame: frame.place.time)
        else:
            at = bisect_right(self.frames, goal.steps, key=lambda frame: frame.place.steps)
        return self.frames[max(at - 1, 0)]

    def marker_after(self, time: float) -> Marker | None:
        """The first marker behind a time."""
        at = bisect_right(self.markers, time, key=lambda marker: marker.time)
        return self.markers[at] if at < len(self.markers) else None

    def marker_before(self, time: float) -> Marker | None:
        """The last marker at or before a time."""
        at = self.passed(time)
        return self.markers[at - 1] if at else None

    def passed(self, time: float) -> int:
        """How many markers are at or before a time."""
        return bisect_right(self.markers, time, key=lambda marker: marker.time)

    @property
    def marker_times(self) -> tuple[float, ...]:
        """When the markers are; the same value until there are more."""
        if len(self._marker_times) != len(self.markers):
            self._marker_times = tuple(marker.time for marker in self.markers)
        return self._marker_times

    def _mark(self, time: float, label: str) -> None:
        if len(self.markers) < MAX_MARKERS:
            self.markers.append(Marker(time, label))

    def _keep_frame(self) -> None:
        worked = time.thread_time()
        if not self._head.is_whole or worked - self._worked_since < self._stride:
            return
        self._worked_since = worked
        frame = self._head.frame()
        self.frames.append(frame)
        self._frames_size += frame.snapshot.size
        if self._frames_size > FRAMES_BYTES:
            self.frames = self.frames[::2]
            self._frames_size = sum(frame.snapshot.size for frame in self.frames)
            self._stride *= 2

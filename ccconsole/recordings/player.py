"""Playing a recording: what is shown when, at what speed, and seeking; headless, by the caller's clock."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing

from ccconsole.recordings.head import SCROLLBACK_LINES, Frame, Goal, Head
from ccconsole.recordings.reading import Recording
from ccconsole.recordings.timeline import Marker, Timeline
from ccconsole.terminal.engine import Terminal
from ccconsole.terminal.feeder import BUDGET, PAUSE

SPEEDS = (0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0)
IDLE_LIMIT = 2.0
"""Seconds of silence that are played where somebody asks for a limit and names none."""
TICK = 0.1
"""Seconds between two looks at the clock where nothing else happens."""
SHORTEST = 1 / 60
"""Seconds between two looks at what is due; a screen shows no more."""
MARKER_GRACE = 1.0
"""While it plays, `previous marker` passes over one that was reached only now."""


class Player:
    """Shows a recording in `terminal`. What is asked for takes effect in `catch_up`, which `moves` calls."""

    def __init__(
        self,
        recording: Recording,
        *,
        speed: float = 1.0,
        idle_limit: float | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.recording = recording
        header = recording.header
        self.terminal = Terminal(header.columns, header.rows, scrollback_lines=SCROLLBACK_LINES)
        self.timeline = Timeline(recording, self.terminal.twin())
        self.speed = speed
        self.idle_limit = header.idle_limit if idle_limit is None else idle_limit
        """The longest silence that is played, in seconds of the recording; None: all of it."""
        self.is_playing = True
        self._wanted_limit = self.idle_limit or IDLE_LIMIT
        self._clock = clock
        self._head = Head(recording, self.terminal)
        self._scout = Head(recording, self.terminal.twin())
        self._goal: Goal | None = None
        self._woken = asyncio.Event()
        self._anchor = (clock(), 0.0)
        """A moment of the clock, and the position then."""

    @property
    def position(self) -> float:
        """Seconds of the recording."""
        if self._goal is not None:
            return min(self._goal.time, self.timeline.length)
        at, position = self._anchor
        return position + (self._clock() - at) * self.speed if self.is_playing else position

    @property
    def is_seeking(self) -> bool:
        """Whether what was asked for is not shown yet."""
        return self._goal is not None

    @property
    def is_at_end(self) -> bool:
        """Whether everything has been shown."""
        return self._head.next_time is None and not self.is_seeking

    @property
    def marker(self) -> Marker | None:
        """The last one that was passed."""
        return self.timeline.marker_before(self.position)

    async def moves(self) -> AsyncGenerator[None, None]:
        """Scan and play for as long as anybody asks; yields whenever something may look different.

        Lets go of the recording at its end.
        """
        scan = asyncio.create_task(self._scan())
        try:
            while True:
                self._woken.clear()
                wait = await self.catch_up()
                yield
                if scan.done():
                    scan.result()
                elif wait is None or wait > TICK:
                    wait = TICK
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(None if wait is None else max(wait, SHORTEST)):
                        await self._woken.wait()
        finally:
            scan.cancel()
            await asyncio.wait({scan})
            self.recording.close()

    async def _scan(self) -> None:
        async with aclosing(self.timeline.scan()) as progress:
            async for _ in progress:
                pass
        self._woken.set()

    def toggle(self) -> None:
        """Pause or play; from the end it plays from the beginning."""
        if not self.is_playing and self.is_at_end:
            self.seek(0.0)
        self._hold(self.position)
        self.is_playing = not self.is_playing
        self._woken.set()

    def set_speed(self, speed: float) -> None:
        """So many seconds of the recording in one."""
        self._hold(self.position)
        self.speed = min(max(speed, SPEEDS[0]), SPEEDS[-1])
        self._woken.set()

    def change_speed(self, by: int) -> None:
        """The next faster one of the usual speeds, or slower one."""
        others = [one for one in SPEEDS if (one > self.speed if by > 0 else one < self.speed)]
        if others:
            self.set_speed(others[0] if by > 0 else others[-1])

    def set_idle_limit(self, seconds: float | None) -> None:
        """Shorten silences to so many seconds of the recording; None: play them all."""
        self._hold(self.position)
        self.idle_limit = seconds
        self._wanted_limit = seconds or self._wanted_limit
        self._woken.set()

    def toggle_idle_limit(self) -> None:
        """Shorten silences, or no longer."""
        self.set_idle_limit(self._wanted_limit if self.idle_limit is None else None)

    def seek(self, position: float) -> None:
        """To a time of the recording."""
        end = self.timeline.length if self.timeline.is_scanned or self.timeline.length else float("inf")
        self._seek(Goal(min(max(position, 0.0), end)))

    def seek_end(self) -> None:
        """Behind the last event."""
        self._seek(Goal(self.timeline.length if self.timeline.is_scanned else float("inf")))

    def step(self, by: int) -> None:
        """So many outputs on or back, and stay there."""
        self._hold(self.position)
        self.is_playing = False
        goal = self._goal
        at = self._head.place.steps if goal is None or goal.steps is None else goal.steps
        self._seek(Goal(self.position, max(at + by, 0)))

    def seek_marker(self, *, is_forward: bool) -> bool:
        """To the next marker, or back to the one before; False where there is none, or none is known yet."""
        position = self.position
        if is_forward:
            found = self.timeline.marker_after(position)
        else:
            grace = MARKER_GRACE * self.speed if self.is_playing else 0.0
            # The last one before, not at, where we are.
            found = self.timeline.marker_before(max(position - grace, 0.0) - 1e-6)
        if found is not None:
            self.seek(found.time)
        return found is not None

    def _seek(self, goal: Goal) -> None:
        self._goal = goal
        self._woken.set()

    def _hold(self, position: float) -> None:
        """Count from here and now on."""
        self._anchor = (self._clock(), position)

    async def catch_up(self) -> float | None:
        """Show what is to be shown by now; when to ask again, in seconds. None: once something is asked."""
        while (goal := self._goal) is not None:
            if self.timeline.is_scanning and not self.timeline.covers(goal):
                return TICK
            await self._jump(goal)
        if not self.is_playing:
            return None
        started = time.perf_counter()
        while not self._head.play(Goal(self.position)):
            if time.perf_counter() - started > BUDGET:
                # More comes than can be shown in time: time waits for it.
                self._hold(max(self._head.place.time, self._anchor[1]))
                await asyncio.sleep(PAUSE)
                started = time.perf_counter()
            if self._goal is not None:
                return 0.0
        return self._until_next()

    def _until_next(self) -> float | None:
        """Seconds until something is to be shown; skips what is left of a silence that was long enough."""
        position, following = self.position, self._head.next_time
        if following is None:
            self._hold(max(self._head.place.time, min(position, self.timeline.length)))
            self.is_playing = False
            return None
        due = following
        if self.idle_limit is not None:
            due = min(due, max(self._head.place.time, self._anchor[1]) + self.idle_limit)
            if position >= due:
                self._hold(following)
                return 0.0
        return min(max((due - position) / self.speed, 0.0), TICK)

    async def _jump(self, goal: Goal) -> None:
        """Play unseen from the nearest frame to the goal, and show that; a newer goal ends it."""
        start = self._start(goal)
        self._scout.go(start)
        started = time.perf_counter()
        while not self._scout.play(goal):
            if time.perf_counter() - started > BUDGET:
                await asyncio.sleep(PAUSE)
                started = time.perf_counter()
                if self._goal is not goal:
                    return
        self._head.go(self._scout.frame())
        self._goal = None
        at = self._head.place.time
        self._hold(at if goal.steps is not None or goal.time == float("inf") else goal.time)

    def _start(self, goal: Goal) -> Frame:
        head, frame = self._head, self.timeline.frame_before(goal)
        is_nearer = head.is_whole and frame.place.offset <= head.place.offset
        return head.frame() if is_nearer and goal.is_behind(head.place) else frame

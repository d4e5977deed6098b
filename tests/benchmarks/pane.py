"""The terminal pane in the real console, against Textual's RichLog and Log.

The whole way from the socket to the screen: a process says what a worker would say (`output_source`), the
console follows it as a task, on a pseudo-terminal of its own, which is read as fast as it writes. Keys are
pressed twenty times a second at random moments; one is answered when its answer is on the screen. RichLog
and Log stand alone in an app of nothing else, are fed by the same client and hold as many lines.
"""

from __future__ import annotations

import json
import os
import random
import re
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from tests.benchmarks.figures import Figure, Limit, Missing, at_most
from tests.benchmarks.output_source import CHANGED_ROWS, FRAMES_PER_SECOND, Load, serve
from tests.benchmarks.processes import serving
from tests.benchmarks.pseudo_terminal import PseudoTerminal, environ, terminal
from tests.benchmarks.viewers import LEAST_SECONDS, MARK, READY, Measured

SMALL, LARGE = (120, 40), (200, 50)
FLOOD = 1 << 30
"""Bytes of plain text."""
SECONDS = 20.0
"""Of all else."""
PRESS_SECONDS = 0.05
F9 = b"\x1b[20~"

_CONTROLS = re.compile(rb"\x1b\[[0-9;?]*[a-zA-Z]")
_MARKS = re.compile(rb"Key(\d{5})")


@dataclass
class Watched:
    """One run: what the viewer says of itself, and how late its answers to keys were seen, in seconds."""

    viewer: Measured
    seen: list[float]
    handled: list[float]

    @property
    def seconds(self) -> float:
        """From the first output to the end."""
        return self.viewer.ended - self.viewer.began

    @property
    def rate(self) -> float:
        """Megabytes a second."""
        return self.viewer.bytes_seen / self.seconds / 1e6

    @property
    def processor(self) -> float:
        """Percent of a core."""
        return 100 * self.viewer.processor_seconds / self.seconds

    @property
    def longest(self) -> float:
        """The loop's longest callback in milliseconds of processor time."""
        return 1000 * max(self.viewer.callbacks, default=LEAST_SECONDS)


def figures(scale: float) -> Iterator[Figure | Missing]:
    """Plain text and `yes` at full speed beside Textual's logs, then full-screen programs."""
    seconds = SECONDS * scale
    with tempfile.TemporaryDirectory() as name:
        home = Path(name)
        plain = watch(home, "pane", Load("plain", size=int(FLOOD * scale)))
        logs = {one: watch(home, one, Load("plain", seconds=seconds / 2)) for one in ("RichLog", "Log")}
        yield from _flood("plain", plain, logs)
        yield from _memory(plain)
        floods = watch(home, "pane", Load("yes", seconds=seconds))
        logs = {one: watch(home, one, Load("yes", seconds=seconds / 2)) for one in ("RichLog", "Log")}
        yield from _flood("yes", floods, logs)
        for kind, title in (("screen", "full-screen program"), ("inline", "inline program")):
            load = Load(kind, seconds=seconds)
            alone = watch(home, "pane", load, are_keys_pressed=False)
            yield Figure(f"{title}: processor, of a core", alone.processor, "%", wanted=at_most(15, "%"))
            yield from _paced(title, watch(home, "pane", load))
        yield _row_cost(home, seconds / 2)


def _flood(name: str, ours: Watched, others: dict[str, Watched]) -> Iterator[Figure | Missing]:
    for other, theirs in others.items():
        yield Figure(f"{name}: output shown", ours.rate, "MB/s", other, theirs.rate)
    for percent, wanted in ((50, None), (99, at_most(50, "ms"))):
        yield from _keys(name, percent, ours, others, wanted)
    yield Figure(f"{name}: longest callback", ours.longest, "ms", wanted=at_most(8, "ms"))
    for other, theirs in others.items():
        yield Figure(f"{name}: longest callback", ours.longest, "ms", other, theirs.longest)
    yield _paints(name, ours)


def _keys(
    name: str, percent: int, ours: Watched, others: dict[str, Watched], wanted: Limit | None
) -> Iterator[Figure | Missing]:
    what = f"{name}: key until it is answered, p{percent}"
    handled, seen = quantile(ours.handled, percent), quantile(ours.seen, percent)
    if handled is None or seen is None:
        yield Missing(what, "too few keys at this scale")
        return
    yield Figure(what, handled, "ms", wanted=wanted)
    yield Figure(f"{name}: key until its answer is seen, p{percent}", seen, "ms", wanted=wanted)
    for other, theirs in others.items():
        yield Figure(f"{name}: the same", seen, "ms", other, quantile(theirs.seen, percent))


def _paints(name: str, ours: Watched) -> Figure:
    return Figure(f"{name}: paints a second", ours.viewer.paints / ours.seconds, "", wanted=at_most(30.5, ""))


def _memory(ours: Watched) -> Iterator[Figure | Missing]:
    what = f"memory after {ours.viewer.bytes_seen / 1e6:,.0f} MB"
    filled, ended = ours.viewer.memory_at_fill, ours.viewer.memory_at_end
    if filled:
        yield Figure(what, ended / 1e6, "MB", "scrollback just full", filled / 1e6, at_most(1.05))
    else:
        yield Missing(what, "the scrollback never filled at this scale")


def _paced(title: str, ours: Watched) -> Iterator[Figure | Missing]:
    yield Figure(f"{title}: processor with 20 keys a second", ours.processor, "% of a core")
    for percent, wanted in ((50, None), (99, at_most(50, "ms"))):
        yield from _keys(title, percent, ours, {}, wanted)
    yield Figure(f"{title}: longest callback", ours.longest, "ms", wanted=at_most(8, "ms"))
    yield _paints(title, ours)


def _row_cost(home: Path, seconds: float) -> Figure:
    """Microseconds of processor time for one changed row, less what the console takes beside it."""
    costs = []
    for size in (LARGE, SMALL):
        idle = watch(home, "pane", Load("silence", seconds=seconds), size, are_keys_pressed=False)
        busy = watch(home, "pane", Load("rows", seconds=seconds), size, are_keys_pressed=False)
        rows = busy.seconds * FRAMES_PER_SECOND * CHANGED_ROWS
        used = busy.viewer.processor_seconds - idle.viewer.processor_seconds * busy.seconds / idle.seconds
        costs.append(1e6 * used / rows)
    small, large = ("{}x{}".format(*size) for size in (SMALL, LARGE))
    return Figure(f"one changed row at {large}", costs[0], "us", f"at {small}", costs[1], at_most(1.1))


def quantile(seconds: list[float], percent: int) -> float | None:
    """In milliseconds; None of fewer than two."""
    return statistics.quantiles(seconds, n=100)[percent - 1] * 1000 if len(seconds) > 1 else None


def watch(
    home: Path, viewer: str, load: Load, size: tuple[int, int] = SMALL, *, are_keys_pressed: bool = True
) -> Watched:
    """One viewer in front of one load, to the end."""
    reading, writing = os.pipe()
    with source(load.kind) as url:
        command = [sys.executable, "-m", "tests.benchmarks.viewers", viewer, url, str(writing)]
        command.append(json.dumps(asdict(load)))
        with terminal(command, size=size, environ=environ(home), inherited=[writing]) as screen:
            os.close(writing)
            keys = Keys(screen)
            keys.press(PRESS_SECONDS if are_keys_pressed else None)
    with os.fdopen(reading) as report:
        told = report.read()
    if not told:
        raise RuntimeError(f"{viewer} ended without a word in front of {load}: {keys.said}")
    measured = Measured(**json.loads(told))
    return Watched(measured, keys.late(keys.seen, measured), keys.late(measured.answered, measured))


@contextmanager
def source(kind: str) -> Iterator[str]:
    """The address of a stream in a process of its own."""
    with serving(serve, kind) as port:
        yield f"http://127.0.0.1:{port}"


class Keys:
    """Presses keys at random moments, and sees when the screen shows their answers."""

    def __init__(self, screen: PseudoTerminal) -> None:
        self._screen = screen
        self._chosen = random.Random(1)
        self.pressed: list[float] = []
        self.seen: list[float] = []
        self.last = b""
        """The newest output: where a viewer fails, its traceback."""

    def press(self, interval: float | None) -> None:
        """One about every so many seconds, until the viewer ends; None: none at all.

        The viewer is ready for keys when it has its first mark on the screen.
        """
        next_at = None
        while (data := self._screen.read(1.0 if next_at is None else next_at - time.monotonic())) is not None:
            now = time.monotonic()
            if data:
                self._look(data, now)
            if interval is None:
                continue
            if next_at is None:
                next_at = now if READY.encode() in self.last else None
            elif now >= next_at:
                self.pressed.append(self._screen.press(F9))
                next_at = now + interval * self._chosen.uniform(0.5, 1.5)

    def _look(self, data: bytes, now: float) -> None:
        looked_at = self.last[-len(MARK.format(0)) + 1 :] + data
        shown = max((int(found) for found in _MARKS.findall(looked_at)), default=0)
        self.seen += [now] * (shown - len(self.seen))
        self.last = (self.last + data)[-4000:]

    @property
    def said(self) -> str:
        """The newest output as text."""
        return _CONTROLS.sub(b"", self.last).decode(errors="replace")[-1000:]

    def late(self, answered: list[float], viewer: Measured) -> list[float]:
        """How long each key waited that was pressed while there was output."""
        pairs = zip(self.pressed, answered, strict=False)
        return [then - at for at, then in pairs if viewer.began <= at <= viewer.ended]

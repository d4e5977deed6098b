"""The terminal engine against pyte, bittty and libghostty, on a screen of 120 x 40.

All get the same 64 KiB pieces. Rounds alternate with those of pyte and bittty, which are Python as we are,
and the best of each counts, in seconds of the processor, so that a busy machine slows all alike. libghostty
is compiled, and measured in a process that it may take down.
"""

from __future__ import annotations

import importlib
import time
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from ccconsole.terminal.engine import Terminal
from tests.benchmarks import libghostty
from tests.benchmarks.figures import Figure, Missing, at_least
from tests.terminal import streams

PIECE = 64 << 10
ROUNDS = 5
SIZE = 2_000_000

TARGETS = {
    "plain lines": 50, "ls --color": 50, "compiler": 20, "yes": 8, "vim": 8, "htop": 8, "Ink-style UI": 8,
    "wide Unicode": 15,
}  # fmt: skip
"""At least so many times pyte's rate."""
HOSTILE = "hostile bytes"
HOSTILE_TARGET = at_least(2, "MB/s")
"""On hostile bytes, on which pyte raises."""

Feed = Callable[[bytes], object]


def engine() -> Feed:
    """Ours."""
    return Terminal(streams.COLUMNS, streams.ROWS).feed


def pyte() -> Feed:
    """pyte's screen without its history, which makes it four times slower."""
    module: Any = importlib.import_module("pyte")
    feed: Feed = module.ByteStream(module.Screen(streams.COLUMNS, streams.ROWS)).feed
    return feed


def bittty() -> Feed:
    """bittty's board, which keeps no scrollback."""
    module: Any = importlib.import_module("bittty")
    feed: Feed = module.Board(width=streams.COLUMNS, height=streams.ROWS).feed_host_data
    return feed


class Rival(NamedTuple):
    """Another engine in Python."""

    name: str
    make: Callable[[], Feed]
    size: int
    """Bytes it is given: it needs a second for what the engine does in ten milliseconds."""
    hostile_size: int
    rounds: int = 3


RIVALS = (Rival("pyte", pyte, 200 << 10, 200 << 10), Rival("bittty", bittty, 200 << 10, 8 << 10))
"""bittty's time on hostile bytes grows with their square."""


def figures(scale: float) -> Iterator[Figure | Missing]:
    """One line a corpus and rival."""
    rivals = [rival for rival in RIVALS if _is_installed(rival)]
    for rival in RIVALS:
        if rival not in rivals:
            yield _missing(rival.name)
    if not libghostty.IS_INSTALLED:
        yield _missing("libghostty")
    for name, make in streams.ALL.items():
        size = int(SIZE * scale) // (4 if name == HOSTILE else 1)
        yield from _figures(name, make(size, 1), rivals)


def _figures(name: str, data: bytes, rivals: list[Rival]) -> Iterator[Figure | Missing]:
    ours, theirs = _rates(name, data, rivals)
    wanted = HOSTILE_TARGET if name == HOSTILE else at_least(TARGETS[name])
    if not rivals:
        yield Figure(name, ours, "MB/s", wanted=wanted)
    for rival in rivals:
        rate = theirs[rival.name]
        against = rival.name if rate else f"{rival.name} raises"
        yield Figure(name, ours, "MB/s", against, rate, wanted if rival is rivals[0] else None)
    if libghostty.IS_INSTALLED:
        rate = libghostty.rate(name, len(data))
        yield Figure(name, ours, "MB/s", "libghostty" if rate else "libghostty dies", rate)


def _is_installed(rival: Rival) -> bool:
    try:
        rival.make()
    except ImportError:
        return False
    return True


def _missing(name: str) -> Missing:
    return Missing(name, "not installed: pip install -e '.[benchmarks]'")


def _seconds(feed: Feed, data: bytes) -> float | None:
    """Seconds of the processor for the data; None when the terminal raises."""
    started = time.process_time()
    try:
        for at in range(0, len(data), PIECE):
            feed(data[at : at + PIECE])
    except (TypeError, ValueError, IndexError, KeyError, NameError):
        return None
    return time.process_time() - started


def _rates(name: str, data: bytes, rivals: list[Rival]) -> tuple[float, dict[str, float | None]]:
    """The best rates of the engine and of its rivals in MB/s."""
    ours = 0.0
    theirs: dict[str, float | None] = {rival.name: None for rival in rivals}
    for number in range(ROUNDS):
        seconds = _seconds(engine(), data)
        assert seconds is not None
        ours = max(ours, len(data) / seconds / 1e6)
        for rival in rivals:
            sample = data[: rival.hostile_size if name == HOSTILE else rival.size]
            taken = _seconds(rival.make(), sample) if number < rival.rounds else None
            if taken:
                theirs[rival.name] = max(theirs[rival.name] or 0, len(sample) / taken / 1e6)
    return ours, theirs

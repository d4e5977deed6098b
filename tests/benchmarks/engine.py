"""The terminal engine against pyte, on a screen of 120 x 40.

Both get the same 64 KiB pieces; rounds alternate and the best of each counts, so that a busy machine slows
both alike.
"""

from __future__ import annotations

import importlib
import time
from collections.abc import Callable, Iterator
from typing import Any

from ccconsole.terminal.engine import Terminal
from tests.benchmarks.figures import Figure, Missing, at_least
from tests.terminal import streams

PIECE = 64 << 10
ROUNDS = 5
SIZE = 2_000_000
PYTE_BYTES = 200 << 10
"""pyte is given less: it needs a second for what the engine does in ten milliseconds."""

TARGETS = {
    "plain lines": 50, "ls --color": 50, "compiler": 20, "yes": 8, "vim": 8, "htop": 8, "Ink-style UI": 8,
    "wide Unicode": 15,
}  # fmt: skip
HOSTILE_TARGET = at_least(2, "MB/s")
"""On hostile bytes, on which pyte raises."""


def figures(scale: float) -> Iterator[Figure | Missing]:
    """One line a corpus."""
    has_pyte = _pyte() is not None
    if not has_pyte:
        yield Missing("pyte", "not installed: pip install -e '.[benchmarks]'")
    for name, make in streams.ALL.items():
        size = int(SIZE * scale)
        data = make(size if name != "hostile bytes" else size // 4, 1)
        ours, theirs = _rates(data, has_pyte)
        against = "pyte" if theirs else "pyte raises" if has_pyte else ""
        wanted = at_least(TARGETS[name]) if name in TARGETS else HOSTILE_TARGET
        yield Figure(name, ours, "MB/s", against, theirs, wanted)


def _engine() -> Callable[[bytes], None]:
    return Terminal(streams.COLUMNS, streams.ROWS).feed


def _pyte() -> Callable[[bytes], None] | None:
    try:
        pyte: Any = importlib.import_module("pyte")
    except ImportError:
        return None
    feed: Callable[[bytes], None] = pyte.ByteStream(pyte.Screen(streams.COLUMNS, streams.ROWS)).feed
    return feed


def _seconds(feed: Callable[[bytes], None], data: bytes) -> float | None:
    """Seconds for the data; None when the terminal raises."""
    started = time.perf_counter()
    try:
        for at in range(0, len(data), PIECE):
            feed(data[at : at + PIECE])
    except (TypeError, ValueError, IndexError, KeyError, NameError):
        return None
    return time.perf_counter() - started


def _rates(data: bytes, has_pyte: bool) -> tuple[float, float | None]:
    """The best rates of the engine and of pyte in MB/s."""
    sample = data[:PYTE_BYTES]
    ours: list[float] = []
    theirs: list[float] = []
    for _ in range(ROUNDS):
        seconds = _seconds(_engine(), data)
        assert seconds is not None
        ours.append(len(data) / seconds / 1e6)
        other = _pyte() if has_pyte and len(theirs) < 3 else None
        taken = _seconds(other, sample) if other else None
        if taken:
            theirs.append(len(sample) / taken / 1e6)
    return max(ours), max(theirs, default=None)

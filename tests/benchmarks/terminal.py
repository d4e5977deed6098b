"""The engine against pyte, side by side in one run: `python -m tests.benchmarks.terminal [MB]`.

Both get the same 64 KiB pieces on a screen of 120 x 40; rounds alternate and the best of each counts, so that
a busy machine slows both alike. The ratio is what matters, not the MB/s.
"""

from __future__ import annotations

import importlib
import sys
import time
from collections.abc import Callable
from typing import Any

from ccconsole.terminal.engine import Terminal
from tests.terminal import streams

PIECE = 64 << 10
ROUNDS = 5
PYTE_BYTES = 200 << 10
"""pyte is given less: it needs a second for what the engine does in ten milliseconds."""

TARGETS = {
    "plain lines": 50, "ls --color": 50, "compiler": 20, "yes": 8, "vim": 8, "htop": 8, "Ink-style UI": 8,
    "wide Unicode": 15,
}  # fmt: skip
HOSTILE_TARGET = 2.0
"""MB/s on hostile bytes, on which pyte raises."""


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


def main() -> None:
    """Print the table."""
    size = int(float(sys.argv[1]) * 1e6) if len(sys.argv) > 1 else 2_000_000
    has_pyte = _pyte() is not None
    if not has_pyte:
        print("pyte is not installed (pip install pyte): no ratios")
    print(f"{'corpus':<14} {'engine MB/s':>12} {'pyte MB/s':>10} {'ratio':>8} {'target':>8}")
    for name, make in streams.ALL.items():
        data = make(size if name != "hostile bytes" else size // 4, 1)
        ours, theirs = _rates(data, has_pyte)
        if name == "hostile bytes":
            verdict = f"{'':>8} {HOSTILE_TARGET:>4} MB/s"
        elif theirs is None:
            verdict = f"{'raises' if has_pyte else '-':>8} {TARGETS[name]:>7}x"
        else:
            verdict = f"{ours / theirs:>7.0f}x {TARGETS[name]:>7}x"
        other = "-" if theirs is None else f"{theirs:.2f}"
        print(f"{name:<14} {ours:>12.1f} {other:>10} {verdict}", flush=True)


if __name__ == "__main__":
    main()

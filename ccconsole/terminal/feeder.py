"""Feeding a terminal inside the event loop without holding it up."""

from __future__ import annotations

import asyncio
import time

from ccconsole.terminal.engine import Terminal

PIECE = 16 << 10
"""Bytes fed between two looks at the clock: 8 ms even at the 2 MB/s of hostile input."""

BUDGET = 0.004
PAUSE = 0.001
"""Seconds of work, then of real sleep: with sleep(0) Textual's reading and writing threads starve."""


async def feed(terminal: Terminal, data: bytes) -> None:
    """Feed bytes in slices of at most 4 ms, with a pause of 1 ms between two; returns when all are in."""
    started = time.perf_counter()
    for at in range(0, len(data), PIECE):
        if time.perf_counter() - started > BUDGET:
            await asyncio.sleep(PAUSE)
            started = time.perf_counter()
        terminal.feed(data[at : at + PIECE])

"""Feeding a terminal inside the event loop without holding it up."""

from __future__ import annotations

import asyncio
import time

from ccconsole.terminal.engine import Terminal

LEAST_PIECE, MOST_PIECE = 4 << 10, 64 << 10
"""Bytes fed between two looks at the clock. Large ones are quicker: 73 MB/s of plain text at 64 KiB where
16 KiB make 49 and 4 KiB 18; but of hostile input 16 KiB take 20 ms (measured)."""

QUICK, SLOW = 0.0007, 0.002
"""Seconds for a piece: after a quicker one the next is twice as large, after a slower one half as large."""

BUDGET = 0.004
PAUSE = 0.001
"""Seconds of work, then of real sleep: with sleep(0) Textual's reading and writing threads starve."""


class Feeder:
    """Feeds one terminal, from whatever comes one after the other, and keeps count of what it takes."""

    def __init__(self, terminal: Terminal) -> None:
        self._terminal = terminal
        self._piece = LEAST_PIECE
        self._paused_at = 0.0

    async def feed(self, data: bytes) -> None:
        """All of it, in slices of about 4 ms with a pause of 1 ms after each, from one call to the next."""
        at = 0
        while at < len(data):
            began = time.perf_counter()
            self._terminal.feed(data[at : at + self._piece])
            at += self._piece
            now = time.perf_counter()
            if now - began < QUICK:
                self._piece = min(2 * self._piece, MOST_PIECE)
            elif now - began > SLOW:
                self._piece = max(self._piece // 2, LEAST_PIECE)
            if now - self._paused_at > BUDGET:
                await asyncio.sleep(PAUSE)
                self._paused_at = time.perf_counter()

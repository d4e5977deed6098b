"""An emulator whose workers never stop talking, for benchmarks: a process of its own."""

from __future__ import annotations

import asyncio
import time
from multiprocessing.connection import Connection
from pathlib import Path

from ccconsole.emulator.emulator import Emulator, Options
from ccconsole.emulator.logging.store import LogStore
from ccconsole.emulator.logging.tail import TailLimits
from tests.cloud.following import line

TICK = 0.02
"""Seconds between two handfuls of lines."""


def serve(state: Path, per_second: int, pipe: Connection) -> None:
    """Send the address, then write lines until anything is received."""
    asyncio.run(_serve(state, per_second, pipe))


async def _serve(state: Path, per_second: int, pipe: Connection) -> None:
    limits = TailLimits(entries_per_minute=1 << 40)  # Google's own would withhold four lines of five
    emulator = Emulator(Options(state, ["127.0.0.1:0"], tail_limits=limits))
    await emulator.start()
    pipe.send(emulator.addresses[0])
    writing = asyncio.create_task(_write(emulator._log_store, per_second))
    await asyncio.to_thread(pipe.recv)
    writing.cancel()
    await emulator.stop()


async def _write(store: LogStore, per_second: int) -> None:
    pattern = type(made := line("")).pb(made)
    began, written = time.monotonic(), 0
    while True:
        due = int((time.monotonic() - began) * per_second)
        for number in range(written, due):
            entry = type(pattern)()
            entry.CopyFrom(pattern)
            entry.text_payload = (
                f"line {number}: the worker says what a worker says while it is at work {number * 7919}"
            )
            entry.severity = 500 if number % 50 == 0 else 200
            store.append(entry)
        written = due
        await asyncio.sleep(TICK)

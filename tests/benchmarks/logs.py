"""The log view under a flood: `python -m tests.benchmarks.logs [SECONDS [LINES_PER_SECOND]]`.

An emulator in a process of its own tails so many lines a second to a console, headless, 180 by 50, while a
key that pauses and follows is pressed ten times a second. Printed: what came, what was counted as missing,
how late keys were answered, and the memory of the console as its book fills (at 100,000 lines) and after.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import resource
import statistics
import sys
import tempfile
import time
from multiprocessing.connection import Connection
from pathlib import Path

from textual.events import Key

from ccconsole.app import build
from ccconsole.config import load
from ccconsole.screens.logs import LogsScreen
from tests.benchmarks.flood import serve

SIZE = (180, 50)
PRESSES_PER_SECOND = 10


async def measured(target: str, folder: Path, seconds: float) -> None:
    """Watch for so long, then print."""
    path = folder / "deploy.toml"
    path.write_text(f'[env.dev]\nproject = "acme"\nendpoint = "{target}"\nservice = "worker"\n')
    app = build(load(path, {}))
    async with app.run_test(size=SIZE) as pilot:
        while not app.desk.snapshot.rows:
            await pilot.pause(0.05)
        await pilot.press("l")
        while not isinstance(app.screen, LogsScreen):
            await pilot.pause(0.05)
        screen = app.screen
        while not screen.book.entries:
            await pilot.pause(0.01)
        used = resource.getrusage(resource.RUSAGE_SELF)
        began, first = time.monotonic(), len(screen.book.entries) + screen.book.let_go
        late: list[float] = []
        memory: list[int] = []
        while (now := time.monotonic()) < began + seconds:
            late.append(await pressed(screen))
            if now - began >= len(memory) * seconds / 6:
                memory.append(resident())
            await asyncio.sleep(max(0.0, 1 / PRESSES_PER_SECOND - late[-1]))
        took = time.monotonic() - began
        after = resource.getrusage(resource.RUSAGE_SELF)
        busy = after.ru_utime + after.ru_stime - used.ru_utime - used.ru_stime
        seen = len(screen.book.entries) + screen.book.let_go - first
        feed = screen.status.feeds["dev"]
        print(
            f"lines       {seen:,} in {took:.0f} s, {seen / took:,.0f}/s; {len(screen.book.entries):,} held"
        )
        print(f"missing     {feed.withheld:,} withheld, {feed.lost:,} lost, as the title line says")
        quantiles = statistics.quantiles(late, n=100)
        print(f"keys        {len(late)} pressed, {len(late)} answered; p50 {quantiles[49] * 1000:.0f} ms, "
              f"p99 {quantiles[98] * 1000:.0f} ms, worst {max(late) * 1000:.0f} ms")  # fmt: skip
        print(f"processor   {100 * busy / took:.0f} % of a core")
        print(f"memory      {' '.join(f'{one >> 20}' for one in memory)} MiB, from the beginning to the end")


async def pressed(screen: LogsScreen) -> float:
    """Press the key that pauses and follows; seconds until it has done so."""
    view, began = screen.view, time.perf_counter()
    was = view.is_following
    screen.app.post_message(Key("s", "s"))
    while view.is_following is was:  # noqa: ASYNC110 - the view has no event for it, and should not
        await asyncio.sleep(0)
    return time.perf_counter() - began


def resident() -> int:
    """This process's resident memory in bytes."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def main(seconds: float = 60.0, per_second: int = 5000) -> None:
    """Run it once."""
    ours, theirs = multiprocessing.Pipe()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        process = multiprocessing.get_context("spawn").Process(
            target=serve, args=(folder / "state", per_second, theirs)
        )
        process.start()
        try:
            target = address(ours)
            asyncio.run(measured(target, folder, seconds))
        finally:
            ours.send("stop")
            process.join()


def address(pipe: Connection) -> str:
    """Where the emulator listens."""
    target: str = pipe.recv()
    return target


if __name__ == "__main__":
    main(*map(int, sys.argv[1:3]))

"""The log view of the real console, headless (180 x 50), while 5,000 lines come every second.

An emulator in a process of its own tails the lines to the console; a key that pauses and follows is pressed
ten times a second, and is answered when the view has done so. Memory is looked at over the last half, by
when the book is full (100,000 lines) at full scale.
"""

from __future__ import annotations

import asyncio
import statistics
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from textual.events import Key

from ccconsole.app import build
from ccconsole.config import load
from ccconsole.screens.logs import LogsScreen
from tests.benchmarks.figures import Figure, Missing, at_least, at_most
from tests.benchmarks.flood import serve
from tests.benchmarks.processes import resident, serving

SIZE = (180, 50)
PER_SECOND = 5000
SECONDS = 60.0
PRESSES_PER_SECOND = 10


@dataclass
class Watched:
    """What came, and what it took."""

    seconds: float = 0.0
    lines: int = 0
    missing: int = 0
    """Withheld or lost, as the title line says."""
    processor_seconds: float = 0.0
    late: list[float] = field(default_factory=list)
    memory: list[int] = field(default_factory=list)
    """Bytes, again and again."""
    is_full: bool = False
    """Whether the book let lines go."""


def figures(scale: float) -> Iterator[Figure | Missing]:
    """Lines, keys, processor, memory."""
    with tempfile.TemporaryDirectory() as name, serving(serve, Path(name) / "state", PER_SECOND) as target:
        seen = asyncio.run(watched(target, Path(name), SECONDS * scale))
    yield Figure("lines shown", seen.lines / seen.seconds, "1/s", wanted=at_least(0.95 * PER_SECOND, "1/s"))
    yield Figure("lines missing", seen.missing, "", wanted=at_most(0, ""))
    if len(seen.late) > 1:
        cuts = statistics.quantiles(seen.late, n=100)
        yield Figure("key until it is answered, p50", cuts[49] * 1000, "ms")
        yield Figure("key until it is answered, p99", cuts[98] * 1000, "ms", wanted=at_most(100, "ms"))
    yield Figure("processor, of a core", 100 * seen.processor_seconds / seen.seconds, "%")
    if seen.is_full:
        middle = seen.memory[len(seen.memory) // 2]
        ended = seen.memory[-1]
        yield Figure("memory at the end", ended / 1e6, "MB", "half-way", middle / 1e6, at_most(1.1))
    else:
        yield Missing("memory once the book is full", "it was not at this scale")


async def watched(target: str, folder: Path, seconds: float) -> Watched:
    """Watch for so long, pressing keys."""
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
        return await measured(screen, seconds)


async def measured(screen: LogsScreen, seconds: float) -> Watched:
    """From now on."""
    seen, book = Watched(), screen.book
    used, began, first = time.process_time(), time.monotonic(), len(book.entries) + book.let_go
    while (now := time.monotonic()) < began + seconds:
        seen.late.append(await pressed(screen))
        if now - began >= len(seen.memory) * seconds / 20:
            seen.memory.append(resident())
        await asyncio.sleep(max(0.0, 1 / PRESSES_PER_SECOND - seen.late[-1]))
    seen.seconds = time.monotonic() - began
    seen.processor_seconds = time.process_time() - used
    seen.lines = len(book.entries) + book.let_go - first
    seen.is_full = book.let_go > 0
    feed = screen.status.feeds["dev"]
    seen.missing = feed.withheld + feed.lost
    return seen


async def pressed(screen: LogsScreen) -> float:
    """Press the key that pauses and follows; seconds until it has done so."""
    view, began = screen.view, time.perf_counter()
    was = view.is_following
    screen.app.post_message(Key("s", "s"))
    while view.is_following is was:  # noqa: ASYNC110 - the view has no event for it, and should not
        await asyncio.sleep(0)
    return time.perf_counter() - began

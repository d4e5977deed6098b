"""A task's output from its terminal to the console's client, beside a bare terminal and ttyd.

Throughput counts from the first byte to the last; rounds alternate, and the median of each way counts: how a
terminal's reader and its writer meet is luck. A raw terminal leaves newlines as they are, which is faster and
what the worker has, but shows as stairs: the worker adds the returns, the kernel does for the others.
Latency is from the moment before a program writes a line to the moment at which its reader has it, by the
machine's monotonic clock, a line every 20 ms.
"""

from __future__ import annotations

import asyncio
import shlex
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import aclosing
from functools import partial
from pathlib import Path
from uuid import uuid4

import httpx

from tests.benchmarks import ways
from tests.benchmarks.figures import Figure, Missing, at_least, at_most
from tests.benchmarks.ways import Pieces
from tests.terminal import streams
from tests.unit.workers import real_worker
from worker_service.wire import Mode

ROUNDS = 7
CAT_BYTES = 50_000_000
SEQ_LINES = 1_000_000
YES_BYTES = 15_000_000
RING_BYTES = 64 << 20
"""A client that lets the ring's usual 4 MiB pass is told of a gap; here every byte has to arrive."""
TICKS, TICK_SECONDS = 500, 0.02
KEYS = 300
TICKING = """
import sys, time
for _ in range({count}):
    time.sleep({pause})
    sys.stdout.write("%d\\n" % time.monotonic_ns())
    sys.stdout.flush()
"""

Way = Callable[[str], Pieces]


def figures(scale: float) -> Iterator[Figure | Missing]:
    """Three kinds of output, then how late a line and a key's echo are."""
    problem = ways.ttyd_problem()
    if problem:
        yield Missing("ttyd", problem)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        text = folder / "text"
        text.write_bytes(streams.ALL["plain lines"](1_000_000, 1) * max(1, int(CAT_BYTES * scale / 1e6)))
        with real_worker(folder, WORKER_RING_BYTES=str(RING_BYTES)) as worker:
            raw = partial(ways.bare, is_raw=True)
            beside: dict[str, Way] = {"bare terminal": ways.bare, "raw terminal": raw}
            beside |= {} if problem else {"ttyd": ways.ttyd}
            through: dict[str, Way] = {
                "console": partial(ways.worker, worker.url),
                "HTTP": partial(ways.undecoded, worker.url),
            }
            for what, command, wanted in (
                ("cat", f"cat {shlex.quote(str(text))}", {"bare terminal": 0.9, "ttyd": 1.3}),
                ("seq", f"seq {int(SEQ_LINES * scale)}", {"ttyd": 0.9}),
                ("yes", f"yes | head -c {int(YES_BYTES * scale)}", {"ttyd": 0.9}),
            ):
                yield from _throughput(what, command, through, beside, wanted)
            del beside["raw terminal"]
            yield from _latency(through["console"], beside, max(int(TICKS * scale), 100))
            yield from asyncio.run(_keys(worker.url, max(int(KEYS * scale), 50)))


def _throughput(
    what: str, command: str, through: dict[str, Way], beside: dict[str, Way], wanted: dict[str, float]
) -> Iterator[Figure]:
    ways_ = through | beside
    rates: dict[str, list[float]] = {name: [] for name in ways_}
    written, _ = asyncio.run(_transferred(ways.bare(command, is_raw=True)))
    for _ in range(ROUNDS):
        for name, way in ways_.items():
            size, seconds = asyncio.run(_transferred(way(command)))
            # What the program wrote counts: returns come on top of it, and the frames of HTTP; ttyd lets
            # go of the last pieces when its program ends.
            assert size > 0.99 * written, f"{name} lost {written - size} bytes of {what}"
            rates[name].append(written / seconds / 1e6)
    middle = {name: statistics.median(found) for name, found in rates.items()}
    for name in through:
        for other in beside:
            limit = at_least(wanted[other]) if name == "console" and other in wanted else None
            yield Figure(f"{what}, read as {name}", middle[name], "MB/s", other, middle[other], limit)


async def _transferred(pieces: Pieces) -> tuple[int, float]:
    """Bytes, and the seconds from the first to the last of them."""
    size, began = 0, 0.0
    async with aclosing(pieces):
        async for piece in pieces:
            began = began or time.perf_counter()
            size += len(piece)
            ended = time.perf_counter()
    return size, ended - began


def _latency(console: Way, beside: dict[str, Way], count: int) -> Iterator[Figure]:
    program = TICKING.format(count=count, pause=TICK_SECONDS)
    command = shlex.join([sys.executable, "-S", "-c", program])
    late = {name: asyncio.run(_lateness(way(command))) for name, way in beside.items()}
    ours = asyncio.run(_lateness(console(command)))
    for percent, limit in ((50, None), (99, at_most(2, "ms"))):
        value = _quantile(ours, percent)
        for name, theirs in late.items():
            yield Figure(f"a line is under way, p{percent}", value, "ms", name, _quantile(theirs, percent))
        added = value - _quantile(late["bare terminal"], percent)
        yield Figure(f"of which we add, p{percent}", added, "ms", wanted=limit)


async def _lateness(pieces: Pieces) -> list[float]:
    """Milliseconds that each line was under way."""
    late = []
    rest = b""
    async with aclosing(pieces):
        async for piece in pieces:
            now = time.monotonic_ns()
            *lines, rest = (rest + piece).split(b"\n")
            late += [(now - int(line)) / 1e6 for line in lines]
    return late


async def _keys(url: str, count: int) -> list[Figure]:
    """A key typed by HTTP, echoed by the terminal, seen in the stream."""
    task, late = uuid4().hex, []
    async with (
        httpx.AsyncClient(trust_env=False, verify=False) as http,
        aclosing(ways.worker(url, "stty -echo; echo ready; cat", Mode.INTERACTIVE, task)) as pieces,
    ):
        seen = b""
        while b"ready" not in seen:
            seen += await anext(pieces)
        for _ in range(count):
            began = time.perf_counter()
            sending = asyncio.create_task(http.post(f"{url}/tasks/{task}/input", json={"data": "x\r"}))
            while b"x" not in await anext(pieces):
                pass
            late.append((time.perf_counter() - began) * 1000)
            (await sending).raise_for_status()
            await asyncio.sleep(0.01)
    return [Figure(f"a key and its echo, p{percent}", _quantile(late, percent), "ms") for percent in (50, 99)]


def _quantile(values: list[float], percent: int) -> float:
    return statistics.quantiles(values, n=100)[percent - 1]

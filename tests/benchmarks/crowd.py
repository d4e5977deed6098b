"""One task watched by 1, 10, 100 and 1,000 viewers, and by one that has stopped reading.

The agent draws a full screen of some 4 KB thirty times a second; each viewer is a connection that reads as
fast as it is sent. Late is a frame from before the agent writes it until a viewer has it. The worker is a
process of its own: its memory is what is resident once all viewers have watched for a while.
"""

from __future__ import annotations

import asyncio
import json
import re
import shlex
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit
from uuid import uuid4

import httpx

from tests.benchmarks.figures import Figure, at_most
from tests.benchmarks.processes import allow_descriptors, processor_seconds, resident
from tests.unit.workers import Real, real_worker

CROWDS = (1, 10, 100, 1000)
SECONDS = 10.0
ROUNDS = 3
LINES = 3_000_000
"""Some 24 MB: enough to fill the ring and every buffer between the worker and a viewer that does not read."""
SCREEN = """
import sys, time
row = "\\x1b[38;5;%dm" + "a word on the screen " * 5 + "\\x1b[0m"
while True:
    rows = "".join(f"\\x1b[{y};1H" + row % (y + 16) for y in range(1, 36))
    sys.stdout.write(f"\\x1b[?2026h\\x1b[1;1HT={time.monotonic_ns()};{rows}\\x1b[?2026l")
    sys.stdout.flush()
    time.sleep(1 / 30)
"""
STAMP = re.compile(rb"T=(\d+);")
WATCHES = 5
"""How many of the viewers look at the time."""


@dataclass(frozen=True)
class Watched:
    """What a crowd cost."""

    memory: float
    """MiB of the worker."""
    processor: float
    """Percent of a core that the worker took."""
    late: list[float]
    """Milliseconds: the 99 percentiles."""


def figures(scale: float) -> Iterator[Figure]:
    """Memory and processor time of the worker, lateness of the frames; then the agent's own speed."""
    allow_descriptors()
    seconds = max(SECONDS * scale, 2)
    with tempfile.TemporaryDirectory() as name:
        alone = 0.0
        for crowd in CROWDS:
            with real_worker(Path(name)) as worker:
                found = asyncio.run(_watched(worker, crowd, seconds))
            alone = alone or found.memory
            wanted = at_most(1.5) if crowd == 100 else None
            viewers = f"{crowd:,} viewers" if crowd > 1 else "1 viewer"
            yield Figure(f"worker's memory, {viewers}", found.memory, "MiB", "1 viewer", alone, wanted)
            yield Figure(f"worker's processor, {viewers}", found.processor, "% of a core")
            yield Figure(f"a frame, {viewers}, p50", found.late[49], "ms")
            yield Figure(f"a frame, {viewers}, p99", found.late[98], "ms")
        with real_worker(Path(name)) as worker:
            yield asyncio.run(_beside_a_stalled_one(worker.url, max(int(LINES * scale), 100_000)))


async def _watched(worker: Real, crowd: int, seconds: float) -> Watched:
    task = uuid4().hex
    program = shlex.join([sys.executable, "-S", "-c", SCREEN])
    async with _started(worker.url, program, task) as (reader, _):
        late: list[float] = []
        watching = [asyncio.create_task(_timed(reader, late))]
        async with AsyncExitStack() as stack:
            for number in range(1, crowd):
                reader, _ = await stack.enter_async_context(_viewer(worker.url, task))
                watch = _timed(reader, late) if number < WATCHES else _drained(reader)
                watching.append(asyncio.create_task(watch))
            await asyncio.sleep(1)
            late.clear()
            used, began = processor_seconds(worker.process.pid), time.perf_counter()
            await asyncio.sleep(seconds)
            used = processor_seconds(worker.process.pid) - used
            took, memory = time.perf_counter() - began, resident(worker.process.pid) / (1 << 20)
            for one in watching:
                one.cancel()
            await asyncio.gather(*watching, return_exceptions=True)
    return Watched(memory, 100 * used / took, statistics.quantiles(late, n=100))


async def _beside_a_stalled_one(url: str, lines: int) -> Figure:
    """Seconds that the agent needs, with a viewer that never reads and without."""
    alone: list[float] = []
    beside: list[float] = []
    for _ in range(ROUNDS):
        for found, is_stalled in ((alone, False), (beside, True)):
            task = uuid4().hex
            async with (
                _started(url, f"sleep 0.3; seq {lines}", task) as (reader, _),
                AsyncExitStack() as stack,
            ):
                if is_stalled:
                    await stack.enter_async_context(_viewer(url, task))
                await reader.readuntil(b'"data":"1')
                began = time.perf_counter()
                await _drained(reader)
                found.append(time.perf_counter() - began)
    return Figure(
        "the agent beside a viewer that stalls", statistics.median(beside), "s",
        "without it", statistics.median(alone), at_most(1.1),
    )  # fmt: skip


Stream = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@asynccontextmanager
async def _started(url: str, command: str, task: str) -> AsyncIterator[Stream]:
    """A task and its first viewer; it is cancelled at the end."""
    body = json.dumps({"prompt": command, "taskId": task, "cols": 120, "rows": 40}).encode()
    async with _connected(url, "POST", "/run", body) as stream:
        yield stream
        async with httpx.AsyncClient(trust_env=False, verify=False) as http:
            await http.post(f"{url}/tasks/{task}/cancel", json={"mode": "kill"})


@asynccontextmanager
async def _viewer(url: str, task: str) -> AsyncIterator[Stream]:
    async with _connected(url, "GET", f"/tasks/{task}/events") as stream:
        yield stream


@asynccontextmanager
async def _connected(url: str, method: str, path: str, body: bytes = b"") -> AsyncIterator[Stream]:
    """Plain HTTP: a thousand clients of a library would be what is measured."""
    address = urlsplit(url)
    reader, writer = await asyncio.open_connection(address.hostname, address.port, limit=1 << 20)
    head = f"{method} {path} HTTP/1.1\r\nHost: {address.netloc}\r\nAccept: text/event-stream\r\n"
    head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    writer.write(head.encode() + body)
    assert b" 200 " in await reader.readline()
    try:
        yield reader, writer
    finally:
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()


async def _drained(reader: asyncio.StreamReader) -> None:
    while await reader.read(1 << 16):
        pass


async def _timed(reader: asyncio.StreamReader, late: list[float]) -> None:
    rest = b""
    while data := await reader.read(1 << 16):
        now, data = time.monotonic_ns(), rest + data
        end = 0
        for found in STAMP.finditer(data):
            late.append((now - int(found[1])) / 1e6)
            end = found.end()
        rest = data[max(end, len(data) - 40) :]

"""A worker's stream and nothing behind it, for benchmarks: a process that says what a task would say.

Server-sent events as `worker_service.events` frames them, of 64 KiB at full speed or one for each frame of a
full-screen program; encoded once, so that the source is faster than whatever reads it.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import cycle
from multiprocessing.connection import Connection

from tests.terminal import streams
from worker_service.events import frame
from worker_service.wire import EventType, TaskEvent

PIECE = 64 << 10
"""Bytes of output in one event at most, as the worker makes them under a flood."""
FRAMES_PER_SECOND = 30
CORPUS = 8 << 20
"""Bytes of different output; more is the same once again."""
CHANGED_ROWS = 10
"""Of a screen in the load `rows`, whatever its height."""


@dataclass(frozen=True)
class Load:
    """What to say: a kind of KINDS; and when the viewer has seen enough of it, in bytes or in seconds."""

    kind: str
    size: int = 1 << 62
    seconds: float = 1e9


def _pieces(make: Callable[[int, int], bytes]) -> list[bytes]:
    data = make(CORPUS, 1)
    return [data[at : at + PIECE] for at in range(0, len(data), PIECE)]


def _frames(make: Callable[[int, int], bytes], start: bytes) -> list[bytes]:
    """The screens of a program, cut where each begins."""
    first, *rest = make(1 << 20, 1).split(start)
    return [first, *(start + one for one in rest)]


def _rows() -> list[bytes]:
    """The same few rows of the screen again and again, each a hundred cells of four colours."""
    chosen = random.Random(1)
    screens = []
    for _ in range(200):
        rows = [
            f"\x1b[{row};1H"
            + "".join(f"\x1b[3{colour}m{chosen.randrange(10**24):025}" for colour in range(1, 5))
            for row in range(1, CHANGED_ROWS + 1)
        ]
        screens.append("".join(rows).encode())
    return screens


KINDS: dict[str, Callable[[], list[bytes]]] = {
    "plain": lambda: _pieces(streams.plain),
    "yes": lambda: _pieces(streams.yes),
    "screen": lambda: _frames(streams.monitor, b"\x1b[1;3H"),
    "inline": lambda: _frames(streams.inline_ui, b"\x1b[?2026h"),
    "rows": _rows,
    "silence": lambda: [b""],
}
PACED = frozenset({"screen", "inline", "rows", "silence"})
"""Those that come 30 times a second."""


def serve(kind: str, pipe: Connection) -> None:
    """Send the port, then stream to whoever asks, until anything is received."""
    asyncio.run(_serve(kind, pipe))


async def _serve(kind: str, pipe: Connection) -> None:
    frames = [frame(_output(piece)) for piece in KINDS[kind]()]

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n")
        writer.write(frame(TaskEvent(1, EventType.STATUS, {"ts": time.time(), "status": "running"})))
        try:
            await _say(kind, frames, writer)
        except ConnectionError:
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    pipe.send(server.sockets[0].getsockname()[1])
    async with server:
        await asyncio.to_thread(pipe.recv)


async def _say(kind: str, frames: list[bytes], writer: asyncio.StreamWriter) -> None:
    began = time.monotonic()
    for number, framed in enumerate(cycle(frames)):
        if kind in PACED:
            await asyncio.sleep(max(began + number / FRAMES_PER_SECOND - time.monotonic(), 0))
        writer.write(framed)
        await writer.drain()


def _output(piece: bytes) -> TaskEvent:
    # Cut where it was, a character may lie in two events; the worker's own decoder never cuts one.
    data = {
        "ts": time.time(),
        "data": piece.decode(errors="ignore"),
        "encoding": "utf-8",
        "length": len(piece),
    }
    return TaskEvent(2, EventType.OUTPUT, data)

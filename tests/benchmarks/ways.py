"""Three ways from a command's terminal to a reader: read here, streamed by the worker, streamed by ttyd."""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import json
import os
import pty
import shutil
import subprocess
import time
import tty
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any
from uuid import uuid4

import httpx

from ccconsole import worker_client
from ccconsole.emulator.ports import Ports
from worker_service.wire import EventType, Mode, RunRequest

PIECE = 64 << 10
COLUMNS, ROWS = 120, 40
Pieces = AsyncGenerator[bytes, None]


async def bare(command: str, *, is_raw: bool = False) -> Pieces:
    """Read from a terminal as fast as it goes, with nothing else to do; raw, the kernel does less too."""
    master, slave = pty.openpty()
    if is_raw:
        tty.setraw(slave)
    words = ["/bin/sh", "-c", command]
    process = subprocess.Popen(words, stdin=slave, stdout=slave, stderr=slave)  # noqa: ASYNC220
    os.close(slave)
    try:
        with contextlib.suppress(OSError):  # EIO: nobody has the terminal open
            while piece := os.read(master, PIECE):
                yield piece
    finally:
        process.wait()
        os.close(master)


async def worker(url: str, command: str, mode: Mode = Mode.HEADLESS, task: str | None = None) -> Pieces:
    """Through the worker's event stream and the console's client, decoded."""
    request = RunRequest(prompt=command, task_id=task or uuid4().hex, mode=mode, cols=COLUMNS, rows=ROWS)
    async with aclosing(worker_client.run(url, request)) as events:
        async for event in events:
            if event.type is EventType.OUTPUT:
                yield worker_client.output_bytes(event)
            elif event.type is EventType.GAP:
                raise ValueError(f"the client fell behind: {event.data}")


async def undecoded(url: str, command: str) -> Pieces:
    """Through the worker's event stream, as bytes of HTTP: what curl would see."""
    body = {"prompt": command, "cols": COLUMNS, "rows": ROWS}
    headers = {"Accept": "text/event-stream"}
    async with (
        httpx.AsyncClient(trust_env=False, verify=False, timeout=None) as http,
        http.stream("POST", f"{url}/run", json=body, headers=headers) as response,
    ):
        async for piece in response.aiter_raw():
            if b"event: output" in piece or len(piece) > 1000:
                yield piece


def ttyd_problem() -> str | None:
    """Why ttyd cannot be measured here; None: it can."""
    if shutil.which("ttyd") is None:
        return "not installed: apt-get install ttyd"
    if importlib.util.find_spec("websockets") is None:
        return "websockets is not installed: pip install -e '.[benchmarks]'"
    return None


async def ttyd(command: str) -> Pieces:
    """Through ttyd, as its own web page reads it."""
    closed = importlib.import_module("websockets.exceptions").ConnectionClosed
    port = Ports().take()
    words = ["ttyd", "-i", "lo", "-p", str(port), "-W", "sh", "-c", command]
    silent = subprocess.DEVNULL
    with subprocess.Popen(words, stdout=silent, stderr=silent) as process:  # noqa: ASYNC220
        try:
            async with await _connected(f"ws://127.0.0.1:{port}/ws") as socket:
                size = {"AuthToken": "", "columns": COLUMNS, "rows": ROWS}
                await socket.send(json.dumps(size).encode())
                with contextlib.suppress(closed):
                    async for message in socket:
                        if message[:1] == b"0":
                            yield message[1:]
        finally:
            process.terminate()


async def _connected(address: str) -> Any:
    connect = importlib.import_module("websockets.asyncio.client").connect
    until = time.monotonic() + 10
    while True:
        try:
            return await connect(address, subprotocols=["tty"], compression=None, max_size=None, proxy=None)
        except OSError:
            if time.monotonic() > until:
                raise
            await asyncio.sleep(0.02)

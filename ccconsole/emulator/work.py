"""Whether a container works although no request is open on it: the emulator asks, where Google would not."""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress

from ccconsole.emulator.ports import HOST

_PATH = "/hello"
_SECONDS = 2.0
_MOST_BYTES = 64 << 10


async def is_at_work(port: int) -> bool:
    """Whether the worker on this port says that it runs tasks; what is no worker of ours does not."""
    try:
        async with asyncio.timeout(_SECONDS):
            answer = json.loads(await _body(port))
    except (OSError, TimeoutError, ValueError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
        return False
    return isinstance(answer, dict) and bool(answer.get("activeTasks"))


async def _body(port: int) -> bytes:
    reader, writer = await asyncio.open_connection(HOST, port)
    try:
        writer.write(f"GET {_PATH} HTTP/1.1\r\nHost: {HOST}:{port}\r\nConnection: close\r\n\r\n".encode())
        await reader.readuntil(b"\r\n\r\n")
        body = bytearray()
        while len(body) < _MOST_BYTES and (part := await reader.read(_MOST_BYTES)):
            body += part
        return bytes(body)
    finally:
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()

"""An agent's terminal bytes on stdout: as they are for a terminal, as plain text for everything else."""

from __future__ import annotations

import asyncio
import os
import re
import select
import sys

PIECE_BYTES = 4096
"""What a pipe that polls as writable takes without blocking (PIPE_BUF of Linux)."""
HELD_BYTES = 64 << 10
"""A control string that is longer than this and still open is dropped."""

_CONTROLS = re.compile(
    rb"\x1b\[[0-?]*[ -/]*[@-~]"  # CSI
    rb"|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\|(?=\x1b))"  # OSC
    rb"|\x1b[PX^_][^\x1b]*(?:\x1b\\|(?=\x1b))"  # DCS, SOS, PM, APC
    rb"|\x1b[ -/]*[0-~]"
    rb"|[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]"
)
_OPEN = re.compile(rb"(?:\r+|\x1b(?:\[[0-?]*[ -/]*|\][^\x07\x1b]*\x1b?|[PX^_][^\x1b]*\x1b?|[ -/]*))\Z")
_LINE_END = re.compile(rb"\r+\n|\r+")


class PlainText:
    """Terminal bytes made plain: without control sequences, each line ended by \\n."""

    def __init__(self) -> None:
        self._held = b""

    def feed(self, data: bytes) -> bytes:
        """The plain text of what is whole so far."""
        data = self._held + data
        still_open = _OPEN.search(data)
        cut = still_open.start() if still_open else len(data)
        self._held = data[cut:] if len(data) - cut <= HELD_BYTES else b""
        return _LINE_END.sub(b"\n", _CONTROLS.sub(b"", data[:cut]))

    def close(self) -> bytes:
        """The rest, once nothing follows."""
        held, self._held = self._held, b""
        return b"\n" if held.startswith(b"\r") else b""


class Stdout:
    """Writes to stdout at once, without stopping the event loop where the reader is slow.

    Raises BrokenPipeError when nobody reads any more.
    """

    def __init__(self, *, is_raw: bool) -> None:
        self._fd = sys.stdout.fileno()
        self._plain = None if is_raw or os.isatty(self._fd) else PlainText()

    async def write(self, data: bytes) -> None:
        """Write terminal bytes."""
        await self._write(data if self._plain is None else self._plain.feed(data))

    async def close(self) -> None:
        """Write what was held back."""
        if self._plain is not None:
            await self._write(self._plain.close())

    async def _write(self, data: bytes) -> None:
        rest = memoryview(data)
        poll = select.poll()
        poll.register(self._fd, select.POLLOUT)
        while rest:
            if poll.poll(0):
                rest = rest[os.write(self._fd, rest[:PIECE_BYTES]) :]
            else:
                await self._writable()

    async def _writable(self) -> None:
        loop = asyncio.get_running_loop()
        is_writable = asyncio.Event()
        loop.add_writer(self._fd, is_writable.set)
        try:
            await is_writable.wait()
        finally:
            loop.remove_writer(self._fd)

"""Startup probes: whether a container answers yet."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

from ccconsole.emulator.ports import HOST

_FIRST_PAUSE = 0.01
_LAST_PAUSE = 0.25
"""Seconds between tries. Google probes once a period; here more tries keep a local start short, and the
whole window (delay + period x threshold) stays the one asked for."""


@dataclass(frozen=True)
class StartupProbe:
    """A container's startup probe; without a `path` it is a TCP connect."""

    path: str | None = None
    headers: Sequence[tuple[str, str]] = ()
    initial_delay: float = 0.0
    timeout: float = 240.0
    period: float = 240.0
    threshold: int = 1

    @property
    def window(self) -> float:
        """Seconds after which the container counts as not started."""
        return self.initial_delay + self.period * self.threshold

    @property
    def kind(self) -> str:
        """HTTP or TCP."""
        return "TCP" if self.path is None else "HTTP"


async def passes(probe: StartupProbe, port: int) -> bool:
    """Probe until an answer is good; False when the window closed."""
    pause = _FIRST_PAUSE
    try:
        async with asyncio.timeout(probe.window):
            await asyncio.sleep(probe.initial_delay)
            while not await _is_answered(probe, port):
                await asyncio.sleep(pause)
                pause = min(pause * 1.3, _LAST_PAUSE)
    except TimeoutError:
        return False
    return True


async def _is_answered(probe: StartupProbe, port: int) -> bool:
    try:
        async with asyncio.timeout(probe.timeout):
            reader, writer = await asyncio.open_connection(HOST, port)
            try:
                return probe.path is None or 200 <= await _status(probe, port, reader, writer) < 400
            finally:
                writer.close()
                with suppress(OSError):
                    await writer.wait_closed()
    except (OSError, TimeoutError, ValueError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
        return False


async def _status(
    probe: StartupProbe, port: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> int:
    rows = [f"GET {probe.path} HTTP/1.1"]
    if not any(name.lower() == "host" for name, _ in probe.headers):
        rows.append(f"Host: {HOST}:{port}")
    rows += [f"{name}: {value}" for name, value in probe.headers]
    rows += ["User-Agent: GoogleHC/1.0", "Connection: close"]
    writer.write("\r\n".join([*rows, "", ""]).encode())
    await writer.drain()
    return int((await reader.readuntil(b"\n")).split()[1])

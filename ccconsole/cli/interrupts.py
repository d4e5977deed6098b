"""Ctrl-C as something a verb answers, in place of an exception in the middle of it."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any, TypeVar

T = TypeVar("T")

INTERRUPTED = 130
"""The exit code of a command that Ctrl-C ended: 128 and SIGINT."""


class Interrupts:
    """Waits for work and for Ctrl-C at once."""

    def __init__(self) -> None:
        self._pressed = asyncio.Event()

    def press(self) -> None:
        """Note a Ctrl-C."""
        self._pressed.set()

    async def ended_first(self, work: asyncio.Task[T], timeout: float | None = None) -> bool:
        """Whether the work ended before the next Ctrl-C and within `timeout` seconds; it goes on if not."""
        pressed = asyncio.ensure_future(self._pressed.wait())
        try:
            await asyncio.wait({work, pressed}, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
        finally:
            pressed.cancel()
            self._pressed.clear()
        return work.done()


@asynccontextmanager
async def interrupts() -> AsyncIterator[Interrupts]:
    """Ctrl-C is noted here and raises nothing."""
    loop = asyncio.get_running_loop()
    found = Interrupts()
    loop.add_signal_handler(signal.SIGINT, found.press)
    try:
        yield found
    finally:
        loop.remove_signal_handler(signal.SIGINT)


@asynccontextmanager
async def running(coroutine: Coroutine[Any, Any, T]) -> AsyncIterator[asyncio.Task[T]]:
    """The coroutine as a task that does not outlive the block."""
    work = asyncio.ensure_future(coroutine)
    try:
        yield work
    finally:
        work.cancel()
        await asyncio.wait({work})
        if not work.cancelled():
            work.exception()  # Whoever needed it has awaited it; asyncio is not to call it missed.

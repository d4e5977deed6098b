"""Blocking calls from an event loop, in threads that hold up neither the loop nor the process's end.

The store's own coroutines are not used: they end in a foreign thread that touches Python objects once more,
and a process that exits at that moment is aborted (PyO3/pyo3-async-runtimes#40; measured: 5 of 60 runs).
The standard library's executors wait for their threads at exit, however long a call hangs.
"""

from __future__ import annotations

import asyncio
import atexit
import queue
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any, TypeVar

T = TypeVar("T")

MAX_THREADS = 32
EXIT_SECONDS = 1.0
"""What the end of the process waits for calls under way; one that hangs is left behind."""


class Calls:
    """A pool of daemon threads for functions that raise nothing but `expected`."""

    def __init__(self, expected: tuple[type[Exception], ...]) -> None:
        self._expected = expected
        self._waiting: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._changed = threading.Condition()
        self._threads = 0
        self._under_way = 0
        atexit.register(self._settle)

    async def run(self, function: Callable[..., T], *arguments: Any, **named: Any) -> T:
        """What the function returns or raises; cancelled here, it still runs to its end in its thread."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()

        def work() -> None:
            outcome: T | Exception = RuntimeError("the call broke off; its own thread has said why")
            try:
                outcome = function(*arguments, **named)
            except self._expected as error:
                outcome = error
            finally:
                with suppress(RuntimeError):  # The loop is closed: nobody waits any more.
                    loop.call_soon_threadsafe(_settled, future, outcome)

        self._submit(work)
        return await future

    def _submit(self, work: Callable[[], None]) -> None:
        with self._changed:
            self._under_way += 1
            is_short = self._under_way > self._threads and self._threads < MAX_THREADS
            self._threads += is_short
        self._waiting.put(work)
        if is_short:
            threading.Thread(target=self._serve, name="store call", daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                self._waiting.get()()
            finally:
                with self._changed:
                    self._under_way -= 1
                    self._changed.notify_all()

    def _settle(self) -> None:
        with self._changed:
            self._changed.wait_for(lambda: not self._under_way, EXIT_SECONDS)


def _settled(future: asyncio.Future[T], outcome: T | Exception) -> None:
    if future.done():
        return
    if isinstance(outcome, Exception):
        future.set_exception(outcome)
    else:
        future.set_result(outcome)

"""Blocking calls of Google's login library, off the loop."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import threading
from collections.abc import Callable
from typing import TypeVar

import google.auth.exceptions

from ccconsole.errors import ConsoleError

T = TypeVar("T")


def in_thread(load: Callable[[], T], name: str) -> asyncio.Future[T]:
    """What `load` gives, from a thread that nobody waits for: a dead network must not hold up the exit.

    The future ends with what `load` raises of Google's login library and of ours.
    """
    loop = asyncio.get_running_loop()
    future: asyncio.Future[T] = loop.create_future()
    # Those who asked may have gone by then; the next one who asks loads again.
    future.add_done_callback(lambda done: done.cancelled() or done.exception())

    def settle(answer: Callable[[], None]) -> None:
        if not future.done():
            answer()

    def work() -> None:
        # What is not foreseen is a bug: the thread's own report names it, and nobody waits for ever.
        answer: Callable[[], None] = functools.partial(
            future.set_exception, ConsoleError("The login failed in a way that nobody foresaw")
        )
        try:
            found = load()
        except (google.auth.exceptions.GoogleAuthError, ConsoleError) as error:
            answer = functools.partial(future.set_exception, error)
        else:
            answer = functools.partial(future.set_result, found)
        finally:
            with contextlib.suppress(RuntimeError):  # the loop has ended
                loop.call_soon_threadsafe(settle, answer)

    threading.Thread(target=work, name=name, daemon=True).start()
    return future

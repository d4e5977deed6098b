"""Operators over async iterators, with the clock handed in."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import TypeVar

T = TypeVar("T")

BACKOFF_SECONDS = (0.5, 1.0, 2.0, 4.0, 8.0)


@dataclass(frozen=True)
class Clock:
    """The time and the waiting, so that a test can hold both."""

    now: Callable[[], float] = time.time
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    jitter: Callable[[], float] = lambda: random.uniform(0.8, 1.2)


async def with_backoff(
    opened: Callable[[], AsyncGenerator[T, None]],
    retried: type[BaseException] | tuple[type[BaseException], ...],
    *,
    delays: Sequence[float] = BACKOFF_SECONDS,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> AsyncGenerator[T, None]:
    """The items of `opened()`, which is opened again behind a pause when it raises one of `retried`.

    It raises that itself once it has failed more often in a row than there are delays (seconds); an item
    ends the row. `opened` must go on where the last item was.
    """
    failures = 0
    while True:
        try:
            async with aclosing(opened()) as items:
                async for item in items:
                    failures = 0
                    yield item
            return
        except retried:
            if failures >= len(delays):
                raise
            failures += 1
        await sleep(delays[failures - 1])

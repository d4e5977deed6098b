"""The operators over async iterators, with the clock in the test's hand."""

from __future__ import annotations

from collections.abc import AsyncGenerator

import pytest

from ccconsole.streams import with_backoff


class Source:
    """Counts up; raises before each number it is told to, so many times."""

    def __init__(self, failures: dict[int, int]) -> None:
        self.failures = failures
        self.next = 1
        self.slept: list[float] = []
        self.closed = 0

    async def opened(self) -> AsyncGenerator[int, None]:
        try:
            while self.next <= 3:
                if self.failures.get(self.next, 0) > 0:
                    self.failures[self.next] -= 1
                    raise ConnectionError(self.next)
                self.next += 1
                yield self.next - 1
        finally:
            self.closed += 1

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)

    def items(self) -> AsyncGenerator[int, None]:
        return with_backoff(self.opened, ConnectionError, delays=(1, 2), sleep=self.sleep)


async def test_failures_are_sat_out_with_growing_pauses_and_an_item_ends_the_row() -> None:
    source = Source({1: 2, 2: 1})
    assert [item async for item in source.items()] == [1, 2, 3]
    assert source.slept == [1, 2, 1]
    assert source.closed == 4


async def test_too_many_failures_in_a_row_are_raised() -> None:
    source = Source({2: 3})
    items = source.items()
    assert await anext(items) == 1
    with pytest.raises(ConnectionError):
        await anext(items)
    assert source.slept == [1, 2]


async def test_another_failure_is_raised_at_once() -> None:
    source = Source({1: 1})
    with pytest.raises(ConnectionError):
        await anext(with_backoff(source.opened, TimeoutError, sleep=source.sleep))
    assert source.slept == []


async def test_leaving_closes_the_source() -> None:
    source = Source({})
    items = source.items()
    await anext(items)
    await items.aclose()
    assert source.closed == 1

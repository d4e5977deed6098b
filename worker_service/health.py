"""How a store has answered lately: what is wrong with it in words, and since when."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

SLOW_SECONDS = 5.0
"""A call that has not come back for so long is told as trouble, long before it fails."""

Side = Literal["read", "write"]
"""Kept apart: a store that is full or read-only answers every read."""


class Health:
    """The state that the calls to one store have shown; they may be noted from any thread."""

    def __init__(self) -> None:
        self._failing: dict[Side, tuple[str, float]] = {}
        self._well_since: float | None = None
        self._under_way: dict[object, float] = {}

    def state(self) -> tuple[str | None, float | None]:
        """The problem, None when all is well, and since when that is so, in seconds since the epoch.

        No time: the store has not been asked yet.
        """
        words, times = [], []
        for text, since in dict(self._failing).values():
            words.append(text)
            times.append(since)
        oldest = min(self._under_way.copy().values(), default=None)
        if oldest is not None and (waited := time.time() - oldest) >= SLOW_SECONDS:
            words.append(f"the store has not answered for {waited:.0f} s")
            times.append(oldest)
        if not words:
            return None, self._well_since
        return "; ".join(dict.fromkeys(words)), min(times)

    @contextmanager
    def asked(self) -> Iterator[None]:
        """A call is under way, also when nobody waits for it any more."""
        call, began = object(), time.time()
        self._under_way[call] = began
        try:
            yield
        finally:
            del self._under_way[call]

    def answered(self, side: Side, seconds: float) -> None:
        """A call was answered as it should be, after so long."""
        was_ill = self._failing.pop(side, None) is not None or seconds >= SLOW_SECONDS
        if not self._failing and (was_ill or self._well_since is None):
            self._well_since = time.time()

    def failed(self, side: Side, problem: str) -> None:
        """A call failed."""
        since = self._failing[side][1] if side in self._failing else time.time()
        self._failing[side] = problem, since
        self._well_since = None

"""Measures all instances each SAMPLE_SECONDS, at times that everybody's clock agrees on."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable

from ccconsole.emulator.monitoring.metrics import SAMPLE_SECONDS
from ccconsole.emulator.monitoring.store import Store
from ccconsole.emulator.monitoring.usage import usage
from ccconsole.emulator.routing import Backend

_FOLD_SECONDS = 60.0


class Sampler:
    """`run` it as long as the emulator lives."""

    def __init__(self, backends: Callable[[], Iterable[Backend]], store: Store) -> None:
        self._backends = backends
        self._store = store
        self._folded_at = 0.0

    async def run(self) -> None:
        """Sample without end."""
        while True:
            now = time.time()
            await asyncio.sleep(SAMPLE_SECONDS - now % SAMPLE_SECONDS)
            await self.sample()

    async def sample(self, at: float | None = None) -> None:
        """Measure once; the period ends `at` seconds since the epoch (None: the last regular moment)."""
        backends = list(self._backends())
        leaders = [pid for backend in backends for pid in backend.meter.leaders]
        used = await asyncio.to_thread(usage, leaders) if leaders else {}
        now = time.time()
        ended = now // SAMPLE_SECONDS * SAMPLE_SECONDS if at is None else at
        for backend in backends:
            backend.meter.sample(used, backend.pool.waiting, ended)
        if now - self._folded_at >= _FOLD_SECONDS:
            self._folded_at = now
            self._store.fold(now)

"""An emulator in this process and its metrics, read with Google's own client."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest
from google.cloud import monitoring_v3

from ccconsole.emulator.emulator import Emulator, Options
from ccconsole.emulator.pool import Pace
from ccconsole.emulator.spec import Images
from tests.emulator.conftest import COMMAND, Cloud

RUN = "run.googleapis.com/"


@dataclass
class Measured:
    """An emulator in this process with Google's clients in front."""

    emulator: Emulator
    cloud: Cloud
    is_stopped: bool = False

    async def stop(self) -> None:
        """End it, once."""
        if not self.is_stopped:
            self.is_stopped = True
            await self.cloud.close()
            await self.emulator.kill()
            await self.emulator.stop()

    @cached_property
    def metrics(self) -> monitoring_v3.MetricServiceAsyncClient:
        """Cloud Monitoring's client."""
        transport = monitoring_v3.MetricServiceAsyncClient.get_transport_class("grpc_asyncio")
        return monitoring_v3.MetricServiceAsyncClient(transport=transport(channel=self.cloud.channel))

    async def series(self, metric: str, more: str = "", **fields: Any) -> list[Any]:
        """The raw series of a metric in the last minute, the period under way included."""
        request = monitoring_v3.ListTimeSeriesRequest(
            name="projects/demo",
            filter=f'metric.type = "{RUN}{metric}" AND resource.type = "cloud_run_revision"{more}',
            interval={"start_time": {"seconds": int(time.time()) - 60}, "end_time": {"seconds": end()}},
            **fields,
        )
        pager = await self.metrics.list_time_series(request=request)
        return [item async for page in pager.pages for item in type(page).pb(page).time_series]

    async def sampled(self, metric: str, ago: int = 0, **fields: Any) -> list[Any]:
        """The same after all instances were measured once more, as if so many seconds ago."""
        await self.emulator.sampler.sample(time.time() // 5 * 5 - ago)
        return await self.series(metric, **fields)


def end() -> int:
    """The end of the period after the one under way."""
    return (int(time.time()) // 5 + 2) * 5


def counts(series: list[Any], label: str) -> dict[str, int]:
    """Sums by a metric label's value."""
    found = Counter[str]()
    for item in series:
        found[item.metric.labels[label]] += sum(point.value.int64_value for point in item.points)
    return dict(found)


def newest(series: list[Any]) -> dict[str, int]:
    """The newest number of each state."""
    return {item.metric.labels["state"]: item.points[0].value.int64_value for item in series}


def mean_at(series: Any, at: float) -> float:
    """The mean of the values at one time."""
    (point,) = [point for point in series.points if point.interval.end_time.seconds == int(at)]
    return float(point.value.distribution_value.mean)


def values(series: list[Any]) -> list[Any]:
    """All distributions."""
    return [point.value.distribution_value for item in series for point in item.points]


Start = Callable[..., Awaitable[Measured]]


@pytest.fixture
async def start(tmp_path: Path) -> AsyncIterator[Start]:
    """Start an emulator on the test's state; what is still there at the end is stopped."""
    started: list[Measured] = []

    async def begin(idle: float = 60.0) -> Measured:
        pace = Pace(idle=idle, pending=1.0)
        emulator = Emulator(
            Options(tmp_path / "state", ["127.0.0.1:0"], images=Images({"test": COMMAND}), pace=pace)
        )
        await emulator.start()
        started.append(Measured(emulator, Cloud(emulator.addresses[0])))
        return started[-1]

    yield begin
    for measured in started:
        await measured.stop()


@pytest.fixture
async def measured(start: Start) -> Measured:
    return await start()

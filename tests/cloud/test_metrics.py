"""Metrics through Google's client: how many calls, what is merged, what an idle service says."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path

import pytest
from google.cloud import run_v2

from ccconsole import distributions
from ccconsole.cloud.connect import Connection
from ccconsole.cloud.metric_queries import ALL, CORE
from ccconsole.cloud.metrics import metrics, read_metrics
from ccconsole.cloud.services import services_in
from ccconsole.config import Environment, ServiceSpec
from ccconsole.emulator.emulator import Emulator, Options
from ccconsole.emulator.monitoring import metrics as measured
from ccconsole.emulator.monitoring.store import Key, Value, labels
from ccconsole.emulator.spec import Images
from ccconsole.model.metrics import MetricsSnapshot
from ccconsole.model.services import ServiceKey
from ccconsole.streams import Clock

REGION = "us-central1"
LIST = "/google.monitoring.v3.MetricService/ListTimeSeries"
DESCRIBE = "/google.monitoring.v3.MetricService/ListMetricDescriptors"
NOW = 1_800_000_000.0


def key(name: str) -> ServiceKey:
    return ServiceKey("dev", REGION, name)


@dataclass
class World:
    """An emulator, a connection to it, and a clock that stands still."""

    emulator: Emulator
    connection: Connection
    now: float = NOW

    def put(
        self,
        metric: measured.Metric,
        value: Value,
        ago: float = 0,
        service: str = "a",
        revision: str = "1",
        project: str = "demo",
        **more: str,
    ) -> None:
        """One measurement, `ago` seconds before the clock's time."""
        resource = labels(
            project_id=project, location=REGION, service_name=service, revision_name=f"{service}-{revision}"
        )
        self.emulator.series.add(Key(metric, labels(**more), resource), value, self.now - ago)

    @property
    def clock(self) -> Clock:
        return Clock(now=lambda: self.now, jitter=lambda: 1.0)

    async def read(self, *names: str, window: float = 1800.0) -> MetricsSnapshot:
        return await read_metrics(
            self.connection, window=window, services=[key(name) for name in names], clock=self.clock
        )

    def forget(self) -> None:
        """What a restart does to the series."""
        self.emulator.series.clear()


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    emulator = Emulator(Options(tmp_path / "state", ["127.0.0.1:0"], images=Images({"none": ["false"]})))
    await emulator.start()
    specs = tuple(ServiceSpec(key(f"worker-{n:02d}"), "none") for n in range(50))
    environment = Environment("dev", is_local=False, project="demo", region=REGION, services=specs)
    connection = Connection(environment, target=emulator.addresses[0])
    yield World(emulator, connection)
    await connection.close()
    await emulator.kill()
    await emulator.stop()


async def test_fifty_services_are_refreshed_in_seven_calls(world: World) -> None:
    client = world.connection.client(run_v2.ServicesAsyncClient)
    parent = f"projects/demo/locations/{REGION}"
    for spec in world.connection.environment.services:
        template = run_v2.RevisionTemplate(containers=[run_v2.Container(image="none")])
        await client.create_service(
            parent=parent, service=run_v2.Service(template=template), service_id=spec.key.name
        )
        for ago in range(0, 1800, 60):
            world.put(measured.REQUEST_COUNT, 2, ago, spec.key.name, response_code_class="2xx")
            world.put(measured.INSTANCE_COUNT, 1, ago, spec.key.name, state="active")
    calls = world.emulator.table.calls
    calls.clear()
    keys = [service.key for service in await services_in(world.connection, REGION)]
    flow = metrics(world.connection, services=lambda: keys, clock=world.clock, interval=0.01)
    async with aclosing(flow):
        first = await anext(flow)
        assert calls.total() <= 7, calls
        assert calls[LIST] == 5
        assert len(first.services) == 50
        assert all(found["request_count"].overall == 60 for found in first.services.values())
        assert first.problems == ()
        calls.clear()
        await services_in(world.connection, REGION)
        await anext(flow)
        assert calls.total() <= 6, calls
    calls.clear()
    whole = await read_metrics(world.connection, services=keys, clock=world.clock)
    assert (calls[LIST], calls[DESCRIBE]) == (len(ALL), 0)
    assert whole.services.keys() == set(keys)


async def test_every_figure_of_one_service(world: World) -> None:
    for ago in (0, 5):
        for code, count in (("2xx", 6), ("4xx", 1), ("5xx", 3)):
            world.put(measured.REQUEST_COUNT, count, ago, response_code_class=code)
        world.put(measured.INSTANCE_COUNT, 2, ago, state="active")
        world.put(measured.INSTANCE_COUNT, 1, ago, state="idle")
        world.put(measured.PENDING_REQUESTS, 4, ago)
        world.put(measured.BILLABLE_TIME, 1.5, ago)
        world.put(measured.CPU, distributions.of([0.5], measured.CPU.bounds), ago)
        world.put(measured.MEMORY, distributions.of([0.25], measured.MEMORY.bounds), ago)
        world.put(measured.STARTUP_LATENCIES, distributions.of([900], measured.STARTUP_LATENCIES.bounds), ago)
        for revision in ("1", "2"):
            latency = distributions.of([100.0] * 50, measured.REQUEST_LATENCIES.bounds)
            world.put(measured.REQUEST_LATENCIES, latency, ago, revision=revision)
    world.put(measured.REQUEST_COUNT, 99, 0, project="other", response_code_class="5xx")
    found = (await world.read("a")).services[key("a")]
    times = (NOW - 5, NOW)

    def shown(name: str) -> tuple[tuple[float, ...], float | None, str]:
        series = found[name]
        assert tuple(time for time, _ in series.points) == times
        assert series.as_of == NOW
        assert (series.period, series.sample_period, series.ingest_delay) == (5.0, 5.0, 0.0)
        return tuple(value for _, value in series.points), series.overall, series.unit

    assert shown("request_count") == ((10, 10), 20, "requests")
    assert shown("request_count_5xx") == ((3, 3), 6, "requests")
    assert shown("request_count_3xx") == ((0, 0), 0, "requests")
    assert shown("request_rate")[0] == (2, 2)
    assert shown("error_rate") == ((0.4, 0.4), 0.4, "ratio")
    assert shown("error_rate_4xx")[0] == (0.1, 0.1)
    assert shown("error_rate_5xx")[0] == (0.3, 0.3)
    assert shown("instance_count") == ((3, 3), 3, "instances")
    assert shown("instance_count_active")[0] == (2, 2)
    assert shown("instance_count_idle")[0] == (1, 1)
    assert shown("pending_requests") == ((4, 4), 4, "requests")
    assert shown("billable_time") == ((1.5, 1.5), 3, "s")
    assert shown("cpu") == ((0.5, 0.5), 0.5, "ratio")
    assert shown("memory")[0] == (0.25, 0.25)
    assert shown("startup_latency_p95")[0] == (900, 900)
    assert shown("startup_latency_p95")[1] == pytest.approx(900, rel=0.4)
    for name in ("latency_p50", "latency_p95", "latency_p99"):
        points, overall, unit = shown(name)
        assert points == pytest.approx((100, 100), rel=0.3)
        assert unit == "ms"
        assert overall == pytest.approx(100, rel=0.3)


async def test_a_percentile_is_of_the_merged_revisions(world: World) -> None:
    bounds = measured.REQUEST_LATENCIES.bounds
    world.put(measured.REQUEST_LATENCIES, distributions.of([10.0] * 990, bounds), revision="1")
    world.put(measured.REQUEST_LATENCIES, distributions.of([60_000.0] * 10, bounds), revision="2")
    series = (await world.read("a")).services[key("a")]
    assert series["latency_p95"].points[-1][1] < 20
    # The mean of the two revisions' percentiles would be half a minute.
    assert series["latency_p50"].points[-1][1] < 20
    assert series["latency_p99"].points[-1][1] < 20


async def test_an_idle_service_says_since_when_there_is_no_data_and_never_zero(world: World) -> None:
    world.put(measured.REQUEST_COUNT, 1, 300, response_code_class="2xx")
    snapshot = await world.read("a", "idle")
    requests = snapshot.services[key("a")]["request_count"]
    assert requests.current(NOW) is None
    assert requests.no_data_since(NOW) == NOW - 300
    assert requests.age(NOW) == 300
    for series in snapshot.services[key("idle")].series.values():
        assert (series.points, series.overall, series.current(NOW), series.as_of) == ((), None, None, None)
        assert series.no_data_since(NOW) == NOW - 1800
        assert series.problem is None
    assert {
        "request_count",
        "latency_p95",
        "error_rate",
        "cpu",
        "memory",
        "instance_count",
    } <= snapshot.services[key("idle")].series.keys()


async def test_increments_are_merged_by_time(world: World) -> None:
    world.put(measured.REQUEST_COUNT, 1, 600, response_code_class="2xx")
    world.put(measured.REQUEST_COUNT, 1, 5, response_code_class="2xx")
    world.put(measured.REQUEST_COUNT, 1, 0, response_code_class="2xx")
    ticks: asyncio.Queue[None] = asyncio.Queue()

    async def sleep(seconds: float) -> None:
        await ticks.get()

    clock = Clock(now=lambda: world.now, sleep=sleep, jitter=lambda: 1.0)
    async with aclosing(metrics(world.connection, services=lambda: [key("a")], clock=clock)) as flow:

        async def next_points() -> list[tuple[float, float]]:
            ticks.put_nowait(None)
            series = (await anext(flow)).services[key("a")]["request_count"]
            return [(time - NOW, value) for time, value in series.points]

        assert await next_points() == [(-600, 1), (-5, 1), (0, 1)]
        # One came late; one is new.
        world.put(measured.REQUEST_COUNT, 4, 0, response_code_class="5xx")
        world.now += 5
        world.put(measured.REQUEST_COUNT, 2, 0, response_code_class="2xx")
        assert await next_points() == [(-600, 1), (-5, 1), (0, 5), (5, 2)]
        # The emulator was restarted: it forgot all, and the console keeps what it knew.
        world.forget()
        world.now += 25
        world.put(measured.REQUEST_COUNT, 7, 0, response_code_class="2xx")
        assert await next_points() == [(-600, 1), (-5, 1), (0, 5), (5, 2), (30, 7)]
        # What leaves the window is dropped.
        world.now += 1770
        assert await next_points() == [(5, 2), (30, 7)]
        world.now += 100
        assert await next_points() == []


async def test_a_service_that_is_added_brings_its_past(world: World) -> None:
    world.put(measured.REQUEST_COUNT, 1, 900, "b", response_code_class="2xx")
    wanted = [key("a")]
    async with aclosing(
        metrics(world.connection, services=lambda: wanted, clock=world.clock, interval=0.01)
    ) as flow:
        assert (await anext(flow)).services.keys() == {key("a")}
        wanted.append(key("b"))
        found = (await anext(flow)).services[key("b")]
        assert found["request_count"].points == ((NOW - 900, 1),)


async def test_a_long_window_is_read_in_long_periods(world: World) -> None:
    world.put(measured.REQUEST_COUNT, 1, 0, response_code_class="2xx")
    world.put(measured.REQUEST_COUNT, 1, 30, response_code_class="2xx")
    series = (await world.read("a", window=6 * 3600.0)).services[key("a")]["request_count"]
    assert (series.period, series.points) == (60.0, ((NOW, 2),))


def test_one_filter_names_the_services_as_long_as_it_may() -> None:
    query = CORE[0]
    base = 'metric.type = "run.googleapis.com/request_count" AND resource.type = "cloud_run_revision"'
    assert query.filter(None) == base
    assert query.filter(["a"]) == f'{base} AND resource.labels.service_name = "a"'
    assert query.filter(["b", "a"]) == f'{base} AND resource.labels.service_name = one_of("a", "b")'
    assert query.filter([f"worker-{n}" for n in range(300)]) == base
    assert len(query.filter([f"claudecluster-worker-dev-{n:02d}" for n in range(50)])) <= 2048

"""What is measured of requests and instances, read with Google's own client."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

from ccconsole.emulator.monitoring import metrics
from ccconsole.emulator.monitoring.store import Key, Store, labels
from tests.emulator.conftest import until
from tests.emulator.monitoring.conftest import Measured, Start, counts, mean_at, newest, values


async def test_a_request_is_counted_at_its_end_by_its_answer(measured: Measured, tmp_path: Path) -> None:
    service = await measured.cloud.deploy(concurrency=10)
    woken = tmp_path / "woken"
    slow = asyncio.create_task(measured.cloud.http.get(f"{service.uri}/sleep?until={woken}"))
    for path in ("/info", "/info", "/nothing"):
        await measured.cloud.http.get(service.uri + path)
    await until(lambda: are_counted(measured, {"2xx": 2, "4xx": 1}))
    found = await measured.series("request_count")
    assert counts(found, "response_code") == {"200": 2, "404": 1}
    revision = service.latest_ready_revision.rsplit("/", 1)[-1]
    assert dict(found[0].resource.labels) == {
        "project_id": "demo",
        "location": "us-central1",
        "service_name": "svc",
        "revision_name": revision,
        "configuration_name": "svc",
    }
    woken.touch()
    assert (await slow).text == "woken"
    await until(lambda: are_counted(measured, {"2xx": 3, "4xx": 1}))
    latencies = values(await measured.series("request_latencies"))
    assert sum(part.count for part in latencies) == 4


async def are_counted(measured: Measured, expected: dict[str, int]) -> bool:
    """Whether exactly these requests were: one is, a moment after its client has all of the answer."""
    return counts(await measured.series("request_count"), "response_code_class") == expected


async def test_a_request_that_reaches_no_instance_is_not_counted(measured: Measured, tmp_path: Path) -> None:
    service = await measured.cloud.deploy(instances=(0, 1))
    never = tmp_path / "never"
    async with measured.cloud.http.stream("GET", f"{service.uri}/hold?until={never}") as held:
        parts = held.aiter_raw()
        await anext(parts)
        refused = asyncio.create_task(measured.cloud.http.get(service.uri))

        async def is_waiting() -> bool:
            found = await measured.sampled("pending_queue/pending_requests")
            return any(point.value.int64_value == 1 for item in found for point in item.points)

        await until(is_waiting)
        assert (await refused).status_code == 429
        assert await measured.series("request_count") == []


async def test_instances_are_counted_by_state(measured: Measured, tmp_path: Path) -> None:
    service = await measured.cloud.deploy(instances=(2, 2))
    ended = tmp_path / "ended"

    async def is_up() -> bool:
        return newest(await measured.sampled("container/instance_count")) == {"active": 1, "idle": 1}

    async with measured.cloud.http.stream("GET", f"{service.uri}/hold?until={ended}") as held:
        parts = held.aiter_raw()
        await anext(parts)
        await until(is_up)
        ended.touch()
    peaks = values(await measured.sampled("container/max_request_concurrencies"))
    assert {part.mean for part in peaks} == {1.0}
    started = values(await measured.series("container/startup_latencies"))
    assert sum(part.count for part in started) == 2
    (billed,) = await measured.series("container/billable_instance_time")
    assert sum(point.value.double_value for point in billed.points) >= 0.2


async def test_the_last_instance_leaves_one_zero_and_then_nothing(start: Start, tmp_path: Path) -> None:
    measured = await start(idle=0.2)
    service = await measured.cloud.deploy()
    ended = tmp_path / "ended"

    async def are_active(expected: int) -> bool:
        found = newest(await measured.sampled("container/instance_count"))
        return found == {"active": expected, "idle": 0}

    async with measured.cloud.http.stream("GET", f"{service.uri}/hold?until={ended}") as held:
        parts = held.aiter_raw()
        await anext(parts)
        await until(lambda: are_active(1))
        ended.touch()
    await until(lambda: are_active(0))
    before = [len(item.points) for item in await measured.series("container/instance_count")]
    after = await measured.sampled("container/instance_count", ago=-5)
    assert [len(item.points) for item in after] == before


async def test_cpu_and_memory_of_the_whole_family_against_its_limits(
    measured: Measured, tmp_path: Path
) -> None:
    service = await measured.cloud.deploy()
    ended = tmp_path / "ended"
    async with measured.cloud.http.stream("GET", f"{service.uri}/burn?mib=150&until={ended}") as burning:
        parts = burning.aiter_raw()
        await anext(parts)
        # At moments that the sampler's own are not at.
        await measured.sampled("container/memory/utilizations", ago=40)
        began = time.monotonic()
        await until(lambda: time.monotonic() - began > 0.5)
        at = time.time() // 5 * 5 - 30
        await measured.emulator.sampler.sample(at)
        (memory,) = await measured.series("container/memory/utilizations")
        (cpu,) = await measured.series("container/cpu/utilizations")
        ended.touch()
    # 150 MiB and an interpreter, of 512 MiB.
    assert 0.3 < mean_at(memory, at) < 0.6
    assert 0.1 < mean_at(cpu, at) < 1.5
    assert cpu.unit == "10^2.%"


async def test_after_a_restart_there_is_a_gap(start: Start) -> None:
    first = await start()
    service = await first.cloud.deploy()
    await first.cloud.http.get(service.uri)
    await until(lambda: are_counted(first, {"2xx": 1}))
    await first.stop()
    again = await start()
    assert (await again.cloud.get()).uri == service.uri
    assert await again.sampled("request_count") == []
    assert await again.sampled("container/cpu/utilizations") == []


def test_memory_is_bounded_and_old_points_become_minutes() -> None:
    store = Store()
    key = Key(metrics.REQUEST_COUNT, (), labels(service_name="a"))
    gauge = Key(metrics.INSTANCE_COUNT, (), labels(service_name="a"))
    now = 1_800_000_000
    for ago in range(0, 8 * 3600, 5):
        store.add(key, 1, now - ago)
        store.add(gauge, ago % 60, now - ago)
    store.fold(now)
    ((_, points),) = store.series(metrics.REQUEST_COUNT)
    assert len(points) < 720 + 5 * 60 + 5
    assert sum(value for at, value in points if now - 3600 >= at > now - 7200) == 720  # type: ignore[misc]
    ((_, highest),) = store.series(metrics.INSTANCE_COUNT)
    assert {value for at, value in highest if at <= now - 3660} == {55}
    for number in range(2030):
        store.add(Key(metrics.REQUEST_COUNT, (), labels(service_name=f"s{number}")), 1, now + number)
    assert len(list(store.series(metrics.REQUEST_COUNT))) <= 2000
    store.fold(now + 7 * 3600 + 2030)
    assert list(store.series(metrics.REQUEST_COUNT)) == []

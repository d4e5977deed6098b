"""Instances come and go with the requests, as Cloud Run's do."""

from __future__ import annotations

import asyncio
from collections import Counter
from contextlib import AsyncExitStack
from pathlib import Path

import httpx
from google.cloud import run_v2

from ccconsole.emulator.pool import Pace
from tests.emulator.conftest import Cloud, Launch, leave, template, until


async def hold(cloud: Cloud, service: run_v2.Service, gate: Path, stack: AsyncExitStack) -> int:
    """Keep a request open until the gate is there; the pid of its instance."""
    uri = f"{service.uri}/hold?until={gate}"
    response = await stack.enter_async_context(cloud.http.stream("GET", uri))
    assert response.status_code == 200
    parts = response.aiter_raw()
    stack.push_async_callback(parts.aclose)  # type: ignore[attr-defined]
    return int((await anext(parts)).split()[1])


def running(pid: int) -> bool:
    stat = Path(f"/proc/{pid}/stat")
    try:
        return stat.read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def starts(path: Path) -> list[int]:
    return [int(line) for line in path.read_text().split()] if path.exists() else []


async def test_six_requests_on_five_instances_at_concurrency_one(cloud: Cloud, tmp_path: Path) -> None:
    service = await cloud.deploy(instances=(0, 5))
    gate = tmp_path / "gate"
    async with AsyncExitStack() as stack:
        pids = await asyncio.gather(*(hold(cloud, service, gate, stack) for _ in range(5)))
        assert len(set(pids)) == 5
        sixth = asyncio.create_task(cloud.http.get(service.uri))
        # The sixth waits: an instance that was free would have answered the scripted container's way by now.
        done, _ = await asyncio.wait({sixth}, timeout=0.3)
        assert not done
        gate.touch()
        answer = await sixth
    assert answer.status_code == 200
    assert answer.json()["pid"] in pids


async def test_the_sixth_gets_429_when_nobody_ends_in_time(launch: Launch, tmp_path: Path) -> None:
    cloud = await launch(Pace(pending=0.3, startup_factor=0.0))
    service = await cloud.deploy(instances=(0, 1))
    async with AsyncExitStack() as stack:
        await hold(cloud, service, tmp_path / "never", stack)
        answer = await cloud.http.get(service.uri)
    assert answer.status_code == 429
    assert answer.text == "The request was aborted because there was no available instance.\n"


async def test_a_request_waits_as_long_as_a_slow_start_allows(launch: Launch, tmp_path: Path) -> None:
    cloud = await launch(Pace(idle=0.01, pending=0.05))
    gate = tmp_path / "gate"
    gate.touch()
    log = tmp_path / "starts"
    service = await cloud.deploy(env={"START_WHEN": str(gate), "STARTS_FILE": str(log)})
    await until(lambda: not running(starts(log)[0]))
    gate.unlink()
    asking = asyncio.create_task(cloud.http.get(service.uri))
    await until(lambda: len(starts(log)) == 2)
    done, _ = await asyncio.wait({asking}, timeout=0.3)
    assert not done
    gate.touch()
    assert (await asking).status_code == 200


async def test_concurrency_fills_an_instance_before_another_starts(cloud: Cloud, tmp_path: Path) -> None:
    service = await cloud.deploy(concurrency=3)
    gate = tmp_path / "gate"
    async with AsyncExitStack() as stack:
        pids = [await hold(cloud, service, gate, stack) for _ in range(4)]
        gate.touch()
    assert sorted(Counter(pids).values()) == [1, 3]


async def test_idle_instances_end_and_the_next_request_starts_one(launch: Launch) -> None:
    cloud = await launch(Pace(idle=0.2))
    service = await cloud.deploy()
    first = (await cloud.http.get(service.uri)).json()
    await until(lambda: not running(first["pid"]))
    await until(lambda: not Path(first["cwd"]).exists())
    assert (await cloud.http.get(service.uri)).json()["pid"] != first["pid"]


async def test_minimum_instances_stay_and_are_replaced(launch: Launch, tmp_path: Path) -> None:
    cloud = await launch(Pace(idle=0.1))
    log = tmp_path / "starts"
    service = await cloud.deploy(instances=(2, 5), env={"STARTS_FILE": str(log)})
    await until(lambda: len(starts(log)) == 2)
    gate = tmp_path / "gate"
    async with AsyncExitStack() as stack:
        held = [await hold(cloud, service, gate, stack) for _ in range(3)]
        assert len(set(held)) == 3
        gate.touch()
    await until(lambda: sum(map(running, starts(log))) == 2)
    died = (await cloud.http.get(f"{service.uri}/die")).status_code
    assert died == 503
    await until(lambda: len(starts(log)) == 4)
    assert sum(map(running, starts(log))) == 2

    none = template(instances=(0, 5), env={"STARTS_FILE": str(log)})
    none.name = service.name
    await cloud.finish(await cloud.update(none))
    await until(lambda: sum(map(running, starts(log))) == 0)


async def test_service_level_counts_are_shared_by_traffic(launch: Launch, tmp_path: Path) -> None:
    cloud = await launch(Pace(pending=0.3, startup_factor=0.0))
    log = tmp_path / "starts"
    scaling = {"min_instance_count": 2, "max_instance_count": 2}
    service = await cloud.deploy(instances=(0, 9), env={"STARTS_FILE": str(log)}, scaling=scaling)
    await until(lambda: len(starts(log)) == 2)
    async with AsyncExitStack() as stack:
        for _ in range(2):
            await hold(cloud, service, tmp_path / "never", stack)
        assert (await cloud.http.get(service.uri)).status_code == 429


async def test_a_services_minimum_changes_without_a_new_revision(cloud: Cloud, tmp_path: Path) -> None:
    log = tmp_path / "starts"
    service = await cloud.deploy(env={"STARTS_FILE": str(log)})
    assert len(starts(log)) == 1
    wanted = run_v2.Service(name=service.name, scaling={"min_instance_count": 3})
    updated = await cloud.finish(await cloud.update(wanted, "scaling.min_instance_count"))
    assert updated.latest_created_revision == service.latest_created_revision
    assert updated.generation == updated.observed_generation == 2
    await until(lambda: len(starts(log)) == 3)


async def test_manual_scaling_keeps_exactly_so_many(launch: Launch, tmp_path: Path) -> None:
    cloud = await launch(Pace(idle=0.1, pending=0.3, startup_factor=0.0))
    log = tmp_path / "starts"
    service = await cloud.deploy(env={"STARTS_FILE": str(log)}, scaling={"manual_instance_count": 2})
    await until(lambda: len(starts(log)) == 2)
    async with AsyncExitStack() as stack:
        for _ in range(2):
            await hold(cloud, service, tmp_path / "never", stack)
        assert (await cloud.http.get(service.uri)).status_code == 429
    assert len(starts(log)) == 2


async def test_a_client_that_leaves_the_queue_takes_no_instance(cloud: Cloud, tmp_path: Path) -> None:
    log = tmp_path / "starts"
    service = await cloud.deploy(instances=(0, 1), env={"STARTS_FILE": str(log)})
    gate = tmp_path / "gate"
    async with AsyncExitStack() as stack:
        await hold(cloud, service, gate, stack)
        queue = [asyncio.create_task(cloud.http.get(service.uri)) for _ in range(20)]
        await asyncio.wait(queue, timeout=0.2)
        for task in queue[:-1]:
            await leave(task)
        gate.touch()
        assert (await queue[-1]).status_code == 200
    assert len(starts(log)) == 1


async def test_an_instance_that_stopped_starting_fails_its_requests(launch: Launch, tmp_path: Path) -> None:
    cloud = await launch(Pace(idle=0.05))
    health = tmp_path / "healthy"
    health.touch()
    service = await cloud.deploy(env={"FAIL": str(health)})
    pid = (await cloud.http.get(service.uri)).json()["pid"]
    await until(lambda: not running(pid))
    health.unlink()
    answer = await cloud.http.get(service.uri)
    assert answer.status_code == 503
    assert "could not start successfully" in answer.text
    health.touch()
    assert (await cloud.http.get(service.uri)).status_code == 200


async def test_an_http_startup_probe_decides_when_requests_arrive(cloud: Cloud, tmp_path: Path) -> None:
    ready = tmp_path / "ready"
    probe = run_v2.Probe(http_get={"path": "/health"}, period_seconds=1, failure_threshold=30)
    operation = await cloud.create("svc", template(env={"READY_FILE": str(ready)}, probe=probe))
    log = tmp_path / "state" / "logs" / "svc"
    await until(lambda: any("Starting new instance" in path.read_text() for path in log.glob("*.log")))
    assert not await cloud.is_done(operation)
    ready.touch()
    assert (await cloud.http.get((await cloud.finish(operation)).uri)).status_code == 200


async def test_a_probe_that_never_passes_fails_the_deployment(cloud: Cloud, tmp_path: Path) -> None:
    probe = run_v2.Probe(http_get={"path": "/health"}, period_seconds=1, failure_threshold=1)
    operation = await cloud.create("svc", template(env={"READY_FILE": "/nowhere"}, probe=probe))
    assert (await cloud.wait(operation)).error.code == 9


async def test_a_flood_of_requests_at_the_limit_leaves_nothing_behind(launch: Launch) -> None:
    cloud = await launch(Pace(pending=5, startup_factor=0.0))
    service = await cloud.deploy(instances=(0, 2), concurrency=2)
    limits = httpx.Limits(max_connections=None)
    async with httpx.AsyncClient(trust_env=False, timeout=30, limits=limits, verify=False) as http:
        asking = [asyncio.create_task(http.get(service.uri)) for _ in range(120)]
        await asyncio.wait(asking[:10], return_when=asyncio.FIRST_COMPLETED)
        for task in asking[1::3]:
            task.cancel()
        answers = await asyncio.gather(*asking, return_exceptions=True)
    statuses = Counter(item.status_code for item in answers if isinstance(item, httpx.Response))
    assert set(statuses) == {200}
    assert statuses[200] >= 80
    # All slots are free again: four requests at once find room without a wait.
    async with asyncio.timeout(4):
        again = await asyncio.gather(*(cloud.http.get(service.uri) for _ in range(4)))
    assert {item.status_code for item in again} == {200}

"""Viewers: many, slow, late, lost and coming back."""

from __future__ import annotations

import asyncio
import json
import socket
from pathlib import Path

import pytest

from tests.worker.conftest import RunningWorker, StartWorker, output, result, until


async def gate(worker: RunningWorker, path: Path, **fields: object) -> asyncio.Task[list[object]]:
    """A task that prints, waits for `path` to exist, and prints again."""
    prompt = f"echo one; until [ -e {path} ]; do sleep 0.02; done; echo two"
    return await worker.start(prompt, taskId="t", **fields)  # type: ignore[return-value]


async def test_a_viewer_resumes_behind_the_last_event_it_saw(worker: RunningWorker, tmp_path: Path) -> None:
    running = await gate(worker, tmp_path / "go")
    await until(lambda: worker.pool.tasks[0].record.output_bytes > 0)
    async with worker.stream("GET", "/tasks/t/events", last_event_id="2") as events:
        assert (await anext(events)).id == 3
        (tmp_path / "go").touch()
        rest = [event async for event in events]
    async with worker.stream("GET", "/tasks/t/events?after=4") as events:
        late = [event async for event in events]
    await running

    assert output(rest) == "two\r\n"
    assert rest[-1].type == "complete"
    assert [event.id for event in late] == [5]
    assert (await worker.http.get("/tasks/t/events", headers={"Last-Event-ID": "5"})).status_code == 204
    assert (await worker.http.get("/tasks/t/events?after=99")).status_code == 204


async def test_without_following_the_stream_ends_at_once(worker: RunningWorker, tmp_path: Path) -> None:
    running = await gate(worker, tmp_path / "go")
    async with worker.stream("GET", "/tasks/t/events?follow=false") as events:
        seen = [event async for event in events]
    (tmp_path / "go").touch()
    await running

    assert [event.data["status"] for event in seen[:2]] == ["pending", "running"]
    assert all(event.type != "complete" for event in seen)


@pytest.mark.parametrize("number", ["x", "-1", "1.5", "", "9" * 30])
async def test_a_number_that_is_none_is_refused(worker: RunningWorker, number: str) -> None:
    await worker.run("true", taskId="t")
    answer = await worker.http.get("/tasks/t/events", headers={"Last-Event-ID": number})

    assert answer.status_code in (204, 400)


async def test_a_viewer_behind_the_ring_is_told_of_the_gap(start_worker: StartWorker) -> None:
    worker = await start_worker(worker_ring_bytes=300_000)
    await worker.run("head -c 3000000 /dev/zero | tr '\\0' x; echo end", taskId="t")
    async with worker.stream("GET", "/tasks/t/events?after=1") as events:
        seen = [event async for event in events]

    gap = seen[0]
    assert gap.type == "gap"
    assert gap.data["from"] == 2
    assert gap.data["to"] == gap.id
    assert seen[1].id == gap.data["to"] + 1
    numbers = [event.id for event in seen[1:] if event.id is not None]
    assert numbers == list(range(numbers[0], numbers[-1] + 1))
    assert result(seen)["outputBytes"] == 3_000_005
    text = (await worker.http.get("/tasks/t/transcript")).text
    assert text.startswith("[events 1 to ")
    assert text.endswith("end\n")


async def test_a_viewer_that_never_reads_slows_nobody(start_worker: StartWorker) -> None:
    worker = await start_worker(worker_ring_bytes=1 << 20)
    host, port = worker.url.removeprefix("http://").split(":")
    body = json.dumps({"prompt": "head -c 20000000 /dev/zero | tr '\\0' x", "taskId": "t"}).encode()
    head = f"POST /run HTTP/1.1\r\nHost: {host}\r\nContent-Length: {len(body)}\r\n"
    head += "Accept: text/event-stream\r\n\r\n"
    with socket.create_connection((host, int(port))) as stalled:
        stalled.sendall(head.encode() + body)
        await until(lambda: worker.pool.get("t") is not None)
        async with worker.stream("GET", "/tasks/t/events") as events:
            seen = [event async for event in events]
    assert result(seen)["status"] == "completed"
    assert result(seen)["outputBytes"] == 20_000_000


async def test_a_hundred_viewers_see_the_same(worker: RunningWorker, tmp_path: Path) -> None:
    running = await gate(worker, tmp_path / "go")

    async def watch() -> str:
        async with worker.stream("GET", "/tasks/t/events") as events:
            return output([event async for event in events])

    viewers = [asyncio.create_task(watch()) for _ in range(90)]
    await until(lambda: worker.pool.tasks[0].viewers == 91)
    (tmp_path / "go").touch()

    assert {await viewer for viewer in viewers} == {"one\r\ntwo\r\n"}
    await running
    await until(lambda: worker.pool.tasks[0].viewers == 0)


async def test_losing_the_starter_cancels_after_the_grace(start_worker: StartWorker) -> None:
    worker = await start_worker(worker_disconnect_grace_seconds=0.2)
    async with worker.stream("POST", "/run", {"prompt": "sleep 30", "taskId": "t"}) as events:
        await anext(events)
    async with worker.stream("GET", "/tasks/t/events?follow=false") as events:
        assert all([event.type == "status" async for event in events])
    await until(lambda: worker.pool.tasks[0].is_ended)

    found = (await worker.http.get("/tasks/t")).json()
    assert (found["status"], found["result"]["reason"]) == ("cancelled", "disconnected")


async def test_losing_a_held_request_cancels_too(start_worker: StartWorker) -> None:
    worker = await start_worker(worker_disconnect_grace_seconds=0)
    waiting = asyncio.create_task(worker.http.post("/run", json={"prompt": "sleep 30", "taskId": "t"}))
    await until(lambda: worker.pool.get("t") is not None and worker.pool.tasks[0].viewers == 1)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    await until(lambda: worker.pool.tasks[0].is_ended)

    assert (await worker.http.get("/tasks/t")).json()["result"]["reason"] == "disconnected"


async def test_coming_back_within_the_grace_saves_the_task(start_worker: StartWorker, tmp_path: Path) -> None:
    worker = await start_worker(worker_disconnect_grace_seconds=1)
    prompt = f"until [ -e {tmp_path}/go ]; do sleep 0.02; done; echo saved"
    async with worker.stream("POST", "/run", {"prompt": prompt, "taskId": "t"}) as events:
        await anext(events)
    await until(lambda: worker.pool.tasks[0].viewers == 0)
    async with worker.stream("GET", "/tasks/t/events", last_event_id="1") as events:
        assert (await anext(events)).id == 2
        await asyncio.sleep(1.2)  # the time of grace itself is what is tested
        (tmp_path / "go").touch()
        rest = [event async for event in events]

    assert output(rest) == "saved\r\n"
    assert result(rest)["status"] == "completed"


async def test_a_detached_task_goes_on(worker: RunningWorker, tmp_path: Path) -> None:
    prompt = f"until [ -e {tmp_path}/go ]; do sleep 0.02; done; echo alone"
    body = {"prompt": prompt, "taskId": "t", "onDisconnect": "detach"}
    async with worker.stream("POST", "/run", body) as events:
        await anext(events)
    await until(lambda: worker.pool.tasks[0].viewers == 0)
    (tmp_path / "go").touch()
    await until(lambda: worker.pool.tasks[0].is_ended)

    assert (await worker.http.get("/tasks/t")).json()["result"]["output"] == "alone\r\n"


async def test_a_task_that_was_left_makes_room(worker: RunningWorker, tmp_path: Path) -> None:
    """The platform sees no request on the instance and sends the next one, up to a limit of left tasks."""
    gate = tmp_path / "go"
    waiting = f"until [ -e {gate} ]; do sleep 0.02; done"
    for n in range(5):
        body = {"prompt": waiting, "taskId": f"t{n}", "onDisconnect": "detach"}
        async with worker.stream("POST", "/run", body) as events:
            await anext(events)
            assert (await worker.http.post("/run", json={"prompt": "true"})).status_code == 429
        await until(lambda n=n: worker.pool.tasks[n].viewers == 0)  # type: ignore[misc]
    assert (await worker.http.post("/run", json={"prompt": "true"})).status_code == 429
    gate.touch()
    await until(lambda: not worker.pool.running)
    assert (await worker.http.post("/run", json={"prompt": "true"})).json()["status"] == "completed"


async def test_detaching_on_cloud_run_needs_a_store(start_worker: StartWorker) -> None:
    worker = await start_worker(k_service="s")
    answer = await worker.http.post("/run", json={"prompt": "true", "onDisconnect": "detach"})

    assert answer.status_code == 400
    assert answer.json()["details"][0]["field"] == "onDisconnect"


async def test_silence_is_filled(
    worker: RunningWorker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("worker_service.streams.HEARTBEAT_SECONDS", 0.05)
    go = tmp_path / "go"
    body = {"prompt": f"until [ -e {go} ]; do sleep 0.02; done", "taskId": "t"}
    async with worker.http.stream("POST", "/run", json=body) as held:
        pieces = held.aiter_raw()
        assert await anext(pieces) == b"\n"
        async with worker.stream("GET", "/tasks/t/events?after=2") as events:
            beat = await anext(events)
        go.touch()
        rest = b"".join([piece async for piece in pieces])

    assert (beat.type, beat.id, beat.data["taskId"]) == ("heartbeat", None, "t")
    assert json.loads(rest)["status"] == "completed"

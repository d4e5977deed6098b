"""Two workers on one store: what one runs, the other shows and reaches through the mailbox."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.worker.conftest import RunningWorker, StartWorker, output, put_file_in_place_of, result, until
from tests.worker.places import SHARED, Place
from worker_service.wire import EventType

everywhere = pytest.mark.parametrize("place", SHARED, indirect=True)


@pytest.fixture
async def two(start_worker: StartWorker, place: Place) -> tuple[RunningWorker, RunningWorker]:
    """The one that runs the tasks, and the other."""
    return await start_worker(worker_store=place.url), await start_worker(worker_store=place.url)


@everywhere
async def test_a_task_is_seen_from_another_instance(two: tuple[RunningWorker, RunningWorker]) -> None:
    here, there = two
    ran = await here.run("echo hello", taskId="t")
    async with there.stream("GET", "/tasks/t/events") as events:
        seen = [event async for event in events]

    assert [event for event in seen if event.type != "heartbeat"] == ran
    assert (await there.http.get("/tasks/t")).json()["status"] == "completed"
    assert [task["taskId"] for task in (await there.http.get("/tasks")).json()["tasks"]] == ["t"]
    assert (await there.http.get("/tasks/t/transcript")).text == "hello\n"
    last = {"Last-Event-ID": str(ran[-1].id)}
    assert (await there.http.get("/tasks/t/events", headers=last)).status_code == 204


@everywhere
async def test_the_same_id_elsewhere_gives_the_same_result(two: tuple[RunningWorker, RunningWorker]) -> None:
    here, there = two
    first = await here.run("echo $RANDOM", taskId="t")
    second = await there.http.put("/tasks/t", json={"prompt": "echo $RANDOM"})
    other = await there.http.put("/tasks/t", json={"prompt": "echo other"})
    async with there.stream("PUT", "/tasks/t", {"prompt": "echo $RANDOM"}) as events:
        third = [event async for event in events]

    assert second.json()["output"] == output(first) == output(third)
    assert other.status_code == 409
    assert (await there.http.get("/hello")).json()["totalTasksExecuted"] == 0


@everywhere
async def test_a_command_for_a_task_elsewhere_goes_through_the_mailbox(
    two: tuple[RunningWorker, RunningWorker],
) -> None:
    here, there = two
    running = await here.start("read line; echo got $line; sleep 30", mode="interactive", taskId="t")
    typed = await there.http.post("/tasks/t/input", json={"data": "word\r", "actor": "ada"})
    task = here.pool.get("t")
    assert task is not None
    await until(lambda: task.record.output_bytes > 10)
    cancelled = await there.http.post("/tasks/t/cancel", json={"actor": "bob"})
    events = await running

    assert (typed.status_code, typed.json()["n"]) == (202, 1)
    assert (cancelled.status_code, cancelled.json()["n"]) == (202, 2)
    assert "got word" in output(events)
    acks = [event.data for event in events if event.type == "control"]
    assert [(ack["n"], ack["action"], ack["actor"], ack["ok"]) for ack in acks] == [
        (1, "input", "ada", True),
        (2, "cancel", "bob", True),
    ]
    assert result(events)["actor"] == "bob"
    assert (await there.http.post("/tasks/t/cancel")).status_code == 409
    assert (await there.http.post("/tasks/nobody/cancel")).status_code == 404


async def test_a_viewer_is_told_what_is_safe_in_the_store(
    start_worker: StartWorker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("worker_service.streams.JOURNALED_SECONDS", 0.0)
    store = tmp_path / "store"
    worker = await start_worker(worker_store=store.as_uri())
    told = []
    async with worker.stream(
        "POST", "/run", {"prompt": "echo one; read", "taskId": "t", "mode": "interactive"}
    ) as all:
        async for event in all:
            if event.type == "heartbeat":
                told.append(event.data["journaled"])
                segments = sorted((store / "tasks" / "t" / "events").iterdir())
                assert int(segments[-1].stem.split("-")[1]) >= told[-1]
                if told[-1] >= 3:
                    await worker.http.post("/tasks/t/cancel")

    assert told == sorted(set(told))


@everywhere
async def test_two_instances_start_one_task_once(two: tuple[RunningWorker, RunningWorker]) -> None:
    here, there = two
    body = {"prompt": "sleep 0.3; echo $RANDOM", "taskId": "t"}
    first = await here.start(str(body["prompt"]), taskId="t")
    answers = [await there.http.post("/run", json=body) for _ in range(2)]

    assert {answer.json()["output"] for answer in answers} == {output(await first)}


@everywhere
async def test_one_id_at_once_on_both_instances_runs_once(two: tuple[RunningWorker, RunningWorker]) -> None:
    body = {"prompt": "sleep 0.2; echo $RANDOM", "taskId": "t"}
    every = [worker.http.post("/run", json=body) for worker in two for _ in range(4)]
    answers = await asyncio.gather(*every)

    assert len({answer.json()["output"] for answer in answers}) == 1
    assert sum([len(worker.pool.tasks) for worker in two]) == 1


async def test_old_events_come_from_the_journal_when_the_ring_has_dropped_them(
    start_worker: StartWorker, tmp_path: Path
) -> None:
    store = (tmp_path / "store").as_uri()
    worker = await start_worker(worker_store=store, worker_ring_bytes=200_000)
    await worker.run("seq 200000", taskId="t")
    async with worker.stream("GET", "/tasks/t/events") as events:
        seen = [event async for event in events]

    assert [event.type for event in seen if event.type == "gap"] == []
    assert len(output(seen)) == result(seen)["outputBytes"]
    text = (await worker.http.get("/tasks/t/transcript")).text
    assert text.split() == [str(n) for n in range(1, 200_001)]


async def test_a_store_in_trouble_is_told_and_stops_nothing(
    start_worker: StartWorker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("worker_service.writer.CLOSE_SECONDS", 0.3)
    store, gate = tmp_path / "store", tmp_path / "gate"
    worker = await start_worker(worker_store=store.as_uri())
    prompt = f"until [ -e {gate} ]; do echo on; sleep 0.1; done; echo done"
    running = await worker.start(prompt, taskId="t")
    put_file_in_place_of(store / "tasks", tmp_path)
    task = worker.pool.get("t")
    assert task is not None
    await until(lambda: any(event.type is EventType.ERROR for event in task.log.held()))
    gate.touch()
    events = await running

    assert result(events)["status"] == "completed"
    told = [event.data for event in events if event.type == "error"]
    assert [(error["code"], error["retryable"]) for error in told] == [("journal", True)]
    # A read under way when the folder went away may have its own words for it beside these.
    assert "tasks is no folder" in (await worker.http.get("/hello")).json()["store"]["problem"]

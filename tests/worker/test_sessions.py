"""The agent's conversation goes on on another instance."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.worker.claude_runs import start_claude
from tests.worker.conftest import RunningWorker, StartWorker, result, until

SECRET = "secret-of-this-test-0123456789"


async def instances(start_worker: StartWorker, tmp_path: Path) -> tuple[RunningWorker, RunningWorker]:
    """Two that share nothing but the store."""
    store = (tmp_path / "store").as_uri()
    here = await start_claude(start_worker, tmp_path / "here", worker_store=store)
    return here, await start_claude(start_worker, tmp_path / "there", worker_store=store)


async def test_a_session_is_gone_on_with_on_a_fresh_instance(
    start_worker: StartWorker, tmp_path: Path
) -> None:
    here, there = await instances(start_worker, tmp_path)
    first = result(await here.run("one"))
    second = result(await there.run("two", resume=first["sessionId"]))
    third = result(await here.run("three", resume=first["sessionId"]))

    assert {second["sessionId"], third["sessionId"]} == {first["sessionId"]}
    assert (second["status"], third["status"]) == ("completed", "completed")
    assert (third["usage"]["turns"], third["sessionId"]) == (1, first["sessionId"])
    copy = tmp_path / "store" / "sessions" / f"{first['sessionId']}.jsonl"
    assert copy.read_bytes().count(b"\n") == 3


async def test_a_timed_out_session_can_be_gone_on_with(start_worker: StartWorker, tmp_path: Path) -> None:
    here, there = await instances(start_worker, tmp_path)
    stopped = result(await here.run("[slow 4000]", timeoutSeconds=1))
    resumed = result(await there.run("go on", resume=stopped["sessionId"]))

    assert (stopped["status"], stopped["reason"]) == ("failed", "timeout")
    assert resumed["status"] == "completed"


async def test_a_running_task_tells_its_session_and_keeps_a_copy(
    start_worker: StartWorker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("worker_service.sessions.KEEP_SECONDS", 0.05)
    here, _ = await instances(start_worker, tmp_path)
    first = result(await here.run("one"))
    running = await here.start("[slow 4000]", taskId="t", resume=first["sessionId"])
    await until(lambda: here.pool.tasks[-1].record.summary().session_id == first["sessionId"])
    file = next((tmp_path / "here").rglob("*.jsonl"))
    with file.open("a") as lines:
        lines.write(f'{{"total_cost_usd": 0.5, "says": "{SECRET}"}}\n')
    copy = tmp_path / "store" / "sessions" / file.name
    await until(lambda: copy.read_bytes().count(b"\n") == 2)
    await here.http.post("/tasks/t/cancel", json={"mode": "kill"})
    await running


async def test_a_session_nobody_has_is_refused_in_words(start_worker: StartWorker, tmp_path: Path) -> None:
    here, _ = await instances(start_worker, tmp_path)
    gone = result(await here.run("two", resume="gone"))
    alone = await start_claude(start_worker, tmp_path / "alone")
    lost = result(await alone.run("two", resume="gone"))
    hostile = await here.http.post("/run", json={"prompt": "x", "resume": "../../tasks/t/task"})

    assert (gone["reason"], gone["detail"]) == (
        "spawn",
        "the agent could not be started: session gone is not on this instance or in the store",
    )
    assert "no store (WORKER_STORE)" in lost["detail"]
    assert (hostile.status_code, hostile.json()["details"][0]["field"]) == (400, "resume")


async def test_secrets_do_not_travel_with_a_session(
    start_worker: StartWorker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANTHROPIC_AUTH_TOKEN", SECRET)
    monkeypatch.setattr("worker_service.sessions.KEEP_SECONDS", 0.05)
    here, _ = await instances(start_worker, tmp_path)
    first = result(await here.run("one"))
    running = await here.start("[slow 4000]", taskId="t", resume=first["sessionId"])
    file = next((tmp_path / "here").rglob("*.jsonl"))
    with await asyncio.to_thread(file.open, "a") as lines:
        lines.write(f'{{"total_cost_usd": 0.5, "says": "{SECRET}"}}\n')
    copy = tmp_path / "store" / "sessions" / file.name
    await until(lambda: copy.read_bytes().count(b"\n") == 2)
    await here.http.post("/tasks/t/cancel", json={"mode": "kill"})
    await running

    assert SECRET.encode() not in copy.read_bytes()

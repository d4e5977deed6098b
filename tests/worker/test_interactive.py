"""Keys, sizes and full-screen programs on a task's terminal."""

from __future__ import annotations

import base64
import shutil

import pytest

from tests.worker.conftest import RunningWorker, Seen, output, result, until


async def typed(worker: RunningWorker, data: str, **more: str) -> dict[str, object]:
    answer = await worker.http.post("/tasks/t/input", json={"data": data, **more})
    found: dict[str, object] = answer.json()
    return found


def shown(worker: RunningWorker) -> str:
    task = worker.pool.get("t")
    return task.record._encoder.tail() if task else ""


async def test_keys_reach_the_agent_and_are_acked(worker: RunningWorker) -> None:
    running = await worker.start("read -p 'name? ' n; echo hello $n", mode="interactive", taskId="t")
    await until(lambda: "name?" in shown(worker))
    ack = await typed(worker, "ad", actor="ada")
    await typed(worker, base64.b64encode(b"a\r").decode(), encoding="base64")
    events = await running

    assert ack == {"action": "input", "actor": "ada", "ok": True}
    assert "hello ada" in output(events)
    assert [event.data["actor"] for event in events if event.type == "control"] == ["ada", "unknown"]
    assert result(events)["status"] == "completed"


async def test_a_resize_reaches_the_agent(worker: RunningWorker) -> None:
    prompt = "stty size; trap 'stty size; exit' WINCH; while :; do read -t 0.2; done"
    running = await worker.start(prompt, mode="interactive", taskId="t", cols=70, rows=20)
    await until(lambda: "20 70" in shown(worker))
    answer = await worker.http.post("/tasks/t/resize", json={"cols": 101, "rows": 31})
    events = await running

    assert answer.json()["ok"] is True
    assert "31 101" in output(events)
    assert (await worker.http.get("/tasks/t")).json()["cols"] == 101
    cast = (await worker.http.get("/tasks/t/transcript?format=cast")).text
    assert '"r", "101x31"' in cast


async def test_the_terminal_controls_the_agent(worker: RunningWorker) -> None:
    prompt = "trap 'exit 7' INT; ps -o tty= -p $$; while :; do read -t 0.1; done"
    running = await worker.start(prompt, mode="interactive", taskId="t")
    await until(lambda: "pts/" in shown(worker))
    await typed(worker, "\x03")

    assert result(await running)["exitCode"] == 7


@pytest.mark.skipif(shutil.which("vi") is None, reason="needs vi")
async def test_an_editor_works(worker: RunningWorker) -> None:
    running = await worker.start("vi note; cat note", mode="interactive", taskId="t", workspace="w")
    await until(lambda: "~" in shown(worker))
    await typed(worker, "ihello from vi\x1b")
    await until(lambda: "hello from vi" in shown(worker))
    await typed(worker, ":wq\r")
    events = await running

    assert output(events).rstrip().endswith("hello from vi")
    assert result(events)["status"] == "completed"


async def test_cancel_of_an_interactive_task(worker: RunningWorker) -> None:
    running = await worker.start("cat", mode="interactive", taskId="t")
    await worker.http.post("/tasks/t/cancel")

    assert result(await running)["status"] == "cancelled"


async def test_what_cannot_be_done_is_refused_and_acked_as_such(worker: RunningWorker) -> None:
    running = await worker.start("sleep 30", taskId="t")
    refused = [
        await worker.http.post("/tasks/t/input", json={"data": "x"}),
        await worker.http.post("/tasks/t/resize", json={"cols": 9}),
        await worker.http.post("/tasks/t/answer", json={"permissionId": "p", "behavior": "allow"}),
        await worker.http.post("/tasks/t/answer", json={}),
    ]
    wrong = [
        await worker.http.post("/tasks/t/resize", json={"cols": 0, "rows": 1}),
        await worker.http.post("/tasks/t/cancel", json={"mode": "softly"}),
        await worker.http.post("/tasks/t/cancel", content="{"),
    ]
    await worker.http.post("/tasks/t/cancel")
    events: list[Seen] = await running

    assert [answer.status_code for answer in refused] == [409] * 4
    assert [answer.status_code for answer in wrong] == [400] * 3
    assert "interactive" in refused[0].json()["detail"]
    acks = [event.data for event in events if event.type == "control"]
    assert [ack["ok"] for ack in acks] == [False] * 4 + [True]
    assert all(ack["error"] for ack in acks[:4])


async def test_a_flood_of_keys_nobody_reads_is_refused_and_bounded(worker: RunningWorker) -> None:
    running = await worker.start("stty raw -echo; sleep 30", mode="interactive", taskId="t")
    answers = [await worker.http.post("/tasks/t/input", json={"data": "x" * 1_000_000}) for _ in range(4)]
    await worker.http.post("/tasks/t/cancel", json={"mode": "kill"})
    await running

    assert answers[0].status_code == 200
    assert answers[-1].status_code == 409
    assert "not reading" in answers[-1].json()["detail"]


async def test_whoever_takes_the_terminal_over_types_alone(worker: RunningWorker) -> None:
    running = await worker.start("read -p 'name? ' n; echo hello $n", mode="interactive", taskId="t")
    await until(lambda: "name?" in shown(worker))
    ada, bob = {"actor": "ada", "console": "a1"}, {"actor": "ada", "console": "b2"}
    codes = [
        (await worker.http.post(f"/tasks/t/{action}", json={**who, **fields})).status_code
        for action, who, fields in (
            ("drive", ada, {}),
            ("input", ada, {"data": "a"}),
            ("input", bob, {"data": "x"}),
            ("resize", bob, {"cols": 50, "rows": 9}),
            ("drive", bob, {}),
            ("input", ada, {"data": "y"}),
            ("input", bob, {"data": "b\r"}),
        )
    ]
    driver = (await worker.http.get("/tasks/t")).json().get("driver")
    events = await running

    assert codes == [200, 200, 409, 409, 200, 409, 200]
    assert driver == "ada (b2)"
    assert "hello ab" in output(events)
    said = [event.data for event in events if event.type == "control"]
    assert [(one["action"], one["console"], one["ok"]) for one in said] == [
        ("drive", "a1", True),
        ("input", "a1", True),
        ("input", "b2", False),
        ("resize", "b2", False),
        ("drive", "b2", True),
        ("input", "a1", False),
        ("input", "b2", True),
    ]
    assert said[2]["error"] == "ada (a1) drives this task; take it over first"


async def test_a_task_without_a_terminal_is_driven_by_nobody(worker: RunningWorker) -> None:
    running = await worker.start("sleep 30", taskId="t")
    answer = await worker.http.post("/tasks/t/drive", json={"actor": "ada"})
    await worker.http.post("/tasks/t/cancel")
    await running

    assert answer.status_code == 409

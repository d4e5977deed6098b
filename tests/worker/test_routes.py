from __future__ import annotations

import json
from collections.abc import AsyncGenerator

import httpx
import pytest

from tests.worker.conftest import SSE, RunningWorker, StartWorker, output, result, until
from worker_service.wire import MAX_PROMPT_BYTES, Problem, TaskResult, TaskSummary


async def test_hello_carries_the_original_fields_of_document_and_code(worker: RunningWorker) -> None:
    hello = (await worker.http.get("/hello")).json()

    assert {"status", "workerId", "uptime", "activeTasks", "totalTasksExecuted"} <= set(hello)
    assert {"id", "name", "version", "currentTasks", "capabilities", "timestamp"} <= set(hello)
    assert hello["status"] == "available"
    assert hello["capabilities"]["maxConcurrentTasks"] == 1
    assert hello["agent"]["kind"] == "shell"
    assert hello["agent"]["version"]


async def test_hello_and_pty_status_tell_of_a_running_task(worker: RunningWorker) -> None:
    running = await worker.start("echo ready; sleep 30", taskId="t1", cols=90, rows=33)

    hello = (await worker.http.get("/hello")).json()
    status = (await worker.http.get("/pty/status")).json()
    await worker.http.post("/tasks/t1/cancel")
    await running

    assert (hello["status"], hello["activeTasks"], hello["currentTasks"]) == ("busy", 1, 1)
    assert (status["executorType"], status["streamingType"], status["activeProcesses"]) == ("pty", "sse", 1)
    assert status["processes"][0] | {"pid": 0, "startedAt": "", "bytes": 0} == {
        "taskId": "t1",
        "pid": 0,
        "startedAt": "",
        "cols": 90,
        "rows": 33,
        "bytes": 0,
    }


async def test_run_answers_the_original_curl_with_the_result(worker: RunningWorker) -> None:
    form = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "*/*"}
    answer = await worker.http.post("/run", content='{"prompt":"echo hi"}', headers=form)

    found = TaskResult.model_validate(answer.json())
    assert answer.status_code == 200
    assert (found.status, found.reason, found.exit_code, found.output) == ("completed", None, 0, "hi\r\n")
    assert answer.headers["location"] == f"/tasks/{found.task_id}"
    assert answer.headers["x-task-id"] == found.task_id
    assert answer.headers["x-worker-instance"] == found.instance_id
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-accel-buffering"] == "no"


async def test_a_failed_task_is_a_200_with_status_failed(worker: RunningWorker) -> None:
    answer = await worker.http.post("/run", json={"prompt": "echo no >&2; exit 3"})

    assert answer.status_code == 200
    assert answer.json()["status"] == "failed"
    assert answer.json()["reason"] == "exit"
    assert answer.json()["exitCode"] == 3


async def test_run_streams_numbered_events(worker: RunningWorker) -> None:
    events = await worker.run("echo hi", metadata={"ticket": 7}, whatever=1, priority=9)

    assert [event.id for event in events] == list(range(1, len(events) + 1))
    assert all(event.data["seq"] == event.id and event.data["ts"] > 0 for event in events)
    assert [event.data["status"] for event in events if event.type == "status"] == ["pending", "running"]
    assert events[0].data["ignoredFields"] == ["whatever"]
    assert output(events) == "hi\r\n"
    assert result(events)["metadata"] == {"ticket": 7}


WRONG: list[tuple[str | bytes, int, str]] = [
    ('{"prompt":"true","priority":11}', 400, "priority"),
    ('{"prompt":"true","priority":0}', 400, "priority"),
    ('{"prompt":"true","priority":"5"}', 400, "priority"),
    ('{"priority":5}', 400, "prompt"),
    ('{"prompt":""}', 400, "prompt"),
    ('{"prompt":7}', 400, "prompt"),
    ('{"prompt":"true","mode":"supervised"}', 400, "mode"),
    ('{"prompt":"true","mode":"other"}', 400, "mode"),
    ('{"prompt":"true","cols":0}', 400, "cols"),
    ('{"prompt":"true","taskId":"../etc"}', 400, "taskId"),
    ('{"prompt":"true","workspace":"../etc"}', 400, "workspace"),
    ('{"prompt":"true","timeoutSeconds":1e999}', 400, "timeoutSeconds"),
    ('{"prompt":"a\\u0000b"}', 400, "prompt"),
    ('{"prompt":"\\ud800"}', 400, "body"),
    (json.dumps({"prompt": "x" * 200_000}), 400, "prompt"),
    (json.dumps({"prompt": "x" * 5_000_000}), 413, "prompt"),
    (json.dumps({"prompt": "x" * 9_000_000}), 413, "body"),
    ('{"prompt":', 400, "body"),
    ("", 400, "body"),
    ("[]", 400, "body"),
    ("[" * 100_000, 400, "body"),
    (b"\xff\xfe", 400, "body"),
]


async def test_a_wrong_request_is_a_problem_that_names_the_field(worker: RunningWorker) -> None:
    for body, status, field in WRONG:
        answer = await worker.http.post("/run", content=body)

        problem = Problem.model_validate(answer.json())
        assert (answer.status_code, problem.status) == (status, status), body[:80]
        assert answer.headers["content-type"] == "application/problem+json"
        assert problem.details is not None
        assert problem.details[0]["field"] == field
        assert problem.error == problem.code
        assert field in problem.message
    assert (await worker.http.post("/run", json={"prompt": "true"})).json()["status"] == "completed"


async def test_a_body_of_unknown_length_is_refused_at_the_limit(worker: RunningWorker) -> None:
    async def long() -> AsyncGenerator[bytes, None]:
        yield b'{"prompt":"'
        for _ in range(640):
            yield b"x" * (1 << 16)

    answer = await worker.http.post("/run", content=long())

    assert answer.status_code == 413
    assert answer.json()["details"][0]["field"] == "body"


async def test_a_prompt_of_the_largest_size_reaches_the_agent(start_worker: StartWorker) -> None:
    worker = await start_worker(worker_agent="command", worker_command="wc -c")
    answer = await worker.http.post("/run", json={"prompt": "x" * MAX_PROMPT_BYTES})

    assert answer.json()["output"].strip() == str(MAX_PROMPT_BYTES)


async def test_no_room_is_429_with_retry_after(worker: RunningWorker) -> None:
    running = await worker.start("sleep 30", taskId="first")

    answer = await worker.http.post("/run", json={"prompt": "true"})
    await worker.http.post("/tasks/first/cancel")
    await running

    assert answer.status_code == 429
    assert answer.json()["error"] == "worker_busy"
    assert int(answer.headers["retry-after"]) > 0


async def test_the_same_key_attaches_and_later_gives_the_result(worker: RunningWorker) -> None:
    body = {"prompt": "read -t 0.5 < /dev/tty; echo done"}
    first = await worker.start(body["prompt"], taskId="key-1")

    second = await worker.http.post("/run", json=body, headers={"Idempotency-Key": "key-1"})
    third = await worker.http.put("/tasks/key-1", json=body)
    async with worker.stream("PUT", "/tasks/key-1", body) as events:
        again = [event async for event in events]

    assert second.json() == third.json()
    assert second.json()["taskId"] == "key-1"
    assert [event.id for event in again] == [event.id for event in await first]
    assert (await worker.http.get("/hello")).json()["totalTasksExecuted"] == 1


async def test_another_prompt_under_a_taken_id_is_409(worker: RunningWorker) -> None:
    await worker.http.put("/tasks/mine", json={"prompt": "true"})
    answer = await worker.http.put("/tasks/mine", json={"prompt": "false"})

    assert answer.status_code == 409
    assert answer.json()["error"] == "task_exists"


async def test_any_idempotency_key_names_a_task(worker: RunningWorker) -> None:
    headers = {"Idempotency-Key": '"any thing: at / all"'}
    first = await worker.http.post("/run", json={"prompt": "echo $$"}, headers=headers)
    second = await worker.http.post("/run", json={"prompt": "echo $$"}, headers=headers)

    assert first.json() == second.json()


@pytest.mark.parametrize(("path", "body"), [("a b", {}), ("..%2fx", {}), ("good", {"taskId": "other"})])
async def test_an_impossible_id_is_refused(worker: RunningWorker, path: str, body: dict[str, str]) -> None:
    answer = await worker.http.put(f"/tasks/{path}", json={"prompt": "true", **body})

    assert answer.status_code in (400, 404)


async def test_tasks_are_listed_newest_first_and_read_one_by_one(worker: RunningWorker) -> None:
    for name in ("one", "two"):
        await worker.http.put(f"/tasks/{name}", json={"prompt": f"echo {name}"})

    found = [TaskSummary.model_validate(item) for item in (await worker.http.get("/tasks")).json()["tasks"]]
    one = TaskSummary.model_validate((await worker.http.get("/tasks/one")).json())

    assert [task.task_id for task in found] == ["two", "one"]
    assert (one.status, one.prompt, one.output_bytes) == ("completed", "echo one", 5)
    assert one.result is not None
    assert one.result.exit_code == 0


async def test_transcripts(worker: RunningWorker) -> None:
    await worker.run("printf '\\033[31mred\\033[0m\\nplain\\n'", taskId="t", cols=77, rows=22)

    async def read(format_: str) -> str:
        return (await worker.http.get("/tasks/t/transcript", params={"format": format_})).text

    assert await read("text") == "red\nplain\n"
    assert await read("ansi") == "\x1b[31mred\x1b[0m\r\nplain\r\n"
    types = [json.loads(line)["type"] for line in (await read("ndjson")).splitlines()]
    assert types[0] == "status"
    assert types[-1] == "complete"
    header, *rest = [json.loads(line) for line in (await read("cast")).splitlines()]
    assert (header["version"], header["width"], header["height"]) == (2, 77, 22)
    assert "".join(line[2] for line in rest if line[1] == "o") == "\x1b[31mred\x1b[0m\r\nplain\r\n"
    assert (await worker.http.get("/tasks/t/transcript", params={"format": "odt"})).status_code == 400


@pytest.mark.parametrize("action", ["cancel", "input", "resize", "answer"])
async def test_control_of_an_unknown_task_without_a_store_is_501(worker: RunningWorker, action: str) -> None:
    answer = await worker.http.post(f"/tasks/nobody/{action}", json={})

    assert answer.status_code == 501
    assert "store" in answer.json()["detail"]


async def test_unknown_things_are_problems(worker: RunningWorker) -> None:
    for method, path, status in [
        ("GET", "/tasks/nobody", 404),
        ("GET", "/tasks/nobody/events", 404),
        ("GET", "/healthz", 404),
        ("GET", "/run", 405),
    ]:
        answer = await worker.http.request(method, path)
        assert answer.status_code == status
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["message"]


async def test_finished_tasks_are_forgotten_oldest_first(
    start_worker: StartWorker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("worker_service.pool.FINISHED_KEPT", 2)
    worker = await start_worker()
    for name in ("a", "b", "c"):
        await worker.http.put(f"/tasks/{name}", json={"prompt": "true"})

    await until(lambda: len(worker.pool.tasks) == 2)
    assert [task.id for task in worker.pool.tasks] == ["b", "c"]


async def test_health_and_metrics(worker: RunningWorker) -> None:
    await worker.http.post("/run", json={"prompt": "echo hello"})

    assert (await worker.http.get("/health/live")).json() == {"status": "ok"}
    assert (await worker.http.get("/health/ready")).status_code == 200
    figures = (await worker.http.get("/metrics")).text
    assert 'worker_tasks_total{status="completed"} 1' in figures
    assert "worker_output_bytes_total 7" in figures


async def test_the_description_names_every_route_and_no_422(worker: RunningWorker) -> None:
    found = (await worker.http.get("/openapi.json")).json()

    assert set(found["paths"]) == {
        "/hello",
        "/pty/status",
        "/run",
        "/tasks",
        "/tasks/{task_id}",
        "/tasks/{task_id}/events",
        "/tasks/{task_id}/transcript",
        "/tasks/{task_id}/cancel",
        "/tasks/{task_id}/input",
        "/tasks/{task_id}/resize",
        "/tasks/{task_id}/answer",
        "/tasks/{task_id}/drive",
        "/health/live",
        "/health/ready",
        "/metrics",
    }
    run = found["paths"]["/run"]["post"]
    assert run["requestBody"]["content"]["application/json"]["schema"] == {
        "$ref": "#/components/schemas/RunRequest"
    }
    assert set(run["responses"]["200"]["content"]) == {"application/json", "text/event-stream"}
    assert found["components"]["schemas"]["RunRequest"]["properties"]["timeoutSeconds"]
    text = json.dumps(found)
    assert '"422"' not in text
    for name in {part.split('"')[0] for part in text.split("#/components/schemas/")[1:]}:
        assert name in found["components"]["schemas"]


async def test_a_head_without_an_end_is_cut_off(worker: RunningWorker) -> None:
    answer = None
    try:
        answer = await worker.http.get("/hello", headers={f"X-{n}": "y" * 4000 for n in range(400)})
    except httpx.TransportError:
        return
    assert answer.status_code == 431


async def test_accept_decides_the_kind_of_answer(worker: RunningWorker) -> None:
    stream = await worker.http.post("/run", json={"prompt": "true"}, headers=SSE)
    held = await worker.http.post("/run", json={"prompt": "true"}, headers={"Accept": "application/json"})

    assert stream.headers["content-type"].startswith("text/event-stream")
    assert held.headers["content-type"] == "application/json"

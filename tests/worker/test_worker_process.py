"""The worker as its own process: how it starts, how it stops, and what it never leaves behind."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.worker.conftest import WorkerProcess, is_alive, output, result, until


def list_folder(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


def is_known(pid: int) -> bool:
    """Whether the kernel still has a process, be it a zombie."""
    return Path(f"/proc/{pid}").exists()


def logged(folder: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in (folder / "log").read_text().splitlines()]


async def test_sigterm_drains_completes_and_exits_with_0(
    worker_process: WorkerProcess, tmp_path: Path
) -> None:
    worker = worker_process.worker
    prompt = f"trap 'until [ -e {tmp_path}/go ]; do sleep 0.05; done; exit 1' INT; echo up; sleep 60 & wait"
    running = await worker.start(prompt, taskId="t")
    await until(lambda: "t started" in (tmp_path / "log").read_text())
    async with worker.stream("GET", "/tasks/t/events") as events:
        async for event in events:
            if event.type == "output":
                break
        worker_process.process.send_signal(signal.SIGTERM)
        while (event := await anext(events)).data.get("status") != "draining":
            pass
        ready = await worker.http.get("/health/ready")
        refused = await worker.http.post("/run", json={"prompt": "true"})
        (tmp_path / "go").touch()
    seen = await running

    assert ready.status_code == 503
    assert (refused.status_code, refused.json()["error"]) == (503, "draining")
    assert (result(seen)["status"], result(seen)["reason"]) == ("failed", "sigterm")
    async with asyncio.timeout(10):
        assert await worker_process.process.wait() == 0


async def test_sigterm_ends_even_what_ignores_it_in_time(
    worker_process: WorkerProcess, tmp_path: Path
) -> None:
    prompt = f"trap '' INT TERM HUP; echo $$ > {tmp_path}/pid; while :; do read -t 1 < /dev/tty; done"
    running = await worker_process.worker.start(prompt)
    await until((tmp_path / "pid").exists)
    loop = asyncio.get_running_loop()
    began = loop.time()

    assert await worker_process.end() == 0
    assert loop.time() - began < 5
    assert result(await running)["reason"] == "sigterm"
    assert not is_alive(int((tmp_path / "pid").read_text()))


async def test_an_idle_worker_stops_at_once_and_leaves_no_folder(
    worker_process: WorkerProcess, tmp_path: Path
) -> None:
    await worker_process.worker.run("true")

    assert await worker_process.end() == 0
    assert list_folder(tmp_path / "work" / "tasks") == []


async def test_a_double_forked_child_without_any_environment_does_not_survive(
    worker_process: WorkerProcess, tmp_path: Path
) -> None:
    hide = f"env -i setsid bash -c '(env -i setsid sleep 300 & echo $! > {tmp_path}/pid)' "
    events = await worker_process.worker.run(f"{hide} & wait")
    pid = int((tmp_path / "pid").read_text())

    assert result(events)["status"] == "completed"
    assert not is_known(pid)


async def test_orphans_that_end_are_buried(worker_process: WorkerProcess, tmp_path: Path) -> None:
    prompt = f"(setsid true & echo $! > {tmp_path}/pid); until [ -e {tmp_path}/go ]; do sleep 0.05; done"
    running = await worker_process.worker.start(prompt)
    await until(lambda: (tmp_path / "pid").exists() and (tmp_path / "pid").read_text() != "")
    pid = int((tmp_path / "pid").read_text())
    await until(lambda: not is_known(pid))
    (tmp_path / "go").touch()

    assert result(await running)["status"] == "completed"


async def test_tasks_that_end_side_by_side_bury_only_their_own(
    worker_process: WorkerProcess, tmp_path: Path
) -> None:
    async def one(n: int) -> dict[str, object]:
        return result(await worker_process.worker.run(f"setsid sleep 300 & exit {n}"))

    for _ in range(4):
        every = await asyncio.gather(*(one(n) for n in range(6)))
        assert [found["exitCode"] for found in every] == list(range(6))
    await worker_process.end()
    assert {line["severity"] for line in logged(tmp_path)} == {"INFO"}


async def test_a_caller_that_hangs_up_in_the_middle_of_a_body_is_no_error(
    worker_process: WorkerProcess, tmp_path: Path
) -> None:
    host, port = worker_process.worker.url.removeprefix("http://").split(":")
    token = "the-token-of-this-test"
    for body in (b"", b'{"prompt":"ec'):
        _, writer = await asyncio.open_connection(host, int(port))
        head = f"POST /run HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\nContent-Length: 99\r\n\r\n"
        writer.write(head.encode() + body)
        await writer.drain()
        writer.close()
        await writer.wait_closed()
    assert result(await worker_process.worker.run("true"))["status"] == "completed"
    await worker_process.end()
    assert {line["severity"] for line in logged(tmp_path)} == {"INFO"}


async def test_a_killed_worker_takes_its_agent_along(worker_process: WorkerProcess, tmp_path: Path) -> None:
    running = await worker_process.worker.start(f"echo $$ > {tmp_path}/pid; sleep 300")
    await until(lambda: (tmp_path / "pid").exists() and (tmp_path / "pid").read_text() != "")
    pid = int((tmp_path / "pid").read_text())

    assert await worker_process.end(signal.SIGKILL) == -signal.SIGKILL
    await asyncio.gather(running, return_exceptions=True)
    await until(lambda: not is_alive(pid))


async def test_the_log_is_json_and_tells_of_requests_and_tasks(
    worker_process: WorkerProcess, tmp_path: Path
) -> None:
    trace = "0af7651916cd43dd8448eb211c80319c"
    headers = {"traceparent": f"00-{trace}-b7ad6b7169203331-01"}
    worker = worker_process.worker
    answer = await worker.http.post("/run", json={"prompt": "echo the-token-of-this-test"}, headers=headers)
    await worker.http.get("/health/live")
    await worker_process.end()

    lines = logged(tmp_path)
    task_id = answer.json()["taskId"]
    assert answer.json()["output"] == "[redacted]\r\n"
    assert answer.json()["traceId"] == trace
    assert {line["severity"] for line in lines} == {"INFO"}
    told = [line for line in lines if line.get("logging.googleapis.com/labels") == {"task_id": task_id}]
    assert [line["message"] for line in told] == [f"task {task_id} started", f"task {task_id} completed"]
    assert {line["logging.googleapis.com/trace"] for line in told} == {trace}
    requests = [line["httpRequest"] for line in lines if "httpRequest" in line]
    assert [request["requestUrl"] for request in requests if isinstance(request, dict)] == ["/run"]
    assert "the-token-of-this-test" not in (tmp_path / "log").read_text()


async def test_memory_is_bounded_by_the_rings(worker_process: WorkerProcess) -> None:
    def resident() -> int:
        status = Path(f"/proc/{worker_process.process.pid}/status").read_text()
        return int(status.split("VmRSS:")[1].split()[0]) * 1024

    events = await worker_process.worker.run("head -c 5000000 /dev/zero | tr '\\0' x")
    before = resident()
    for _ in range(2):
        events = await worker_process.worker.run("head -c 50000000 /dev/zero | tr '\\0' x")

    assert result(events)["outputBytes"] == 50_000_000
    assert len(output(events)) <= 50_000_000
    assert resident() - before < 40 << 20


@pytest.mark.parametrize(
    ("env", "said"),
    [
        ({"HOST": "0.0.0.0"}, "WORKER_TOKEN"),
        ({"WORKER_AGENT": "command"}, "WORKER_COMMAND"),
        ({"WORKER_STORE": "ftp://x/y"}, "WORKER_STORE"),
        ({"WORKER_MAX_TASKS": "many"}, "WORKER_MAX_TASKS"),
    ],
)
def test_it_does_not_start_with_wrong_settings(env: dict[str, str], said: str) -> None:
    base = {"PATH": os.environ["PATH"], "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    ended = subprocess.run(
        [sys.executable, "-m", "worker_service"],
        env={**base, **env},
        capture_output=True,
        text=True,
        timeout=30,
    )

    assert ended.returncode == 2
    assert said in ended.stderr
    assert "Traceback" not in ended.stderr


def test_the_worker_loads_no_terminal_library() -> None:
    heavy = "('textual', 'rich', 'obstore', 'google', 'grpc')"
    code = f"import sys, worker_service.app; print([m for m in {heavy} if m in sys.modules])"
    base = {"PATH": os.environ["PATH"], "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    ended = subprocess.run([sys.executable, "-c", code], env=base, capture_output=True, text=True, timeout=30)

    assert ended.stdout.strip() == "[]"

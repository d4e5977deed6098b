"""The verbs about tasks as processes: what they print, what they exit with, and how Ctrl-C ends them."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from tests.launching import command
from tests.unit.workers import DEADLINE, Call, Real, output, real_worker, scripted, sse
from worker_service.wire import Status, TaskSummary

ROOT = Path(__file__).parents[2]


class Ended:
    """How a command ended."""

    def __init__(self, code: int | None, out: bytes | None, err: bytes) -> None:
        self.code, self.out, self.err = code, (out or b"").decode(), err.decode()


class Desk:
    """A user's folder with a deploy.toml whose environment has a store."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.store = f"file://{folder}/store"
        text = '[defaults]\nproject = "p"\n[env.dev]\nendpoint = "127.0.0.1:9"\n'
        (folder / "deploy.toml").write_text(
            f'{text}store = "{self.store}"\n[env.bare]\nendpoint = "127.0.0.1:9"\n'
        )

    async def start(self, *words: str, **pipes: Any) -> asyncio.subprocess.Process:
        environ = {name: os.environ[name] for name in ("PATH", "LANG", "TMPDIR") if name in os.environ}
        environ |= {
            "HOME": str(self.folder),
            "PYTHONPATH": str(ROOT),
            "CCCONSOLE_CONFIG": f"{self.folder}/deploy.toml",
        }
        pipe = asyncio.subprocess.PIPE
        pipes = {"stdin": asyncio.subprocess.DEVNULL, "stdout": pipe, "stderr": pipe, **pipes}
        module, *arguments = words
        launched = command(*arguments, module=module)
        return await asyncio.create_subprocess_exec(*launched, env=environ, **pipes)

    async def run(self, *words: str) -> Ended:
        return await ended(await self.start("ccconsole", *words))

    async def prompt(
        self, url: str, task: str, text: str, form: str = "table", *, is_journaled: bool = True, **pipes: int
    ) -> asyncio.subprocess.Process:
        store = self.store if is_journaled else ""
        return await self.start("tests.unit.prompting", url, store, form, task, text, **pipes)


async def ended(process: asyncio.subprocess.Process) -> Ended:
    out, err = await asyncio.wait_for(process.communicate(), DEADLINE)
    return Ended(process.returncode, out, err)


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    return Desk(tmp_path_factory.mktemp("desk"))


@pytest.fixture(scope="module")
def worker(desk: Desk) -> Iterator[Real]:
    quick = {"WORKER_DISCONNECT_GRACE_SECONDS": "0.2", "WORKER_CANCEL_STEP_SECONDS": "0.5"}
    with real_worker(desk.folder, store=desk.store, **quick) as found:
        yield found


@pytest.fixture
def task() -> str:
    return uuid4().hex


async def line_of(process: asyncio.subprocess.Process, text: bytes) -> None:
    """Wait until the process has printed this line."""
    assert process.stdout is not None
    async with asyncio.timeout(DEADLINE):
        while (line := await process.stdout.readline()) != text:
            assert line, "it ended before it printed the line"


async def said(process: asyncio.subprocess.Process, text: bytes) -> None:
    """Wait until the process has said this on stderr."""
    assert process.stderr is not None
    async with asyncio.timeout(DEADLINE):
        while text not in (line := await process.stderr.readline()):
            assert line, "it ended without a word"


async def test_a_prompt_prints_plain_output_and_exits_with_the_outcome(
    desk: Desk, worker: Real, task: str
) -> None:
    text = "printf '\\033[31mred\\033[0m\\r\\nspin\\rdone\\n'; echo err >&2"
    done = await ended(await desk.prompt(worker.url, task, text))
    assert (done.code, done.out) == (0, "red\nspin\ndone\nerr\n")
    assert f"task {task} runs" in done.err
    assert "completed in" in done.err


@pytest.mark.parametrize(
    ("prompt", "code", "said"), [("echo out; exit 3", 1, "exit code 3"), ("kill -9 $$", 1, "SIGKILL")]
)
async def test_a_failed_prompt_says_why(
    desk: Desk, worker: Real, task: str, prompt: str, code: int, said: str
) -> None:
    done = await ended(await desk.prompt(worker.url, task, prompt))
    assert done.code == code
    assert f"error: task {task} failed" in done.err
    assert said in done.err
    assert "Traceback" not in done.err


async def test_the_machine_formats_hold_the_events_and_the_result(
    desk: Desk, worker: Real, task: str
) -> None:
    lines = (await ended(await desk.prompt(worker.url, task, "echo hi", "ndjson"))).out.splitlines()
    events = [event for event in map(json.loads, lines) if event["type"] != "heartbeat"]
    assert [event["type"] for event in events] == ["status", "status", "output", "complete"]
    assert [event["id"] for event in events] == [1, 2, 3, 4]
    result = json.loads((await ended(await desk.prompt(worker.url, task, "echo hi", "json"))).out)
    assert (result["status"], result["taskId"], result["output"].strip()) == ("completed", task, "hi")
    assert "seq" not in result


async def test_ctrl_c_cancels_the_task_and_shows_its_end(desk: Desk, worker: Real, task: str) -> None:
    process = await desk.prompt(worker.url, task, "echo begun; sleep 60")
    await line_of(process, b"begun\n")
    process.send_signal(signal.SIGINT)
    done = await ended(process)
    assert done.code == 130
    assert f"error: task {task} cancelled" in done.err
    (row,) = [row for row in json.loads((await desk.run("tasks", "-o", "json")).out) if row["id"] == task]
    assert (row["state"], row["reason"]) == ("cancelled", "cancelled")


async def test_a_second_ctrl_c_leaves_at_once(desk: Desk, task: str) -> None:
    async def script(call: Call) -> None:
        await call.start()
        await call.write(sse(1, "status", status="running") + output(2, "begun\r\n") + output(3, "x"))
        await call.gone()

    async with scripted(script) as stubborn:
        process = await desk.prompt(stubborn.url, task, "sleep 60")
        await line_of(process, b"begun\n")
        process.send_signal(signal.SIGINT)
        await said(process, b"Ctrl-C again")
        process.send_signal(signal.SIGINT)
        done = await ended(process)
        assert done.code == 130
        assert f"left task {task} before its end" in done.err


async def test_ctrl_c_without_a_store_closes_the_stream(desk: Desk, worker: Real, task: str) -> None:
    process = await desk.prompt(worker.url, task, "echo begun; sleep 60", is_journaled=False)
    await line_of(process, b"begun\n")
    process.send_signal(signal.SIGINT)
    assert (await ended(process)).code == 130
    done = await desk.run("attach", task, "--env", "dev")
    assert done.code == 1
    assert "cancelled by" in done.err


async def test_a_reader_that_leaves_ends_the_prompt_quietly_and_its_task(
    desk: Desk, worker: Real, task: str
) -> None:
    reading, writing = os.pipe()
    process = await desk.prompt(worker.url, task, "while true; do echo y; done", stdout=writing)
    os.close(writing)
    await asyncio.wait_for(asyncio.to_thread(os.read, reading, 2), DEADLINE)
    os.close(reading)
    done = await ended(process)
    assert done.code == 141
    assert done.err.endswith(f"task {task} runs\n")
    watched = await desk.run("attach", task, "-o", "json")
    assert json.loads(watched.out)["reason"] == "cancelled"


async def test_a_slow_reader_leaves_ctrl_c_alive(desk: Desk, worker: Real, task: str) -> None:
    reading, writing = os.pipe()
    process = await desk.prompt(worker.url, task, "yes", stdout=writing)
    os.close(writing)
    try:
        await asyncio.wait_for(asyncio.to_thread(os.read, reading, 1), DEADLINE)
        process.send_signal(signal.SIGINT)
        await said(process, b"Ctrl-C again")
        process.send_signal(signal.SIGINT)
        assert await asyncio.wait_for(process.wait(), DEADLINE) == 130
    finally:
        os.close(reading)


async def test_a_full_fleet_exits_with_8(desk: Desk, task: str) -> None:
    async def script(call: Call) -> None:
        await call.answer(429, "Rate exceeded.", "text/plain", {"retry-after": "9"})

    async with scripted(script) as full:
        done = await ended(await desk.prompt(full.url, task, "echo"))
        assert done.code == 8
        assert "The fleet is full" in done.err


async def test_tasks_are_listed_watched_and_cancelled_from_elsewhere(
    desk: Desk, worker: Real, task: str
) -> None:
    process = await desk.prompt(worker.url, task, "echo begun; sleep 60")
    await line_of(process, b"begun\n")
    listed = await desk.run("tasks", "dev", "-o", "json")
    (row,) = [row for row in json.loads(listed.out) if row["id"] == task]
    assert (row["state"], row["service"], row["environment"]) == ("running", "worker", "dev")
    assert f"{task}  dev  worker   running" in (await desk.run("tasks", "--running")).out
    seen = await desk.run("attach", task, "--no-follow")
    async with asyncio.timeout(DEADLINE):
        while not seen.out:  # The journal is up to a second behind what a viewer sees.
            seen = await desk.run("attach", task, "--no-follow")
    assert (seen.code, seen.out) == (0, "begun\n")
    refused = await desk.run("send", task, "hello")
    assert refused.code == 1
    assert "refused the command" in refused.err
    cancelled = await desk.run("cancel", task)
    assert (cancelled.code, cancelled.out) == (0, f"{task} cancelled\n")
    assert (await ended(process)).code == 1
    again = await desk.run("cancel", task)
    assert (again.code, again.out) == (0, "")
    assert "has ended already: cancelled" in again.err


async def test_leaving_attach_leaves_the_task(desk: Desk, worker: Real, task: str) -> None:
    running = await desk.prompt(worker.url, task, "echo begun; sleep 60")
    await line_of(running, b"begun\n")
    watching = await desk.start("ccconsole", "attach", task)
    await line_of(watching, b"begun\n")
    watching.send_signal(signal.SIGINT)
    done = await ended(watching)
    assert done.code == 130
    assert "the task goes on" in done.err
    (row,) = json.loads((await desk.run("tasks", "--running", "-o", "json")).out)
    assert (row["id"], row["state"]) == (task, "running")
    running.send_signal(signal.SIGINT)
    assert (await ended(running)).code == 130


async def test_typed_text_reaches_an_interactive_task(desk: Desk, worker: Real, task: str) -> None:
    import httpx

    body = {"prompt": 'read -r word; echo "got $word"', "mode": "interactive", "taskId": task}
    async with httpx.AsyncClient(trust_env=False, verify=False, timeout=DEADLINE) as client:
        answer = asyncio.create_task(client.post(f"{worker.url}/run", json=body))
        async with asyncio.timeout(DEADLINE):
            while (sent := await desk.run("send", task, "hello")).code == 5:
                pass
        assert sent.code == 0, sent.err
        assert "got hello" in (await answer).json()["output"]


async def test_the_keyboard_is_taken_over_in_words(desk: Desk, worker: Real, task: str) -> None:
    import httpx

    body = {"prompt": 'read -r word; echo "got $word"', "mode": "interactive", "taskId": task}
    async with httpx.AsyncClient(trust_env=False, verify=False, timeout=DEADLINE) as client:
        answer = asyncio.create_task(client.post(f"{worker.url}/run", json=body))
        driver = {"actor": "bob", "console": "b0b0"}
        async with asyncio.timeout(DEADLINE):
            while (await client.post(f"{worker.url}/tasks/{task}/drive", json=driver)).status_code != 200:
                pass
        refused = await desk.run("send", task, "hello")
        taken = await desk.run("send", task, "hello", "--take-over")
        assert (refused.code, taken.code) == (1, 0)
        assert "bob (b0b0) drives this task" in refused.err
        assert "--take-over" in refused.err
        assert "taken over" in taken.err
        assert "got hello" in (await answer).json()["output"]


async def test_tasks_are_chosen_by_state_and_age(desk: Desk, worker: Real, task: str) -> None:
    assert (await ended(await desk.prompt(worker.url, task, "exit 3"))).code == 1

    async def ids(*arguments: str) -> list[str]:
        return [
            row["id"] for row in json.loads((await desk.run("tasks", "dev", "-o", "json", *arguments)).out)
        ]

    assert task in await ids("--state", "failed", "--since", "10m")
    assert task not in await ids("--state", "completed", "--state", "lost")
    assert task not in await ids("--since", "2100-01-01T00:00:00Z")


async def test_a_task_without_a_session_is_not_gone_on_with(desk: Desk, worker: Real, task: str) -> None:
    assert (await ended(await desk.prompt(worker.url, task, "true"))).code == 0
    resumed = await desk.run("resume", task)
    assert resumed.code == 1
    assert "has no session to go on with" in resumed.err


async def test_what_is_not_there_is_said(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    missing = await desk.run("attach", "nothing")
    assert missing.code == 5
    assert "no task begins with 'nothing'" in missing.err
    bare = await desk.run("tasks", "bare")
    assert bare.code == 8
    assert "bare has no store" in bare.err
    assert (await desk.run("tasks")).out.startswith("ID")
    for task_id in ("abc1", "abc2"):
        path = desk.folder / "store" / "tasks" / task_id / "task.json"
        path.parent.mkdir(parents=True)
        path.write_text(
            TaskSummary(
                task_id=task_id, status=Status.COMPLETED, prompt="p", agent="a", created_at=0.0
            ).model_dump_json(by_alias=True)
        )
    several = await desk.run("cancel", "abc")
    assert several.code == 2
    assert "abc1 (dev), abc2 (dev)" in several.err

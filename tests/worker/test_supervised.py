"""A task that asks for permission: the question, the answer, and what follows from it."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.worker.conftest import RunningWorker, StartWorker, result, until

CLI = """#!{python}
import json, sys
if "--version" in sys.argv:
    print("1.2.3 (stand-in)")
    sys.exit()
def say(**message):
    print(json.dumps(message), flush=True)
sys.stdin.readline()
answers = []
for n in ("one", "two"):
    say(type="control_request", request_id=n,
        request=dict(subtype="can_use_tool", tool_name="Bash", input=dict(command="rm " + n)))
while len(answers) < 2:
    message = json.loads(sys.stdin.readline())
    if message["type"] == "control_request":
        say(type="result", subtype="error_during_execution", is_error=True, terminal_reason="aborted_tools",
            session_id="s", total_cost_usd=0.5, num_turns=1, usage=dict(input_tokens=1, output_tokens=2))
        sys.exit()
    answers.append(message["response"]["response"]["behavior"])
say(type="result", subtype="success", is_error=False, terminal_reason="completed", result=" ".join(answers),
    session_id="s", total_cost_usd=0.25, num_turns=1, usage=dict(input_tokens=1, output_tokens=2))
if sys.stdin.readline() == "":
    sys.exit()
"""


@pytest.fixture
async def supervised(start_worker: StartWorker, tmp_path: Path) -> RunningWorker:
    cli = tmp_path / "claude"
    cli.write_text(CLI.format(python=sys.executable))
    cli.chmod(0o755)
    return await start_worker(
        worker_agent="claude",
        claude_cli_path=str(cli),
        worker_stall_seconds=0.8,
        worker_cancel_step_seconds=5,
    )


async def asked(worker: RunningWorker) -> None:
    await until(lambda: len(worker.pool.tasks) == 1 and len(worker.pool.tasks[0].record.waiting) == 2)


async def answer(worker: RunningWorker, permission_id: str, behavior: str) -> int:
    body = {"permissionId": permission_id, "behavior": behavior, "actor": "ada"}
    return (await worker.http.post("/tasks/t/answer", json=body)).status_code


async def test_an_operator_allows_and_denies(supervised: RunningWorker) -> None:
    running = await supervised.start("go", mode="supervised", taskId="t")
    await asked(supervised)
    waiting = (await supervised.http.get("/tasks/t")).json()["status"]
    codes = [
        await answer(supervised, "one", "allow"),
        await answer(supervised, "one", "deny"),
        await answer(supervised, "two", "deny"),
    ]
    events = await running

    assert waiting == "waiting_input"
    assert codes == [200, 409, 200]
    questions: list[dict[str, Any]] = [event.data for event in events if event.type == "permission"]
    assert [(q["permissionId"], q["tool"], q["input"]) for q in questions] == [
        ("one", "Bash", {"command": "rm one"}),
        ("two", "Bash", {"command": "rm two"}),
    ]
    said = [event.data["status"] for event in events if event.type == "status"]
    assert said == ["pending", "running", "waiting_input", "running"]
    assert result(events)["status"] == "completed"
    assert result(events)["usage"]["costUsd"] == 0.25
    assert result(events)["sessionId"] == "s"
    told = [json.dumps(event.data["message"]) for event in events if event.type == "message"]
    assert any("allow deny" in message for message in told)


async def test_waiting_for_a_person_is_no_stall(supervised: RunningWorker) -> None:
    running = await supervised.start("go", mode="supervised", taskId="t", timeoutSeconds=2)
    await asked(supervised)
    events = await running

    assert result(events)["reason"] == "timeout"


async def test_an_interrupt_keeps_the_cost_so_far(supervised: RunningWorker) -> None:
    running = await supervised.start("go", mode="supervised", taskId="t")
    await asked(supervised)
    await supervised.http.post("/tasks/t/cancel")
    events = await running

    assert (result(events)["status"], result(events)["reason"]) == ("cancelled", "cancelled")
    assert result(events)["usage"]["costUsd"] == 0.5
    assert result(events)["exitCode"] == 0


async def test_the_version_is_looked_up_once(supervised: RunningWorker) -> None:
    versions: list[str] = []
    async with asyncio.timeout(10):
        while not versions:
            hello = (await supervised.http.get("/hello")).json()
            versions = [hello["agent"]["version"]] if hello["agent"]["version"] else []
    status = (await supervised.http.get("/pty/status")).json()

    assert versions == ["1.2.3 (stand-in)"]
    assert status["claudeCliVersion"] == "1.2.3 (stand-in)"
    assert hello["capabilities"]["modes"] == ["headless", "interactive", "supervised"]


async def test_what_nobody_answers_in_time_is_denied_and_recorded(supervised: RunningWorker) -> None:
    events = await supervised.run("go", mode="supervised", permissionTimeoutSeconds=0.2)

    questions = [event.data for event in events if event.type == "permission"]
    assert [(q["default"], round(q["deadline"] - q["ts"], 1)) for q in questions] == [("deny", 0.2)] * 2
    answers = [event.data for event in events if event.type == "control"]
    assert [(a["actor"], a["permissionId"], a["behavior"], a["ok"]) for a in answers] == [
        ("time limit", "one", "deny", True),
        ("time limit", "two", "deny", True),
    ]
    assert result(events)["status"] == "completed"


async def test_the_default_may_be_to_allow(supervised: RunningWorker) -> None:
    events = await supervised.run(
        "go", mode="supervised", permissionTimeoutSeconds=0.2, permissionDefault="allow"
    )

    told = [json.dumps(event.data["message"]) for event in events if event.type == "message"]
    assert any("allow allow" in message for message in told)


async def test_a_task_that_asks_says_so_in_its_summary(supervised: RunningWorker) -> None:
    running = await supervised.start("go", mode="supervised", taskId="t")
    await asked(supervised)
    found = (await supervised.http.get("/tasks/t")).json()
    await answer(supervised, "one", "allow")
    await answer(supervised, "two", "allow")
    await running

    assert found["asks"] == "Bash"
    assert "asks" not in (await supervised.http.get("/tasks/t")).json()

"""Claude tasks through a worker's HTTP, each outcome by really running the stand-in CLI on a terminal."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path
from typing import Any

import pytest

from tests.worker.claude_runs import start_claude
from tests.worker.conftest import (
    DEADLINE_SECONDS,
    RunningWorker,
    Seen,
    StartWorker,
    is_alive,
    output,
    result,
    until,
)


@pytest.fixture
async def claude(start_worker: StartWorker, tmp_path: Path) -> RunningWorker:
    """A worker with the stand-in CLI."""
    return await start_claude(start_worker, tmp_path / "home")


def shown(worker: RunningWorker) -> str:
    task = worker.pool.get("t")
    return task.record._encoder.tail() if task else ""


def messages(events: list[Seen]) -> list[dict[str, Any]]:
    return [event.data["message"] for event in events if event.type == "message"]


async def test_a_prompt_is_answered(claude: RunningWorker) -> None:
    events = await claude.run("-hi\n\u2028 漢字 'quoted' $HOME")
    # The version is asked for in the background.
    async with asyncio.timeout(DEADLINE_SECONDS):
        while not (hello := (await claude.http.get("/hello")).json())["agent"]["version"]:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    end = result(events)

    assert "You said: -hi\r\n\u2028 漢字 'quoted' $HOME\r\n" in output(events)
    assert end["status"] == "completed"
    assert end["exitCode"] == 0
    assert end["usage"] == {
        "inputTokens": 100,
        "outputTokens": 20,
        "cacheReadTokens": 0,
        "cacheCreationTokens": 0,
        "costUsd": 0.001,
        "turns": 1,
    }
    kinds = [message["type"] for message in messages(events)]
    assert kinds == ["system", "assistant", "result"]
    assert end["sessionId"] == messages(events)[0]["session_id"]
    assert hello["agent"]["kind"] == "claude"
    assert hello["agent"]["version"] == "2.1.330 (Claude Code)"


@pytest.mark.parametrize(
    ("tag", "reason", "code", "words"),
    [
        ("401", "auth", 1, "401"),
        ("403", "auth", 1, "403"),
        ("nologin", "auth", 1, "Not logged in"),
        ("429", "api_error", 1, "429"),
        ("529", "api_error", 1, "529"),
        ("max-turns", "max_turns", 1, "turn limit"),
        ("budget", "budget", 1, "budget"),
        ("permission", "permission_denied", 0, "Write"),
        ("crash", "incomplete", 1, "panic"),
        ("silent", "incomplete", 0, "without a result"),
    ],
)
async def test_failures(claude: RunningWorker, tag: str, reason: str, code: int, words: str) -> None:
    events = await claude.run(f"[{tag}]")
    end = result(events)
    assert (end["status"], end["reason"], end["exitCode"]) == ("failed", reason, code)
    assert words in end["detail"]
    assert "✗" in output(events)


async def test_a_killed_cli(claude: RunningWorker) -> None:
    end = result(await claude.run("[kill]"))
    assert (end["status"], end["reason"], end["signal"]) == ("failed", "signal", "SIGKILL")


@pytest.mark.parametrize(
    ("tag", "words"),
    [
        ("529 once", "after a retry"),
        ("fallback", "\r\nThe beginning and the end.\r\n"),
        ("thinking", "Thought about it."),
        ("edit", "{}+ line 0".format("\x1b[32m")),
        ("subagent", "It has looked."),
        ("unicode", "line\u2028separator"),
        ("bytes", "line\u2028separator"),
        ("junk", "{not json}"),
        ("hostile", "still here"),
    ],
)
async def test_successes(claude: RunningWorker, tag: str, words: str) -> None:
    events = await claude.run(f"[{tag}]")
    assert result(events)["status"] == "completed"
    assert words in output(events)


async def test_denials_that_were_got_around_are_listed(claude: RunningWorker) -> None:
    end = result(await claude.run("[recovered]"))
    assert end["status"] == "completed"
    assert end["permissionDenials"][0].startswith("Write(")
    assert result(await claude.run("[permission]", allowedTools=["Write"])).get("permissionDenials") in (
        None,
        [],
    )
    assert result(await claude.run("[permission]", permissionMode="acceptEdits"))["status"] == "completed"


async def test_a_resumed_session_costs_only_its_own_part(claude: RunningWorker) -> None:
    first = result(await claude.run("[tool]"))
    events = await claude.run("again", resume=first["sessionId"])
    assert messages(events)[-1]["total_cost_usd"] == pytest.approx(0.003)
    assert result(events)["usage"]["costUsd"] == pytest.approx(0.001)
    unknown = result(await claude.run("again", resume="nobody"))
    assert unknown["status"] == "failed"
    assert "nobody" in unknown["detail"]


async def test_an_interrupted_run_keeps_its_cost(claude: RunningWorker) -> None:
    running = await claude.start("[slow 400]", taskId="t")
    await until(lambda: "word3" in shown(claude))
    await claude.http.post("/tasks/t/cancel", json={"actor": "ada"})
    events = await running
    end = result(events)
    assert (end["status"], end["reason"], end["exitCode"]) == ("cancelled", "cancelled", 0)
    assert end["usage"]["costUsd"] == pytest.approx(0.001)
    assert messages(events)[-1]["terminal_reason"] == "aborted_streaming"


async def test_a_cli_that_ignores_signals_is_killed(claude: RunningWorker) -> None:
    running = await claude.start("[stubborn]", taskId="t")
    await until(lambda: "I stay." in shown(claude))
    await claude.http.post("/tasks/t/cancel", json={})
    end = result(await running)
    assert (end["status"], end["signal"]) == ("cancelled", "SIGKILL")


async def test_a_silent_cli_stalls(start_worker: StartWorker, tmp_path: Path) -> None:
    worker = await start_claude(start_worker, tmp_path / "home", worker_stall_seconds=0.5)
    assert result(await worker.run("[hang]"))["reason"] == "stalled"


async def test_a_cli_that_lingers_after_its_result_is_done(claude: RunningWorker) -> None:
    end = result(await claude.run("[lingers]"))
    assert end["status"] == "completed"


async def test_nothing_is_left_running(claude: RunningWorker) -> None:
    events = await claude.run("[orphan]")
    pid = int(output(events).split("orphan pid ")[1].split()[0])
    await until(lambda: not is_alive(pid))


async def test_the_cli_sees_one_credential_and_no_token_of_ours(
    start_worker: StartWorker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("ANTHROPIC_API_KEY", "CLAUDE_CODE_OAUTH_TOKEN", "ANTHROPIC_AUTH_TOKEN", "IS_SANDBOX"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("CLAUDE_CLI_SESSION_TOKEN", "a-session-token-of-this-test")
    monkeypatch.setenv("SOME_OTHER_VARIABLE", "1")
    worker = await start_claude(start_worker, tmp_path / "home")
    text = output(await worker.run("[env]"))
    assert "credentials: CLAUDE_CODE_OAUTH_TOKEN\r\n" in text
    assert "SOME_OTHER_VARIABLE" not in text
    assert "WORKER_TOKEN" not in text


async def test_a_flood_is_rendered_without_loss(claude: RunningWorker) -> None:
    events = await claude.run("[flood 4]")
    end = result(events)
    assert end["status"] == "completed"
    assert end["outputBytes"] > 4_000_000
    text = output(events)
    assert len(text) >= 4_000_000
    assert text.count("flood 000071 \r\n") == text.count("flood 000000 ")


async def test_permissions_are_answered_from_afar(claude: RunningWorker) -> None:
    async def answer(behavior: str) -> None:
        task = claude.pool.get("t")
        assert task is not None
        await until(lambda: len(task.record.waiting) == 1)
        (permission_id,) = task.record.waiting
        body = {"permissionId": permission_id, "behavior": behavior, "message": "no thanks", "actor": "ada"}
        assert (await claude.http.post("/tasks/t/answer", json=body)).status_code == 200

    running = await claude.start("[permissions]", taskId="t", mode="supervised")
    await answer("deny")
    await answer("allow")
    events = await running
    asked = [event.data for event in events if event.type == "permission"]
    assert [Path(ask["input"]["file_path"]).name for ask in asked] == ["one.txt", "two.txt"]
    assert result(events)["status"] == "completed"
    text = output(events)
    assert "✗ Write denied: no thanks" in text
    assert "✓ Write allowed once" in text
    assert "denied written" in text

    running = await claude.start("[permissions]", taskId="t2", mode="supervised")
    task = claude.pool.get("t2")
    assert task is not None
    await until(lambda: len(task.record.waiting) == 1)
    body = {"permissionId": next(iter(task.record.waiting)), "behavior": "allow_session"}
    await claude.http.post("/tasks/t2/answer", json=body)
    events = await running
    assert len([event for event in events if event.type == "permission"]) == 1
    assert "written written" in output(events)


@pytest.mark.parametrize("tag", ["permission", "slow 400"])
async def test_a_supervised_turn_is_interrupted(claude: RunningWorker, tag: str) -> None:
    running = await claude.start(f"[{tag}]", taskId="t", mode="supervised")
    await until(lambda: "waits for permission" in shown(claude) or "word3" in shown(claude))
    await claude.http.post("/tasks/t/cancel", json={})
    events = await running
    end = result(events)
    assert (end["status"], end["exitCode"]) == ("cancelled", 1)
    assert end["usage"]["costUsd"] == pytest.approx(0.001)


async def test_a_signal_from_outside_leaves_no_result(claude: RunningWorker) -> None:
    running = await claude.start("[slow 400]", taskId="t")
    await until(lambda: "word3" in shown(claude))
    task = claude.pool.get("t")
    assert task is not None
    assert task.pid is not None
    os.kill(task.pid, signal.SIGTERM)
    end = result(await running)
    assert (end["reason"], end["exitCode"]) == ("incomplete", 143)

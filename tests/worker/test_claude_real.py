"""The real Claude CLI under a worker, against a stand-in of the Messages API on loopback: no key, no network.

The only tests that notice when the CLI changes. They take the CLI of CLAUDE_CLI_PATH, else `claude` on the
PATH, and are skipped where there is none. Measured with 2.1.330.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.worker.claude_runs import start_claude
from tests.worker.conftest import RunningWorker, Seen, StartWorker, output, result, until
from tests.worker.messages_api import TEXT, ApiMode, MessagesApi

CLI = shutil.which(os.environ.get("CLAUDE_CLI_PATH") or "claude")
KEY = "dummy-key-of-a-test-that-talks-to-loopback"

pytestmark = [
    pytest.mark.real_claude,
    pytest.mark.skipif(CLI is None, reason="no Claude CLI: neither CLAUDE_CLI_PATH nor `claude` on the PATH"),
]

ServeApi = Callable[..., MessagesApi]


@pytest.fixture
def serve(monkeypatch: pytest.MonkeyPatch) -> Iterator[ServeApi]:
    """Starts the stand-in API and points the worker's environment at it, clear of anything inherited."""
    for name in os.environ:
        if name.startswith(("ANTHROPIC_", "CLAUDE_")) or name == "IS_SANDBOX":
            monkeypatch.delenv(name)
    monkeypatch.setenv("ANTHROPIC_API_KEY", KEY)
    with ExitStack() as stack:

        def start(mode: ApiMode, file_path: str = "note.txt") -> MessagesApi:
            api = stack.enter_context(MessagesApi(mode, file_path))
            monkeypatch.setenv("ANTHROPIC_BASE_URL", api.url)
            return api

        yield start


@pytest.fixture
async def claude(start_worker: StartWorker, tmp_path: Path) -> RunningWorker:
    """A worker with the real CLI."""
    return await start_claude(start_worker, tmp_path / "home", Path(CLI or ""), worker_cancel_step_seconds=5)


def shown(worker: RunningWorker) -> str:
    task = worker.pool.get("t")
    return task.record._encoder.tail() if task else ""


def last_line(events: list[Seen]) -> str:
    return output(events).rstrip("\r\n").rpartition("\r\n")[2]


async def test_a_prompt_is_answered(claude: RunningWorker, serve: ServeApi) -> None:
    api = serve("text")
    events = await claude.run("-hello")
    hello = (await claude.http.get("/hello")).json()
    end = result(events)

    assert hello["agent"]["version"].endswith("(Claude Code)")
    assert hello["agent"]["credential"] == "api-key"
    assert (end["status"], end["exitCode"]) == ("completed", 0)
    assert TEXT.replace("\n", "\r\n") + "\r\n" in output(events)
    assert output(events).count("stand-in") == 1
    assert (end["usage"]["inputTokens"], end["usage"]["outputTokens"], end["usage"]["turns"]) == (100, 20, 1)
    assert end["usage"]["costUsd"] > 0
    assert "ended without" not in output(events)
    (turn,) = api.turns()
    assert turn.headers["x-api-key"] == KEY
    assert "-hello" in json.dumps(turn.body["messages"])


async def test_a_session_is_gone_on_with_and_costs_its_own_part(
    claude: RunningWorker, serve: ServeApi
) -> None:
    api = serve("text")
    first = result(await claude.run("one"))
    second = result(await claude.run("two", resume=first["sessionId"]))
    assert second["sessionId"] == first["sessionId"]
    assert len(api.turns()[-1].body["messages"]) > len(api.turns()[0].body["messages"])
    assert second["usage"]["costUsd"] == pytest.approx(first["usage"]["costUsd"])


async def test_a_session_is_gone_on_with_on_a_fresh_instance(
    start_worker: StartWorker, serve: ServeApi, tmp_path: Path
) -> None:
    api = serve("text")
    store = (tmp_path / "store").as_uri()
    here, there = [
        await start_claude(start_worker, tmp_path / name, Path(CLI or ""), worker_store=store)
        for name in ("here", "there")
    ]
    first = result(await here.run("one"))
    second = result(await there.run("two", resume=first["sessionId"]))

    assert second["sessionId"] == first["sessionId"]
    assert len(api.turns()[-1].body["messages"]) > len(api.turns()[0].body["messages"])


async def test_the_session_token_is_the_one_credential(
    claude: RunningWorker, serve: ServeApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    api = serve("text")
    monkeypatch.delenv("ANTHROPIC_API_KEY")
    monkeypatch.setenv("CLAUDE_CLI_SESSION_TOKEN", "dummy-token-of-this-test")
    assert result(await claude.run("hi"))["status"] == "completed"
    assert api.turns()[0].headers["authorization"] == "Bearer dummy-token-of-this-test"
    assert "x-api-key" not in api.turns()[0].headers


async def test_no_credential(claude: RunningWorker, serve: ServeApi, monkeypatch: pytest.MonkeyPatch) -> None:
    api = serve("text")
    monkeypatch.delenv("ANTHROPIC_API_KEY")
    end = result(await claude.run("hi"))
    assert (end["status"], end["reason"]) == ("failed", "auth")
    assert "Not logged in" in end["detail"]
    assert not api.turns()


async def test_thinking_and_a_tool(claude: RunningWorker, serve: ServeApi) -> None:
    serve("thinking")
    assert "\x1b[2m✻ Let me " in output(await claude.run("hi"))
    serve("tool")
    events = await claude.run("hi")
    text = output(events)
    assert result(events)["status"] == "completed"
    assert "● Bash(printf 'one\\ntwo\\n')" in text.replace("\x1b[36m", "").replace("\x1b[1m", "").replace(
        "\x1b[0m", ""
    )
    assert "  ⎿  \x1b[2mone\x1b[0m\r\n     \x1b[2mtwo\x1b[0m\r\n" in text
    assert text.count("Running.") == 1


async def test_a_write_is_denied_or_allowed(claude: RunningWorker, serve: ServeApi, tmp_path: Path) -> None:
    serve("write", str(tmp_path / "work" / "kept" / "note.txt"))
    denied = result(await claude.run("hi", workspace="kept"))
    assert (denied["status"], denied["reason"]) == ("failed", "permission_denied")
    assert denied["permissionDenials"][0].startswith("Write(")
    allowed = result(await claude.run("hi", workspace="kept", allowedTools=["Read", "Write"], model="sonnet"))
    assert allowed["status"] == "completed", allowed
    accepted = result(await claude.run("hi", workspace="kept", permissionMode="acceptEdits"))
    assert accepted["status"] == "completed", accepted


async def test_a_bad_key_fails_within_seconds(
    claude: RunningWorker, serve: ServeApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CLAUDE_CODE_MAX_RETRIES", "1")
    serve("401")
    events = await claude.run("hi")
    assert (result(events)["reason"], result(events)["exitCode"]) == ("auth", 1)
    assert "⟳ API 401 " in output(events)
    serve("429")
    assert result(await claude.run("hi"))["reason"] == "api_error"


async def test_hiccups_of_the_api(claude: RunningWorker, serve: ServeApi) -> None:
    serve("529 once")
    events = await claude.run("hi")
    assert result(events)["status"] == "completed"
    assert "⟳ API 529 overloaded: retry 1/" in output(events)
    serve("SSE error")
    events = await claude.run("hi")
    assert result(events)["status"] == "completed"
    assert output(events).count("Hello from the **stand-in**.") == 1


async def test_limits(claude: RunningWorker, serve: ServeApi) -> None:
    serve("tool")
    assert result(await claude.run("hi", maxTurns=1))["reason"] == "max_turns"
    assert result(await claude.run("hi", maxBudgetUsd=0.000001))["reason"] == "budget"


async def test_an_interrupt_keeps_the_cost(claude: RunningWorker, serve: ServeApi) -> None:
    serve("slow")
    running = await claude.start("hi", taskId="t")
    await until(lambda: "word3" in shown(claude))
    await claude.http.post("/tasks/t/cancel", json={})
    end = result(await running)
    assert (end["status"], end["exitCode"]) == ("cancelled", 0)
    assert end["usage"]["costUsd"] > 0


async def test_a_silent_api_stalls(start_worker: StartWorker, tmp_path: Path, serve: ServeApi) -> None:
    worker = await start_claude(
        start_worker, tmp_path / "home", Path(CLI or ""), worker_stall_seconds=2, worker_cancel_step_seconds=2
    )
    serve("hang")
    assert result(await worker.run("hi"))["reason"] == "stalled"


@pytest.mark.parametrize("behavior", ["allow", "allow_session", "deny"])
async def test_a_permission_is_answered_from_afar(
    claude: RunningWorker, serve: ServeApi, tmp_path: Path, behavior: str
) -> None:
    path = tmp_path / "work" / "kept" / "note.txt"
    serve("write", str(path))
    running = await claude.start("hi", taskId="t", mode="supervised", workspace="kept")
    task = claude.pool.get("t")
    assert task is not None
    await until(lambda: len(task.record.waiting) == 1)
    (permission_id,) = task.record.waiting
    body = {"permissionId": permission_id, "behavior": behavior, "message": "not today"}
    await claude.http.post("/tasks/t/answer", json=body)
    events = await running
    end = result(events)

    assert (end["status"], end["exitCode"]) == ("completed", 0)
    (asked,) = [event.data for event in events if event.type == "permission"]
    assert (asked["tool"], asked["input"]["file_path"]) == ("Write", str(path))
    assert path.exists() is (behavior != "deny")
    assert ("not today" in output(events)) is (behavior == "deny")


@pytest.mark.parametrize("mode", ["slow", "write"])
async def test_a_supervised_turn_is_interrupted(
    claude: RunningWorker, serve: ServeApi, mode: ApiMode
) -> None:
    serve(mode)
    running = await claude.start("hi", taskId="t", mode="supervised")
    await until(lambda: "word3" in shown(claude) or "waits for permission" in shown(claude))
    await claude.http.post("/tasks/t/cancel", json={})
    end = result(await running)
    assert (end["status"], end["exitCode"]) == ("cancelled", 1)
    assert end["usage"]["costUsd"] > 0


async def test_the_terminal_ui(claude: RunningWorker, serve: ServeApi) -> None:
    api = serve("text")
    running = await claude.start("-hello", taskId="t", mode="interactive")
    await until(lambda: "漢字" in shown(claude))
    for key in "/exit":
        await claude.http.post("/tasks/t/input", json={"data": key})
    await until(lambda: "/exit" in shown(claude))
    await claude.http.post("/tasks/t/input", json={"data": "\r"})
    end = result(await running)

    assert (end["status"], end["exitCode"]) == ("completed", 0)
    assert (end["usage"]["inputTokens"], end["usage"]["outputTokens"]) == (100, 20)
    assert end["usage"]["costUsd"] > 0
    assert end["sessionId"]
    assert api.turns()[0].headers["x-api-key"] == KEY
    assert "trust" not in shown(claude).lower()


async def test_a_cancelled_terminal_ui_is_left_in_good_order(claude: RunningWorker, serve: ServeApi) -> None:
    serve("text")
    running = await claude.start("hi", taskId="t", mode="interactive")
    await until(lambda: "漢字" in shown(claude))
    await claude.http.post("/tasks/t/cancel", json={})
    end = result(await running)
    assert (end["status"], end["exitCode"]) == ("cancelled", 0)
    assert end["usage"]["costUsd"] > 0

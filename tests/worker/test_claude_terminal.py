"""The Claude CLI's terminal UI on a task's terminal: seeded, typed to, resized, left."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.worker.claude_runs import FAKE_CLAUDE, start_claude
from tests.worker.conftest import RunningWorker, StartWorker, output, result, until
from worker_service.pty import PtyProcess

IDLE, BUSY = "✳ Claude Code", "◐ Claude Code"


@pytest.fixture
async def claude(start_worker: StartWorker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RunningWorker:
    """A worker with the stand-in CLI, an API key, and a fresh HOME."""
    monkeypatch.setenv("ANTHROPIC_API_KEY", "dummy-key-of-this-test")
    return await start_claude(start_worker, tmp_path / "home")


def shown(worker: RunningWorker) -> str:
    task = worker.pool.get("t")
    return task.record._encoder.tail() if task else ""


async def typed(worker: RunningWorker, data: str) -> None:
    assert (await worker.http.post("/tasks/t/input", json={"data": data})).status_code == 200


async def test_a_session_from_the_prompt_to_its_end(claude: RunningWorker, tmp_path: Path) -> None:
    running = await claude.start("--hello there", mode="interactive", taskId="t")
    await until(lambda: "⏺\x1b[39m You said: --hello there" in shown(claude))
    await typed(claude, "and more\r")
    await until(lambda: "said: and more" in shown(claude))
    await claude.http.post("/tasks/t/resize", json={"cols": 50, "rows": 20})
    await until(lambda: "─" * 49 + "\x1b[22m" in shown(claude))
    await typed(claude, "/exit\r")
    events = await running
    end = result(events)

    assert (end["status"], end["exitCode"]) == ("completed", 0)
    assert (end["usage"]["costUsd"], end["usage"]["inputTokens"]) == (0.002, 200)
    assert f"--resume {end['sessionId']}" in output(events)
    assert "Do you trust" not in output(events)
    assert "custom API key" not in output(events)
    # Inline, so that the conversation is still there when the UI has gone.
    assert "\x1b[?1049h" not in output(events)
    config = json.loads((tmp_path / "home" / ".claude.json").read_text())
    assert config["customApiKeyResponses"]["approved"] == ["dummy-key-of-this-test"[-20:]]


async def test_keys_interrupt_and_leave(claude: RunningWorker) -> None:
    running = await claude.start("[slow 400]", mode="interactive", taskId="t")
    await until(lambda: "word3" in shown(claude))
    await typed(claude, "\x03")
    await until(lambda: "Interrupted" in shown(claude))
    await typed(claude, "\x03")
    await until(lambda: "again to exit" in shown(claude))
    await typed(claude, "\x03")
    assert result(await running)["status"] == "completed"


async def test_a_dialog_is_answered_by_a_key(claude: RunningWorker) -> None:
    running = await claude.start("[permission]", mode="interactive", taskId="t", workspace="kept")
    await until(lambda: "Do you want" in shown(claude))
    await typed(claude, "1")
    await until(lambda: "You said:" in shown(claude))
    await typed(claude, "/exit\r")
    assert result(await running)["status"] == "completed"


async def test_a_cancelled_session_keeps_its_cost(claude: RunningWorker) -> None:
    running = await claude.start("[slow 400]", mode="interactive", taskId="t")
    await until(lambda: "word3" in shown(claude))
    await claude.http.post("/tasks/t/cancel", json={})
    end = result(await running)
    assert (end["status"], end["exitCode"]) == ("cancelled", 0)
    assert end["usage"]["costUsd"] == 0.001


async def test_what_cannot_be_done_is_refused_before_anything_starts(claude: RunningWorker) -> None:
    body = {"prompt": "hi", "mode": "interactive", "maxBudgetUsd": 1}
    answer = await claude.http.post("/run", json=body)
    assert answer.status_code == 400
    assert "maxBudgetUsd" in answer.json()["detail"]


@pytest.mark.parametrize(
    ("config", "question", "key"),
    [
        ({}, "Unable to connect", ""),
        ({"hasCompletedOnboarding": True}, "Do you trust", "\r"),
    ],
)
async def test_the_stand_in_asks_what_is_not_seeded(
    tmp_path: Path, config: dict[str, Any], question: str, key: str
) -> None:
    (tmp_path / ".claude.json").write_text(json.dumps(config))
    env = {"PATH": "/usr/bin:/bin:/usr/local/bin", "HOME": str(tmp_path)}
    process = PtyProcess.start([str(FAKE_CLAUDE)], env=env, cwd=tmp_path, stdin=None, is_raw=False)
    try:
        text = ""
        while question not in text:
            text += (await process.read()).decode()
        if key:
            process.write(key.encode())
        assert await process.exited() == 1
        process.finish()
        while await process.read():
            pass
    finally:
        process.close()


async def test_the_stand_in_takes_the_alternate_screen_by_default(tmp_path: Path) -> None:
    config = {"hasCompletedOnboarding": True, "projects": {str(tmp_path): {"hasTrustDialogAccepted": True}}}
    (tmp_path / ".claude.json").write_text(json.dumps(config))
    env = {"PATH": "/usr/bin:/bin:/usr/local/bin", "HOME": str(tmp_path), "COLORTERM": "truecolor"}
    process = PtyProcess.start([str(FAKE_CLAUDE)], env=env, cwd=tmp_path, stdin=None, is_raw=False)
    try:
        text = ""
        while IDLE not in text:
            text += (await process.read()).decode()
        process.write(b"\x1b[?62;22chi\r")
        while BUSY not in text:
            text += (await process.read()).decode()
        process.write(b"\x03")
        process.write(b"/exit\r")
        while "\x1b[?1049l" not in text:
            text += (await process.read()).decode()
        assert await process.exited() == 0
    finally:
        process.close()
    assert text.index("\x1b[?1049h") < text.index("\x1b_G") < text.index("\x1b[c") < text.index(IDLE)
    assert "\x1b[38;2;" in text
    assert "❯ hi" in text

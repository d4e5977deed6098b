"""How the Claude CLI is started: its arguments, its one credential, its seeded configuration."""

from __future__ import annotations

import json
import shutil
import stat
from pathlib import Path
from typing import Any

import pytest

from tests.worker.claude_runs import FAKE_CLAUDE
from worker_service.agents.base import Launch
from worker_service.agents.claude import ClaudeAgent
from worker_service.agents.claude_command import MAX_ARGUMENT_BYTES, Credential
from worker_service.agents.claude_config import seed, session_usage
from worker_service.wire import Mode, RunRequest

ENVIRON = {"PATH": "/usr/bin:/bin", "HOME": "/nowhere", "WORKER_TOKEN": "t", "SOME_OTHER": "x"}
KEY, OAUTH, SESSION = "ANTHROPIC_API_KEY", "CLAUDE_CODE_OAUTH_TOKEN", "CLAUDE_CLI_SESSION_TOKEN"


def launched(tmp_path: Path, *, environ: dict[str, str] | None = None, **fields: Any) -> Launch:
    agent = ClaudeAgent(str(FAKE_CLAUDE), {**ENVIRON, **(environ or {})}, "auto", tmp_path)
    return agent.prepare(RunRequest(**{"prompt": "-p hi", **fields}), tmp_path / "work")[0]


def test_headless(tmp_path: Path) -> None:
    launch = launched(
        tmp_path,
        model="-m",
        max_turns=3,
        max_budget_usd=0.5,
        permission_mode="plan",
        resume="x",
        allowed_tools=["Bash(git log:*)", "", "-Read"],
    )
    assert launch.argv == [
        str(FAKE_CLAUDE),
        "-p",
        "--output-format=stream-json",
        "--verbose",
        "--include-partial-messages",
        "--max-turns=3",
        "--max-budget-usd=0.5",
        "--model=-m",
        "--permission-mode=plan",
        "--resume=x",
        "--allowedTools=Bash(git log:*)",
        "--allowedTools=-Read",
    ]
    assert (launch.stdin, launch.keeps_stdin_open, launch.is_raw) == (b"-p hi", False, True)


def test_supervised(tmp_path: Path) -> None:
    launch = launched(tmp_path, mode="supervised", prompt="a\u2028\nb")
    assert {"--input-format=stream-json", "--permission-prompt-tool=stdio"} <= set(launch.argv)
    assert launch.stdin is not None
    assert launch.stdin.count(b"\n") == 1
    message = json.loads(launch.stdin)
    assert message == {"type": "user", "message": {"role": "user", "content": "a\u2028\nb"}}
    assert launch.keeps_stdin_open


def test_interactive(tmp_path: Path) -> None:
    launch = launched(tmp_path, mode="interactive", allowed_tools=["Read"])
    program, session, *rest = launch.argv
    assert (program, session.partition("=")[0]) == (str(FAKE_CLAUDE), "--session-id")
    assert rest == ["--allowedTools=Read", "--", "-p hi"]
    assert (launch.stdin, launch.is_raw) == (None, False)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"max_turns": 1}, "maxTurns"),
        ({"max_budget_usd": 1}, "maxBudgetUsd"),
        ({"prompt": "é" * (MAX_ARGUMENT_BYTES // 2 + 1)}, "131,071"),
        ({"prompt": "a\0b"}, "NUL"),
    ],
)
def test_what_interactive_mode_cannot_do_is_said(tmp_path: Path, fields: Any, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        launched(tmp_path, mode="interactive", **fields)
    assert not (tmp_path / ".claude.json").exists()
    assert launched(tmp_path, mode="interactive", prompt="x" * MAX_ARGUMENT_BYTES)


@pytest.mark.parametrize(
    ("given", "wanted", "kind", "passed"),
    [
        ({}, "auto", "login", {}),
        ({KEY: " k\n"}, "auto", "api-key", {KEY: "k"}),
        ({KEY: "k", OAUTH: "o", SESSION: "s"}, "auto", "api-key", {KEY: "k"}),
        ({KEY: "k", OAUTH: "o", SESSION: "s"}, "oauth", "oauth", {OAUTH: "o"}),
        ({KEY: "k", SESSION: "s"}, "oauth", "oauth", {OAUTH: "s"}),
        ({KEY: "", SESSION: "s"}, "auto", "oauth", {OAUTH: "s"}),
        ({KEY: "k", OAUTH: "o"}, "api-key", "api-key", {KEY: "k"}),
    ],
)
def test_the_cli_gets_one_credential(
    tmp_path: Path, given: dict[str, str], wanted: Credential, kind: str, passed: dict[str, str]
) -> None:
    agent = ClaudeAgent(str(FAKE_CLAUDE), {**ENVIRON, **given}, wanted, tmp_path)
    assert agent.credential() == kind
    env = agent.prepare(RunRequest(prompt="hi"), tmp_path)[0].env
    assert {name: value for name, value in env.items() if name in (KEY, OAUTH, SESSION)} == passed
    assert env["HOME"] == str(tmp_path)
    assert "WORKER_TOKEN" not in env
    assert "SOME_OTHER" not in env


@pytest.mark.parametrize(("wanted", "name"), [("api-key", KEY), ("oauth", SESSION)])
def test_a_wanted_credential_that_is_missing_is_named(tmp_path: Path, wanted: Credential, name: str) -> None:
    agent = ClaudeAgent(str(FAKE_CLAUDE), ENVIRON, wanted, tmp_path)
    assert agent.credential() is None
    with pytest.raises(ValueError, match=name):
        agent.prepare(RunRequest(prompt="hi"), tmp_path)


def test_the_environment_is_quiet_and_can_be_pointed_elsewhere(tmp_path: Path) -> None:
    env = launched(tmp_path).env
    assert env["DISABLE_TELEMETRY"] == env["CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC"] == "1"
    assert env["CLAUDE_CODE_MAX_RETRIES"] == "4"
    chosen = {"ANTHROPIC_BASE_URL": "http://127.0.0.1:9", "CLAUDE_CODE_MAX_RETRIES": "0"}
    env = launched(tmp_path, environ=chosen).env
    assert {name: env[name] for name in chosen} == chosen


def test_version(tmp_path: Path) -> None:
    path = f"{tmp_path}:{ENVIRON['PATH']}"
    assert ClaudeAgent(str(FAKE_CLAUDE), ENVIRON).version() == "2.1.330 (Claude Code)"
    assert ClaudeAgent("claude", {"PATH": path}).version() is None
    (tmp_path / "claude").symlink_to(FAKE_CLAUDE)
    assert ClaudeAgent("claude", {"PATH": path}).version() == "2.1.330 (Claude Code)"
    assert ClaudeAgent(str(tmp_path / "missing"), ENVIRON).version() is None
    broken = tmp_path / "broken"
    shutil.copy("/bin/false", broken)
    assert ClaudeAgent(str(broken), ENVIRON).version() is None


def test_a_relative_cli_is_found_from_any_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(FAKE_CLAUDE.parent)
    agent = ClaudeAgent("./fake_claude.py", ENVIRON, "auto", tmp_path)
    assert agent.prepare(RunRequest(prompt="hi"), tmp_path)[0].argv[0] == str(FAKE_CLAUDE)


def test_all_modes() -> None:
    assert ClaudeAgent("claude", {}).modes() == frozenset(Mode)


def test_a_fresh_home_is_seeded(tmp_path: Path) -> None:
    work = tmp_path / "work"
    launched(tmp_path / "home", mode="interactive", environ={KEY: "sk-" + "0123456789" * 3})
    work.mkdir()
    path = tmp_path / "home" / ".claude.json"
    seed(path, work, "sk-" + "0123456789" * 3)
    config = json.loads(path.read_text())
    assert config == {
        "hasCompletedOnboarding": True,
        "theme": "dark",
        "hasSeenAutoDefaultNotice": True,
        "customApiKeyResponses": {"approved": ["01234567890123456789"], "rejected": []},
        "projects": {
            str(tmp_path / "home" / "work"): {"hasTrustDialogAccepted": True},
            str(work): {"hasTrustDialogAccepted": True},
        },
    }
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [entry.name for entry in path.parent.iterdir()] == [".claude.json"]


def test_a_persons_file_keeps_what_it_says(tmp_path: Path) -> None:
    real, work = tmp_path / "dotfiles.json", tmp_path / "work"
    config = {
        "hasCompletedOnboarding": True,
        "oauthAccount": {"name": "Ünal"},
        "customApiKeyResponses": {"approved": ["a"], "rejected": ["no"]},
        "projects": {
            "/other": {"x": 1},
            str(work): {"hasTrustDialogAccepted": False, "allowedTools": ["Read"]},
        },
    }
    real.write_text(json.dumps(config))
    real.chmod(0o640)
    link = tmp_path / ".claude.json"
    link.symlink_to(real)
    seed(link, work, "no")
    config["projects"][str(work)]["hasTrustDialogAccepted"] = True  # type: ignore[index]
    assert json.loads(real.read_text()) == config
    assert link.is_symlink()
    assert stat.S_IMODE(real.stat().st_mode) == 0o640


def test_a_file_that_says_it_all_is_not_written(tmp_path: Path) -> None:
    path = tmp_path / ".claude.json"
    seed(path, tmp_path / "work", None)
    before = path.stat()
    seed(path, tmp_path / "work", None)
    assert (path.stat().st_ino, path.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


@pytest.mark.parametrize("text", ["{", "[]", '{"projects": []}', '{"customApiKeyResponses": 5}'])
def test_a_file_that_is_not_understood_is_left_alone(tmp_path: Path, text: str) -> None:
    path = tmp_path / ".claude.json"
    path.write_text(text)
    with pytest.raises(ValueError, match="mend or remove"):
        seed(path, tmp_path / "work", "key")
    assert path.read_text() == text
    assert [entry.name for entry in tmp_path.iterdir()] == [".claude.json"]


def test_another_sessions_lock_is_waited_for_and_left(tmp_path: Path) -> None:
    lock = tmp_path / ".claude.json.lock"
    lock.mkdir()
    seed(tmp_path / ".claude.json", tmp_path / "work", None)
    assert lock.exists()
    assert (tmp_path / ".claude.json").exists()


def test_a_home_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ValueError, match="cannot be written"):
        seed(tmp_path / "file" / ".claude.json", tmp_path, None)
    with pytest.raises(ValueError, match="HOME"):
        ClaudeAgent("claude", {}).prepare(RunRequest(prompt="hi", mode=Mode.INTERACTIVE), tmp_path)


def test_only_this_sessions_costs_are_taken(tmp_path: Path) -> None:
    path = tmp_path / ".claude.json"
    assert session_usage(path, tmp_path, 0) == (None, None)
    last = {"lastStartTime": 5_000, "lastCost": 0.25, "lastTotalInputTokens": 7, "lastSessionId": "s"}
    path.write_text(json.dumps({"projects": {str(tmp_path): last}}))
    session_id, usage = session_usage(path, tmp_path, 4.9)
    assert session_id == "s"
    assert usage is not None
    assert (usage.cost_usd, usage.input_tokens) == (0.25, 7)
    assert session_usage(path, tmp_path, 5.1) == (None, None)

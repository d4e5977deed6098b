"""What the README promises of the verbs, as a new user on a machine of their own meets it."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.e2e.conftest import Machine

DEADLINE = 30.0


def wait_for_task(machine: Machine, state: str, prompt: str) -> dict[str, Any]:
    """The newest task with this prompt, once it is in this state."""
    deadline = time.monotonic() + DEADLINE
    while time.monotonic() < deadline:
        listed = machine.run("tasks", "local", "-o", "json")
        for task in json.loads(listed.stdout or "[]"):
            if task["state"] == state and task["prompt"].startswith(prompt):
                return dict(task)
    pytest.fail(f"no {state} task {prompt!r}: {listed.stdout} {listed.stderr}")


def test_a_prompt_prints_the_agents_output(machine: Machine) -> None:
    done = machine.run("prompt", "local", 'echo "Hello from Cloud Run"')
    assert done.stdout == "Hello from Cloud Run\n"
    assert done.returncode == 0, done.stderr


def test_a_failed_prompt_says_why_on_stderr(machine: Machine) -> None:
    failed = machine.run("prompt", "local", "exit 3")
    assert failed.returncode == 1
    assert failed.stdout == ""
    assert "exit" in failed.stderr
    assert "3" in failed.stderr
    assert "Traceback" not in failed.stderr


def test_ls_names_what_an_operator_needs(machine: Machine) -> None:
    assert machine.run("prompt", "local", "true").returncode == 0  # which waits until the service is ready
    listed = machine.run("ls", "-o", "json")
    assert listed.returncode == 0, listed.stderr
    (row,) = json.loads(listed.stdout)
    assert row["environment"] == "local"
    assert row["service"] == "claudecluster-worker-local"
    assert row["url"].startswith("http://127.0.0.1:")
    assert row["revision"].startswith("claudecluster-worker-local-00001-")
    assert row["state"] == "ready"
    assert (row["instances"]["min"], row["instances"]["max"]) == (0, 5)


def test_an_environment_out_of_reach_is_a_problem_beside_the_others(machine: Machine, tmp_path: Path) -> None:
    config = tmp_path / "deploy.toml"
    config.write_text(
        '[env.local]\nlocal = true\ninstances = [0, 5]\nenv = { WORKER_AGENT = "shell" }\n'
        '[env.dev]\nproject = "no-such-project"\nendpoint = "127.0.0.1:9"\n'
    )
    assert machine.run("prompt", "local", "true").returncode == 0
    listed = machine.run("--config", str(config), "ls", "-o", "json")
    assert listed.returncode == 7, listed.stderr
    rows = json.loads(listed.stdout)
    states = {row["environment"]: row["state"] for row in rows}
    assert states["local"] == "ready"
    assert states["dev"] == "problem"


def test_ctrl_c_cancels_the_task_on_the_worker(machine: Machine) -> None:
    with machine.start("prompt", "local", "echo started; sleep 300") as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "started\n"
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=DEADLINE)
        assert process.returncode == 130
    task = wait_for_task(machine, "cancelled", "echo started")
    assert task["actor"]


def test_two_consoles_share_a_task(machine: Machine) -> None:
    """One starts and leaves it, another lists it, reads it from its first byte on and cancels it."""
    started = machine.run("prompt", "local", "--detach", "echo first; sleep 300")
    assert started.returncode == 0, started.stderr
    task = wait_for_task(machine, "running", "echo first")
    with machine.start("attach", task["id"]) as watcher:
        assert watcher.stdout is not None
        assert watcher.stdout.readline() == "first\n"
        cancelled = machine.run("cancel", task["id"])
        assert cancelled.returncode == 0, cancelled.stderr
        watcher.communicate(timeout=DEADLINE)
        assert watcher.returncode == 1
    assert wait_for_task(machine, "cancelled", "echo first")["actor"]


def url_of(machine: Machine) -> str:
    """The local service's address."""
    return str(json.loads(machine.run("get", "local", "-o", "json").stdout)["url"])


def test_prompts_side_by_side_run_on_processes_of_their_own(machine: Machine, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    prompt = f"echo pid $PPID; until [ -e {gate} ]; do sleep 0.05; done"
    processes = [machine.start("prompt", "local", prompt) for _ in range(2)]
    workers = {process.stdout.readline() for process in processes if process.stdout is not None}
    gate.touch()
    ends = [(process.communicate(timeout=DEADLINE), process.returncode) for process in processes]
    assert all(code == 0 for _, code in ends), ends
    assert len(workers) == 2, workers


def test_a_full_fleet_makes_one_wait_or_says_so(machine: Machine, tmp_path: Path) -> None:
    """Six prompts on [0, 5]: five run at once; the sixth waits its turn or is told that the fleet is full."""
    gate = tmp_path / "gate"
    prompt = f"echo up; until [ -e {gate} ]; do sleep 0.05; done"
    processes = [machine.start("prompt", "local", prompt) for _ in range(6)]
    deadline = time.monotonic() + DEADLINE
    while time.monotonic() < deadline:
        listed = json.loads(machine.run("tasks", "local", "-o", "json").stdout)
        if sum(task["state"] == "running" and task["prompt"].startswith("echo up") for task in listed) == 5:
            break
    else:
        pytest.fail("five did not run at once")
    gate.touch()
    ends = [(process.communicate(timeout=DEADLINE), process.returncode) for process in processes]
    codes = sorted(code for _, code in ends)
    assert codes[:5] == [0] * 5, ends
    assert codes[5] in (0, 8), ends
    if codes[5] == 8:
        assert any("full" in stderr for (_, stderr), _ in ends)


def test_curl_needs_nothing_but_a_prompt(machine: Machine) -> None:
    url = url_of(machine)
    form = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "*/*"}
    with httpx.Client(base_url=url, headers=form, trust_env=False, verify=False, timeout=DEADLINE) as http:
        result = http.post("/run", content='{"prompt":"echo hi"}').json()
        assert (result["status"], result["output"].strip()) == ("completed", "hi")
        for body, status, field in (
            ('{"prompt":"x","priority":11}', 400, "priority"),
            ("{}", 400, "prompt"),
            ('{"prompt":"' + "x" * 5_000_000 + '"}', 413, "prompt"),
            ('{"prompt":', 400, "JSON"),
        ):
            refused = http.post("/run", content=body)
            assert refused.status_code == status, refused.text
            assert field in refused.text
        with http.stream(
            "POST", "/run", content='{"prompt":"echo live"}', headers={"Accept": "text/event-stream"}
        ) as stream:
            text = stream.read().decode()
        assert text.count("event: complete") == 1
        assert "live" in text


def test_a_web_page_cannot_run_prompts(machine: Machine) -> None:
    with httpx.Client(base_url=url_of(machine), trust_env=False, verify=False, timeout=DEADLINE) as http:
        for headers in (
            {"Origin": "https://example.com"},
            {"Host": "example.com"},
            {"Sec-Fetch-Site": "cross-site"},
        ):
            assert http.post("/run", content='{"prompt":"echo hi"}', headers=headers).status_code == 403


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[env.dev\n", "line 1"),
        ("[env.dev]\nmemmory = '1Gi'\n", "memmory"),
        ("[env.dev]\ncpu = 'fast'\ntimeout = '3h'\n", "timeout"),
    ],
)
def test_a_mistake_in_deploy_toml_is_one_message(
    machine: Machine, tmp_path: Path, text: str, said: str
) -> None:
    config = tmp_path / "deploy.toml"
    config.write_text(text)
    for verb in ("ls", "prompt"):
        words = ["--config", str(config), verb] + (["local", "echo hi"] if verb == "prompt" else [])
        wrong = machine.run(*words)
        assert wrong.returncode == 2
        assert said in wrong.stderr
        assert "deploy.toml" in wrong.stderr
        assert "Traceback" not in wrong.stderr


def test_a_reader_that_leaves_ends_the_prompt_quietly(machine: Machine) -> None:
    done = subprocess.run(
        ["bash", "-c", 'set -o pipefail; python -m ccconsole prompt local "yes" | head -n 1'],
        cwd=machine.project,
        env={**machine.environ, "PATH": f"{Path(sys.executable).parent}:{machine.environ['PATH']}"},
        capture_output=True,
        text=True,
        timeout=DEADLINE,
    )
    assert done.stdout == "y\n"
    assert "Traceback" not in done.stderr

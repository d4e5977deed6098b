"""Many prompts, as an operator runs them: on the emulator's instances, killed, interrupted, gone on with."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.conftest import Machine

DEADLINE = 40.0
DEPLOY = """
[env.local]
local = true
instances = [0, 2]
env = { WORKER_AGENT = "shell" }
[env.local.services.second]
instances = [0, 1]
"""
SERVICE = "claudecluster-worker-local"


@pytest.fixture(scope="module")
def machine(machine: Machine) -> Machine:
    """One whose environment has two services, warm."""
    (machine.project / "deploy.toml").write_text(DEPLOY)
    assert machine.run("prompt", f"local/second,local/{SERVICE}", "true").returncode == 0
    return machine


@pytest.fixture
def noted(tmp_path: Path) -> Path:
    """Where each prompt notes its start: a line that the agent adds."""
    return tmp_path / "starts"


def starts(noted: Path) -> list[int]:
    return [int(line) for line in noted.read_text().split()] if noted.exists() else []


def until(holds: Callable[[], object]) -> None:
    deadline = time.monotonic() + DEADLINE
    while not holds():
        assert time.monotonic() < deadline, "it took too long"
        time.sleep(0.01)


def rows_of(done: subprocess.CompletedProcess[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_killed_half_way_and_run_again_no_prompt_runs_twice(
    machine: Machine, noted: Path, tmp_path: Path
) -> None:
    file = tmp_path / "work.ndjson"
    urgency = [1 + number % 3 * 4 for number in range(30)]
    lines = [
        {"prompt": f"echo {number} >> {noted}; sleep 0.1", "priority": urgency[number]}
        for number in range(30)
    ]
    file.write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    words = ("batch", "local", str(file), "--yes", "-o", "ndjson")
    with machine.start(*words) as killed:
        until(lambda: len(starts(noted)) >= 12)
        killed.send_signal(signal.SIGKILL)
        killed.communicate(timeout=DEADLINE)
    done = machine.run(*words)
    assert done.returncode == 0, done.stderr
    rows = rows_of(done)
    assert sorted(row["line"] for row in rows) == list(range(1, 31))
    assert {row["state"] for row in rows} == {"completed"}
    assert sum(row["ended_before"] for row in rows) >= 9
    assert {row["service"] for row in rows} == {SERVICE, "second"}
    order = starts(noted)
    assert sorted(order) == list(range(30))
    # Three are at work at once, so one may overtake the two beside it and no others.
    ideal = sorted(range(30), key=lambda number: (-urgency[number], number))
    assert all(abs(order.index(number) - place) <= 4 for place, number in enumerate(ideal)), order


def test_ctrl_c_lets_what_runs_end_and_a_second_one_cancels_it(
    machine: Machine, noted: Path, tmp_path: Path
) -> None:
    file, gate = tmp_path / "work.txt", tmp_path / "gate"
    file.write_text(
        "\n".join(
            f"echo {number} >> {noted}; until [ -e {gate} ]; do sleep 0.05; done" for number in range(6)
        )
    )
    words = ("batch", f"local/{SERVICE}", str(file), "--yes", "--name", "stopped", "-o", "json")
    with machine.start(*words) as stopped:
        until(lambda: len(starts(noted)) == 2)
        stopped.send_signal(signal.SIGINT)
        said = stopped.stderr
        assert said is not None
        until(lambda: "2 in flight go on to their end" in said.readline())
        stopped.send_signal(signal.SIGINT)
        out, _ = stopped.communicate(timeout=DEADLINE)
    assert stopped.returncode == 130
    assert [row["state"] for row in json.loads(out)["rows"]] == ["cancelled"] * 2 + ["pending"] * 4
    gate.touch()
    again = machine.run(*words, "--again", "cancelled")
    assert again.returncode == 0, again.stderr
    found = json.loads(again.stdout)
    assert (found["completed"], [row["attempt"] for row in found["rows"]]) == (6, [2, 2, 1, 1, 1, 1])
    assert sorted(starts(noted)) == [0, 0, 1, 1, 2, 3, 4, 5]


def test_one_that_fails_is_the_exit_code_of_all(machine: Machine, noted: Path, tmp_path: Path) -> None:
    file = tmp_path / "work.txt"
    file.write_text(f"# three\n\nexit 3\necho 1 >> {noted}\necho 2 >> {noted}\n")
    dry = machine.run("batch", "local", str(file), "--dry-run", "-o", "ndjson")
    assert [(row["line"], row["state"]) for row in rows_of(dry)] == [(n, "pending") for n in (3, 4, 5)]
    assert not noted.exists()
    done = machine.run("batch", "local", str(file), "--yes")
    assert done.returncode == 1, done.stderr
    assert "2 completed, 1 failed" in done.stdout
    assert sorted(starts(noted)) == [1, 2]


def test_a_console_without_a_journal_remembers_what_it_ran(
    machine: Machine, noted: Path, tmp_path: Path
) -> None:
    """The same service, seen as an environment without a store: what was in flight is unknown."""
    socket = (machine.home / ".local/state/ccconsole/emulator/socket").read_text()
    config, file = tmp_path / "deploy.toml", tmp_path / "work.txt"
    config.write_text(
        f'[env.bare]\nendpoint = "unix:{socket}/emulator.sock"\nproject = "local"\nregion = "us-central1"\n'
        f'service = "{SERVICE}"\ninstances = [0, 2]\n'
    )
    file.write_text("\n".join(f"echo {number} >> {noted}; sleep 0.2" for number in range(8)))
    words = ("--config", os.fspath(config), "batch", "bare", os.fspath(file), "--yes", "-o", "json")
    with machine.start(*words) as killed:
        until(lambda: len(starts(noted)) >= 4)
        killed.send_signal(signal.SIGKILL)
        killed.communicate(timeout=DEADLINE)
    done = machine.run(*words)
    found = json.loads(done.stdout)
    assert done.returncode == 7, done.stderr
    assert "bare has no store" in done.stderr
    assert found["completed"] + found["unknown"] == 8
    assert 1 <= found["unknown"] <= 2
    assert len(starts(noted)) == len(set(starts(noted)))


def test_a_prompt_for_two_services_says_who_says_what(machine: Machine) -> None:
    both = f"local/second,local/{SERVICE}"
    done = machine.run("prompt", both, 'printf "one\\ntwo"; case "$PWD" in *second*) exit 3;; esac')
    assert done.returncode == 1, done.stderr
    for name in ("second", SERVICE):
        own = [line for line in done.stdout.splitlines() if line.startswith(f"local/{name} ")]
        assert [line.split(" | ")[1] for line in own] == ["one", "two"]
    assert "failed" in done.stderr

"""The console itself, at a terminal: what the README says a newcomer does first."""

from __future__ import annotations

import json
import shutil
import signal

import pytest

from tests.e2e.conftest import Machine
from tests.e2e.screen import DEADLINE, ConsoleScreen

CTRL_X, ESCAPE, CTRL_BRACKET = "\x18", "\x1b", "\x1d"


def test_the_first_prompt(machine: Machine) -> None:
    """Open, `p`, type, Enter: the output appears while it is produced; `q` leaves no worker's task behind."""
    with ConsoleScreen(machine) as console:
        console.wait_for(r"claudecluster-worker-local\s+.*ready")
        console.press("p")
        console.wait_for("new line")
        console.press("echo one-$((40+2)); read -t 1 < <(:); until [ -e gate ]; do sleep 0.05; done")
        console.press("\r")
        console.wait_for(r"one-42")
        console.wait_for("running")
        console.press(CTRL_X)
        console.wait_for("Cancel the task")
        console.press("y")
        console.wait_for("cancelled")
        console.press(ESCAPE)
        console.wait_for(r"services \(all\)")
        console.press("q")
        assert console.wait_for_exit() == 0
    listed = json.loads(machine.run("tasks", "local", "-o", "json").stdout)
    assert [task["state"] for task in listed] == ["cancelled"]


@pytest.mark.skipif(shutil.which("vim") is None, reason="vim is not installed")
def test_a_full_screen_program_answers_keys(machine: Machine) -> None:
    """An interactive task: vim draws in the pane, takes keys however fast they are typed, and leaves."""
    written = machine.project / "written"
    started = machine.run("prompt", "local", "--mode", "interactive", "--detach", f"vim -u NONE -N {written}")
    assert started.returncode == 0, started.stderr
    with ConsoleScreen(machine) as console:
        console.wait_for(r"claudecluster-worker-local\s+.*ready")
        console.press("\r")
        console.wait_for("›● running")
        console.press("\r")
        console.wait_for("written")
        console.press("i")
        console.wait_for("⌨ .*written|Keyboard back")
        console.press("ifrom the pane" + ESCAPE + ":wq\r")
        console.wait_for("completed")
    assert written.read_text() == "from the pane\n"


def test_a_console_ends_with_its_terminal(machine: Machine) -> None:
    with ConsoleScreen(machine) as console:
        console.wait_for(r"services \(all\)")
        console.hang_up()
        assert console.process.wait(timeout=DEADLINE) == 128 + signal.SIGHUP


def test_a_recording_is_exported_and_replayed(machine: Machine) -> None:
    """`export` to a file, `replay` on a terminal: it plays to its end, is sought in, and `q` leaves."""
    assert machine.run("prompt", "local", "echo replayed-$((40+2))").returncode == 0
    task = json.loads(machine.run("tasks", "local", "-o", "json").stdout)[0]
    path = machine.project / "task.cast"
    exported = machine.run("export", task["id"], "--file", str(path))
    assert exported.returncode == 0, exported.stderr
    with ConsoleScreen(machine, "replay", str(path)) as console:
        console.wait_for(r"■ ended .*◆ 3/3 completed")
        assert "replayed-42" in console.text
        console.press("g")
        console.wait_for(r"paused  0:00\.0")
        console.wait_until_gone("replayed-42")
        console.press("q")
        assert console.wait_for_exit() == 0

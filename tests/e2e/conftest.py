"""A user's machine for the end-to-end tests: a HOME of its own, and commands run as processes."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.launching import command

KEPT = ("PATH", "LANG", "LC_ALL", "TMPDIR")
"""All a new user's environment holds; no Google, Claude or Anthropic variable of the tester's leaks in."""

DEPLOY = """
[env.local]
local = true
instances = [0, 5]
env = { WORKER_AGENT = "shell" }
"""


@dataclass(frozen=True)
class Machine:
    """One user's HOME and project folder."""

    home: Path
    project: Path

    @property
    def environ(self) -> dict[str, str]:
        """The environment of a process this user starts."""
        return {
            **{name: os.environ[name] for name in KEPT if name in os.environ},
            "HOME": str(self.home),
            "XDG_RUNTIME_DIR": str(self.home / "run"),
            "TERM": "xterm-256color",
            "COLORTERM": "truecolor",
        }

    def start(self, *words: str) -> subprocess.Popen[str]:
        """`ccconsole WORDS` as a process with text pipes."""
        return subprocess.Popen(
            command(*words),
            cwd=self.project,
            env=self.environ,
            text=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    def run(self, *words: str, timeout: float = 45) -> subprocess.CompletedProcess[str]:
        """`ccconsole WORDS` to its end."""
        with self.start(*words) as process:
            stdout, stderr = process.communicate(timeout=timeout)
        return subprocess.CompletedProcess(words, process.returncode, stdout, stderr)


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    """A fresh HOME; its emulator is stopped at the end."""
    root = tmp_path_factory.mktemp("machine")
    (root / "home" / "run").mkdir(parents=True, mode=0o700)
    (root / "project").mkdir()
    (root / "project" / "deploy.toml").write_text(DEPLOY)
    machine = Machine(root / "home", root / "project")
    yield machine
    stopped = machine.run("emulate", "--stop")
    assert stopped.returncode == 0, stopped.stderr

"""`batch` and `prompt` for several targets, where nothing is asked of any environment."""

from __future__ import annotations

import io
import sys
from pathlib import Path

import pytest

from tests.unit.conftest import Command


def test_a_file_with_mistakes_starts_nothing(command: Command) -> None:
    Path("work.ndjson").write_text('{"prompt": "fine"}\n{"promt": "x"}\n{"prompt": "x", "priority": 0}\n')
    wrong = command("batch", "local", "work.ndjson", "--yes")
    assert wrong.code == 2
    assert "work.ndjson has 3 mistakes" in wrong.err
    assert "work.ndjson:2: promt: unknown; did you mean prompt?" in wrong.err
    assert "work.ndjson:3: priority: " in wrong.err


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("batch", "local", "nothing.txt"), 2, "Cannot read nothing.txt"),
        (("batch", "local", "work.txt", "--again", "completed"), 2, "--again takes no 'completed'"),
        (("batch", "local", "work.txt", "--name", "a/b"), 2, "no name for a batch"),
        (("batch", "local", "work.txt", "--permission-mode", "all"), 2, "--permission-mode: "),
        (("batch", "local", "work.txt", "--ndjson"), 2, "work.txt:1: not JSON"),
        (("batch", "nowhere", "work.txt"), 5, "No environment 'nowhere'"),
        (("--read-only", "batch", "local", "work.txt"), 8, "read-only"),
        (("--read-only", "prompt", "local", "x"), 8, "read-only"),
        (("prompt", "local,", "x"), 2, "names no target between two commas"),
        (("prompt", "local,nowhere", "--raw", "x"), 2, "--raw is for one target"),
        (("prompt", "local,nowhere", "--task-id", "a", "x"), 2, "--task-id is for one target"),
    ],
)
def test_what_cannot_be_run(command: Command, words: tuple[str, ...], code: int, said: str) -> None:
    Path("work.txt").write_text("echo hi\n")
    wrong = command(*words)
    assert wrong.code == code
    assert said in wrong.err
    assert "Traceback" not in wrong.err


def test_stdin_is_a_file_too(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"# nothing\n")))
    assert "stdin holds no prompt" in command("batch", "local", "-").err

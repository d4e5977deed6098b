"""The command line before anything answers: options, mistakes, exit codes, completion."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from ccconsole import __version__
from tests.launching import command
from tests.unit.conftest import Command

CONFIG = """
[env.dev]
project = "acme"
service = "worker"
[env.dev.services.other]
[env.prod]
project = "acme"
"""


def test_version(command: Command) -> None:
    ended = command("--version")
    assert (ended.code, ended.out, ended.err) == (0, f"ccconsole {__version__}\n", "")


@pytest.mark.parametrize(
    "words", [("--help",), ("-h",), ("ls", "--help"), ("get", "--help"), ("emulate", "-h")]
)
def test_help(command: Command, words: tuple[str, ...]) -> None:
    ended = command(*words)
    assert ended.code == 0
    assert ended.out.startswith("Usage: ccconsole")


@pytest.mark.parametrize(
    "words",
    [("lss",), ("ls", "--nope"), ("get",), ("ls", "-o", "xml"), ("ls", "--timeout", "0"), ("ls", "a", "b")],
)
def test_wrong_usage_is_2(command: Command, words: tuple[str, ...]) -> None:
    ended = command(*words)
    assert ended.code == 2
    assert ended.out == ""
    assert "Error:" in ended.err


def test_without_a_terminal_the_console_says_what_to_use(command: Command) -> None:
    ended = command()
    assert ended.code == 2
    assert "needs a terminal" in ended.err
    assert "ccconsole ls" in ended.err


def test_mistakes_in_deploy_toml_come_before_anything_else(command: Command) -> None:
    Path("deploy.toml").write_text("[env.dev]\ncpu = 3\nmemry = 1\n")
    for words in ((), ("ls",), ("get", "dev")):
        ended = command(*words)
        assert ended.code == 2
        assert ended.out == ""
        assert "deploy.toml:2: env.dev.cpu" in ended.err
        assert "deploy.toml:3: env.dev.memry: unknown; did you mean memory?" in ended.err
        assert "Traceback" not in ended.err


@pytest.mark.parametrize("place", ["before", "behind"])
def test_config_stands_before_or_behind_the_verb(command: Command, tmp_path: Path, place: str) -> None:
    path = tmp_path / "other.toml"
    path.write_text("[env.dev]\ncpu = 3\n")
    option = ("--config", str(path))
    ended = command(*option, "ls") if place == "before" else command("ls", *option)
    assert ended.code == 2
    assert "other.toml:2" in ended.err


def test_no_such_environment(command: Command) -> None:
    Path("deploy.toml").write_text(CONFIG)
    ended = command("ls", "prd")
    assert ended.code == 5
    assert "No environment 'prd'" in ended.err
    assert "dev, prod" in ended.err
    assert "hint: Did you mean prod?" in ended.err


def test_what_is_no_target(command: Command) -> None:
    Path("deploy.toml").write_text(CONFIG)
    assert command("get", "dev/").code == 2


def test_an_unset_variable_is_a_problem_row(command: Command) -> None:
    Path("deploy.toml").write_text("[env.dev]\n")
    ended = command("ls", "-o", "ndjson")
    assert ended.code == 2
    assert '"state":"problem"' in ended.out
    assert "GOOGLE_CLOUD_PROJECT" in ended.err


def complete(words: str, cwd: Path) -> list[str]:
    """What the shell would offer for the last of `words`."""
    environ = {
        "PATH": os.environ["PATH"],
        "HOME": str(cwd),
        "_CCCONSOLE_COMPLETE": "complete_bash",
        "COMP_WORDS": words,
        "COMP_CWORD": str(len(words.split(" ")) - 1),
    }
    done = subprocess.run(
        command(),
        env=environ,
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.stderr == ""
    return done.stdout.split()


def test_targets_are_completed(tmp_path: Path) -> None:
    (tmp_path / "deploy.toml").write_text(CONFIG)
    assert complete("ccconsole ls d", tmp_path) == ["dev", "dev/worker", "dev/other"]
    assert complete("ccconsole get p", tmp_path) == ["prod", "prod/claudecluster-worker-prod"]


def test_completion_of_a_broken_file_is_silent(tmp_path: Path) -> None:
    (tmp_path / "deploy.toml").write_text("[")
    assert complete("ccconsole ls d", tmp_path) == []


def test_a_reader_that_went_away_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "deploy.toml").write_text("[env.dev]\n")
    environ = {"PATH": os.environ["PATH"], "HOME": str(tmp_path)}
    words = command("ls")
    reader, writer = os.pipe()
    os.close(reader)
    with subprocess.Popen(
        words, env=environ, cwd=tmp_path, stdout=writer, stderr=subprocess.PIPE, text=True
    ) as process:
        os.close(writer)
        _, told = process.communicate(timeout=30)
    assert process.returncode == 141
    assert told == ""

"""What an import loads: the first paint waits for no heavy library, a verb never for the screens."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

HEAVY = ("google", "grpc", "fastapi", "obstore", "pydantic", "httpx", "plotext")


def loaded(module: str) -> set[str]:
    """The top-level modules of a fresh interpreter that imported `module`."""
    code = f"import {module}, sys, json; print(json.dumps(sorted({{n.split('.')[0] for n in sys.modules}})))"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=50, check=True
    )
    return set(json.loads(done.stdout))


@pytest.mark.parametrize(
    ("module", "kept_out"),
    [
        ("ccconsole.app", HEAVY),
        ("ccconsole.cli", (*HEAVY, "textual", "yaml")),
        ("ccconsole.config", (*HEAVY, "textual", "typer", "yaml")),
        ("ccconsole.local", (*HEAVY, "textual")),
        ("ccconsole.fleet", ("textual", "fastapi")),
        ("ccconsole.runs", ("textual", "fastapi", "google", "grpc")),
        ("ccconsole.emulator", ("textual",)),
        ("worker_service.app", ("textual", "ccconsole", "google", "grpc")),
    ],
)
def test_what_stays_out(module: str, kept_out: tuple[str, ...]) -> None:
    assert loaded(module) & set(kept_out) == set()


def test_the_first_picture_waits_for_nothing_it_does_not_show() -> None:
    """Each of the model's dataclasses takes about a millisecond to make."""
    later = {
        *(
            f"ccconsole.model.{name}"
            for name in ("rollouts", "logs", "costs", "batches", "secrets", "checks")
        ),
        *(f"ccconsole.screens.{name}" for name in ("service", "tasks", "task", "groups", "live_batches")),
        "ccconsole.cli",
    }
    code = "import ccconsole.app, ccconsole.config, sys, json; print(json.dumps(list(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=50, check=True
    )
    assert later & set(json.loads(done.stdout)) == set()


def test_grpc_is_silent_wherever_the_cloud_floor_is_loaded() -> None:
    code = "import os, ccconsole.cloud; print(os.environ['GRPC_VERBOSITY'])"
    environ = {name: value for name, value in os.environ.items() if name != "GRPC_VERBOSITY"}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environ, capture_output=True, text=True, timeout=50, check=True
    )
    assert done.stdout == "NONE\n"

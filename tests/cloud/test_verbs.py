"""The verbs `ls`, `get` and `emulate` as a new user runs them; the emulator starts by itself."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import pytest

from ccconsole import local
from ccconsole.cli import main
from tests.cloud.conftest import DEADLINE, Emulated

LOCAL = '[env.local]\nlocal = true\nservice = "worker"\nenv = { WORKER_AGENT = "shell" }\n'
LOST = '[env.lost]\nproject = "acme"\nendpoint = "127.0.0.1:9"\n'


@dataclass(frozen=True)
class Ended:
    code: int
    out: str
    err: str

    @property
    def data(self) -> Any:
        return json.loads(self.out)


Command = Callable[..., Awaitable[Ended]]


@pytest.fixture
def ccconsole(
    emulated: Emulated, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Command:
    """`await ccconsole("ls", "-o", "json")` in the machine's folder."""
    monkeypatch.chdir(emulated.folder)

    async def run(*words: str) -> Ended:
        async with asyncio.timeout(DEADLINE):
            code = await asyncio.to_thread(main, list(words))
        captured = capsys.readouterr()
        return Ended(code, captured.out, captured.err)

    return run


def declare(machine: Emulated, text: str) -> None:
    (machine.folder / "deploy.toml").write_text(text)


async def until_ready(ccconsole: Command) -> dict[str, Any]:
    async with asyncio.timeout(DEADLINE):
        while True:
            row = dict((await ccconsole("get", "local", "-o", "json")).data)
            if row["state"] == "ready":
                return row


async def test_ls_and_get(emulated: Emulated, ccconsole: Command) -> None:
    declare(emulated, f"{LOCAL}instances = [0, 7]\n")
    whole = await until_ready(ccconsole)
    listed = await ccconsole("ls", "-o", "json")
    assert (listed.code, listed.err) == (0, "")
    (row,) = listed.data
    assert row.items() <= whole.items()
    assert (row["environment"], row["service"], row["state"]) == ("local", "worker", "ready")
    assert row["url"].startswith("http://127.0.0.1:")
    assert row["instances"] == {"min": 0, "max": 7, "busy": 0}
    assert [revision["name"] for revision in whole["revisions"]] == [row["revision"]]
    assert whole["env"]["WORKER_AGENT"] == "shell"
    assert (whole["timeout_seconds"], whole["concurrency"], whole["tasks"]) == (3600, 1, [])

    table = await ccconsole("ls", "local/worker")
    assert table.out.splitlines()[1].split() == [
        "local",
        "worker",
        "ready",
        row["revision"],
        "0/7",
        row["url"],
    ]
    lines = await ccconsole("ls", "-o", "ndjson")
    assert [json.loads(line) for line in lines.out.splitlines()] == [row]


async def test_some_answered_and_some_did_not(emulated: Emulated, ccconsole: Command) -> None:
    declare(emulated, LOCAL + LOST)
    listed = await ccconsole("ls", "-o", "json")
    assert listed.code == 7
    assert [(row["environment"], row["service"]) for row in listed.data] == [
        ("local", "worker"),
        ("lost", None),
    ]
    # A script that names these of each row does not stumble over the one that has none.
    assert {"region", "url", "revision", "instances"} <= listed.data[1].keys()
    problem = listed.data[1]["problem"]
    assert listed.data[1]["state"] == "problem"
    assert "127.0.0.1:9" in problem["hint"]
    assert problem["title"] in listed.err
    alone = await ccconsole("ls", "lost")
    assert alone.code == 1
    got = await ccconsole("get", "lost")
    assert (got.code, got.out) == (1, "")


async def test_a_target_that_means_several_or_none(emulated: Emulated, ccconsole: Command) -> None:
    declare(emulated, f"{LOCAL}[env.local.services.second]\n")
    several = await ccconsole("get", "local")
    assert several.code == 2
    assert "local/second, local/worker" in several.err
    none = await ccconsole("get", "local/third")
    assert none.code == 5
    assert "second, worker" in none.err
    assert (await ccconsole("ls", "local/third")).code == 5


async def test_one_emulator_and_its_end(emulated: Emulated, ccconsole: Command) -> None:
    await emulated.start()
    second = await ccconsole("emulate")
    assert second.code == 1
    assert "runs already" in second.err
    assert "ccconsole emulate --stop" in second.err
    stopped = await ccconsole("emulate", "--stop")
    assert stopped.code == 0
    assert not local.is_running(emulated.place)
    assert (await ccconsole("emulate", "--stop")).code == 0


async def test_an_emulator_whose_socket_was_deleted(emulated: Emulated, ccconsole: Command) -> None:
    declare(emulated, LOCAL)
    await emulated.start()
    emulated.place.socket.unlink()
    lost = await ccconsole("ls")
    assert lost.code == 1
    assert "does not answer" in lost.err
    assert "ccconsole emulate --stop" in lost.err
    stopped = await ccconsole("emulate", "--stop")
    assert stopped.code == 0, stopped.err
    assert (await ccconsole("ls")).code == 0


async def test_in_the_foreground_with_a_port(
    emulated: Emulated, ccconsole: Command, unused_port: int
) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "ccconsole",
        "emulate",
        "--port",
        str(unused_port),
        cwd=emulated.folder,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        assert process.stdout is not None
        async with asyncio.timeout(DEADLINE):
            while b"listens on 127.0.0.1" not in await process.stdout.readline():
                assert process.returncode is None
        declare(emulated, LOST.replace("127.0.0.1:9", f"127.0.0.1:{unused_port}"))
        listed = await ccconsole("ls", "-o", "json")
        assert listed.code == 0, listed.err
        assert [row["state"] for row in listed.data] == ["missing"]
    finally:
        process.terminate()
        _, told = await process.communicate()
    assert f"CLOUD_RUN_EMULATOR_HOST=127.0.0.1:{unused_port}" in told.decode()

"""The verbs `ls`, `get` and `emulate` as a new user runs them; the emulator starts by itself."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from dataclasses import dataclass
from typing import Any

from ccconsole import local
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


async def ccconsole(machine: Emulated, *words: str) -> Ended:
    """Run a verb in the machine's folder."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "ccconsole",
        *words,
        cwd=machine.folder,
        env=dict(os.environ),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(DEADLINE):
        out, err = await process.communicate()
    assert process.returncode is not None
    ended = Ended(process.returncode, out.decode(), err.decode())
    assert "Traceback" not in ended.err
    return ended


def declare(machine: Emulated, text: str) -> None:
    (machine.folder / "deploy.toml").write_text(text)


async def until_ready(machine: Emulated) -> dict[str, Any]:
    async with asyncio.timeout(DEADLINE):
        while True:
            row = dict((await ccconsole(machine, "get", "local", "-o", "json")).data)
            if row["state"] == "ready":
                return row


async def test_ls_and_get(emulated: Emulated) -> None:
    declare(emulated, f"{LOCAL}instances = [0, 7]\n")
    whole = await until_ready(emulated)
    listed = await ccconsole(emulated, "ls", "-o", "json")
    assert (listed.code, listed.err) == (0, "")
    (row,) = listed.data
    assert row.items() <= whole.items()
    assert (row["environment"], row["service"], row["state"]) == ("local", "worker", "ready")
    assert row["url"].startswith("http://127.0.0.1:")
    assert row["instances"] == {"min": 0, "max": 7, "busy": 0}
    assert [revision["name"] for revision in whole["revisions"]] == [row["revision"]]
    assert whole["env"]["WORKER_AGENT"] == "shell"
    assert (whole["timeout_seconds"], whole["concurrency"], whole["tasks"]) == (3600, 1, [])

    table = await ccconsole(emulated, "ls", "local/worker")
    assert table.out.splitlines()[1].split() == [
        "local",
        "worker",
        "ready",
        row["revision"],
        "0/7",
        row["url"],
    ]
    lines = await ccconsole(emulated, "ls", "-o", "ndjson")
    assert [json.loads(line) for line in lines.out.splitlines()] == [row]


async def test_some_answered_and_some_did_not(emulated: Emulated) -> None:
    declare(emulated, LOCAL + LOST)
    listed = await ccconsole(emulated, "ls", "-o", "json")
    assert listed.code == 7
    assert [(row["environment"], row["service"]) for row in listed.data] == [
        ("local", "worker"),
        ("lost", None),
    ]
    problem = listed.data[1]["problem"]
    assert listed.data[1]["state"] == "problem"
    assert "127.0.0.1:9" in problem["hint"]
    assert problem["title"] in listed.err
    alone = await ccconsole(emulated, "ls", "lost")
    assert alone.code == 1
    got = await ccconsole(emulated, "get", "lost")
    assert (got.code, got.out) == (1, "")


async def test_a_target_that_means_several_or_none(emulated: Emulated) -> None:
    declare(emulated, f"{LOCAL}[env.local.services.second]\n")
    several = await ccconsole(emulated, "get", "local")
    assert several.code == 2
    assert "local/second, local/worker" in several.err
    none = await ccconsole(emulated, "get", "local/third")
    assert none.code == 5
    assert "second, worker" in none.err
    assert (await ccconsole(emulated, "ls", "local/third")).code == 5


async def test_one_emulator_and_its_end(emulated: Emulated) -> None:
    await emulated.start()
    second = await ccconsole(emulated, "emulate")
    assert second.code == 1
    assert "runs already" in second.err
    assert "ccconsole emulate --stop" in second.err
    stopped = await ccconsole(emulated, "emulate", "--stop")
    assert stopped.code == 0
    assert not local.is_running(emulated.place)
    assert (await ccconsole(emulated, "emulate", "--stop")).code == 0


async def test_in_the_foreground_with_a_port(emulated: Emulated, unused_port: int) -> None:
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
        listed = await ccconsole(emulated, "ls", "-o", "json")
        assert listed.code == 0, listed.err
        assert [row["state"] for row in listed.data] == ["missing"]
    finally:
        process.terminate()
        _, told = await process.communicate()
    assert f"CLOUD_RUN_EMULATOR_HOST=127.0.0.1:{unused_port}" in told.decode()

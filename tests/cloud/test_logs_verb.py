"""`ccconsole logs` as its own process against an emulator of this one."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from ccconsole.emulator.emulator import Emulator
from ccconsole.emulator.logging.tail import TailLimits
from tests.cloud.conftest import DEADLINE, until
from tests.cloud.following import Writer, emulator, line, writing
from tests.launching import command


@asynccontextmanager
async def world(tmp_path: Path, **limits: int) -> AsyncIterator[tuple[Emulator, Writer]]:
    """Two environments of one emulator, declared in tmp_path; nobody listens where the third one is."""
    async with emulator(tmp_path / "state", tail_limits=TailLimits(**limits)) as running:
        target = running.addresses[0]
        (tmp_path / "deploy.toml").write_text(f"""
            [env.dev]
            project = "acme"
            endpoint = "{target}"
            service = "worker"
            [env.dev.services.second]
            [env.prod]
            project = "acme"
            endpoint = "{target}"
            service = "main"
            [env.lost]
            project = "acme"
            endpoint = "127.0.0.1:9"
        """)
        async with writing(target) as writer:
            yield running, writer


async def start(tmp_path: Path, *words: str) -> asyncio.subprocess.Process:
    environ = {name: value for name, value in os.environ.items() if name != "CLOUD_RUN_EMULATOR_HOST"}
    return await asyncio.create_subprocess_exec(
        *command("--config", str(tmp_path / "deploy.toml"), "logs", *words),
        env=environ | {"HOME": str(tmp_path), "PYTHONUNBUFFERED": "1"},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )


async def logs(tmp_path: Path, *words: str) -> tuple[int, str, str]:
    process = await start(tmp_path, *words)
    async with asyncio.timeout(DEADLINE):
        out, err = await process.communicate()
    return process.returncode or 0, out.decode(), err.decode()


async def test_what_there_was(tmp_path: Path) -> None:
    async with world(tmp_path) as (_, writer):
        await writer.write(
            line("second", service="second", timestamp="2026-05-04T09:00:01Z", severity="ERROR"),
            line("first\x1b[2J\nand\tmore", timestamp="2026-05-04T09:00:00Z"),
            line("third", service="main", timestamp="2026-05-04T09:00:02.123Z", severity="WARNING"),
            line("somebody else's", service="other", timestamp="2026-05-04T09:00:03Z"),
        )
        code, out, err = await logs(tmp_path, "dev", "prod", "--since", "2026-05-04T00:00:00Z")
        assert (code, err) == (0, "")
        assert out.splitlines() == [
            "2026-05-04T09:00:00.000Z DEFAULT  worker/i-1 first [2J",
            "    and more",
            "2026-05-04T09:00:01.000Z ERROR    second/i-1 second",
            "2026-05-04T09:00:02.123Z WARNING  main/i-1 third",
        ]
        since = ("--since", "2026-05-04T00:00:00Z")
        code, out, err = await logs(tmp_path, "dev", *since, "--severity", "error", "-o", "ndjson")
        (row,) = [json.loads(text) for text in out.splitlines()]
        assert (row["text"], row["severity"], row["service"]) == ("second", "ERROR", "second")
        code, out, err = await logs(tmp_path, "dev", "prod", *since, "--limit", "1", "-o", "json")
        assert [row["text"] for row in json.loads(out)] == ["third"]
        assert "older ones are not shown" in err
        code, out, err = await logs(tmp_path, "dev/worker", *since, "--grep", "sec|thi")
        assert (code, out) == (0, "")
        assert "nothing of dev/worker matches" in err


async def test_some_answered_and_some_did_not(tmp_path: Path) -> None:
    async with world(tmp_path) as (_, writer):
        await writer.write(line("here"))
        code, out, err = await logs(tmp_path, "dev", "lost")
        assert code == 7
        assert out.rstrip().endswith("here")
        assert "127.0.0.1:9" in err
        assert (await logs(tmp_path, "lost"))[0] == 1


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["dev", "--grep", "("], "no regular expression"),
        (["dev", "-f", "--grep", "("], "no regular expression"),
        (["dev", "--since", "yesterday"], "'yesterday' is no time"),
        (["dev", "-f", "-o", "json"], "-o ndjson"),
        (["dev", "-f", "--until", "1m"], "--until"),
        (["dev", "--severity", "loud"], "Invalid value"),
    ],
)
async def test_what_makes_no_sense(tmp_path: Path, words: list[str], told: str) -> None:
    async with world(tmp_path):
        code, out, err = await logs(tmp_path, *words)
    assert (code, out) == (2, "")
    assert told in err


async def test_following_until_ctrl_c(tmp_path: Path) -> None:
    async with world(tmp_path, entries_per_minute=20) as (running, writer):
        await writer.write(line("before"))
        process = await start(tmp_path, "dev", "prod", "-f", "-o", "ndjson")
        assert process.stdout is not None
        assert process.stderr is not None
        async with asyncio.timeout(DEADLINE):
            assert json.loads(await process.stdout.readline())["text"] == "before"
            await until(lambda: running.tails.count("acme") == 2)
            await writer.write(line("after"), line("there", service="main"))
            texts = {json.loads(await process.stdout.readline())["text"] for _ in range(2)}
            assert texts == {"after", "there"}
            await writer.write(*(line(f"flood {n}") for n in range(30)))
            told = b""
            while b"withheld" not in told:
                told = await process.stderr.readline()
            assert b"dev: 12 lines were withheld by Google" in told
            process.send_signal(signal.SIGINT)
            await process.communicate()
            await until(lambda: running.tails.count("acme") == 0)
        assert process.returncode == 0

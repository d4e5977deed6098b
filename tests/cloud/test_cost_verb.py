"""`cost` as a user runs it: what a worker that did something burned, and what cannot be read."""

from __future__ import annotations

import asyncio
import json

import httpx
import pytest

from tests.cloud.conftest import DEADLINE, Emulated
from tests.cloud.test_verbs import Command, ccconsole, declare, until_ready

__all__ = ["ccconsole"]

TEXT = (
    '[defaults]\nservice = "worker"\n[prices]\ninstance_cpu = 0.01\n'
    '[env.local]\nlocal = true\nenv = { WORKER_AGENT = "shell" }\n'
)


async def test_today_and_one_task(emulated: Emulated, ccconsole: Command) -> None:
    declare(emulated, TEXT)
    ready = await until_ready(ccconsole)
    async with httpx.AsyncClient(trust_env=False, verify=False, timeout=30) as client:
        answer = await client.post(f"{ready['url']}/run", json={"prompt": "true", "taskId": "abc"})
    assert answer.status_code == 200
    async with asyncio.timeout(DEADLINE):
        while True:
            ended = await ccconsole("cost", "-o", "json")
            (row,) = ended.data
            assert (ended.code, ended.err) == (0, "")
            if row["today"]["usd"] is not None:
                break
    today = row["today"]
    assert today["requests"] in (0, 1)
    assert today["usd"] == pytest.approx(today["billable_seconds"] * 0.010002, abs=1e-6)
    assert (row["live"], row["paid"], row["billing"], row["tier"]) == (True, False, "instance", 1)
    assert row["instance_based"]["busy_hour_usd"] == pytest.approx(36.0072)
    assert row["request_based"]["busy_hour_usd"] == pytest.approx(0.0954)

    table = await ccconsole("cost", "local")
    assert "$36.01" in table.out
    assert "List prices in USD as of" in table.err
    assert "From deploy.toml's [prices]: instance_cpu." in table.err
    assert "local runs on this machine and costs nothing" in table.err

    task = json.loads((await ccconsole("cost", "local", "--task", "abc", "-o", "json")).out)
    assert (task["task"], task["tokens_usd"]) == ("abc", None)
    assert task["total_usd"] == pytest.approx(task["seconds"] * 0.010002, abs=1e-6)


async def test_what_cannot_be_read_is_told_beside_the_declared_size(
    emulated: Emulated, ccconsole: Command, unused_port: int
) -> None:
    declare(emulated, f'[env.dev]\nproject = "acme"\ncpu = 2\nendpoint = "127.0.0.1:{unused_port}"\n')
    ended = await ccconsole("cost", "dev", "-o", "json")
    (row,) = ended.data
    assert (ended.code, row["live"], row["cpu"], row["today"]["usd"]) == (1, False, 2, None)
    assert "error: Cannot list the services of dev" in ended.err

    asked = await ccconsole("cost", "--task", "abc")
    assert (asked.code, "--task needs TARGET" in asked.err) == (2, True)

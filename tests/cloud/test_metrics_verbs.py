"""`metrics` and `top` as a user runs them, on a machine whose worker has done something."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from typing import Any

import httpx
import pytest

from ccconsole.cli.top import cut
from ccconsole.format import figure
from tests.cloud.conftest import DEADLINE, Emulated
from tests.cloud.test_verbs import Command, ccconsole, declare, until_ready
from tests.launching import command

__all__ = ["ccconsole"]

LOCAL = '[env.local]\nlocal = true\nservice = "worker"\nenv = { WORKER_AGENT = "shell" }\n'
GUIDE = ("request_count", "latency_p95", "error_rate", "cpu", "memory", "instance_count")
"""The six that the deployment guide tells operators to watch."""


async def worked(emulated: Emulated, ccconsole: Command) -> None:
    """A ready worker that answered one prompt, and its metrics."""
    declare(emulated, LOCAL)
    row = await until_ready(ccconsole)
    async with httpx.AsyncClient(trust_env=False, verify=False, timeout=30) as client:
        assert (await client.post(f"{row['url']}/run", json={"prompt": "true"})).status_code == 200
    async with asyncio.timeout(DEADLINE):
        while True:
            if all(item["points"] for item in (await six(ccconsole)).values()):
                return
            await asyncio.sleep(0.2)


async def six(ccconsole: Command) -> dict[str, dict[str, Any]]:
    """The guide's six metrics of the local worker."""
    ended = await ccconsole("metrics", "local", "-o", "json")
    assert (ended.code, ended.err) == (0, "")
    rows = {row["metric"]: row for row in ended.data if row["service"] == "worker"}
    return {name: rows[name] for name in GUIDE}


async def test_metrics_and_top(emulated: Emulated, ccconsole: Command) -> None:
    await worked(emulated, ccconsole)
    found = await six(ccconsole)
    assert {name: row["unit"] for name, row in found.items()} == {
        "request_count": "requests",
        "latency_p95": "ms",
        "error_rate": "ratio",
        "cpu": "ratio",
        "memory": "ratio",
        "instance_count": "instances",
    }
    for row in found.values():
        assert row["points"][-1]["time"] == row["as_of"]
        assert row["age_seconds"] >= 0
        assert (row["period_seconds"], row["ingest_delay_seconds"], row["problem"]) == (5, 0, None)
    assert found["request_count"]["overall"] == 1

    table = await ccconsole("metrics", "local/worker", "--window", "1h")
    assert table.code == 0
    titles, *lines = table.out.splitlines()
    assert titles.split() == ["ENV", "SERVICE", "METRIC", "NOW", "IN", "1h", "AGE", "STATE"]
    assert [line.split()[2] for line in lines][:3] == ["request_count", "request_rate", "error_rate"]

    ended = await ccconsole("top", "-o", "json")
    (row,) = ended.data
    assert (ended.code, row["service"], row["state"], row["busy"], row["alerts"]) == (
        0,
        "worker",
        "ready",
        0,
        [],
    )
    assert row["instances_active"] + row["instances_idle"] == 1
    assert row["error_rate"] == 0
    table = await ccconsole("top", "local/worker")
    assert table.out.splitlines()[0].split()[:6] == ["ENV", "SERVICE", "STATE", "BUSY", "INST", "RPS"]
    assert len(table.out.splitlines()) == 2


async def test_an_idle_service_says_no_data(emulated: Emulated, ccconsole: Command) -> None:
    declare(emulated, LOCAL)
    await until_ready(ccconsole)
    found = await six(ccconsole)
    requests = found["request_count"]
    assert (requests["value"], requests["overall"], requests["points"]) == (None, None, [])
    assert requests["no_data_since"]
    table = await ccconsole("metrics", "local")
    (line,) = [line for line in table.out.splitlines() if " request_count " in line]
    assert line.split()[3:5] == ["-", "-"]
    assert "no data since 20" in line


async def test_top_goes_on_until_it_is_interrupted(emulated: Emulated, ccconsole: Command) -> None:
    declare(emulated, LOCAL)
    await until_ready(ccconsole)
    process = await asyncio.create_subprocess_exec(
        *command("top", "--watch", "-o", "ndjson"),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        cwd=emulated.folder,
        env=dict(os.environ),
        limit=1 << 20,
    )
    assert process.stdout is not None
    async with asyncio.timeout(DEADLINE):
        for _ in range(3):
            assert json.loads(await process.stdout.readline())["service"] == "worker"
        process.send_signal(signal.SIGINT)
        _, err = await process.communicate()
    assert (process.returncode, err) == (0, b"")


@pytest.mark.parametrize(
    ("words", "code", "text"),
    [
        (("metrics", "local", "--window", "soon"), 2, "no span of time"),
        (("metrics", "local", "--window", "2000h"), 2, "too long"),
        (("metrics", "nowhere"), 5, "No environment"),
        (("metrics", "local/nobody"), 5, "No service"),
        (("top", "--watch", "-o", "json"), 2, "-o ndjson"),
        (("top", "nowhere"), 5, "No environment"),
    ],
)
async def test_mistakes(
    emulated: Emulated, ccconsole: Command, words: tuple[str, ...], code: int, text: str
) -> None:
    declare(emulated, LOCAL)
    ended = await ccconsole(*words)
    assert ended.code == code
    assert text in ended.err


async def test_an_environment_out_of_reach(emulated: Emulated, ccconsole: Command) -> None:
    declare(emulated, '[env.lost]\nproject = "acme"\nendpoint = "127.0.0.1:9"\n')
    ended = await ccconsole("metrics", "lost")
    assert (ended.code, ended.out) == (1, "")
    assert "Cannot list the services of lost" in ended.err
    assert (await ccconsole("top")).code == 1


@pytest.mark.parametrize(
    ("value", "unit", "expected"),
    [
        (None, "ms", "-"),
        (0.034, "ratio", "3%"),
        (42.4, "ms", "≈42ms"),
        (61_000, "ms", "≈1m01s"),
        (0.1, "requests/s", "6/min"),
        (1234, "requests", "1,234"),
        (90, "s", "1m30s"),
    ],
)
def test_values_for_people(value: float | None, unit: str, expected: str) -> None:
    assert figure(value, unit) == expected


def test_a_line_is_cut_without_its_colours_being_counted() -> None:
    assert cut("plain", 10) == "plain"
    assert cut("plain text", 5) == "plain"
    assert cut("\x1b[31mred\x1b[0m and more", 5) == "\x1b[31mred\x1b[0m a"
    assert cut("日本語", 4) == "日本"

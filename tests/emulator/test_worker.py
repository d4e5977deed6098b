"""The bundled worker as the emulator's container: a task from prompt to `complete`, through the front end."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path

import pytest
from google.cloud import run_v2

from ccconsole.emulator.emulator import Emulator, Options
from ccconsole.emulator.pool import Pace
from tests.emulator.conftest import Cloud, until

if sys.platform == "win32":
    pytest.skip("the worker needs PTYs", allow_module_level=True)


def worker(**env: str) -> run_v2.Service:
    probe = run_v2.Probe(http_get={"path": "/health/ready"}, period_seconds=2, failure_threshold=30)
    variables = [run_v2.EnvVar(name=name, value=value) for name, value in env.items()]
    container = run_v2.Container(image="worker", env=variables, startup_probe=probe)
    return run_v2.Service(
        template={
            "containers": [container],
            "max_instance_request_concurrency": 1,
            "timeout": {"seconds": 60},
        }
    )


async def test_a_task_runs_streams_and_ends_on_the_real_worker(tmp_path: Path) -> None:
    # No Claude CLI on that path, so that the bundled worker takes a shell by itself.
    environ = os.environ | {"PATH": "/usr/bin:/bin"}
    options = Options(tmp_path / "state", ["127.0.0.1:0"], pace=Pace(grace=10), environ=environ)
    emulator = Emulator(options)
    await emulator.start()
    cloud = Cloud(emulator.addresses[0])
    try:
        made = await cloud.create(
            "worker", worker(WORKER_ON_DISCONNECT="cancel", WORKER_DISCONNECT_GRACE_SECONDS="0.2")
        )
        service = await cloud.finish(made)
        hello = (await cloud.http.get(f"{service.uri}/hello")).json()
        assert hello["status"]

        gate, left = tmp_path / "gate", tmp_path / "left"
        script = f"echo first; until [ -e {gate} ]; do sleep 0.02; done; echo last"
        headers = {"Accept": "text/event-stream"}
        run = {"prompt": script}
        async with cloud.http.stream("POST", f"{service.uri}/run", json=run, headers=headers) as response:
            assert response.status_code == 200
            lines = response.aiter_lines()
            seen = ""
            async for line in lines:
                seen += line + "\n"
                if "first" in seen and "event: output" in seen:
                    gate.touch()
        complete = seen.rpartition("event: complete")[2]
        assert json.loads(complete.partition("data: ")[2].splitlines()[0])["status"] == "completed"

        # A client that leaves: the front end tells the worker, which ends the agent.
        script = f"trap 'touch {left}; exit' TERM INT HUP; echo first; while :; do sleep 0.02; done"
        run = {"prompt": script}
        async with cloud.http.stream("POST", f"{service.uri}/run", json=run, headers=headers) as response:
            async for line in response.aiter_lines():
                if line == "event: output":
                    break
        await until(left.exists)
    finally:
        await cloud.close()
        async with asyncio.timeout(20):
            await emulator.stop()

"""The emulator with the image itself: from a deployment to a task's journal, and nothing left."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest
from google.cloud import run_v2

from ccconsole.emulator.emulator import Emulator, Options
from ccconsole.emulator.pool import Pace
from tests.emulator.conftest import Cloud, until
from tests.image.conftest import ENGINE, IMAGE, PATIENCE_SECONDS, engine, needs_image
from tests.worker.conftest import is_alive

pytestmark = [needs_image, pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")]


@pytest.fixture
async def cloud(tmp_path: Path) -> AsyncGenerator[Cloud, None]:
    """An emulator in this process that finds the engine."""
    path = f"{Path(ENGINE).parent}{os.pathsep}{os.environ['PATH']}"
    options = Options(
        tmp_path / "state", ["127.0.0.1:0"], pace=Pace(grace=10), environ=os.environ | {"PATH": path}
    )
    emulator = Emulator(options)
    await emulator.start()
    found = Cloud(emulator.addresses[0])
    yield found
    await found.close()
    async with asyncio.timeout(30):
        await emulator.stop()
    mine = f"label=ccconsole.emulator={tmp_path / 'state'}"
    assert await engine("ps", "--all", "--quiet", "--filter", mine) == ""


def service(folder: Path) -> run_v2.Service:
    told = {"WORKER_AGENT": "shell", "WORKER_STORE": folder.as_uri()}
    variables = [run_v2.EnvVar(name=name, value=value) for name, value in told.items()]
    probe = run_v2.Probe(http_get={"path": "/health/ready"}, period_seconds=2, failure_threshold=30)
    container = run_v2.Container(image=IMAGE, env=variables, startup_probe=probe)
    container.resources.limits = {"cpu": "1", "memory": "512Mi"}
    return run_v2.Service(template={"containers": [container], "max_instance_request_concurrency": 1})


async def containers(tmp_path: Path) -> list[str]:
    mine = f"label=ccconsole.emulator={tmp_path / 'state'}"
    return (await engine("ps", "--quiet", "--filter", mine)).split()


def log(tmp_path: Path) -> str:
    return "".join(path.read_text() for path in (tmp_path / "state" / "logs").rglob("*.log"))


async def test_a_task_runs_in_a_container_and_its_journal_is_on_this_machine(
    cloud: Cloud, tmp_path: Path
) -> None:
    store = tmp_path / "private" / "store"
    address = (await cloud.finish(await cloud.create("svc", service(store)))).uri
    body = {"prompt": "id -u; touch /opt/x; cat /proc/1/comm", "taskId": "t"}
    done = (await cloud.http.post(f"{address}/run", json=body)).json()
    hello = (await cloud.http.get(f"{address}/hello")).json()
    (name,) = await containers(tmp_path)
    pid = int(await engine("inspect", "--format", "{{.State.Pid}}", name))

    assert done["status"] == "completed"
    assert "Read-only file system" in done["output"] or "Permission denied" in done["output"]
    assert not done["output"].startswith("0\r\n")
    assert hello["totalTasksExecuted"] == 1
    assert list((store / "tasks" / "t" / "events").iterdir())
    assert f"runs {IMAGE}." in log(tmp_path)
    assert "task t completed" in log(tmp_path)

    # One that dies is replaced, and what it leaves is no more.
    os.kill(pid, signal.SIGKILL)
    await until(lambda: "Container ended while it served." in log(tmp_path), PATIENCE_SECONDS)
    again = (await cloud.http.post(f"{address}/run", json={"prompt": "echo again"})).json()
    assert again["output"] == "again\r\n"
    assert not is_alive(pid)

    await cloud.delete("svc")
    assert await containers(tmp_path) == []

"""Work without a request: an instance whose CPU stays allocated is asked before it goes."""

from __future__ import annotations

import asyncio
from pathlib import Path

from google.cloud import run_v2

from ccconsole.emulator.emulator import Emulator, Options
from ccconsole.emulator.pool import Pace
from ccconsole.emulator.spec import Images
from tests.emulator.conftest import COMMAND, Cloud, Launch, template, until
from tests.emulator.test_scaling import running


async def pid_of(cloud: Cloud, busy_until: Path, *, is_cpu_idle: bool) -> int:
    """A service whose instance says that it works until the file is there; the instance's pid."""
    service = template(env={"BUSY_UNTIL": str(busy_until)})
    service.template.containers[0].resources = run_v2.ResourceRequirements(cpu_idle=is_cpu_idle)
    made = await cloud.finish(await cloud.create("svc", service))
    return int((await cloud.http.get(made.uri)).json()["pid"])


async def test_a_working_instance_stays_until_its_work_is_done(launch: Launch, tmp_path: Path) -> None:
    cloud = await launch(Pace(idle=0.05))
    pid = await pid_of(cloud, tmp_path / "done", is_cpu_idle=False)
    other = await cloud.deploy("other", instances=(0, 1))
    idle = int((await cloud.http.get(other.uri)).json()["pid"])
    # The idle one became idle later and is gone first: the working one was asked, and kept.
    await until(lambda: not running(idle))
    assert running(pid)
    (tmp_path / "done").touch()
    await until(lambda: not running(pid))


async def test_an_instance_without_its_cpu_is_not_asked(launch: Launch, tmp_path: Path) -> None:
    cloud = await launch(Pace(idle=0.05))
    pid = await pid_of(cloud, tmp_path / "never", is_cpu_idle=True)
    await until(lambda: not running(pid))


async def test_an_unused_emulator_ends_only_after_the_last_work(tmp_path: Path) -> None:
    emulator = Emulator(
        Options(tmp_path / "state", ["127.0.0.1:0"], idle_exit=0.1, images=Images({"test": COMMAND}))
    )
    await emulator.start()
    cloud = Cloud(emulator.addresses[0])
    try:
        pid = await pid_of(cloud, tmp_path / "done", is_cpu_idle=False)
        idle = asyncio.create_task(emulator.idle())
        done, _ = await asyncio.wait({idle}, timeout=0.5)
        assert not done
        assert running(pid)
        (tmp_path / "done").touch()
        await asyncio.wait_for(idle, 10)
    finally:
        await cloud.close()
        await emulator.kill()
        await emulator.stop()

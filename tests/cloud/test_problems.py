"""Environments that do not answer are states on screen: quickly told, and never the end."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from ccconsole.cloud.connect import Connections
from ccconsole.errors import NotSignedIn, TimedOut, Unreachable
from ccconsole.fleet import fleet, read_fleet
from ccconsole.model.fleet import FleetSnapshot
from ccconsole.streams import Clock
from tests.cloud.conftest import Emulated, config_of


@pytest.mark.usefixtures("no_account")
async def test_without_credentials_the_answer_is_quick(tmp_path: Path) -> None:
    config = config_of(
        tmp_path, '[env.a]\nproject = "p1"\n[env.b]\nproject = "p2"\n[env.c]\nproject = "p3"\n'
    )
    began = time.monotonic()
    async with Connections(config) as connections:
        snapshot = await read_fleet(config, connections)
    assert time.monotonic() - began < 3
    assert [problem.environment for problem in snapshot.problems] == ["a", "b", "c"]
    assert {problem.exit_code for problem in snapshot.problems} == {NotSignedIn.exit_code}
    assert snapshot.problems[0].hint == "gcloud auth application-default login"
    assert snapshot.rows == ()
    assert snapshot.ages == {}


async def test_nobody_listens(tmp_path: Path) -> None:
    config = config_of(tmp_path, '[env.dev]\nproject = "p"\nendpoint = "127.0.0.1:9"\n')
    began = time.monotonic()
    async with Connections(config) as connections:
        (problem,) = (await read_fleet(config, connections)).problems
    assert time.monotonic() - began < 3
    assert problem.exit_code == Unreachable.exit_code
    assert "127.0.0.1:9" in problem.hint


async def test_somebody_listens_and_says_nothing(tmp_path: Path) -> None:
    with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as silent:
        port = silent.getsockname()[1]
        config = config_of(tmp_path, f'[env.dev]\nproject = "p"\nendpoint = "127.0.0.1:{port}"\n')
        async with Connections(config) as connections:
            (problem,) = (await read_fleet(config, connections, timeout=0.3)).problems
    assert problem.exit_code == TimedOut.exit_code


async def test_an_emulator_that_does_not_start_is_the_local_environments_problem(tmp_path: Path) -> None:
    async def broken() -> str:
        raise Unreachable("The emulator did not start")

    config = config_of(tmp_path, "[env.local]\nlocal = true\n")
    async with Connections(config, start_local=broken) as connections:
        (problem,) = (await read_fleet(config, connections)).problems
    assert (problem.environment, problem.title) == ("local", "The emulator did not start")


class Ticks:
    """A clock that stands until it is told to go on."""

    def __init__(self) -> None:
        self.time = 1000.0
        self.waits: asyncio.Queue[float] = asyncio.Queue()
        self._go = asyncio.Event()

    def clock(self) -> Clock:
        sleep: Callable[[float], Awaitable[None]] = self._sleep
        return Clock(now=lambda: self.time, sleep=sleep, jitter=lambda: 1.0)

    async def _sleep(self, seconds: float) -> None:
        self._go.clear()
        self.waits.put_nowait(seconds)
        await self._go.wait()

    def go(self, seconds: float) -> None:
        self.time += seconds
        self._go.set()


async def test_a_failing_environment_is_asked_less_and_less_often(tmp_path: Path) -> None:
    config = config_of(tmp_path, '[env.dev]\nproject = "p"\nendpoint = "127.0.0.1:9"\n')
    ticks = Ticks()
    waits: list[float] = []
    snapshots: list[FleetSnapshot] = []
    async with Connections(config) as connections:
        flow = fleet(config, connections, cloud_interval=15, clock=ticks.clock())
        async with contextlib.aclosing(flow):
            snapshots += [await anext(flow), await anext(flow)]
            following = asyncio.ensure_future(anext(flow))
            for _ in range(6):
                waits.append(await asyncio.wait_for(ticks.waits.get(), 10))
                ticks.go(waits[-1])
            assert not following.done(), "the same problem is no news"
            following.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await following
    assert waits == [15, 30, 60, 60, 60, 60]
    assert snapshots[0].pending == {"dev"}
    assert snapshots[1].pending == frozenset()
    assert [problem.since for problem in snapshots[1].problems] == [1000.0]


async def test_a_store_that_fails_does_not_slow_the_rows_down(emulated: Emulated, tmp_path: Path) -> None:
    (tmp_path / "blocked").touch()
    text = f'[env.local]\nlocal = true\nstore = "file://{tmp_path}/blocked/store"\n'
    config = config_of(tmp_path, text)
    ticks = Ticks()
    async with emulated.connections(config) as connections:
        flow = fleet(config, connections, local_interval=0.5, clock=ticks.clock())
        async with contextlib.aclosing(flow):
            await anext(flow)
            for _ in range(3):
                snapshot = await anext(flow)
                assert snapshot.problems
                assert await asyncio.wait_for(ticks.waits.get(), 10) <= 0.5
                ticks.go(0.5)


async def test_closing_the_flow_ends_every_poll(tmp_path: Path) -> None:
    config = config_of(tmp_path, '[env.dev]\nproject = "p"\nendpoint = "127.0.0.1:9"\n[env.x]\n')
    before = asyncio.all_tasks()
    async with Connections(config) as connections:
        flow = fleet(config, connections)
        await anext(flow)
        await flow.aclose()
    assert asyncio.all_tasks() <= before

"""Following logs against the real emulator: nothing lost, nothing twice, whatever happens to the session."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from google.cloud.logging_v2.types import TailLogEntriesRequest

from ccconsole.cloud.connect import Connection
from ccconsole.cloud.log_flow import Pace
from ccconsole.cloud.logs import follow
from ccconsole.config import Environment
from ccconsole.emulator.emulator import Emulator
from ccconsole.emulator.logging.tail import TailLimits
from ccconsole.errors import Unreachable
from ccconsole.model.logs import LogBatch, LogMode, LogQuery, Severity
from ccconsole.streams import Clock
from tests.cloud.conftest import until
from tests.cloud.following import (
    Follower,
    Writer,
    connected,
    emulator,
    environment_at,
    following,
    line,
    writing,
)

QUICK = Pace(window=0.05, overlap=1.0, poll=0.1, retry=0.4, longest_wait=0.3)


@contextlib.asynccontextmanager
async def followed(
    tmp_path: Path, query: LogQuery | None = None, pace: Pace = QUICK, limits: TailLimits | None = None
) -> AsyncIterator[tuple[Emulator, Writer, Follower]]:
    """An emulator, a writer and a follower of it."""
    async with emulator(tmp_path / "state", tail_limits=limits or TailLimits()) as running:
        environment = environment_at(tmp_path, running.addresses[0])
        async with writing(running.addresses[0]) as writer, connected(environment) as connection:

            async def connect() -> Connection:
                return connection

            flow = follow(connect, environment, query or LogQuery(services=("worker",)), pace=pace)
            async with following(flow) as follower:
                yield running, writer, follower


def numbers(count: int) -> list[str]:
    return [str(n) for n in range(count)]


async def test_history_first_then_what_comes(tmp_path: Path) -> None:
    async with emulator(tmp_path / "state") as running, writing(running.addresses[0]) as writer:
        await writer.lines(20, per_second=1e6)
        environment = environment_at(tmp_path, running.addresses[0])
        async with connected(environment) as connection:

            async def connect() -> Connection:
                return connection

            query = LogQuery(services=("worker",), since=time.time() - 60)
            async with following(follow(connect, environment, query, limit=12, pace=QUICK)) as follower:
                await follower.live()
                assert follower.texts == numbers(20)[8:]
                assert follower.batches[0].mode is LogMode.HISTORY
                assert follower.batches[0].has_older
                await writer.lines(20, per_second=1e6)
                await follower.until(lambda: len(follower.texts) == 32)
                # Beyond the second look at the session's beginning, which lists the left out ones too.
                began = time.time()
                while time.time() < began + QUICK.overlap + 0.5:
                    await writer.lines(1)
                await follower.until(lambda: len(follower.texts) >= writer.count - 8)
            assert follower.texts == numbers(writer.count)[8:]
            assert {batch.environment for batch in follower.batches} == {"dev"}
            assert all(batch.lag is None or batch.lag < 5 for batch in follower.batches)


async def test_only_what_is_asked_for(tmp_path: Path) -> None:
    query = LogQuery(services=("worker", "second"), severity=Severity.WARNING, pattern=r"b\wt")
    async with followed(tmp_path, query) as (_, writer, follower):
        await follower.live()
        await writer.write(
            line("a bat", severity="ERROR"),
            line("a bat", severity="INFO"),
            line("a cat", severity="ERROR"),
            line("a bit", severity="WARNING", service="second"),
            line("a bit", severity="WARNING", service="third"),
            line("", severity="ERROR", jsonPayload={"message": "but", "n": 1}),
            line("", severity="ERROR", jsonPayload={"key": "bot"}),
        )
        await follower.until(lambda: len(follower.texts) >= 4)
        assert sorted(follower.texts) == ["a bat", "a bit", "but", '{"key":"bot"}']


async def test_closing_leaves_no_session(tmp_path: Path) -> None:
    async with followed(tmp_path) as (running, writer, follower):
        await follower.live()
        assert running.tails.count("acme") == 1
        await follower.close()
        async with asyncio.timeout(5):
            while running.tails.count("acme"):
                await writer.lines(1)


async def test_sessions_that_end_and_are_renewed(tmp_path: Path) -> None:
    short = TailLimits(session_seconds=1.2)
    pace = Pace(window=0.05, session=0.7, overlap=1.0)
    async with followed(tmp_path, pace=pace, limits=short) as (_, writer, follower):
        await follower.live()
        await writer.lines(600)
        await follower.until(lambda: len(follower.texts) >= 600)
        assert sorted(map(int, follower.texts)) == list(range(600))
        assert LogMode.WAITING not in follower.modes


async def test_the_servers_own_end_of_a_session(tmp_path: Path) -> None:
    async with followed(tmp_path, limits=TailLimits(session_seconds=0.5)) as (_, writer, follower):
        await follower.live()
        await writer.lines(400)
        await follower.until(lambda: len(follower.texts) >= 400)
        assert sorted(map(int, follower.texts)) == list(range(400))
        assert LogMode.WAITING not in follower.modes


async def hold_session(writer: Writer) -> Any:
    """Take one of the project's sessions; cancel the call to give it back."""

    async def requests() -> AsyncIterator[TailLogEntriesRequest]:
        yield TailLogEntriesRequest(resource_names=["projects/acme"], filter="nobody")

    call: Any = await writer.client.tail_log_entries(requests(), retry=None, timeout=60)
    await call.initial_metadata()
    return call


async def test_a_full_house_is_polled_and_left_when_there_is_room(tmp_path: Path) -> None:
    async with emulator(tmp_path / "state", tail_limits=TailLimits(sessions=1)) as running:
        environment = environment_at(tmp_path, running.addresses[0])
        async with writing(running.addresses[0]) as writer, connected(environment) as connection:

            async def connect() -> Connection:
                return connection

            flow = follow(connect, environment, LogQuery(services=("worker",)), pace=QUICK)
            held = await hold_session(writer)
            async with following(flow) as follower:
                await follower.until(lambda: LogMode.POLLING in follower.modes)
                await writer.lines(200)
                await follower.until(lambda: len(follower.texts) >= 200)
                assert set(follower.modes) <= {LogMode.HISTORY, LogMode.POLLING}
                problem = follower.batches[-1].problem
                assert problem is not None
                assert "All tail sessions of acme are taken" in problem.detail
                lines = asyncio.create_task(writer.lines(400))
                await follower.until(lambda: len(follower.texts) >= 300)
                held.cancel()
                await lines
                await follower.until(lambda: len(follower.texts) >= 600)
                await follower.until(lambda: LogMode.LIVE in follower.modes)
                await writer.lines(100)
                await follower.until(lambda: len(follower.texts) >= 700)
            assert sorted(map(int, follower.texts)) == list(range(700))
            assert follower.batches[-1].problem is None


async def test_suppressed_entries_are_told(tmp_path: Path) -> None:
    async with followed(tmp_path, limits=TailLimits(entries_per_minute=50)) as (_, writer, follower):
        await follower.live()
        await writer.lines(80, per_second=1e6)
        await follower.until(lambda: sum(batch.suppressed for batch in follower.batches) == 30)
        assert len(follower.texts) >= 50


async def test_nobody_answers_at_first(tmp_path: Path, unused_port: int) -> None:
    environment = environment_at(tmp_path, f"127.0.0.1:{unused_port}")
    async with connected(environment) as connection:

        async def connect() -> Connection:
            return connection

        with pytest.raises(Unreachable, match="Cannot read the logs of dev"):
            await anext(follow(connect, environment, LogQuery(), pace=QUICK))


async def test_a_killed_and_restarted_server_loses_and_repeats_nothing(
    tmp_path: Path, unused_port: int
) -> None:
    target = f"127.0.0.1:{unused_port}"
    process = await _emulator(tmp_path, target)
    environment = environment_at(tmp_path, target)
    try:
        async with writing(target) as writer, connected(environment) as connection:

            async def connect() -> Connection:
                return connection

            is_free = asyncio.Event()
            is_free.set()

            async def sleep(seconds: float) -> None:
                await is_free.wait()
                await asyncio.sleep(seconds)

            query = LogQuery(services=("worker",))
            flow = follow(connect, environment, query, pace=QUICK, clock=Clock(sleep=sleep))
            async with following(flow) as follower:
                await follower.live()
                lines = asyncio.create_task(writer.lines(1200))
                for at in (300, 700):
                    await follower.until(lambda at=at: len(follower.texts) > at)  # type: ignore[misc]
                    is_free.clear()
                    process.send_signal(signal.SIGKILL)
                    await process.wait()
                    await follower.until(lambda: follower.batches[-1].mode is LogMode.WAITING)
                    process = await _emulator(tmp_path, target)
                    # Lines flow again, and nobody listens yet.
                    least = writer.count + 100
                    await until(lambda least=least: writer.count >= least)  # type: ignore[misc]
                    is_free.set()
                await lines
                await follower.until(lambda: len(follower.texts) >= 1200)
                await _quiet(writer, follower)
            assert sorted(map(int, follower.texts)) == list(range(writer.count))
            _check_outage(follower.batches, environment)
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


async def _quiet(writer: Writer, follower: Follower) -> None:
    """Let the second look pass, with lines to see."""
    began = time.time()
    while time.time() < began + QUICK.overlap + 0.5:
        await writer.lines(10)
    await follower.until(lambda: len(follower.texts) >= writer.count)


def _check_outage(batches: list[LogBatch], environment: Environment) -> None:
    waiting = next(batch for batch in batches if batch.mode is LogMode.WAITING)
    assert waiting.problem is not None
    assert waiting.problem.environment == environment.name
    assert waiting.problem.hint
    filled = [batch for batch in batches if batch.mode is LogMode.GAP_FILLING]
    assert sum(len(batch.entries) for batch in filled) >= 150
    assert batches[-1].mode is LogMode.LIVE
    assert batches[-1].problem is None


async def _emulator(tmp_path: Path, target: str) -> asyncio.subprocess.Process:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "ccconsole.emulator",
        "--state",
        str(tmp_path / "state"),
        "--listen",
        target,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    assert target.encode() in await process.stdout.readline()
    return process

"""Runs against the real worker: its stream cut, its journal read by others, its process killed."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import aclosing, asynccontextmanager, suppress
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit
from uuid import uuid4

import pytest

from ccconsole import runs, worker_client
from ccconsole.model.tasks import TaskState
from ccconsole.runs import output_bytes
from tests.unit.workers import DEADLINE, Real, environment, real_worker, service, until
from worker_service import layout, reading
from worker_service.store import Store
from worker_service.wire import Control, EventType, RunRequest, TaskEvent

COUNT = 'for i in $(seq 1 60); do echo "line $i"; sleep 0.02; done'
AWAY = {
    "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
    "AWS_ALLOW_HTTP": "true",
    "AWS_ACCESS_KEY_ID": "key",
    "AWS_SECRET_ACCESS_KEY": "dummy",
    "AWS_REGION": "region",
}
"""An S3 store behind a port that nobody listens on."""


class Relay:
    """A TCP relay before the worker, whose connections can be cut."""

    def __init__(self, target: str) -> None:
        self._target = urlsplit(target)
        self._writers: list[asyncio.StreamWriter] = []
        self.refuses = 0
        """How many connections are dropped as they come: the network is gone."""
        self.url = ""

    async def carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Carry one connection both ways until one side or `cut` ends it."""
        if self.refuses:
            self.refuses -= 1
            writer.transport.abort()
            return
        there, back = await asyncio.open_connection(self._target.hostname, self._target.port)
        self._writers += [writer, back]

        async def pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
            with suppress(ConnectionError):
                while data := await source.read(1 << 16):
                    sink.write(data)
                    await sink.drain()
            sink.close()

        # The loop's end cancels it, and asyncio would call that an error of the connection.
        with suppress(asyncio.CancelledError):
            await asyncio.gather(pump(reader, back), pump(there, writer))

    def cut(self) -> None:
        """Reset every connection."""
        while self._writers:
            self._writers.pop().transport.abort()


@asynccontextmanager
async def relay(target: str) -> AsyncIterator[Relay]:
    found = Relay(target)
    server = await asyncio.start_server(found.carry, "127.0.0.1", 0)
    found.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with server:
        yield found
        found.cut()


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runs, "REATTACH_SECONDS", (0.05, 0.1, 0.2))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("journal")


@pytest.fixture(scope="module")
def store(folder: Path) -> str:
    return f"file://{folder}"


@pytest.fixture(scope="module")
def worker(folder: Path, store: str) -> Iterator[Real]:
    with real_worker(folder, store=store) as found:
        yield found


@pytest.fixture
def task_id() -> str:
    return uuid4().hex


async def drained(events: AsyncGenerator[TaskEvent, None]) -> list[TaskEvent]:
    async with asyncio.timeout(DEADLINE), aclosing(events):
        return [event async for event in events]


def text(events: list[TaskEvent]) -> str:
    data = b"".join(output_bytes(event) for event in events if event.type is EventType.OUTPUT)
    return data.decode().replace("\r\n", "\n")


def numbers(events: list[TaskEvent]) -> list[int]:
    return [event.id for event in events if event.id is not None]


async def test_a_prompt_runs_and_its_journal_is_the_same(worker: Real, store: str, task_id: str) -> None:
    place = environment(store)
    request = RunRequest(prompt="echo out; echo err >&2; printf '\\377'", task_id=task_id)
    events = await drained(runs.start(place, service(worker.url), request))
    assert events[-1].data["status"] == "completed"
    assert b"".join(output_bytes(one) for one in events if one.type is EventType.OUTPUT).endswith(b"\xff")
    journaled = await drained(runs.attach(place, task_id))
    assert [event for event in events if event.id is not None] == journaled
    task = await runs.task(place, task_id)
    assert (task.state, task.service, task.agent) == (TaskState.COMPLETED, "worker", "shell")
    assert task in await runs.tasks(place)
    assert (await worker_client.hello(worker.url))["totalTasksExecuted"] > 0


async def test_a_cut_stream_is_found_again_without_loss_or_repetition(
    worker: Real, store: str, task_id: str
) -> None:
    async with relay(worker.url) as line:
        seen: list[TaskEvent] = []
        request = RunRequest(prompt=COUNT, task_id=task_id)
        async with asyncio.timeout(DEADLINE):
            async with aclosing(runs.start(environment(store), service(line.url), request)) as events:
                async for event in events:
                    seen.append(event)
                    if len(numbers(seen)) in (5, 15):
                        line.cut()
    assert numbers(seen) == list(range(1, len(numbers(seen)) + 1))
    assert text(seen) == "".join(f"line {n}\n" for n in range(1, 61))
    assert sum(event.type is EventType.ERROR for event in seen) == 1
    assert seen[-1].data["status"] == "completed"


@pytest.mark.parametrize("has_store", [True, False])
async def test_a_network_that_is_gone_for_a_while_costs_nothing(
    worker: Real, tmp_path: Path, task_id: str, monkeypatch: pytest.MonkeyPatch, has_store: bool
) -> None:
    monkeypatch.setattr(runs, "OUTAGE_PAUSE_SECONDS", 0.02)
    # A store that is as far away as the worker: neither can be reached while the network is gone.
    place = environment("s3://bucket" if has_store else None)
    for name, value in AWAY.items():
        monkeypatch.setenv(name, value)
    async with relay(worker.url) as line:
        seen: list[TaskEvent] = []
        request = RunRequest(prompt=COUNT, task_id=task_id)
        async with asyncio.timeout(DEADLINE):
            async with aclosing(runs.start(place, service(line.url), request)) as events:
                async for event in events:
                    seen.append(event)
                    if len(numbers(seen)) == 5 and not line.refuses:
                        line.refuses = 8
                        line.cut()
    assert line.refuses == 0
    assert text(seen) == "".join(f"line {n}\n" for n in range(1, 61))
    assert seen[-1].data["status"] == "completed"


def _silence(store: Path, task_id: str) -> None:
    """Make the task's last sign of life old enough to be lost."""
    then = time.time() - layout.STALE_SECONDS - 5
    for path in (layout.task(task_id), layout.running(task_id)):
        os.utime(store / path, (then, then))


async def test_a_worker_killed_leaves_every_flushed_event(
    folder: Path, store: str, task_id: str, tmp_path: Path
) -> None:
    place = environment(store)
    seen: list[tuple[float, TaskEvent]] = []

    request = RunRequest(prompt="while true; do echo x; sleep 0.05; done", task_id=task_id)
    killed = 0.0
    with real_worker(tmp_path, store=store) as worker:
        stream = runs.start(place, service(worker.url), request)
        async with asyncio.timeout(DEADLINE), aclosing(stream) as events:
            async for event in events:
                seen.append((time.monotonic(), event))
                if not killed and seen[-1][0] - seen[0][0] > 2.5:
                    worker.kill()
                    killed = time.monotonic()
                    _silence(folder, task_id)
    journal = [event async for event in reading.events(Store.open(store), task_id, 0, False)]
    kept = numbers(journal)
    assert kept == list(range(1, len(kept) + 1))
    told = [event.data.get("journaled", 0) for at, event in seen if at < killed and event.id is None]
    assert 0 < max(told) <= kept[-1]
    live = {event.id: event for at, event in seen if at < killed and event.id is not None}
    old = [event.id for at, event in seen if at < killed - 1.5 and event.id is not None]
    assert set(old) <= set(kept)
    assert all(event == live[event.id] for event in journal if event.id in live)
    assert seen[-1][1].data["reason"] == "lost"
    assert (await runs.task(place, task_id)).state is TaskState.LOST


async def test_a_command_from_elsewhere_is_taken_and_acknowledged(
    worker: Real, store: str, folder: Path, task_id: str
) -> None:
    place = environment(store)
    running = asyncio.create_task(
        drained(runs.start(place, service(worker.url), RunRequest(prompt="sleep 60", task_id=task_id)))
    )
    summary = folder / layout.task(task_id)
    await until(lambda: summary.exists() and b'"running"' in summary.read_bytes())
    command = Control(action="cancel", actor="operator@desk")
    events = await drained(runs.command(place, task_id, command))
    assert (events[0].type, events[0].data["ok"], events[0].data["actor"]) == (
        EventType.CONTROL,
        True,
        "operator@desk",
    )
    assert events[-1].data["status"] == "cancelled"
    assert (await running)[-1].data == events[-1].data


async def test_leaving_a_run_cancels_its_task(worker: Real, store: str, task_id: str) -> None:
    place = environment(store)
    request = RunRequest(prompt="sleep 60", task_id=task_id, metadata={"actor": "ada@desk"})
    async with aclosing(runs.start(place, service(worker.url), request)) as events:
        async for event in events:
            if event.data.get("status") == "running":
                break
    end = (await drained(runs.attach(place, task_id)))[-1].data
    assert (end["status"], end["reason"], end["actor"]) == ("cancelled", "cancelled", "ada@desk")


async def test_a_task_goes_on_unseen_where_its_instance_keeps_its_cpu(
    worker: Real, store: str, task_id: str, tmp_path: Path
) -> None:
    place, gate = environment(store), tmp_path / "go"
    billed = replace(service(worker.url), is_instance_billed=True)
    request = RunRequest(prompt=f"until [ -e {gate} ]; do sleep 0.02; done; echo done", task_id=task_id)
    async with aclosing(runs.start(place, billed, request)) as events:
        async for event in events:
            if event.data.get("status") == "running":
                break
    gate.touch()
    seen = await drained(runs.attach(place, task_id))
    assert (text(seen), seen[-1].data["status"]) == ("done\n", "completed")


async def test_the_same_id_again_attaches_instead_of_running_twice(
    worker: Real, store: str, task_id: str
) -> None:
    request = RunRequest(prompt="echo $RANDOM$RANDOM; sleep 0.5", task_id=task_id)
    both = await asyncio.gather(
        *(drained(runs.start(environment(store), service(worker.url), request)) for _ in range(2))
    )
    assert text(both[0]) == text(both[1])
    third = await drained(runs.start(environment(store), service(worker.url), request))
    assert text(third) == text(both[0])

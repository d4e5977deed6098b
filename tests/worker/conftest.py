"""A real worker on a loopback port: in this process for most tests, as its own process where that matters."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
from httpx_sse import aconnect_sse

from tests.worker import places
from tests.worker.object_store import Bucket
from worker_service.app import create_app
from worker_service.pool import Pool
from worker_service.processes import heed_signals
from worker_service.server import Server
from worker_service.settings import Settings

DEADLINE_SECONDS = 20.0
SSE = {"Accept": "text/event-stream"}


@pytest.fixture(scope="session", autouse=True)
def _heeds_signals() -> None:
    """Agents feel signals, however the tests were started."""
    heed_signals()


@pytest.fixture(scope="session")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[places.Place]:
    """One S3 server for all tests."""
    with places.s3(tmp_path_factory.mktemp("s3")) as found:
        yield found


@pytest.fixture
async def bucket(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Bucket]:
    """What this process reaches as gs://bucket: a stand-in that can be put in trouble."""
    async with places.cloud_storage() as (found, objects):
        _reach(found, monkeypatch)
        yield objects


@pytest.fixture(params=places.KINDS)
async def place(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[places.Place]:
    """An empty store of each kind, which this process can reach."""
    if request.param == "gs":
        async with places.cloud_storage() as (found, _):
            _reach(found, monkeypatch)
            yield found
    elif request.param == "s3":
        server: places.Place = request.getfixturevalue("s3")
        _reach(server, monkeypatch)
        yield places.Place(f"{server.url}/{uuid4().hex}", server.env)
    else:
        yield places.Place("memory:///" if request.param == "memory" else f"file://{tmp_path}/store")


def _reach(place: places.Place, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in place.env.items():
        monkeypatch.setenv(name, value)


@dataclass(frozen=True)
class Seen:
    """One event as a viewer got it."""

    id: int | None
    type: str
    data: dict[str, Any]


@dataclass
class RunningWorker:
    """A worker that answers at `http`."""

    http: httpx.AsyncClient
    url: str
    pool: Pool

    @asynccontextmanager
    async def stream(
        self, method: str, path: str, body: dict[str, Any] | None = None, *, last_event_id: str = ""
    ) -> AsyncIterator[AsyncGenerator[Seen, None]]:
        """Open an event stream; leaving the block drops the connection."""
        headers = {"Last-Event-ID": last_event_id} if last_event_id else {}
        async with aconnect_sse(self.http, method, path, json=body, headers=headers) as source:
            assert source.response.status_code == 200, await source.response.aread()
            yield _events(source.aiter_sse())

    async def run(self, prompt: str, **fields: Any) -> list[Seen]:
        """Every event of a task, from its start to its end; heartbeats belong to the stream."""
        async with self.stream("POST", "/run", {"prompt": prompt, **fields}) as events:
            return [event async for event in events if event.type != "heartbeat"]

    async def start(self, prompt: str, **fields: Any) -> asyncio.Task[list[Seen]]:
        """Run a task in the background, from the moment its agent runs."""
        started = asyncio.Event()

        async def follow() -> list[Seen]:
            seen = []
            async with self.stream("POST", "/run", {"prompt": prompt, **fields}) as events:
                async for event in events:
                    seen.append(event)
                    if event.data.get("status") == "running":
                        started.set()
            return [event for event in seen if event.type != "heartbeat"]

        task = asyncio.create_task(follow())
        waiting = asyncio.ensure_future(started.wait())
        await asyncio.wait({task, waiting}, timeout=DEADLINE_SECONDS, return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
        assert started.is_set()
        return task


async def _events(source: AsyncIterator[Any]) -> AsyncGenerator[Seen, None]:
    async for item in source:
        if item.data:  # the `retry` line alone makes an item without data
            yield Seen(int(item.id) if item.id else None, item.event, json.loads(item.data))


def output(events: list[Seen]) -> str:
    """The text of all `output` events."""
    return "".join(event.data["data"] for event in events if event.type == "output")


def result(events: list[Seen]) -> dict[str, Any]:
    """The data of the one `complete` event, which is the last."""
    ends = [event for event in events if event.type == "complete"]
    assert len(ends) == 1
    assert events[-1] is ends[0]
    return ends[0].data


async def until(condition: Callable[[], bool]) -> None:
    """Wait for a condition that no event announces.

    Raises:
        TimeoutError: it did not come true in time.
    """
    async with asyncio.timeout(DEADLINE_SECONDS):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.01)


def is_alive(pid: int) -> bool:
    """Whether a process runs, zombies not counted."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state not in "ZX"


StartWorker = Callable[..., Awaitable[RunningWorker]]


@pytest.fixture
async def start_worker(tmp_path: Path) -> AsyncGenerator[StartWorker, None]:
    """Starts workers with settings of the caller's choice, in this process."""
    stops: list[Callable[[], Awaitable[None]]] = []

    async def start(**chosen: Any) -> RunningWorker:
        quick = {"worker_cancel_step_seconds": 0.4, "worker_drain_seconds": 2, "worker_agent": "shell"}
        settings = Settings(
            **{"port": 0, "host": "127.0.0.1", "worker_workspaces": tmp_path / "work", **quick, **chosen}
        )
        # Not `serve`: its main loop and its end sleep a tenth of a second each, a hundred times over here.
        server = Server(create_app(settings), settings)
        server.config.load()
        server.lifespan = server.config.lifespan_class(server.config)
        await server.startup()
        port = server.servers[0].sockets[0].getsockname()[1]
        url = f"http://127.0.0.1:{port}"
        http = httpx.AsyncClient(base_url=url, timeout=DEADLINE_SECONDS, trust_env=False, verify=False)

        async def stop() -> None:
            await http.aclose()
            for listener in server.servers:
                listener.close()
            await server.lifespan.shutdown()
            for connection in list(server.server_state.connections):
                connection.shutdown()
            await until(lambda: not server.server_state.connections and not server.server_state.tasks)

        stops.append(stop)
        return RunningWorker(http, url, server.pool)

    yield start
    for stop in reversed(stops):
        await stop()


@pytest.fixture
async def worker(start_worker: StartWorker) -> RunningWorker:
    """A worker that runs prompts under bash."""
    return await start_worker()


@dataclass
class WorkerProcess:
    """A worker in a process of its own."""

    process: asyncio.subprocess.Process
    worker: RunningWorker

    async def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Signal it, and its exit code."""
        self.process.send_signal(number)
        async with asyncio.timeout(DEADLINE_SECONDS):
            return await self.process.wait()


StartProcess = Callable[..., Awaitable[WorkerProcess]]


@pytest.fixture
async def start_process(tmp_path: Path) -> AsyncGenerator[StartProcess, None]:
    """Starts `python -m worker_service` with the caller's variables, its log in `tmp_path/log`."""
    started: list[WorkerProcess] = []

    async def start(**variables: str) -> WorkerProcess:
        env = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
            "PORT": "0",
            "WORKER_AGENT": "shell",
            "WORKER_TOKEN": "the-token-of-this-test",
            "WORKER_MAX_TASKS": "6",
            "WORKER_CANCEL_STEP_SECONDS": "0.4",
            "WORKER_DRAIN_SECONDS": "4",
            "WORKER_WORKSPACES": str(tmp_path / "work"),
        }
        log = tmp_path / "log"
        with log.open("wb") as sink:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "worker_service",
                env=env | variables,
                stdout=sink,
                stderr=sink,
                cwd=tmp_path,
            )
        await until(lambda: "running on" in log.read_text() or process.returncode is not None)
        url = log.read_text().split("running on ")[1].split()[0]
        http = httpx.AsyncClient(
            base_url=url,
            timeout=DEADLINE_SECONDS,
            trust_env=False,
            verify=False,
            headers={"Authorization": "Bearer the-token-of-this-test"},
        )
        worker = RunningWorker(http, url, pool=None)  # type: ignore[arg-type]
        started.append(WorkerProcess(process, worker))
        return started[-1]

    yield start
    for one in started:
        await one.worker.http.aclose()
        if one.process.returncode is None:
            one.process.kill()
            await one.process.wait()


@pytest.fixture
async def worker_process(start_process: StartProcess) -> WorkerProcess:
    """A worker's process without a store."""
    return await start_process()


def put_file_in_place_of(folder: Path, spare: Path) -> None:
    """A file where the store wants a folder; the store may make its folder anew in between."""
    while True:
        folder.rename(spare / f"gone-{uuid4().hex}")
        try:
            folder.write_text("no folder")
        except IsADirectoryError:
            continue
        return

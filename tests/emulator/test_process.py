"""The emulator as its own process: its addresses, its state, its end and its end by force."""

from __future__ import annotations

import asyncio
import json
import os
import shlex
import signal
import socket
import stat
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path

import grpc
import httpx
import pytest
from google.api_core import exceptions
from google.cloud import run_v2

from tests.emulator.conftest import COMMAND, LOCATION, Cloud, template, until
from tests.emulator.test_scaling import running, starts

IMAGE = f"test={shlex.join(COMMAND)}"


class Spawned:
    """`python -m ccconsole.emulator` and a client of it."""

    def __init__(self, process: asyncio.subprocess.Process, target: str) -> None:
        self.process = process
        self.target = target
        self.cloud = Cloud(target)

    async def stop(self, number: signal.Signals = signal.SIGTERM) -> tuple[int, str]:
        """Signal the process; its exit code and what it said on stderr."""
        await self.cloud.close()
        if self.process.returncode is None:
            self.process.send_signal(number)
        async with asyncio.timeout(20):
            _, told = await self.process.communicate()
        return self.process.returncode or 0, told.decode()


Spawn = Callable[..., Awaitable[Spawned]]


@pytest.fixture
def sockets() -> Iterator[Path]:
    """A folder with a short path: unix sockets take 108 bytes."""
    with tempfile.TemporaryDirectory(prefix="emu") as folder:
        yield Path(folder)


async def execute(*arguments: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "ccconsole.emulator",
        *arguments,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )


@pytest.fixture
async def spawn(tmp_path: Path, sockets: Path) -> AsyncIterator[Spawn]:
    """Start emulators on one state directory, one after the other."""
    spawned: list[Spawned] = []

    async def start(*options: str) -> Spawned:
        target = f"unix:{sockets / 'emulator.sock'}"
        state = str(tmp_path / "state")
        process = await execute(
            "--state", state, "--listen", target, "--image", IMAGE, "--grace", "1", *options
        )
        assert process.stdout is not None
        async with asyncio.timeout(20):
            line = await process.stdout.readline()
        assert line.decode() == f"The Cloud Run emulator listens on {target}\n"
        spawned.append(Spawned(process, target))
        return spawned[-1]

    yield start
    for each in spawned:
        await each.stop()


async def test_a_socket_of_the_owners_alone_and_a_quiet_end(
    spawn: Spawn, sockets: Path, tmp_path: Path
) -> None:
    emulator = await spawn()
    path = sockets / "emulator.sock"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    service = await emulator.cloud.deploy(instances=(1, 1), env={"TERM_FILE": str(tmp_path / "told")})
    state = tmp_path / "state"
    assert stat.S_IMODE(state.stat().st_mode) == 0o700
    loose = [
        item for item in state.rglob("*") if item.is_file() and stat.S_IMODE(item.stat().st_mode) & 0o077
    ]
    assert loose == []
    pid = (await emulator.cloud.http.get(service.uri)).json()["pid"]
    assert await emulator.stop() == (0, "")
    assert not path.exists()
    assert not running(pid)
    assert (tmp_path / "told").exists()


async def test_services_are_back_at_their_addresses_after_an_end(spawn: Spawn) -> None:
    first = await spawn()
    service = await first.cloud.deploy()
    tagged = run_v2.TrafficTarget(
        type_=run_v2.TrafficTargetAllocationType.TRAFFIC_TARGET_ALLOCATION_TYPE_LATEST, tag="t"
    )
    wanted = run_v2.Service(name=service.name, traffic=[*service.traffic, tagged])
    service = await first.cloud.finish(await first.cloud.update(wanted, "traffic"))
    assert (await first.stop(signal.SIGINT))[0] == 0

    second = await spawn()
    found = await second.cloud.get()
    assert found == service
    for uri in (service.uri, service.traffic_statuses[1].uri):
        assert (await second.cloud.http.get(uri)).status_code == 200
    revisions = await second.cloud.revisions.list_revisions(parent=f"{LOCATION}/services/-")
    assert [revision.name async for revision in revisions] == [service.latest_ready_revision]


async def test_a_port_that_was_taken_meanwhile_is_replaced(spawn: Spawn) -> None:
    first = await spawn()
    service = await first.cloud.deploy()
    await first.stop()
    with socket.socket() as thief:
        thief.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        thief.bind(("127.0.0.1", int(service.uri.rpartition(":")[2])))
        thief.listen()
        second = await spawn()
        found = await second.cloud.get()
        assert found.uri != service.uri
        assert (await second.cloud.http.get(found.uri)).status_code == 200


async def test_after_a_kill_orphans_are_swept_and_services_are_back(spawn: Spawn, tmp_path: Path) -> None:
    first = await spawn()
    child, log = tmp_path / "child", tmp_path / "starts"
    env = {"FORK_FILE": str(child), "STARTS_FILE": str(log), "TERM_FILE": str(tmp_path / "told")}
    service = await first.cloud.deploy(env=env)
    leader, descendant = starts(log)[0], int(child.read_text())
    await first.stop(signal.SIGKILL)
    assert running(leader)

    second = await spawn()
    assert (await second.cloud.get()).uri == service.uri
    await until(lambda: not running(leader), 5)
    # It ignores SIGTERM, so it goes with the grace.
    await until(lambda: not running(descendant), 15)
    assert (tmp_path / "told").exists()
    assert (await second.cloud.http.get(service.uri)).status_code == 200


async def test_a_deployment_cut_by_a_kill_is_resumed(spawn: Spawn, tmp_path: Path) -> None:
    first = await spawn()
    gate = tmp_path / "gate"
    operation = await first.cloud.create("svc", template(env={"START_WHEN": str(gate)}))
    await first.stop(signal.SIGKILL)
    second = await spawn()
    assert (await second.cloud.get()).reconciling
    gate.touch()
    service = await second.cloud.finish(operation)
    assert not service.reconciling
    assert (await second.cloud.http.get(service.uri)).status_code == 200


async def test_a_deletion_cut_by_a_kill_is_resumed(spawn: Spawn) -> None:
    first = await spawn()
    await first.cloud.deploy(env={"IGNORE_SIGTERM": "1"})
    operation = await first.cloud.services.delete_service(name=f"{LOCATION}/services/svc")
    await first.stop(signal.SIGKILL)
    second = await spawn()
    await second.cloud.finish(operation)
    with pytest.raises(exceptions.NotFound):
        await second.cloud.get()


async def test_two_emulators_never_share_a_state(spawn: Spawn, tmp_path: Path, sockets: Path) -> None:
    first = await spawn()
    other = await execute("--state", str(tmp_path / "state"), "--listen", f"unix:{sockets}/other.sock")
    out, told = await other.communicate()
    assert (other.returncode, out) == (8, b"")
    assert f"process id is {first.process.pid}" in told.decode()
    assert "--state" in told.decode()

    with socket.socket() as thief:
        thief.bind(("127.0.0.1", 0))
        thief.listen()
        port = thief.getsockname()[1]
        options = ["--listen", f"unix:{sockets}/third.sock", "--http", f"127.0.0.1:{port}"]
        no_port = await execute("--state", str(tmp_path / "third"), *options)
        _, told = await no_port.communicate()
        assert no_port.returncode == 8
        assert f"cannot listen on 127.0.0.1:{port}" in told.decode()

    same_socket = await execute("--state", str(tmp_path / "else"), "--listen", first.target)
    _, told = await same_socket.communicate()
    assert same_socket.returncode == 8
    assert "Another program answers on" in told.decode()
    assert (await first.cloud.deploy()).uri


@pytest.mark.parametrize("target", ["0.0.0.0:0", "192.168.0.1:80", "nonsense", "example.com:80"])
async def test_only_private_addresses_are_listened_on(tmp_path: Path, target: str) -> None:
    process = await execute("--state", str(tmp_path), "--listen", target)
    _, told = await process.communicate()
    assert process.returncode == 8
    assert "does not listen on" in told.decode()
    assert "Traceback" not in told.decode()


async def test_a_taken_port_is_told_in_words(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        target = f"127.0.0.1:{taken.getsockname()[1]}"
        process = await execute("--state", str(tmp_path), "--listen", target)
        _, told = await process.communicate()
    assert process.returncode == 8
    assert f"cannot listen on {target}" in told.decode()
    assert "Traceback" not in told.decode()


async def test_a_file_where_the_socket_should_be_is_not_deleted(tmp_path: Path, sockets: Path) -> None:
    (sockets / "e.sock").write_text("mine")
    process = await execute("--state", str(tmp_path), "--listen", f"unix:{sockets}/e.sock")
    _, told = await process.communicate()
    assert process.returncode == 8
    assert "is in the way" in told.decode()
    assert (sockets / "e.sock").read_text() == "mine"


async def test_a_damaged_state_file_is_set_aside_and_told(spawn: Spawn, tmp_path: Path) -> None:
    first = await spawn()
    await first.cloud.deploy("good")
    await first.cloud.deploy("bad")
    await first.stop()
    damaged = next((tmp_path / "state" / "services").glob("*~bad.json"))
    damaged.write_text("{")
    second = await spawn()
    assert (await second.cloud.get("good")).uri
    with pytest.raises(exceptions.NotFound):
        await second.cloud.get("bad")
    code, told = await second.stop()
    assert code == 0
    assert "is damaged; it was set aside as" in told


async def test_it_ends_by_itself_when_unused_and_not_while_a_request_runs(
    spawn: Spawn, tmp_path: Path
) -> None:
    emulator = await spawn("--idle-exit", "1")
    service = await emulator.cloud.deploy(instances=(1, 1))
    gate = tmp_path / "gate"
    async with emulator.cloud.http.stream("GET", f"{service.uri}/hold?until={gate}") as response:
        parts = response.aiter_raw()
        await anext(parts)
        began = time.monotonic()
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(emulator.process.wait(), 1.8)
        gate.touch()
        assert await anext(parts) == b"data: end\n\n"
    assert time.monotonic() - began >= 1.8
    async with asyncio.timeout(10):
        assert await emulator.process.wait() == 0


async def test_a_second_signal_waits_no_longer(spawn: Spawn) -> None:
    emulator = await spawn("--grace", "20")
    service = await emulator.cloud.deploy(env={"IGNORE_SIGTERM": "1"})
    pid = (await emulator.cloud.http.get(service.uri)).json()["pid"]
    began = time.monotonic()
    emulator.process.send_signal(signal.SIGTERM)

    async def is_refused() -> bool:
        try:
            await emulator.cloud.http.get(service.uri)
        except httpx.TransportError:
            return True
        return False

    await until(is_refused)
    assert (await emulator.stop())[0] == 0
    assert time.monotonic() - began < 8
    assert not running(pid)


async def test_streams_may_end_well_within_the_grace_of_an_end(spawn: Spawn, tmp_path: Path) -> None:
    emulator = await spawn("--grace", "8")
    service = await emulator.cloud.deploy(env={"IGNORE_SIGTERM": "1"})
    gate = tmp_path / "gate"

    async def is_closed() -> bool:
        try:
            name = f"{LOCATION}/services/svc"
            await emulator.cloud.services.get_service(name=name, retry=None, timeout=2)
        except (exceptions.GoogleAPICallError, grpc.RpcError):
            return True
        return False

    async with emulator.cloud.http.stream("GET", f"{service.uri}/hold?until={gate}") as response:
        parts = response.aiter_raw()
        pid = int((await anext(parts)).split()[1])
        emulator.process.send_signal(signal.SIGTERM)
        await until(is_closed)
        gate.touch()
        assert await anext(parts) == b"data: end\n\n"
    os.kill(pid, signal.SIGKILL)
    async with asyncio.timeout(10):
        assert await emulator.process.wait() == 0


async def test_the_process_loads_neither_clients_nor_web_servers(tmp_path: Path) -> None:
    script = (
        "import sys; from ccconsole.emulator.protos import skip_clients; skip_clients();"
        "import ccconsole.emulator.emulator, json; print(json.dumps(sorted(sys.modules)))"
    )
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", script, stdout=asyncio.subprocess.PIPE
    )
    out, _ = await process.communicate()
    loaded = set(json.loads(out))
    assert "google.cloud.run_v2.types.service" in loaded
    unwanted = {"google.auth", "google.api_core", "requests", "httpx", "uvicorn", "fastapi", "textual"}
    assert not unwanted & loaded

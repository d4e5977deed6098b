"""Configurations and emulators of their own for the tests of the cloud floor."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import tempfile
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from ccconsole import local
from ccconsole.cloud.connect import Connections
from ccconsole.config import Config, load
from ccconsole.fleet import fleet
from ccconsole.model.fleet import FleetSnapshot

DEADLINE = 30.0


@pytest.fixture
def no_account(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine without credentials, and without anybody who could have some."""
    for name in ("GOOGLE_APPLICATION_CREDENTIALS", "GOOGLE_CLOUD_PROJECT", "CLOUD_RUN_EMULATOR_HOST"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("CLOUDSDK_CONFIG", str(tmp_path / "gcloud"))


def config_of(folder: Path, text: str) -> Config:
    """The configuration that `text` declares."""
    path = folder / "deploy.toml"
    path.write_text(text)
    return load(path, {})


@dataclass(frozen=True)
class Emulated:
    """The emulator of one new user, and the way the console starts it."""

    folder: Path

    @property
    def place(self) -> local.Place:
        return local.place(self.folder / "state" / "ccconsole" / "emulator")

    async def start(self) -> str:
        return await local.start_emulator(self.place.state)

    def connections(self, config: Config, *, is_applying: bool = True) -> Connections:
        return Connections(config, start_local=self.start, environ={}, is_applying=is_applying)

    async def stop(self, signal_number: int = signal.SIGTERM) -> None:
        """End it, and see it gone."""
        pid = local.running_pid(self.place)
        if pid is None:
            return
        os.kill(pid, signal_number)
        await until(lambda: not local.is_running(self.place) and not is_alive(pid))


def is_alive(pid: int) -> bool:
    """Whether the process is there; this process waits for its own children by itself."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


async def until(is_so: Callable[[], bool]) -> None:
    """Return when it is so; the test fails when that takes too long."""
    deadline = time.monotonic() + DEADLINE
    while not is_so():
        assert time.monotonic() < deadline, "it took too long"
        await asyncio.sleep(0.02)


async def snapshot_where(
    flow: AsyncGenerator[FleetSnapshot], is_so: Callable[[FleetSnapshot], bool]
) -> FleetSnapshot:
    """The first snapshot of which it is so."""
    seen: list[FleetSnapshot] = []
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(DEADLINE):
            async for snapshot in flow:
                seen.append(snapshot)
                if is_so(snapshot):
                    return snapshot
    pytest.fail(f"no such snapshot; the last was {seen[-1] if seen else None}")


def quick(config: Config, connections: Connections) -> AsyncGenerator[FleetSnapshot]:
    """The fleet, polled often."""
    return fleet(config, connections, local_interval=0.1, cloud_interval=0.1)


@pytest.fixture
async def emulated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Emulated]:
    """A new user's machine; its emulator starts with the first connection and is gone afterwards."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    for name in ("ANTHROPIC_API_KEY", "CLAUDE_CODE_OAUTH_TOKEN", "CLOUD_RUN_EMULATOR_HOST"):
        monkeypatch.delenv(name, raising=False)
    with tempfile.TemporaryDirectory(prefix="cc-") as runtime:  # a socket's path is short
        monkeypatch.setenv("XDG_RUNTIME_DIR", runtime)
        machine = Emulated(tmp_path)
        yield machine
        await machine.stop()


@pytest.fixture
def unused_port() -> int:
    """A port of 127.0.0.1 that was free a moment ago."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])

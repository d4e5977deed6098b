"""The worker's image as an engine runs it: as little allowed as can be, on a loopback port.

`.ci/image` builds the image and names it and the engine; without them these tests are skipped.
"""

from __future__ import annotations

import asyncio
import os
import secrets
from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from ccconsole.emulator.ports import Ports
from tests.image.engine import STRICT
from tests.worker.conftest import RunningWorker

ENGINE = os.environ.get("CCCONSOLE_ENGINE", "")
IMAGE = os.environ.get("CCCONSOLE_IMAGE", "")
needs_image = pytest.mark.skipif(not IMAGE, reason="no image: .ci/image builds one and runs these tests")

DATA = Path(__file__).parents[1] / "data"
PATIENCE_SECONDS = 60.0
"""For what an engine does on a busy machine."""


async def engine(*words: str) -> str:
    """What the engine answers on stdout; its exit code must be 0."""
    code, said = await ended(*words)
    assert code == 0, said
    return said


async def ended(*words: str) -> tuple[int, str]:
    """The engine's exit code, and what it said on stdout and stderr."""
    process = await asyncio.create_subprocess_exec(
        ENGINE,
        *words,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    async with asyncio.timeout(60):
        said, _ = await process.communicate()
    return process.returncode or 0, said.decode()


@dataclass
class Container:
    """One container, and the engine's client that stays as long as it runs."""

    name: str
    client: asyncio.subprocess.Process
    worker: RunningWorker

    async def stop(self) -> int:
        """SIGTERM to its first process; the exit code of that."""
        await engine("kill", "--signal", "TERM", self.name)
        async with asyncio.timeout(PATIENCE_SECONDS):
            return await self.client.wait()


StartContainer = Callable[..., Awaitable[Container]]


@pytest.fixture
async def start(tmp_path: Path) -> AsyncGenerator[StartContainer, None]:
    """Starts containers with variables and more words for the engine; waits until they are ready."""
    started: list[Container] = []
    ports = Ports()

    async def begin(*words: str, is_ready: bool = True, **env: str) -> Container:
        name, port = f"ccconsole-test-{secrets.token_hex(6)}", ports.take()
        told = {"HOST": "127.0.0.1", "PORT": str(port), "WORKER_AGENT": "shell"} | env
        variables = [word for key, value in told.items() for word in ("--env", f"{key}={value}")]
        with (tmp_path / f"{name}.log").open("wb") as log:
            client = await asyncio.create_subprocess_exec(
                *(ENGINE, "run", "--rm", "--name", name, *STRICT, *variables, *words, IMAGE),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        url = f"http://127.0.0.1:{port}"
        http = httpx.AsyncClient(base_url=url, timeout=PATIENCE_SECONDS, trust_env=False, verify=False)
        started.append(Container(name, client, RunningWorker(http, url, pool=None)))  # type: ignore[arg-type]
        async with asyncio.timeout(PATIENCE_SECONDS):
            while is_ready and not await _is_ready(http):
                assert client.returncode is None, (tmp_path / f"{name}.log").read_text()
                await asyncio.sleep(0.01)
        return started[-1]

    yield begin
    for container in started:
        await container.worker.http.aclose()
        if container.client.returncode is None:
            await ended("rm", "--force", container.name)
            await container.client.wait()


async def _is_ready(http: httpx.AsyncClient) -> bool:
    try:
        return (await http.get("/health/ready")).is_success
    except httpx.TransportError:
        return False

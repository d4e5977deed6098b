"""Workers for the tests: a scripted one that breaks on purpose, and the real one as a process."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import uvicorn

from ccconsole.config import Environment
from ccconsole.model.services import Service, ServiceKey, ServiceState

DEADLINE = 20.0
"""Seconds that anything in these tests may take on a noisy machine."""


@dataclass
class Call:
    """One request as the scripted worker saw it, and its way to answer."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes
    send: Callable[[Any], Awaitable[None]]
    receive: Callable[[], Awaitable[Any]]

    async def start(
        self, status: int = 200, kind: str = "text/event-stream", headers: Mapping[str, str] | None = None
    ) -> None:
        """Send the head."""
        pairs = [(b"content-type", kind.encode())]
        pairs += [(name.encode(), value.encode()) for name, value in (headers or {}).items()]
        await self.send({"type": "http.response.start", "status": status, "headers": pairs})

    async def write(self, text: str | bytes, *, is_last: bool = False) -> None:
        """Send a part of the body."""
        data = text.encode() if isinstance(text, str) else text
        await self.send({"type": "http.response.body", "body": data, "more_body": not is_last})

    async def answer(
        self, status: int, body: Any, kind: str = "application/json", headers: Mapping[str, str] | None = None
    ) -> None:
        """Send a whole answer."""
        await self.start(status, kind, headers)
        await self.write(body if isinstance(body, str) else json.dumps(body), is_last=True)

    async def cut(self) -> None:
        """Break the connection in the middle of the body."""
        raise ConnectionAbortedError

    async def gone(self) -> None:
        """Wait until the caller has hung up."""
        while (await self.receive())["type"] != "http.disconnect":
            pass


Script = Callable[[Call], Awaitable[None]]


@dataclass
class Scripted:
    """A worker that does what the script says; `calls` are those it got."""

    url: str
    calls: list[Call] = field(default_factory=list)


@asynccontextmanager
async def scripted(script: Script) -> AsyncIterator[Scripted]:
    """A real HTTP server whose every answer is the script's."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    found = Scripted(f"http://127.0.0.1:{listener.getsockname()[1]}")

    async def app(scope: Any, receive: Any, send: Any) -> None:
        body = b""
        while True:
            message = await receive()
            body += message.get("body", b"")
            if not message.get("more_body"):
                break
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        call = Call(scope["method"], scope["path"], headers, body, send, receive)
        found.calls.append(call)
        await script(call)

    config = uvicorn.Config(
        app, log_config=None, log_level="critical", lifespan="off", timeout_graceful_shutdown=1
    )
    config.load()
    server = uvicorn.Server(config)
    server.lifespan = config.lifespan_class(config)
    await server.startup([listener])
    try:
        yield found
    finally:
        await server.shutdown([listener])


async def until(holds: Callable[[], Any], deadline: float = DEADLINE) -> None:
    """Wait until the condition holds; TimeoutError when it never does."""
    async with asyncio.timeout(deadline):
        while True:
            if holds():
                return
            await asyncio.sleep(0.005)


def sse(number: int | None, kind: str, **data: Any) -> str:
    """One event as the worker's stream carries it."""
    head = "" if number is None else f"id: {number}\n"
    fields = {"taskId": "t", "seq": number, "ts": time.time(), **data}
    return f"{head}event: {kind}\ndata: {json.dumps(fields)}\n\n"


def output(number: int, text: str) -> str:
    """An `output` event."""
    return sse(number, "output", data=text, encoding="utf-8", offset=0, length=len(text))


def complete(number: int, status: str = "completed", **fields: Any) -> str:
    """A `complete` event."""
    return sse(number, "complete", status=status, duration=5, output="", **fields)


def environment(store: str | None = None) -> Environment:
    """An environment of the tests."""
    return Environment("test", is_local=True, project="project", region="region", store=store)


def service(url: str | None) -> Service:
    """A service of it at this address."""
    return Service(ServiceKey("test", "region", "worker"), ServiceState.READY, uri=url)


@dataclass
class Real:
    """The real worker as a process."""

    url: str
    process: subprocess.Popen[bytes]

    def kill(self) -> None:
        """End it as the kernel does when memory is out."""
        self.process.kill()
        self.process.wait(DEADLINE)


@contextmanager
def real_worker(folder: Path, *, store: str | None = None, **settings: str) -> Iterator[Real]:
    """`python -m worker_service` with the shell as its agent, for up to eight tasks at once."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environ = {name: os.environ[name] for name in ("PATH", "LANG", "TMPDIR") if name in os.environ}
    environ |= {"PORT": str(port), "HOST": "127.0.0.1", "WORKER_AGENT": "shell", "HOME": str(folder)}
    environ |= {"K_SERVICE": "worker", "LOG_LEVEL": "error", "WORKER_MAX_TASKS": "8", **settings}
    if store is not None:
        environ["WORKER_STORE"] = store
    command = [sys.executable, "-m", "worker_service"]
    with subprocess.Popen(command, env=environ, stdout=subprocess.DEVNULL) as process:
        url = f"http://127.0.0.1:{port}"
        deadline = time.monotonic() + DEADLINE
        try:
            while not _is_ready(url):
                assert process.poll() is None, "the worker did not start"
                assert time.monotonic() < deadline, "the worker does not answer"
                time.sleep(0.05)
            yield Real(url, process)
        finally:
            process.terminate()


def _is_ready(url: str) -> bool:
    try:
        return httpx.get(f"{url}/health/ready", trust_env=False, verify=False).is_success
    except httpx.TransportError:
        return False

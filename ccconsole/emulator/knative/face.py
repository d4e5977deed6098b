"""The HTTP face's server, in the emulator's own event loop."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Iterator

import uvicorn

from ccconsole.emulator.knative.app import create_app
from ccconsole.emulator.knative.calls import Ask
from ccconsole.emulator.knative.serving import Regions

_LAST_SECONDS = 1
"""For a request under way when the emulator ends."""


class _Server(uvicorn.Server):
    """Leaves the signals to the emulator."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class Face:
    """Serves a listening socket from its making until `stop`."""

    def __init__(self, listener: socket.socket, ask: Ask, regions: Regions) -> None:
        config = uvicorn.Config(
            create_app(ask, regions),
            # gcloud takes it for its proxy, and this parser alone takes a proxy's absolute targets apart.
            http="httptools",
            ws="none",
            lifespan="off",
            loop="none",
            log_config=None,
            log_level="error",
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=_LAST_SECONDS,
        )
        self._server = _Server(config)
        self._serving = asyncio.create_task(self._server.serve([listener]))

    async def stop(self) -> None:
        """Let the requests under way end, then close."""
        self._server.should_exit = True
        await self._serving

"""The HTTP server: uvicorn that drains on SIGTERM and bounds what a request's head may hold."""

from __future__ import annotations

import asyncio
import signal
from types import FrameType

import uvicorn
from fastapi import FastAPI
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from worker_service.pool import Pool
from worker_service.settings import Settings
from worker_service.status import Worker

MAX_HEAD_BYTES = 64 * 1024
_HEAD_TOO_LARGE = (
    b"HTTP/1.1 431 Request Header Fields Too Large\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"
)
_STREAMS_SECONDS = 1.0
"""What open streams get to end by themselves once the tasks have ended."""


class BoundedProtocol(HttpToolsProtocol):
    """HTTP/1.1 whose request line and headers together are bounded, which the parser does not do."""

    _head_bytes = 0
    _is_in_head = True

    def data_received(self, data: bytes) -> None:
        """Parse what came, and hang up on a head without an end."""
        super().data_received(data)
        if self._is_in_head and not self.transport.is_closing():
            self._head_bytes += len(data)
            if self._head_bytes > MAX_HEAD_BYTES:
                self.transport.write(_HEAD_TOO_LARGE)
                self.transport.close()

    def on_message_begin(self) -> None:
        """A new request's head begins."""
        super().on_message_begin()
        self._is_in_head, self._head_bytes = True, 0

    def on_headers_complete(self) -> None:
        """The head is over."""
        self._is_in_head = False
        super().on_headers_complete()


class Server(uvicorn.Server):
    """Serves until SIGTERM, goes on serving while the tasks are ended, then stops; exits with 0.

    uvicorn alone would stop listening first, wait for streams that only the tasks' end can end, and die
    of the signal.
    """

    def __init__(self, app: FastAPI, settings: Settings) -> None:
        config = uvicorn.Config(
            app,
            host=settings.host,
            port=settings.port,
            loop="uvloop",
            http=BoundedProtocol,
            ws="none",
            log_config=None,
            server_header=False,
            timeout_graceful_shutdown=max(1, round(_STREAMS_SECONDS)),
        )
        super().__init__(config)
        self._app = app
        self._is_draining = False
        self._draining: asyncio.Task[None] | None = None

    @property
    def pool(self) -> Pool:
        """The worker's tasks; only once started."""
        worker: Worker = self._app.state.worker
        return worker.pool

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Begin to drain; a second SIGINT stops at once."""
        if self._is_draining:
            self.force_exit = self.force_exit or sig == signal.SIGINT
            self.should_exit = self.should_exit or self.force_exit
            return
        self._is_draining = True
        loop = asyncio.get_running_loop()
        loop.call_soon_threadsafe(self._begin)

    def _begin(self) -> None:
        self._draining = asyncio.create_task(self._drain())

    async def _drain(self) -> None:
        if self.started:
            try:
                async with asyncio.timeout(self.pool.settings.worker_drain_seconds):
                    await self.pool.drain()
            except TimeoutError:
                self.pool.abandon()
        self.should_exit = True

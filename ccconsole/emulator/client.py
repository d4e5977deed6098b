"""The connection of a client to a service's address: requests in, one after the other answered."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Protocol

import httptools

from ccconsole.emulator import http1
from ccconsole.emulator.exchange import Exchange
from ccconsole.emulator.guard import refusal
from ccconsole.emulator.routing import AFFINITY_COOKIE, Backend
from ccconsole.emulator.upstream import HIGH_WATER

MAX_HEAD_BYTES = 64 << 10
"""All of a request's head: the limit of Google's front ends."""
_MAX_PIPELINED = 8
_IDLE_SECONDS = 75.0
"""A connection without a whole request for so long is closed."""
_LINGER_SECONDS = 2.0
"""How long a refused client may go on sending before the connection is cut."""

NOT_FOUND = "No revision serves at this address yet, or its service was deleted."


class Address(Protocol):
    """What a listener knows of its service."""

    def backend(self, instance_id: str | None) -> Backend | None:
        """The revision for a request; `instance_id` is the one its affinity cookie names."""

    def began(self) -> None:
        """A request is served from now on."""

    def ended(self) -> None:
        """It is no more."""


class ClientConnection(asyncio.Protocol):
    """Parses requests and lets one exchange at a time write to the client."""

    def __init__(self, address: Address, on_close: Callable[[ClientConnection], None]) -> None:
        self.is_closing = False
        """Whether the connection ends with the response under way."""
        self.peer = ""
        self._address = address
        self._on_close = on_close
        self._transport: asyncio.Transport | None = None
        self._parser = httptools.HttpRequestParser(self)
        self._holders: set[object] = set()
        self._current: Exchange | None = None
        self._task: asyncio.Task[None] | None = None
        self._receiving: Exchange | None = None
        self._pipeline: deque[Exchange | tuple[int, str, bool]] = deque()
        self._timer: asyncio.TimerHandle | None = None
        self._is_lingering = False
        self._begin()

    def _begin(self) -> None:
        self._target = b""
        self._headers: http1.Headers = []
        self._head_bytes = 0
        self._is_in_head = True

    # From the transport.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        transport.set_write_buffer_limits(high=HIGH_WATER)
        self.peer = transport.get_extra_info("peername")[0]
        self._wait_for_request()

    def data_received(self, data: bytes) -> None:
        if self._is_lingering:
            return
        if self._is_in_head:
            self._head_bytes += len(data)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self.is_closing = True
        except (httptools.HttpParserError, ValueError):
            self._refuse(400, "The request is not HTTP/1.1.")
            return
        # The body may have come with the head; a head that is still incomplete has no such excuse.
        if self._is_in_head and self._head_bytes > MAX_HEAD_BYTES:
            self._refuse(431, f"The request's head is larger than {MAX_HEAD_BYTES >> 10} KiB.")

    def eof_received(self) -> None:
        """A client that closed its side is gone: Cloud Run's does not half-close either."""

    def connection_lost(self, exc: Exception | None) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if self._task is not None:
            self._task.cancel()
        self._on_close(self)

    def pause_writing(self) -> None:
        if self._current is not None:
            self._current.hold()

    def resume_writing(self) -> None:
        if self._current is not None:
            self._current.go_on()

    # From the parser.

    def on_message_begin(self) -> None:
        """httptools: a request starts."""
        self._begin()

    def on_url(self, url: bytes) -> None:
        """httptools: a part of the target."""
        self._target += url

    def on_header(self, name: bytes, value: bytes) -> None:
        """httptools: one header."""
        self._headers.append((name, value))

    def on_headers_complete(self) -> None:
        """httptools: the head is whole."""
        self._is_in_head = False
        head = http1.RequestHead(
            self._parser.get_method(),
            self._target,
            self._parser.get_http_version(),
            self._headers,
            is_keep_alive=self._parser.should_keep_alive(),
        )
        size = len(self._target) + sum(len(name) + len(value) + 4 for name, value in self._headers)
        if size > MAX_HEAD_BYTES:
            self._queue((431, f"The request's head is larger than {MAX_HEAD_BYTES >> 10} KiB.", False))
        elif (refused := refusal(head)) is not None:
            self._queue((*refused, head.method == b"HEAD"))
        elif (backend := self._address.backend(head.cookie(AFFINITY_COOKIE))) is None:
            self._queue((404, NOT_FOUND, head.method == b"HEAD"))
        else:
            self._receiving = Exchange(self, head, backend)
            self._queue(self._receiving)

    def on_body(self, body: bytes) -> None:
        """httptools: a part of a body, its own chunking taken off."""
        if self._receiving is not None:
            self._receiving.feed(body)

    def on_message_complete(self) -> None:
        """httptools: a request is whole."""
        if self._receiving is not None:
            self._receiving.end_body()
            self._receiving = None
        self._begin()

    # From the exchange.

    def write(self, data: bytes) -> None:
        """Send bytes of the response under way."""
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(data)

    def hold_reading(self, holder: object) -> None:
        """Read no more from the client until the holder releases it."""
        self._holders.add(holder)
        if self._transport is not None:
            self._transport.pause_reading()

    def release_reading(self, holder: object) -> None:
        """The holder takes more; reading goes on when no other holds."""
        self._holders.discard(holder)
        if not self._holders and self._transport is not None and not self._transport.is_closing():
            self._transport.resume_reading()

    def close_when_done(self) -> None:
        """Take no further request on this connection."""
        self.is_closing = True
        if self._current is None and self._transport is not None:
            self._transport.close()

    def close(self) -> None:
        """Close the connection, cancelling what is under way."""
        if self._transport is not None:
            self._transport.abort()

    # One request after the other.

    def _queue(self, item: Exchange | tuple[int, str, bool]) -> None:
        self._pipeline.append(item)
        if len(self._pipeline) > _MAX_PIPELINED:
            self.close()
        elif self._current is None:
            self._next()

    def _next(self) -> None:
        if not self._pipeline:
            self._wait_for_request()
            return
        if self._timer is not None:
            self._timer.cancel()
        item = self._pipeline.popleft()
        if isinstance(item, tuple):
            status, text, is_head = item
            self._refuse(status, text, is_head=is_head)
            return
        self._current = item
        self.is_closing = self.is_closing or not item.head.is_keep_alive
        self._address.began()
        self._task = item.start()
        self._task.add_done_callback(self._finished)

    def _finished(self, task: asyncio.Task[None]) -> None:
        exchange, self._current, self._task = self._current, None, None
        self._address.ended()
        if not task.cancelled() and (error := task.exception()) is not None:
            asyncio.get_running_loop().call_exception_handler(
                {"message": "A request ended in a bug of the emulator.", "exception": error, "task": task}
            )
            self.close()
        elif self._transport is None or self._transport.is_closing() or exchange is None:
            return
        elif not exchange.is_body_complete:
            self._linger()
        elif self.is_closing:
            self._transport.close()
        else:
            self._next()

    def _refuse(self, status: int, text: str, *, is_head: bool = False) -> None:
        if self._current is not None:
            self.close()
            return
        self.write(http1.answer(status, text, is_closing=True, is_head=is_head))
        self._linger()

    def _linger(self) -> None:
        # Closing with unread bytes would reset the connection and take the answer with it.
        self._is_lingering = True
        self._receiving = None
        self._holders.clear()
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write_eof()
            self._transport.resume_reading()
            self._arm(_LINGER_SECONDS)

    def _wait_for_request(self) -> None:
        self._arm(_IDLE_SECONDS)

    def _arm(self, seconds: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_later(seconds, self.close)

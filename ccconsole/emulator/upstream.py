"""The connection from the front end to an instance: one exchange, bytes passed on as they come, both ways.

Plain asyncio protocols, not streams over an ASGI server and an HTTP client: a chunk is on its way within the
callback that read it, a slow side stops the other by TCP, and a closed connection is known at once.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import httptools

from ccconsole.emulator import http1
from ccconsole.emulator.guard import MAX_BODY_BYTES

if TYPE_CHECKING:
    from ccconsole.emulator.exchange import Exchange

HIGH_WATER = 256 << 10
"""Bytes buffered towards a side that reads slowly before the other is paused."""


class Broken(Exception):
    """The instance closed the connection, or did not speak HTTP."""


class Upstream(asyncio.Protocol):
    """The connection to an instance, for one exchange."""

    def __init__(self, exchange: Exchange) -> None:
        self.transport: asyncio.Transport | None = None
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        """Done with the last byte of the response; fails with Broken."""
        self.is_head_sent = False
        self.status = 0
        self.sent_bytes = 0
        self._exchange = exchange
        self._parser = httptools.HttpResponseParser(self)
        self._reason = b""
        self._headers: http1.Headers = []
        self._is_chunked_out = False
        self._is_until_close = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        transport.set_write_buffer_limits(high=HIGH_WATER)

    def data_received(self, data: bytes) -> None:
        if self.done.done():
            return
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            self._break()

    def close(self) -> None:
        """Close the connection at once; the instance sees its client gone."""
        if self.transport is not None:
            self.transport.abort()
        if self.done.done() and not self.done.cancelled():
            self.done.exception()
        self.done.cancel()

    def pause_writing(self) -> None:
        self._exchange.client.hold_reading(self)

    def resume_writing(self) -> None:
        self._exchange.client.release_reading(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._exchange.client.release_reading(self)
        if self._is_until_close and exc is None:
            self.on_message_complete()
        else:
            self._break()

    def _break(self) -> None:
        if not self.done.done():
            self.done.set_exception(Broken())

    def on_status(self, status: bytes) -> None:
        """httptools: the reason phrase, perhaps in parts."""
        self._reason += status

    def on_header(self, name: bytes, value: bytes) -> None:
        """httptools: one header."""
        self._headers.append((name, value))

    def on_headers_complete(self) -> None:
        """httptools: the head is whole."""
        self.status = self._parser.get_status_code()
        if self.status < 200:
            return
        names = {name.lower(): value for name, value in self._headers}
        length = names.get(b"content-length")
        is_chunked = b"chunked" in names.get(b"transfer-encoding", b"").lower()
        is_bodiless = self._exchange.head.method == b"HEAD" or self.status in (204, 304)
        self._is_until_close = not (is_bodiless or is_chunked or length is not None)
        if length is not None and not is_bodiless and int(length) > MAX_BODY_BYTES:
            self._exchange.refuse_response()
            return
        self._is_chunked_out = self._exchange.send_head(
            self.status, self._reason, self._headers, is_sized=is_bodiless or length is not None
        )
        self.is_head_sent = True
        if is_bodiless:
            self._finish()

    def on_body(self, body: bytes) -> None:
        """httptools: a part of the body, its own chunking taken off."""
        if self.done.done() or not self.is_head_sent:
            return
        self.sent_bytes += len(body)
        self._exchange.client.write(b"%x\r\n%b\r\n" % (len(body), body) if self._is_chunked_out else body)

    def on_message_complete(self) -> None:
        """httptools: the response, or an informational one before it, is whole."""
        if self.status < 200:
            self._headers, self._reason = [], b""
            return
        if not self.done.done() and self.is_head_sent:
            if self._is_chunked_out:
                self._exchange.client.write(b"0\r\n\r\n")
            self._finish()

    def _finish(self) -> None:
        if not self.done.done():
            self.done.set_result(None)

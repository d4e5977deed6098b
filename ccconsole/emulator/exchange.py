"""One request and its response: a slot on an instance, the bytes both ways, the deadline, the end."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from ccconsole.emulator import http1
from ccconsole.emulator.guard import MAX_BODY_BYTES, TOO_LARGE
from ccconsole.emulator.instance import Instance
from ccconsole.emulator.pool import Unavailable
from ccconsole.emulator.ports import HOST
from ccconsole.emulator.routing import AFFINITY_COOKIE, AFFINITY_SECONDS, Backend
from ccconsole.emulator.upstream import HIGH_WATER, Broken, Upstream

if TYPE_CHECKING:
    from ccconsole.emulator.client import ClientConnection

TIMED_OUT = "upstream request timeout"
MALFORMED = (
    "The request failed because either the HTTP response was malformed or connection to the instance had an "
    "error."
)
CLIENT_CLOSED = 499
"""The status logged for a request whose client left before the response began."""
TOO_LARGE_RESPONSE = "Response size was too large. Please consider reducing response size."
"""What Cloud Run answers: https://cloud.google.com/run/docs/troubleshooting."""
_EXIT_SECONDS = 0.5
"""Between an instance's last closed socket and the news of its exit."""


class Exchange:
    """Lives from a request's head to its response's last byte; `run` it once."""

    def __init__(self, client: ClientConnection, head: http1.RequestHead, backend: Backend) -> None:
        self.client = client
        self.head = head
        self.is_body_complete = False
        self._backend = backend
        self._trace = http1.Trace.of(head)
        self._began = time.monotonic()
        self._status = 0
        self._instance: Instance | None = None
        self._upstream: Upstream | None = None
        self._waiting_body: list[bytes] = []
        self._waiting_bytes = 0
        self._body_bytes = 0
        self._task: asyncio.Task[None] | None = None

    def start(self) -> asyncio.Task[None]:
        """Serve the request in a task: it is done when the request is, and cancelled to give it up."""
        self._task = asyncio.create_task(self._run())
        return self._task

    async def _run(self) -> None:
        try:
            async with asyncio.timeout(self._backend.spec.timeout):
                await self._serve()
        except TimeoutError:
            self._fail(504, TIMED_OUT)
        except Unavailable as error:
            self._fail(error.status, error.text)
        except Broken:
            self._fail(503, MALFORMED)
        finally:
            self._close()

    def feed(self, body: bytes) -> None:
        """A part of the request's body."""
        self._body_bytes += len(body)
        if self._body_bytes > MAX_BODY_BYTES:
            self._give_up(413, TOO_LARGE)
        elif self._upstream is not None and self._upstream.transport is not None:
            self._send(self._upstream.transport, body)
        else:
            self._waiting_body.append(body)
            self._waiting_bytes += len(body)
            if self._waiting_bytes > HIGH_WATER:
                self.client.hold_reading(self)

    def end_body(self) -> None:
        """The request's body is whole."""
        self.is_body_complete = True
        if self._upstream is not None and self._upstream.transport is not None and self.head.is_chunked:
            self._upstream.transport.write(b"0\r\n\r\n")

    def hold(self) -> None:
        """The client reads slowly: read no more from the instance."""
        if self._upstream is not None and self._upstream.transport is not None:
            self._upstream.transport.pause_reading()

    def go_on(self) -> None:
        """The client caught up."""
        if self._upstream is not None and self._upstream.transport is not None:
            self._upstream.transport.resume_reading()

    def send_head(self, status: int, reason: bytes, headers: http1.Headers, *, is_sized: bool) -> bool:
        """Pass the response's head on; whether its body must be sent in chunks."""
        extra = self._trace.headers()[1:]
        is_chunked = not is_sized and self.head.version == "1.1"
        if is_chunked:
            extra.append((b"Transfer-Encoding", b"chunked"))
        if not is_sized and not is_chunked:
            self.client.is_closing = True
        if self.client.is_closing:
            extra.append((b"Connection", b"close"))
        if self._backend.spec.is_affine and self._instance is not None:
            cookie = f"{AFFINITY_COOKIE}={self._instance.id}; Max-Age={AFFINITY_SECONDS}; Path=/; HttpOnly"
            extra.append((b"Set-Cookie", cookie.encode()))
        self._status = status
        self.client.write(http1.response(status, reason, headers, extra))
        return is_chunked

    def refuse_response(self) -> None:
        """The instance announces a response larger than Cloud Run passes on."""
        self._give_up(500, TOO_LARGE_RESPONSE)

    async def _serve(self) -> None:
        upstream = await self._connect()
        if self.head.expects_continue and not self.is_body_complete:
            self.client.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        self._send_request(upstream)
        await upstream.done

    async def _connect(self) -> Upstream:
        affine = self.head.cookie(AFFINITY_COOKIE) if self._backend.spec.is_affine else None
        while True:
            instance = self._instance = await self._backend.pool.acquire(affine)
            try:
                upstream = await self._open(instance.port)
            except OSError as error:
                if not await _is_ending(instance):
                    raise Broken from error
                # Nothing was sent yet, so the request may go to another.
                self._instance = None
                self._backend.pool.release(instance)
            else:
                self._upstream = upstream
                return upstream

    async def _open(self, port: int) -> Upstream:
        upstream = Upstream(self)
        try:
            await asyncio.get_running_loop().create_connection(lambda: upstream, HOST, port)
        except (OSError, asyncio.CancelledError):
            upstream.close()
            raise
        return upstream

    def _send_request(self, upstream: Upstream) -> None:
        if upstream.transport is None:
            raise Broken
        upstream.transport.write(http1.request(self.head, self.client.peer, self._trace))
        for body in self._waiting_body:
            self._send(upstream.transport, body)
        if self.is_body_complete and self.head.is_chunked:
            upstream.transport.write(b"0\r\n\r\n")
        self._waiting_body.clear()
        self.client.release_reading(self)

    def _send(self, transport: asyncio.Transport, body: bytes) -> None:
        # After a lost connection nobody reads; writing on would only fill asyncio's log.
        if not transport.is_closing():
            transport.write(b"%x\r\n%b\r\n" % (len(body), body) if self.head.is_chunked else body)

    def _give_up(self, status: int, text: str) -> None:
        self._fail(status, text)
        if self._task is not None:
            self._task.cancel()

    def _fail(self, status: int, text: str) -> None:
        self.client.is_closing = True
        if self._status == 0:
            self._status = status
            is_head = self.head.method == b"HEAD"
            self.client.write(http1.answer(status, text, is_closing=True, is_head=is_head))
        self._backend.log.write("varlog/system", self._instance.id if self._instance else "", text)

    def _close(self) -> None:
        if self._upstream is not None:
            self._upstream.close()
        if self._instance is not None:
            self._backend.pool.release(self._instance)
        self.client.release_reading(self)
        status, seconds = self._status or CLIENT_CLOSED, time.monotonic() - self._began
        if self._instance is not None:  # Google leaves out what never reached one
            self._backend.meter.request_ended(status, seconds)
        fields = {
            "method": self.head.method.decode("latin-1"),
            "path": self.head.target.decode("latin-1"),
            "status": status,
            "seconds": seconds,
            "request_bytes": self._body_bytes,
            "response_bytes": self._upstream.sent_bytes if self._upstream is not None else 0,
            "trace": self._trace.trace,
            "span": self._trace.span,
            "host": (self.head.first(b"host") or b"").decode("latin-1"),
            "user_agent": (self.head.first(b"user-agent") or b"").decode("latin-1"),
            "remote_ip": self.client.peer,
            "protocol": f"HTTP/{self.head.version}",
        }
        text = f"{fields['method']} {fields['path']} {status} {seconds:.3f}s"
        self._backend.log.write("requests", self._instance.id if self._instance else "", text, fields)


async def _is_ending(instance: Instance) -> bool:
    """Whether an instance that refuses connections is one that just ended."""
    try:
        await asyncio.wait_for(instance.exited.wait(), _EXIT_SECONDS)
    except TimeoutError:
        return False
    return True

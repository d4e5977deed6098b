"""A stand-in for Cloud Storage on loopback, which can be made slow, closed or broken.

It speaks as much of the XML API as obstore uses of it (https://cloud.google.com/storage/docs/xml-api):
PUT, GET, HEAD, DELETE of an object, the precondition that it is not there, and listings page by page.
"""

from __future__ import annotations

import asyncio
import hashlib
import socket
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email.utils import formatdate
from typing import Any
from urllib.parse import parse_qs
from xml.sax.saxutils import escape

import uvicorn

PAGE = 50
"""Entries in one answer of a listing; Google's have 1000."""
_XML = {"content-type": "application/xml"}

Answer = tuple[int, dict[str, str], bytes]


@dataclass
class Bucket:
    """The objects, and how requests fare: `status` answers every one of them, `is_open` unset holds them."""

    host: str
    """What STORAGE_EMULATOR_HOST says."""
    objects: dict[str, bytes] = field(default_factory=dict)
    written: dict[str, float] = field(default_factory=dict)
    status: int | None = None
    is_open: asyncio.Event = field(default_factory=asyncio.Event)
    forgets_answers: int = 0
    """So many writes land and are answered with 500: their retry finds its own first try."""

    def answer(
        self, method: str, key: str, query: dict[str, list[str]], is_create: bool, body: bytes
    ) -> Answer:
        """The status, headers and body of one request."""
        if self.status is not None:
            return self.status, _XML, b"<Error><Code>AsTheTestWants</Code></Error>"
        if "list-type" in query:
            return 200, _XML, self._page({name: values[0] for name, values in query.items()})
        if method == "PUT":
            return self._put(key, is_create, body)
        if key not in self.objects:
            return 404, _XML, b"<Error><Code>NoSuchKey</Code></Error>"
        if method == "DELETE":
            del self.objects[key]
            return 204, {}, b""
        found = self.objects[key]
        headers = _marks(found) | {"last-modified": formatdate(self.written[key], usegmt=True)}
        return 200, headers | {"content-length": str(len(found))}, b"" if method == "HEAD" else found

    def plant(self, key: str, body: bytes) -> None:
        """Put an object down, whatever its name."""
        self.objects[key], self.written[key] = body, time.time()

    def _put(self, key: str, is_create: bool, body: bytes) -> Answer:
        if is_create and key in self.objects:
            return 412, _XML, b"<Error><Code>PreconditionFailed</Code></Error>"
        self.plant(key, body)
        if self.forgets_answers:
            self.forgets_answers -= 1
            return 500, {}, b""
        return 200, _marks(body), b""

    def _page(self, query: dict[str, str]) -> bytes:
        prefix, delimiter = query.get("prefix", ""), query.get("delimiter", "")
        after = query.get("continuation-token") or query.get("start-after", "")
        entries: dict[str, str] = {}
        last = after
        for key in sorted(key for key in self.objects if key.startswith(prefix)):
            if key <= last or len(entries) == PAGE:
                continue
            head, cut, _ = key[len(prefix) :].partition(delimiter or "\n")
            folder = f"{prefix}{head}{cut}"
            last = f"{folder}\uffff" if cut else key
            entries[last] = (
                f"<CommonPrefixes><Prefix>{escape(folder)}</Prefix></CommonPrefixes>"
                if cut
                else self._entry(key)
            )
        is_cut = any(key.startswith(prefix) and key > last for key in self.objects)
        more = f"<NextContinuationToken>{escape(last)}</NextContinuationToken>" if is_cut else ""
        said = f"<IsTruncated>{str(is_cut).lower()}</IsTruncated>{more}{''.join(entries.values())}"
        return f"<ListBucketResult>{said}</ListBucketResult>".encode()

    def _entry(self, key: str) -> str:
        at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(self.written[key]))
        body = self.objects[key]
        return (
            f"<Contents><Key>{escape(key)}</Key><LastModified>{at}</LastModified>"
            f"<ETag>{_marks(body)['etag']}</ETag><Size>{len(body)}</Size></Contents>"
        )


def _marks(body: bytes) -> dict[str, str]:
    return {"etag": f'"{hashlib.md5(body).hexdigest()}"', "x-goog-generation": "1"}


@asynccontextmanager
async def bucket(listener: socket.socket | None = None) -> AsyncIterator[Bucket]:
    """Serve the bucket called `bucket`, on a bound socket if one is given."""
    if listener is None:
        listener = socket.socket()
        listener.bind(("127.0.0.1", 0))
    found = Bucket(f"127.0.0.1:{listener.getsockname()[1]}")
    found.is_open.set()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        body, is_more = b"", True
        while is_more:
            message = await receive()
            body += message.get("body", b"")
            is_more = message.get("more_body", False)
        await found.is_open.wait()
        key = scope["path"].removeprefix("/bucket").removeprefix("/")
        is_create = dict(scope["headers"]).get(b"x-goog-if-generation-match") == b"0"
        query = parse_qs(scope["query_string"].decode(), keep_blank_values=True)
        status, sent, answer = found.answer(scope["method"], key, query, is_create, body)
        pairs = [(name.encode(), value.encode()) for name, value in sent.items()]
        await send({"type": "http.response.start", "status": status, "headers": pairs})
        await send({"type": "http.response.body", "body": answer})

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
        found.is_open.set()
        await server.shutdown([listener])

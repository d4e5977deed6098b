"""A bucket behind S3's XML API on loopback, which can be made slow, closed or broken."""

from __future__ import annotations

import asyncio
import hashlib
import re
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, unquote
from xml.sax.saxutils import escape

import uvicorn
from obstore.store import S3Store

from worker_service.store import Store

MODIFIED = "2026-01-01T00:00:00Z"


@dataclass
class Bucket:
    """The objects, and how requests fare: `status` answers every one of them, `is_open` unset holds them."""

    store: Store
    objects: dict[str, bytes] = field(default_factory=dict)
    status: int | None = None
    is_open: asyncio.Event = field(default_factory=asyncio.Event)
    puts: int = 0
    forgets_answers: int = 0
    """So many creates land and are answered with 500: their retry finds its own first try."""

    def answer(self, method: str, key: str, query: dict[str, list[str]], if_none: bool, body: bytes) -> Any:
        """The status, headers and body of one request."""
        if method == "PUT":
            self.puts += 1
            if if_none and key in self.objects:
                return 412, {}, b""
            self.objects[key] = body
            if self.forgets_answers:
                self.forgets_answers -= 1
                return 500, {}, b""
            return 200, {"etag": _etag(body)}, b""
        if method == "POST" and "delete" in query:
            gone = re.findall(rb"<Key>(.*?)</Key>", body)
            for name in gone:
                self.objects.pop(name.decode(), None)
            said = b"".join(b"<Deleted><Key>%s</Key></Deleted>" % name for name in gone)
            return 200, {"content-type": "application/xml"}, b"<DeleteResult>%s</DeleteResult>" % said
        if "list-type" in query:
            return 200, {"content-type": "application/xml"}, self._listing(query)
        if key not in self.objects:
            return 404, {}, b"<Error><Code>NoSuchKey</Code></Error>"
        found = self.objects[key]
        headers = {"etag": _etag(found), "last-modified": "Thu, 01 Jan 2026 00:00:00 GMT"}
        return 200, headers | {"content-length": str(len(found))}, b"" if method == "HEAD" else found

    def _listing(self, query: dict[str, list[str]]) -> bytes:
        prefix, after = query.get("prefix", [""])[0], query.get("start-after", [""])[0]
        delimiter = query.get("delimiter", [""])[0]
        entries, folders = [], set()
        for key in sorted(self.objects):
            if not key.startswith(prefix) or key <= after:
                continue
            rest = key[len(prefix) :]
            if delimiter and delimiter in rest:
                folders.add(prefix + rest.split(delimiter)[0] + delimiter)
                continue
            body = self.objects[key]
            entries.append(
                f"<Contents><Key>{escape(key)}</Key><LastModified>{MODIFIED}</LastModified>"
                f"<ETag>{_etag(body)}</ETag><Size>{len(body)}</Size></Contents>"
            )
        shown = "".join(
            f"<CommonPrefixes><Prefix>{name}</Prefix></CommonPrefixes>" for name in sorted(folders)
        )
        text = (
            f"<ListBucketResult><IsTruncated>false</IsTruncated>{''.join(entries)}{shown}</ListBucketResult>"
        )
        return text.encode()


def _etag(body: bytes) -> str:
    return f"&quot;{hashlib.md5(body).hexdigest()}&quot;".replace("&quot;", '"')


@asynccontextmanager
async def bucket() -> AsyncIterator[Bucket]:
    """A bucket of its own, and the store that reaches it over HTTP."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    found = Bucket(
        Store(
            S3Store(
                "bucket",
                prefix="prefix",
                endpoint=f"http://127.0.0.1:{listener.getsockname()[1]}",
                region="here",
                skip_signature=True,
                client_options={"allow_http": True},
                retry_config={"max_retries": 1},
            )
        )
    )
    found.is_open.set()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        body, is_more = b"", True
        while is_more:
            message = await receive()
            body += message.get("body", b"")
            is_more = message.get("more_body", False)
        await found.is_open.wait()
        key = unquote(scope["path"]).removeprefix("/bucket").lstrip("/")
        headers = dict(scope["headers"])
        query = parse_qs(scope["query_string"].decode(), keep_blank_values=True)
        status, sent, answer = (
            (found.status, {}, b"<Error><Code>Denied</Code></Error>")
            if found.status is not None
            else found.answer(scope["method"], key, query, b"if-none-match" in headers, body)
        )
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

"""HTTP/1.1 heads: what a proxy takes out, what Cloud Run's front end puts in."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from http import HTTPStatus

Headers = list[tuple[bytes, bytes]]
"""In order, names as they came."""

_HOP_BY_HOP = frozenset(
    [b"connection", b"keep-alive", b"proxy-connection", b"te", b"trailer", b"transfer-encoding", b"upgrade"]
)
"""RFC 9110, section 7.6.1: they concern one connection and are never passed on."""
_FORWARDED = frozenset([b"x-forwarded-for", b"x-forwarded-proto", b"forwarded"])
_TRACEPARENT = re.compile(rb"[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})")
_CLOUD_TRACE = re.compile(rb"([0-9a-fA-F]{32})(?:/(\d+))?(?:;o=(\d))?")


@dataclass(frozen=True)
class RequestHead:
    """A request up to its body; `version` is HTTP's, such as 1.1."""

    method: bytes
    target: bytes
    version: str
    headers: Headers
    is_keep_alive: bool

    def first(self, name: bytes) -> bytes | None:
        """The first header of that lower-case name."""
        return next((value for key, value in self.headers if key.lower() == name), None)

    def all(self, name: bytes) -> list[bytes]:
        """All headers of that lower-case name."""
        return [value for key, value in self.headers if key.lower() == name]

    @property
    def is_chunked(self) -> bool:
        """Whether the body comes in chunks."""
        return b"chunked" in (self.first(b"transfer-encoding") or b"").lower()

    @property
    def expects_continue(self) -> bool:
        """Whether the client holds its body back until it is asked for."""
        return (self.first(b"expect") or b"").lower() == b"100-continue"

    def cookie(self, name: str) -> str | None:
        """A cookie's value."""
        for header in self.all(b"cookie"):
            for pair in header.split(b";"):
                key, _, value = pair.strip().partition(b"=")
                if key.decode("latin-1") == name:
                    return value.decode("latin-1")
        return None


@dataclass(frozen=True)
class Trace:
    """A request's place in a trace: 32 and 16 hexadecimal digits."""

    trace: str
    span: str
    is_sampled: bool

    @classmethod
    def of(cls, head: RequestHead) -> Trace:
        """From traceparent, else X-Cloud-Trace-Context, else a new one."""
        if match := _TRACEPARENT.fullmatch(head.first(b"traceparent") or b""):
            return cls(match[1].decode(), match[2].decode(), bool(int(match[3], 16) & 1))
        if match := _CLOUD_TRACE.fullmatch(head.first(b"x-cloud-trace-context") or b""):
            span = f"{int(match[2] or 0) & ((1 << 64) - 1):016x}"
            return cls(match[1].decode().lower(), span, match[3] == b"1")
        return cls(secrets.token_hex(16), secrets.token_hex(8), is_sampled=True)

    def headers(self) -> Headers:
        """As traceparent and as X-Cloud-Trace-Context."""
        flag = 1 if self.is_sampled else 0
        return [
            (b"traceparent", f"00-{self.trace}-{self.span}-{flag:02x}".encode()),
            (b"X-Cloud-Trace-Context", f"{self.trace}/{int(self.span, 16)};o={flag}".encode()),
        ]


def _end_to_end(headers: Headers, dropped: Iterable[bytes] = ()) -> Headers:
    named = {
        word.strip().lower()
        for name, value in headers
        if name.lower() == b"connection"
        for word in value.split(b",")
    }
    gone = _HOP_BY_HOP | named | set(dropped)
    return [(name, value) for name, value in headers if name.lower() not in gone]


def _join(first: bytes, headers: Headers) -> bytes:
    return b"\r\n".join([first, *(b"%b: %b" % pair for pair in headers), b"", b""])


def request(head: RequestHead, peer: str, trace: Trace) -> bytes:
    """The head as the container receives it; `peer` is the client's address."""
    headers = _end_to_end(head.headers, [b"expect", b"http2-settings", *_FORWARDED])
    chain = [value.decode("latin-1") for value in head.all(b"x-forwarded-for")]
    headers += [
        (b"X-Forwarded-For", ", ".join([*chain, peer]).encode("latin-1")),
        (b"X-Forwarded-Proto", b"http"),
        (b"Forwarded", f'for="{peer}";proto=http'.encode()),
    ]
    present = {name.lower() for name, _ in headers}
    headers += [(name, value) for name, value in trace.headers() if name.lower() not in present]
    if head.is_chunked:
        headers.append((b"Transfer-Encoding", b"chunked"))
    return _join(b"%b %b HTTP/1.1" % (head.method, head.target), headers)


def response(status: int, reason: bytes, headers: Headers, extra: Headers) -> bytes:
    """A container's response head as the client receives it; `extra` goes last."""
    return _join(b"HTTP/1.1 %d %b" % (status, reason), _end_to_end(headers) + extra)


def answer(status: int, text: str, *, is_closing: bool, is_head: bool = False) -> bytes:
    """A whole response of the front end's own, in plain text."""
    body = f"{text}\n".encode()
    headers: Headers = [
        (b"Content-Type", b"text/plain; charset=utf-8"),
        (b"Content-Length", str(len(body)).encode()),
    ]
    if is_closing:
        headers.append((b"Connection", b"close"))
    first = f"HTTP/1.1 {status} {HTTPStatus(status).phrase}".encode()
    return _join(first, headers) + (b"" if is_head else body)

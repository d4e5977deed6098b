"""Which requests the front end answers itself."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

from ccconsole.emulator.http1 import RequestHead

MAX_BODY_BYTES = 32 << 20
"""HTTP/1 requests, and responses that are neither chunked nor streamed: https://cloud.google.com/run/quotas."""
TOO_LARGE = "The request is larger than 32 MiB, the most that Cloud Run takes over HTTP/1."


def is_loopback(host: str) -> bool:
    """Whether a host name or address, without its port, is this machine's own."""
    name = host.rstrip(".").lower()
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def _host(authority: str) -> str | None:
    try:
        parts = urlsplit(f"//{authority}")
        _ = parts.port
    except ValueError:
        return None
    return parts.hostname if parts.username is None and parts.path == "" else None


def refusal(head: RequestHead) -> tuple[int, str] | None:
    """The status and words to refuse a request to a service with; None: let it pass."""
    return outsider(head) or _unserved(head)


def outsider(head: RequestHead) -> tuple[int, str] | None:
    """The status and words to refuse a request with that a web page may have made; None: let it pass.

    The ports are open to every program of this machine, and so to every web page in its browser: a page must
    not run prompts, neither by its own name (a rebound Host) nor across sites.
    """
    hosts = head.all(b"host")
    if len(hosts) > 1 or (not hosts and head.version == "1.1"):
        return 400, "The request needs exactly one Host header."
    host = _host(hosts[0].decode("latin-1")) if hosts else "localhost"
    if host is None or not is_loopback(host):
        return 403, "The emulator answers only to this machine's own names: localhost or a loopback address."
    if (head.first(b"sec-fetch-site") or b"").lower() == b"cross-site":
        return 403, "The emulator refuses requests that a web page of another site makes."
    for origin in head.all(b"origin"):
        parts = urlsplit(origin.decode("latin-1"))
        if not parts.hostname or not is_loopback(parts.hostname):
            return 403, "The emulator refuses requests that a web page of another origin makes."
    return None


def _unserved(head: RequestHead) -> tuple[int, str] | None:
    if not head.target.startswith(b"/"):
        return 400, "The request target must be a path."
    if head.target.partition(b"?")[0] == b"/healthz":
        return 404, "Cloud Run's front end keeps /healthz to itself; serve /health/live or another path."
    if (head.first(b"upgrade") or b"").lower() == b"websocket":
        return 501, "The emulator does not carry WebSockets."
    length = head.first(b"content-length")
    if length is not None and int(length) > MAX_BODY_BYTES:
        return 413, TOO_LARGE
    return None

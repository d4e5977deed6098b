"""Who may talk to the worker: a bearer token, or, on this machine without one, no web page."""

from __future__ import annotations

import base64
import hmac
import re
from collections.abc import Mapping
from urllib.parse import urlsplit

from pydantic_core import from_json
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from worker_service import logs
from worker_service.problems import problem_response
from worker_service.refusals import Refused
from worker_service.settings import Settings, is_loopback

_PROBES = frozenset({"/health/live", "/health/ready"})
_HOST = re.compile(r"^(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9.-]+)(?::\d{1,5})?$")


class Guard:
    """An ASGI wrapper that lets in who may come in, and marks every answer with the instance's id."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app = app
        token = settings.worker_token
        self._token = token.get_secret_value().encode() if token else None
        self._keeps_browsers_out = settings.is_local and self._token is None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        trace = logs.trace_id(headers.get("traceparent"), headers.get("x-cloud-trace-context"))
        logs.current_trace.set(trace or "")
        instance_id = scope["app"].state.worker.pool.identity.instance_id

        async def marked(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message)["X-Worker-Instance"] = instance_id
            await send(message)

        refusal = None if scope["path"] in _PROBES else self._refusal(headers)
        if refusal is None:
            await self._app(scope, receive, marked)
        else:
            await problem_response(refusal.problem)(scope, receive, marked)

    def _refusal(self, headers: Headers) -> Refused | None:
        if self._token is not None:
            given = headers.get("authorization", "")
            scheme, _, value = given.partition(" ")
            if scheme.lower() == "bearer" and hmac.compare_digest(value.strip().encode(), self._token):
                return None
            return Refused(
                401, "unauthorized", "Send the worker's token: Authorization: Bearer <WORKER_TOKEN>."
            )
        if self._keeps_browsers_out and (why := _foreign(headers)) is not None:
            return Refused(403, "forbidden", f"{why} A web page may not use a worker on this machine.")
        return None


def _foreign(headers: Headers) -> str | None:
    """Why a request may come from a web page, so that a page cannot run prompts on this machine.

    A page of another site shows itself by Origin or Sec-Fetch-Site, and one whose name was made to point
    here (DNS rebinding) by Host.
    """
    host = headers.get("host", "")
    match = _HOST.match(host)
    name = match.group(1).lower() if match else ""
    if not is_loopback(name) and not name.endswith(".localhost"):
        return f"The Host header names {host[:100] or 'nothing'!r}, not this machine."
    if headers.get("sec-fetch-site", "none") not in ("none", "same-origin"):
        return "The request comes from another site."
    origin = headers.get("origin")
    if origin is not None and urlsplit(origin).netloc.lower() != host.lower():
        return "The request comes from another origin."
    return None


def caller(headers: Mapping[str, str]) -> str | None:
    """The e-mail address in the ID token that Cloud Run has let through; None without such a token.

    The signature is not checked here: Cloud Run's IAM check has done so, and takes the signature out. A
    service open to everybody gets what callers claim, so this names an actor and grants nothing.
    """
    for name in ("x-serverless-authorization", "authorization"):
        scheme, _, token = headers.get(name, "").partition(" ")
        parts = token.strip().split(".")
        if scheme.lower() == "bearer" and len(parts) == 3:
            try:
                claims = from_json(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
            except ValueError:
                continue
            email = claims.get("email") if isinstance(claims, dict) else None
            if isinstance(email, str) and email and email.isprintable():
                return email[:200]
    return None

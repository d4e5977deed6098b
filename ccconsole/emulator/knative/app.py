"""The HTTP face: its routes behind the guard against web pages, its failures in Google's words."""

from __future__ import annotations

from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from ccconsole.emulator.faults import Fault
from ccconsole.emulator.guard import outsider
from ccconsole.emulator.http1 import RequestHead
from ccconsole.emulator.knative import projects, transcoding
from ccconsole.emulator.knative.answers import TooLarge, error, failure
from ccconsole.emulator.knative.calls import Ask
from ccconsole.emulator.knative.rules import rules
from ccconsole.emulator.knative.serving import Regions, Serving


class _Guard:
    """Lets only this machine's own names in, as the ingress does."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        head = RequestHead(
            scope["method"].encode(),
            scope["raw_path"],
            scope["http_version"],
            scope["headers"],
            is_keep_alive=True,
        )
        refused = outsider(head)
        answer = self._app if refused is None else error(*refused)
        await answer(scope, receive, send)


def create_app(ask: Ask, regions: Regions) -> Starlette:
    """The application over the emulator's RPCs."""
    handlers: dict[Any, Any] = {Fault: _fault, TooLarge: _too_large, HTTPException: _unrouted}
    return Starlette(
        # IAM's verbs end in what the services' routes would take for a name, so they come first.
        routes=[*transcoding.routes(rules(), ask), projects.route(ask), *Serving(ask, regions).routes()],
        middleware=[Middleware(_Guard)],
        exception_handlers=handlers,
    )


async def _fault(_: Request, fault: Fault) -> Response:
    return failure(fault)


async def _too_large(_: Request, problem: TooLarge) -> Response:
    return error(413, str(problem))


async def _unrouted(request: Request, problem: HTTPException) -> Response:
    text = (
        f"The emulator does not answer {request.method} {request.url.path}; "
        "docs/fidelity.md lists what it does."
    )
    return error(problem.status_code, text)

"""JSON answers and Google's JSON errors."""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import Any

import grpc
from starlette.requests import Request
from starlette.responses import JSONResponse

from ccconsole.emulator.faults import Fault, Reason, invalid
from ccconsole.emulator.guard import MAX_BODY_BYTES, TOO_LARGE

_Code = grpc.StatusCode
_HTTP = {
    _Code.CANCELLED: 499,
    _Code.INVALID_ARGUMENT: 400,
    _Code.DEADLINE_EXCEEDED: 504,
    _Code.NOT_FOUND: 404,
    _Code.ALREADY_EXISTS: 409,
    _Code.PERMISSION_DENIED: 403,
    _Code.RESOURCE_EXHAUSTED: 429,
    _Code.FAILED_PRECONDITION: 400,
    _Code.ABORTED: 409,
    _Code.OUT_OF_RANGE: 400,
    _Code.UNIMPLEMENTED: 501,
    _Code.UNAVAILABLE: 503,
    _Code.UNAUTHENTICATED: 401,
}
"""The mapping in google/rpc/code.proto; all others are 500."""


class TooLarge(Exception):
    """The request's body is larger than Cloud Run takes."""


def error(status: int, message: str, name: str = "", reason: Reason | None = None) -> JSONResponse:
    """Google's error object; `name` is the code's, such as NOT_FOUND."""
    body: dict[str, Any] = {"code": status, "message": message, "status": name or HTTPStatus(status).name}
    if reason is not None:
        detail = {"reason": reason.reason, "domain": reason.domain, "metadata": dict(reason.metadata)}
        body["details"] = [{"@type": "type.googleapis.com/google.rpc.ErrorInfo", **detail}]
    return JSONResponse({"error": body}, status)


def failure(fault: Fault) -> JSONResponse:
    """A fault as Google's error object."""
    return error(_HTTP.get(fault.code, 500), fault.message, fault.code.name, fault.reason)


def code_of(number: int) -> grpc.StatusCode:
    """A status code by its number in google.rpc.Code."""
    return next((code for code in _Code if code.value[0] == number), _Code.UNKNOWN)


async def read_body(request: Request) -> dict[str, Any]:
    """The JSON object that was sent, empty for no body; raises INVALID_ARGUMENT, TooLarge."""
    raw = bytearray()
    async for part in request.stream():
        raw += part
        if len(raw) > MAX_BODY_BYTES:
            raise TooLarge(TOO_LARGE)
    try:
        body = json.loads(raw) if raw else {}
    except ValueError as problem:
        raise invalid(f"Invalid JSON payload received. {problem}") from problem
    if not isinstance(body, dict):
        raise invalid("Invalid JSON payload received. An object is expected.")
    return body

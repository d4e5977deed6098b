"""Request bodies: read with a limit, JSON whatever the content type says, checked with a field's name."""

from __future__ import annotations

import hashlib
from typing import Any, TypeVar
from uuid import uuid4

from fastapi import Request
from pydantic import BaseModel, ValidationError
from pydantic_core import from_json, to_json
from starlette.requests import ClientDisconnect

from worker_service import refusals
from worker_service.layout import is_task_id
from worker_service.wire import MAX_PROMPT_BYTES, RunRequest

MAX_BODY_BYTES = 8 << 20
"""A prompt of the largest size with every byte escaped as \\u00xx, and room for the rest."""

_Model = TypeVar("_Model", bound=BaseModel)


async def read_object(request: Request) -> dict[str, Any]:
    """The body as a JSON object.

    Raises:
        Refused: too large (413), or not a JSON object (400).
    """
    declared = request.headers.get("content-length", "")
    if declared.isdigit() and int(declared) > MAX_BODY_BYTES:
        raise _too_large()
    body = bytearray()
    try:
        async for chunk in request.stream():
            body += chunk
            if len(body) > MAX_BODY_BYTES:
                raise _too_large()
    except ClientDisconnect:
        raise refusals.invalid("body", "ended early") from None
    if not body.strip():
        raise refusals.invalid("body", "is empty; a JSON object is expected")
    try:
        found = from_json(bytes(body), allow_inf_nan=False)
    except ValueError as error:
        raise refusals.invalid("body", f"is not JSON: {error}") from None
    if not isinstance(found, dict):
        raise refusals.invalid("body", "is not a JSON object")
    return found


def checked(model: type[_Model], fields: dict[str, Any]) -> _Model:
    """`fields` as a message of this kind.

    Raises:
        Refused: a field is missing or wrong; all such fields are named.
    """
    try:
        # As JSON, where strict means that a number is one, and not that an enumeration's word is none; what
        # is no finite number, which Python makes of 1e999, becomes a word.
        return model.model_validate_json(to_json(fields, inf_nan_mode="strings"), strict=True)
    except ValidationError as error:
        details = [
            {"field": ".".join(map(str, item["loc"])) or "body", "message": item["msg"]}
            for item in error.errors(include_input=False, include_url=False)
        ]
        said = "; ".join(f"{item['field']}: {item['message']}" for item in details)
        raise refusals.Refused(400, "invalid_request", said, details=details) from None


def run_request(fields: dict[str, Any]) -> tuple[RunRequest, list[str]]:
    """The request, and the names of the fields that mean nothing to this worker.

    Raises:
        Refused: a field is missing, wrong, or too large.
    """
    request = checked(RunRequest, fields)
    size = len(request.prompt.encode())
    if size > MAX_PROMPT_BYTES:
        message = f"is {size} bytes long; at most {MAX_PROMPT_BYTES} are taken"
        raise refusals.invalid("prompt", message, status=413)
    if request.metadata is not None and not _is_readable_within(request.metadata):
        raise refusals.invalid("metadata", "is nested too deeply")
    known = {info.alias for info in RunRequest.model_fields.values()} | set(RunRequest.model_fields)
    return request, sorted(name[:100] for name in fields if name not in known)[:100]


def task_id(request: RunRequest, *, path_id: str | None = None, key: str | None = None) -> str:
    """The id of the task a request asks for: its path's, its Idempotency-Key's, its own, or a fresh one.

    Raises:
        Refused: two of them differ, or the path's is no task id.
    """
    if path_id is not None and not is_task_id(path_id):
        raise refusals.invalid(
            "taskId", "1 to 128 letters, digits, '.', '_' or '-', the first no punctuation"
        )
    if path_id is not None and request.task_id not in (None, path_id):
        raise refusals.invalid("taskId", f"is {request.task_id}, but the path says {path_id}")
    if (chosen := path_id or request.task_id) is not None:
        return chosen
    if key is not None and (key := key.strip().strip('"')):
        return (
            key
            if is_task_id(key)
            else f"key-{hashlib.sha256(key.encode('utf-8', 'replace')).hexdigest()[:32]}"
        )
    return str(uuid4())


def _is_readable_within(metadata: dict[str, Any]) -> bool:
    """Whether the parser, which bounds the depth, also reads it inside a task's summary and its events."""
    try:
        from_json(to_json({"result": {"metadata": metadata}}))
    except ValueError:
        return False
    return True


def _too_large() -> refusals.Refused:
    return refusals.invalid("body", f"at most {MAX_BODY_BYTES} bytes are taken", status=413)

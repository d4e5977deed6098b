"""What the routes' OpenAPI description says where the framework cannot read it from the code."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from worker_service import __version__
from worker_service.problems import MEDIA_TYPE
from worker_service.wire import Control, Problem, RunRequest, TaskResult, TaskSummary

_REF = "#/components/schemas/"
_MODELS: tuple[type[BaseModel], ...] = (RunRequest, TaskResult, TaskSummary, Control, Problem)
_EVENT_STREAM = {
    "schema": {"type": "string"},
    "example": 'id: 3\nevent: output\ndata: {"taskId":"t","seq":3,"ts":0,"data":"hi","encoding":"utf-8",'
    '"offset":0,"length":2}\n\n',
}

Responses = dict[int | str, dict[str, Any]]


def _json(name: str) -> dict[str, Any]:
    return {"application/json": {"schema": {"$ref": _REF + name}}}


def _problems(**codes: str) -> Responses:
    content = {MEDIA_TYPE: {"schema": {"$ref": _REF + "Problem"}}}
    return {code.removeprefix("_"): {"description": text, "content": content} for code, text in codes.items()}


def _body(name: str, *, is_required: bool) -> dict[str, Any]:
    return {"requestBody": {"required": is_required, "content": _json(name)}}


_UNKNOWN = {"_404": "No such task", "_503": "The store does not answer"}

NOT_READY: Responses = _problems(_503="Draining")
RUN_BODY = _body("RunRequest", is_required=True)
RUN: Responses = {
    200: {
        "description": "The events as they come (Accept: text/event-stream), else the result at the end; a "
        "failed task is a 200 too",
        "content": {**_json("TaskResult"), "text/event-stream": _EVENT_STREAM},
    },
    **_problems(
        _400="A field is missing or wrong",
        _409="Another prompt has this id, or another task the workspace",
        _413="The prompt or the body is too large",
        _429="As many tasks run as may",
        _503="Draining, or the store does not answer",
    ),
}
TASKS: Responses = {
    200: {
        "description": "The tasks",
        "content": {
            "application/json": {
                "schema": {
                    "type": "object",
                    "required": ["tasks"],
                    "properties": {"tasks": {"type": "array", "items": {"$ref": _REF + "TaskSummary"}}},
                }
            }
        },
    },
    **_problems(_503="The store does not answer"),
}
TASK: Responses = {200: {"description": "The task", "content": _json("TaskSummary")}, **_problems(**_UNKNOWN)}
EVENTS: Responses = {
    200: {"description": "The events", "content": {"text/event-stream": _EVENT_STREAM}},
    204: {"description": "The task has ended and nothing follows"},
    **_problems(_400="No such number", **_UNKNOWN),
}
TRANSCRIPT: Responses = {
    200: {
        "description": "The transcript; as an asciicast (v2) with markers for all that is no output",
        "content": {
            kind: {"schema": {"type": "string"}}
            for kind in ("text/plain", "application/x-ndjson", "application/x-asciicast")
        },
    },
    **_problems(_400="No such format", **_UNKNOWN),
}
CONTROL: dict[str, Any] = {
    "openapi_extra": _body("Control", is_required=False),
    "responses": {
        200: {"description": "Done: the task runs here", "content": {"application/json": {}}},
        202: {
            "description": "Put into the task's mailbox: it runs elsewhere",
            "content": {"application/json": {}},
        },
        **_problems(
            _400="A field is missing or wrong",
            _404="No such task",
            _409="The task has ended, or cannot do this",
            _501="The task is not here, and there is no store",
            _503="The store does not answer",
        ),
    },
}


def install(app: FastAPI) -> None:
    """Give `app` its description: our messages instead of the framework's validation answer."""

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _described(app)
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]


def _described(app: FastAPI) -> dict[str, Any]:
    found = get_openapi(title="ccconsole worker", version=__version__, routes=app.routes)
    _, definitions = models_json_schema(
        [(model, "validation") for model in _MODELS], ref_template=_REF + "{model}"
    )
    schemas = found.setdefault("components", {}).setdefault("schemas", {})
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    schemas |= definitions["$defs"]
    for path in found["paths"].values():
        for operation in path.values():
            operation["responses"].pop("422", None)
    # The `action` of a command is its path's.
    schemas["Control"]["required"] = []
    return found

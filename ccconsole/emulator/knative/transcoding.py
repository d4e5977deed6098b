"""APIs whose HTTP face is their RPCs in protobuf's JSON, by the rules of google/api/http.proto."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

from google.cloud.logging_v2.types.logging import (
    ListLogEntriesRequest,
    ListLogEntriesResponse,
    ListLogsRequest,
    ListLogsResponse,
    WriteLogEntriesRequest,
    WriteLogEntriesResponse,
)
from google.iam.v1 import iam_policy_pb2, policy_pb2
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from ccconsole.emulator.faults import invalid
from ccconsole.emulator.knative import annotations as a
from ccconsole.emulator.knative.answers import read_body
from ccconsole.emulator.knative.calls import Ask, Json, to_json, to_message

_LOGGING = "/google.logging.v2.LoggingServiceV2/"
_EVERY_CALL = frozenset(["alt", "$alt", "key", "fields", "prettyPrint", "$.xgafv", "quotaUser", "uploadType"])
"""Query parameters of every Google API, which say nothing about the request itself."""


@dataclass(frozen=True)
class Rule:
    """One binding; `path` is Starlette's, its parameters are the request's fields."""

    method: str
    path: str
    rpc: str
    request: type[Message]
    response: type[Message]
    body: str = ""
    """The request's field that the body is; `*`: the whole request; empty: there is no body."""


def rules() -> list[Rule]:
    """What gcloud calls."""
    return [
        Rule(
            "POST",
            "/v2/entries:list",
            f"{_LOGGING}ListLogEntries",
            ListLogEntriesRequest.pb(),
            ListLogEntriesResponse.pb(),
            "*",
        ),
        Rule(
            "POST",
            "/v2/entries:write",
            f"{_LOGGING}WriteLogEntries",
            WriteLogEntriesRequest.pb(),
            WriteLogEntriesResponse.pb(),
            "*",
        ),
        Rule(
            "GET",
            "/v2/{parent:path}/logs",
            f"{_LOGGING}ListLogs",
            ListLogsRequest.pb(),
            ListLogsResponse.pb(),
        ),
        *_policies("/v1/{resource:path}", "/google.cloud.run.v2.Services/"),
    ]


def _policies(resource: str, service: str) -> list[Rule]:
    """IAM's three verbs on a resource."""
    return [
        Rule(
            "GET",
            f"{resource}:getIamPolicy",
            f"{service}GetIamPolicy",
            iam_policy_pb2.GetIamPolicyRequest,
            policy_pb2.Policy,
        ),
        Rule(
            "POST",
            f"{resource}:setIamPolicy",
            f"{service}SetIamPolicy",
            iam_policy_pb2.SetIamPolicyRequest,
            policy_pb2.Policy,
            "*",
        ),
        Rule(
            "POST",
            f"{resource}:testIamPermissions",
            f"{service}TestIamPermissions",
            iam_policy_pb2.TestIamPermissionsRequest,
            iam_policy_pb2.TestIamPermissionsResponse,
            "*",
        ),
    ]


def routes(found: Sequence[Rule], ask: Ask) -> list[Route]:
    """The rules as routes."""
    return [Route(rule.path, _answer(rule, ask), methods=[rule.method]) for rule in found]


def _answer(rule: Rule, ask: Ask) -> Callable[[Request], Awaitable[Response]]:
    async def answer(request: Request) -> Response:
        message = to_message(await _request(rule, request), rule.request)
        return JSONResponse(to_json(rule.response.FromString(await ask(rule.rpc, message))))

    return answer


async def _request(rule: Rule, request: Request) -> Json:
    body = await read_body(request) if rule.body else {}
    found: Json = body if rule.body in ("*", "") else {rule.body: body}
    descriptor = rule.request.DESCRIPTOR
    for path, text in request.query_params.multi_items():
        if path in _EVERY_CALL:
            continue
        field = _field(descriptor, path)
        value = _value(field, text)
        if field.is_repeated:
            value = [*(a.get(found, path) or []), value]
        a.put(found, path, value)
    return found | request.path_params


def _field(descriptor: Any, path: str) -> FieldDescriptor:
    field: FieldDescriptor | None = None
    inner = descriptor
    for name in path.split("."):
        fields = inner.fields if inner is not None else []
        field = next((each for each in fields if name in (each.name, each.json_name)), None)
        if field is None:
            raise invalid(
                f'Invalid JSON payload received. Unknown name "{path}": Cannot bind query parameter.'
            )
        inner = field.message_type
    assert field is not None
    return field


def _value(field: FieldDescriptor, text: str) -> Any:
    if field.type != FieldDescriptor.TYPE_BOOL:
        return text
    if text.lower() not in ("true", "false"):
        raise invalid(f"Invalid value at '{field.name}' (TYPE_BOOL), \"{text}\"")
    return text.lower() == "true"

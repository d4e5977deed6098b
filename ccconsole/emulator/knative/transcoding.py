"""HTTP requests as RPCs in protobuf's JSON, by the rules of google/api/http.proto."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from google.protobuf.descriptor import FieldDescriptor
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Match, Route
from starlette.types import Scope

from ccconsole.emulator.faults import invalid
from ccconsole.emulator.knative import annotations as a
from ccconsole.emulator.knative.answers import read_body
from ccconsole.emulator.knative.calls import Ask, Json, to_json, to_message
from ccconsole.emulator.knative.rules import ALL, Rule

_EVERY_CALL = frozenset(["alt", "$alt", "key", "fields", "prettyPrint", "$.xgafv", "quotaUser", "uploadType"])
"""Query parameters of every Google API, which say nothing about the request itself."""


class _RuleRoute(Route):
    """A route whose path is a rule's pattern: resource names hold slashes, which Starlette's words do not."""

    def __init__(self, rule: Rule, endpoint: Callable[[Request], Awaitable[Response]]) -> None:
        super().__init__("/", endpoint, methods=[rule.method])
        self._rule = rule

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        match = self._rule.pattern.fullmatch(scope["path"])
        if match is None or scope["method"] != self._rule.method:
            return Match.NONE, {}
        return Match.FULL, {"endpoint": self.endpoint, "path_params": match.groupdict()}


def routes(found: Sequence[Rule], ask: Ask) -> list[BaseRoute]:
    """The rules as routes."""
    return [_RuleRoute(rule, _answer(rule, ask)) for rule in found]


def _answer(rule: Rule, ask: Ask) -> Callable[[Request], Awaitable[Response]]:
    async def answer(request: Request) -> Response:
        asked, answered = rule.kinds
        message = to_message(await _request(rule, request), asked)
        return JSONResponse(to_json(answered.FromString(await ask(rule.rpc, message))))

    return answer


async def _request(rule: Rule, request: Request) -> Json:
    body = await read_body(request) if rule.body else {}
    found: Json = body if rule.body in (ALL, "") else {rule.body: body}
    descriptor = rule.kinds[0].DESCRIPTOR
    for path, text in request.query_params.multi_items():
        if path in _EVERY_CALL:
            continue
        field = _field(descriptor, path)
        value = _value(field, text)
        if field.is_repeated:
            value = [*(a.get(found, path) or []), value]
        a.put(found, path, value)
    for name, value in request.path_params.items():
        a.put(found, name.replace("__", "."), value)
    return found


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

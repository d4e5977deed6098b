"""Google's log entries as values of the model."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from functools import lru_cache
from sys import intern
from types import MappingProxyType
from typing import Any
from urllib.parse import unquote

from ccconsole.model.logs import HttpRequest, LogEntry, Severity

_RUN = "run.googleapis.com/"
_NAMES = {"varlog/system": "system"}
_NO_LABELS: Mapping[str, str] = MappingProxyType({})
TASK_LABEL = "task_id"
"""The label that the worker puts on the lines of a task."""


def log_entry(raw: Any, environment: str) -> LogEntry:
    """The entry of a raw protobuf LogEntry; the wrapper's attribute access costs twice as much."""
    resource = raw.resource.labels
    labels = {intern(name): intern(value) for name, value in raw.labels.items()}
    payload = _plain(raw.json_payload) if raw.HasField("json_payload") else None
    http = _http(raw.http_request) if raw.HasField("http_request") else None
    return LogEntry(
        environment=environment,
        region=intern(resource["location"]),
        service=intern(resource["service_name"]),
        revision=intern(resource["revision_name"]),
        instance_id=labels.pop("instanceId", ""),
        severity=Severity.of(raw.severity),
        timestamp=seconds(raw.timestamp),
        received_at=seconds(raw.receive_timestamp),
        insert_id=raw.insert_id,
        log=_log(raw.log_name),
        text=_text(raw, payload, http),
        payload=payload,
        trace=intern(raw.trace.rpartition("/")[2]),
        task_id=labels.pop(TASK_LABEL, ""),
        labels=labels or _NO_LABELS,
        http=http,
    )


def key(raw: Any) -> tuple[int, int, str, str]:
    """What tells one entry from another: https://cloud.google.com/logging/docs/reference/v2/rest/v2/LogEntry."""
    return (raw.timestamp.seconds, raw.timestamp.nanos, raw.insert_id, raw.log_name)


@lru_cache(maxsize=1024)
def _log(name: str) -> str:
    found = unquote(name.partition("/logs/")[2]).removeprefix(_RUN)
    return intern(_NAMES.get(found, found))


def _text(raw: Any, payload: dict[str, Any] | None, http: HttpRequest | None) -> str:
    if raw.text_payload:
        return str(raw.text_payload).rstrip("\n")
    if payload is not None:
        message = payload.get("message")
        if isinstance(message, str) and message:
            return message.rstrip("\n")
        return json.dumps(payload, ensure_ascii=False, separators=(",", ":"))
    if http is not None:
        took = "" if http.latency is None else f" {http.latency:.3f}s"
        return f"{http.method} {http.url} {http.status or '-'}{took}"
    if raw.HasField("proto_payload"):
        return str(raw.proto_payload.type_url.rpartition("/")[2])
    return ""


def _http(raw: Any) -> HttpRequest:
    return HttpRequest(
        method=raw.request_method,
        url=raw.request_url,
        status=raw.status,
        latency=seconds(raw.latency) if raw.HasField("latency") else None,
        request_bytes=raw.request_size,
        response_bytes=raw.response_size,
        user_agent=raw.user_agent,
        remote_ip=raw.remote_ip,
        protocol=raw.protocol,
    )


def seconds(raw: Any) -> float:
    """A Timestamp since the epoch, or a Duration."""
    return float(raw.seconds + raw.nanos / 1e9)


def _plain(struct: Any) -> dict[str, Any]:
    return {key: _value(value) for key, value in struct.fields.items()}


def _value(value: Any) -> Any:
    kind = value.WhichOneof("kind")
    if kind == "struct_value":
        return _plain(value.struct_value)
    if kind == "list_value":
        return [_value(item) for item in value.list_value.values]
    if kind == "number_value":
        number = value.number_value
        if not math.isfinite(number):
            return str(number)  # JSON has no such number
        return int(number) if number.is_integer() else number
    return None if kind in (None, "null_value") else getattr(value, kind)

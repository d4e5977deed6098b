"""What Cloud Run makes of a line, a request and its own events: raw LogEntry messages."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from google.logging.type.log_severity_pb2 import LogSeverity
from google.protobuf import json_format

from ccconsole.emulator.faults import Fault
from ccconsole.emulator.logging.filter import parse_time
from ccconsole.emulator.logging.store import RawEntry

_LABELS = "logging.googleapis.com/labels"
_SPECIAL = {
    "logging.googleapis.com/trace": "trace",
    "logging.googleapis.com/spanId": "span_id",
    "logging.googleapis.com/insertId": "insert_id",
}
"""https://cloud.google.com/logging/docs/structured-logging#special-payload-fields."""
_MESSAGES = {
    "httpRequest": "http_request",
    "logging.googleapis.com/operation": "operation",
    "logging.googleapis.com/sourceLocation": "source_location",
}
_ALIASES = {
    "WARN": "WARNING",
    "ERR": "ERROR",
    "FATAL": "CRITICAL",
    "TRACE": "DEBUG",
    "CRIT": "CRITICAL",
    "EMERG": "EMERGENCY",
}
_SEVERITIES = frozenset(LogSeverity.keys())
_MAX_SKEW = 24 * 3600 * 10**9
"""Nanoseconds: Cloud Logging refuses entries further in the future."""


@dataclass(frozen=True)
class Source:
    """A revision: the monitored resource of its entries."""

    project: str
    location: str
    service: str
    revision: str


def output(source: Source, log: str, instance: str, text: str, now: int) -> Any:
    """The entry of one line of a container's output; `log` is stdout or stderr, `now` in nanoseconds."""
    entry = _entry(source, log, instance, now)
    payload = _json(text)
    if payload is not None:
        structured = RawEntry()
        structured.CopyFrom(entry)
        try:
            _lift(structured, payload, now)
            json_format.ParseDict(payload, structured.json_payload)
        except (json_format.ParseError, OverflowError, ValueError):
            pass  # numbers and characters that JSON can write and a protobuf cannot hold
        else:
            return structured
    entry.text_payload = text
    return entry


def request(source: Source, instance: str, facts: Mapping[str, Any], now: int) -> Any:
    """The entry of a request that just ended; its timestamp is when it began."""
    entry = _entry(source, "requests", instance, now - int(facts["seconds"] * 1e9))
    status = int(facts["status"])
    entry.severity = LogSeverity.Value("ERROR" if status >= 500 else "WARNING" if status >= 400 else "INFO")
    http = entry.http_request
    http.request_method = facts["method"]
    http.request_url = f"http://{facts.get('host') or 'localhost'}{facts['path']}"
    http.status = status
    http.request_size = facts["request_bytes"]
    http.response_size = facts["response_bytes"]
    http.user_agent = facts.get("user_agent", "")
    http.remote_ip = facts.get("remote_ip", "")
    http.protocol = facts.get("protocol", "")
    http.latency.FromNanoseconds(int(facts["seconds"] * 1e9))
    if facts.get("trace"):
        entry.trace = f"projects/{source.project}/traces/{facts['trace']}"
    entry.span_id = facts.get("span", "")
    return entry


def event(source: Source, instance: str, text: str, now: int) -> Any:
    """The entry of something Cloud Run itself says of an instance."""
    entry = _entry(source, "varlog/system", instance, now)
    entry.severity = LogSeverity.Value("INFO")
    entry.text_payload = text
    return entry


def _entry(source: Source, log: str, instance: str, now: int) -> Any:
    name = log.replace("/", "%2F")
    entry = RawEntry(log_name=f"projects/{source.project}/logs/run.googleapis.com%2F{name}")
    entry.resource.type = "cloud_run_revision"
    entry.resource.labels.update(
        project_id=source.project,
        location=source.location,
        service_name=source.service,
        revision_name=source.revision,
        configuration_name=source.service,
    )
    if instance:
        entry.labels["instanceId"] = instance
    entry.timestamp.FromNanoseconds(now)
    return entry


def _json(text: str) -> dict[str, Any] | None:
    """A line that is one JSON object; anything else is plain text, as are numbers JSON does not know."""
    if not text.lstrip().startswith("{"):
        return None
    try:
        found = json.loads(text, parse_constant=_refuse, parse_float=_finite)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) and _depth(found) < 90 else None


def _refuse(constant: str) -> float:
    raise ValueError(f"{constant} is not JSON")


def _finite(digits: str) -> float:
    number = float(digits)
    return number if math.isfinite(number) else _refuse(digits)


def _depth(value: Any, depth: int = 0) -> int:
    """How deep a JSON value goes; protobuf messages end at 100."""
    if depth > 90 or not isinstance(value, dict | list):
        return depth
    items = value.values() if isinstance(value, dict) else value
    return max((_depth(item, depth + 1) for item in items), default=depth)


def _lift(entry: Any, payload: dict[str, Any], now: int) -> None:
    """Move the special fields from the payload into the entry; one with an unfit value stays."""
    severity = _severity(payload.get("severity"))
    if severity is not None:
        entry.severity = severity
        del payload["severity"]
    for key, field in _SPECIAL.items():
        if isinstance(payload.get(key), str):
            setattr(entry, field, payload.pop(key))
    if isinstance(payload.get("logging.googleapis.com/trace_sampled"), bool):
        entry.trace_sampled = payload.pop("logging.googleapis.com/trace_sampled")
    labels = payload.get(_LABELS)
    if isinstance(labels, dict) and all(isinstance(value, str) for value in labels.values()):
        entry.labels.update(payload.pop(_LABELS))
    for key, field in _MESSAGES.items():
        _lift_message(entry, payload, key, field)
    _lift_time(entry, payload, now)


def _lift_message(entry: Any, payload: dict[str, Any], key: str, field: str) -> None:
    value = payload.get(key)
    if not isinstance(value, dict):
        return
    try:
        json_format.ParseDict(value, getattr(entry, field), ignore_unknown_fields=True)
    except json_format.ParseError:
        entry.ClearField(field)
    else:
        getattr(entry, field).SetInParent()
        del payload[key]


def _lift_time(entry: Any, payload: dict[str, Any], now: int) -> None:
    value = payload.get("time")
    if not isinstance(value, str):
        return
    try:
        moment = parse_time(value)
    except Fault:
        return
    if moment <= now + _MAX_SKEW:
        entry.timestamp.FromNanoseconds(moment)
        del payload["time"]


def _severity(value: Any) -> int | None:
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= 800:
        return value // 100 * 100
    if not isinstance(value, str):
        return None
    name = _ALIASES.get(value.upper(), value.upper())
    return int(LogSeverity.Value(name)) if name in _SEVERITIES else None

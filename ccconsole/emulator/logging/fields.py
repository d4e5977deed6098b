"""The fields of a LogEntry as filters name them, and the values they hold."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any

from google.protobuf.struct_pb2 import Struct, Value

from ccconsole.emulator.faults import invalid


class Kind(Enum):
    """How a field's value is compared."""

    TEXT = auto()
    NUMBER = auto()
    FLAG = auto()
    TIME = auto()
    """Nanoseconds since the epoch."""
    SEVERITY = auto()
    DYNAMIC = auto()
    """Whatever a JSON payload holds."""
    MESSAGE = auto()
    """A message or a map: only its presence and its keys can be asked for."""


MISSING: Any = object()
"""In place of a value: a payload or a label that the entry does not have."""

Read = Callable[[Any], Any]


@dataclass(frozen=True)
class Field:
    """One field: its kind, and how it is read from a raw LogEntry."""

    kind: Kind
    read: Read


def nanoseconds(stamp: Any) -> int:
    """A protobuf Timestamp or Duration."""
    return int(stamp.seconds) * 1_000_000_000 + int(stamp.nanos)


_NAMES = ("log_name", "text_payload", "insert_id", "trace", "span_id")
_REQUEST = {
    "requestmethod": ("request_method", Kind.TEXT),
    "requesturl": ("request_url", Kind.TEXT),
    "requestsize": ("request_size", Kind.NUMBER),
    "status": ("status", Kind.NUMBER),
    "responsesize": ("response_size", Kind.NUMBER),
    "useragent": ("user_agent", Kind.TEXT),
    "remoteip": ("remote_ip", Kind.TEXT),
    "serverip": ("server_ip", Kind.TEXT),
    "referer": ("referer", Kind.TEXT),
    "protocol": ("protocol", Kind.TEXT),
}
_PARTS = {
    "operation": {"id": Kind.TEXT, "producer": Kind.TEXT, "first": Kind.FLAG, "last": Kind.FLAG},
    "source_location": {"file": Kind.TEXT, "line": Kind.NUMBER, "function": Kind.TEXT},
}


def _folded(name: str) -> str:
    """A field's name without regard to case: filters take logName and log_name alike."""
    return name.replace("_", "").lower()


_TEXTS = {_folded(name): name for name in _NAMES}


def find(path: tuple[str, ...]) -> Field:
    """The field of that path; INVALID_ARGUMENT when a LogEntry has none of that name."""
    first, rest = _folded(path[0]), path[1:]
    if first in _TEXTS and not rest:
        name = _TEXTS[first]
        return Field(Kind.TEXT, lambda entry: getattr(entry, name))
    if first == "severity" and not rest:
        return Field(Kind.SEVERITY, lambda entry: entry.severity)
    if first == "timestamp" and not rest:
        return Field(Kind.TIME, lambda entry: nanoseconds(entry.timestamp))
    if first == "receivetimestamp" and not rest:
        return Field(Kind.TIME, lambda entry: nanoseconds(entry.receive_timestamp))
    if first == "tracesampled" and not rest:
        return Field(Kind.FLAG, lambda entry: entry.trace_sampled)
    found = _nested(first, rest)
    if found is None:
        raise invalid(f"Field not found: '{'.'.join(path)}'.")
    return found


def _nested(first: str, rest: tuple[str, ...]) -> Field | None:
    if first == "labels":
        return _labels(rest, lambda entry: entry.labels)
    if first == "jsonpayload":
        return Field(Kind.DYNAMIC, lambda entry: _payload(entry, rest))
    if first in ("protopayload", "split", "apphub", "errorgroups", "metadata"):
        return Field(Kind.DYNAMIC, lambda _: MISSING)
    if first == "resource":
        if not rest:
            return Field(Kind.MESSAGE, lambda entry: entry.resource)
        if _folded(rest[0]) == "type" and len(rest) == 1:
            return Field(Kind.TEXT, lambda entry: entry.resource.type)
        is_label = _folded(rest[0]) == "labels"
        return _labels(rest[1:], lambda entry: entry.resource.labels) if is_label else None
    if first == "httprequest":
        return _request(rest)
    for name, fields in _PARTS.items():
        if first == _folded(name):
            return _part(name, fields, rest)
    return None


def _labels(rest: tuple[str, ...], read: Read) -> Field:
    if not rest:
        return Field(Kind.MESSAGE, lambda entry: dict(read(entry)) or MISSING)
    key = ".".join(rest)  # run.googleapis.com/x may stand unquoted
    return Field(Kind.DYNAMIC, lambda entry: read(entry).get(key, MISSING))


def _request(rest: tuple[str, ...]) -> Field | None:
    def whole(entry: Any) -> Any:
        return entry.http_request if entry.HasField("http_request") else MISSING

    if not rest:
        return Field(Kind.MESSAGE, whole)
    if len(rest) != 1:
        return None
    if _folded(rest[0]) == "latency":
        return Field(Kind.NUMBER, lambda entry: nanoseconds(entry.http_request.latency) / 1e9)
    if (found := _REQUEST.get(_folded(rest[0]))) is None:
        return None
    name, kind = found
    return Field(kind, lambda entry: getattr(entry.http_request, name))


def _part(name: str, fields: Mapping[str, Kind], rest: tuple[str, ...]) -> Field | None:
    if not rest:
        return Field(Kind.MESSAGE, lambda entry: getattr(entry, name) if entry.HasField(name) else MISSING)
    kind = fields.get(_folded(rest[0]))
    if kind is None or len(rest) != 1:
        return None
    return Field(kind, lambda entry: getattr(getattr(entry, name), _folded(rest[0])))


def _payload(entry: Any, path: tuple[str, ...]) -> Any:
    if not entry.HasField("json_payload"):
        return MISSING
    here: Any = entry.json_payload
    for index, key in enumerate(path):
        fields = here.fields if isinstance(here, Struct) else None
        if fields is None:
            return MISSING
        if key not in fields:
            # A key that itself holds dots may stand unquoted at the end.
            key = ".".join(path[index:])
            return plain(fields[key]) if key in fields else MISSING
        value = fields[key]
        if index == len(path) - 1:
            return plain(value)
        here = value.struct_value if value.WhichOneof("kind") == "struct_value" else None
    return plain(here)


def plain(value: Any) -> Any:
    """A Struct or one of its values in Python's own types."""
    if isinstance(value, Struct):
        return {key: plain(item) for key, item in value.fields.items()}
    assert isinstance(value, Value)
    kind = value.WhichOneof("kind")
    if kind == "struct_value":
        return plain(value.struct_value)
    if kind == "list_value":
        return [plain(item) for item in value.list_value.values]
    return None if kind in (None, "null_value") else getattr(value, kind)


def texts(entry: Any) -> Iterator[str]:
    """Every text of an entry, for a search without a field."""
    for name in _NAMES:
        yield getattr(entry, name)
    yield entry.resource.type
    yield from entry.resource.labels.values()
    yield from entry.labels.values()
    if entry.HasField("json_payload"):
        yield from _leaves(plain(entry.json_payload))
    if entry.HasField("http_request"):
        request = entry.http_request
        for name in ("request_method", "request_url", "user_agent", "remote_ip", "protocol", "referer"):
            yield getattr(request, name)
        yield str(request.status)


def _leaves(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for item in value.values():
            yield from _leaves(item)
    elif isinstance(value, list):
        for item in value:
            yield from _leaves(item)
    elif value is not None:
        yield number_text(value) if isinstance(value, float) else str(value)


def number_text(value: float) -> str:
    """A JSON number as it was written, where it was whole."""
    return str(int(value)) if value.is_integer() else repr(value)

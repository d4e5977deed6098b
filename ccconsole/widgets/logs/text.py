"""How a log entry looks: its columns, its text in one or several lines, and its details when it is opened."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from rich.cells import cell_len, chop_cells

from ccconsole import log_records as records
from ccconsole.format import duration, size
from ccconsole.model.logs import HttpRequest, LogEntry, Severity
from ccconsole.model.services import ServiceKey
from ccconsole.widgets.text import plain

MOST_SHOWN = 4_000
"""Characters of a line that is not opened."""
INDENT = 4
SOURCES = ("$primary", "$accent", "$success", "$secondary", "$warning", "$error")
"""The colours that tell services apart."""
_ID = 8
_INSTANCE = 4

SEVERITIES: Mapping[Severity, tuple[str, str]] = {
    Severity.DEFAULT: ("-    ", "dim"),
    Severity.DEBUG: ("DEBUG", "dim"),
    Severity.INFO: ("INFO ", "normal"),
    Severity.NOTICE: ("NOTE ", "good"),
    Severity.WARNING: ("WARN ", "warn"),
    Severity.ERROR: ("ERROR", "bad"),
    Severity.CRITICAL: ("CRIT ", "bad"),
    Severity.ALERT: ("ALERT", "bad"),
    Severity.EMERGENCY: ("EMERG", "bad"),
}
"""A severity's word and the tone of its line."""

_SIGNS = {"stdout": " ", "stderr": "!", "requests": "⇄", "system": "⚙"}
"""Which log a line is from."""


class ClockColumn(StrEnum):
    """What the first column says."""

    LOCAL = "local"
    UTC = "UTC"
    NONE = "none"


@dataclass(frozen=True)
class Look:
    """How all lines are drawn."""

    clock: ClockColumn = ClockColumn.LOCAL
    has_dates: bool = False
    """Whether the days are told: the lines reach back beyond today."""
    is_wrapped: bool = False
    has_tasks: bool = True
    """Whether the task of each line is told."""
    services: tuple[ServiceKey, ...] = ()
    """Those that the lines are told apart by, each with its colour; none or one: no such column."""


Piece = tuple[str, str]
"""A text and its tone."""


def columns(entry: LogEntry, look: Look) -> list[Piece]:
    """What stands before the text: time, severity, service, instance, task, log."""
    word, tone = SEVERITIES[entry.severity]
    when = moment(entry.timestamp, look)
    pieces = [(f"{when} " if when else "", "dim"), (f"{word} ", tone)]
    if len(look.services) > 1:
        pieces.append(_source(entry, look))
    instance = entry.instance_id[-_INSTANCE:] if entry.instance_id else "-"
    pieces.append((f"{plain(instance):<{_INSTANCE}} ", "dim"))
    if look.has_tasks:
        pieces.append((f"{plain(entry.task_id)[:_ID]:<{_ID}} ", "active"))
    pieces.append((f"{_SIGNS.get(entry.log, '·')} ", "dim"))
    return pieces


def _source(entry: LogEntry, look: Look) -> Piece:
    several = len({key.environment for key in look.services}) > 1
    names = [f"{key.environment}/{key.name}" if several else key.name for key in look.services]
    width = max(map(len, names))
    name = f"{entry.environment}/{entry.service}" if several else entry.service
    number = next(
        (
            place
            for place, key in enumerate(look.services)
            if (key.environment, key.name) == (entry.environment, entry.service)
        ),
        0,
    )
    return f"{plain(name):<{width}} ", f"source-{number % len(SOURCES)}"


def moment(seconds: float, look: Look) -> str:
    """A time to the millisecond as the first column has it; empty where there is none."""
    if look.clock is ClockColumn.NONE:
        return ""
    when = datetime.fromtimestamp(seconds, UTC)
    if look.clock is ClockColumn.LOCAL:
        when = when.astimezone()
    day = when.strftime("%m-%d ") if look.has_dates else ""
    return f"{day}{when.strftime('%H:%M:%S')}.{when.microsecond // 1000:03d}"


def line(entry: LogEntry) -> str:
    """The text on one line, and a sign for what is folded away."""
    first, _, rest = entry.text[:MOST_SHOWN].partition("\n")
    text = plain(first)
    if len(entry.text) > MOST_SHOWN:
        text += f" …+{len(entry.text) - MOST_SHOWN} characters"
    elif rest:
        text += f" ⏎+{rest.count(chr(10)) + 1}"
    return f"{text} ▸{{…}}" if has_fields(entry) else text


def has_fields(entry: LogEntry) -> bool:
    """Whether the entry is an object with more in it than its message."""
    return entry.payload is not None and any(name != "message" for name in entry.payload)


def wrapped(text: str, width: int) -> list[str]:
    """The text in pieces of so many cells; joined they are the text."""
    if width <= 0:
        return [text]
    if text.isascii():
        return [text[start : start + width] for start in range(0, len(text), width)] or [""]
    return chop_cells(text, width) or [""]


def details(entry: LogEntry, width: int) -> Iterator[Piece]:
    """What an opened entry says below its first line: further lines, fields, payload."""
    room = max(20, width - INDENT)
    for text in entry.text.splitlines()[1:]:
        yield from ((piece, "normal") for piece in wrapped(plain(text), room))
    if len(entry.text) > MOST_SHOWN:
        first = plain(entry.text.partition("\n")[0][MOST_SHOWN:])
        yield from ((piece, "normal") for piece in wrapped(first, room))
    for name, value in _facts(entry):
        yield from ((piece, "dim") for piece in wrapped(f"{name:<9} {plain(value)}", room))
    if entry.payload is not None and has_fields(entry):
        for text in json.dumps(entry.payload, indent=2, ensure_ascii=False).splitlines():
            yield from ((piece, "accent") for piece in wrapped(plain(text), room))


def _facts(entry: LogEntry) -> Iterator[tuple[str, str]]:
    yield "severity", entry.severity.name
    yield "service", f"{entry.environment}/{entry.service}  {entry.revision}"
    if entry.instance_id:
        yield "instance", entry.instance_id
    if entry.task_id:
        yield "task", entry.task_id
    if entry.trace:
        yield "trace", entry.trace
    yield "log", entry.log
    if entry.http is not None:
        yield "request", _request(entry.http)
    for name, value in sorted(entry.labels.items()):
        yield "label", f"{name}={value}"


def _request(http: HttpRequest) -> str:
    parts = [
        f"{http.method} {http.url}",
        str(http.status or "no status"),
        "" if http.latency is None else duration(http.latency),
        f"{size(http.request_bytes)} in, {size(http.response_bytes)} out",
        http.remote_ip,
        http.user_agent,
    ]
    return "  ".join(part for part in parts if part)


def copied(entry: LogEntry, *, is_open: bool) -> str:
    """An entry for the clipboard: its time and text; opened, its payload as well."""
    text = records.line(entry)
    if is_open and has_fields(entry):
        text += "\n" + json.dumps(entry.payload, indent=2, ensure_ascii=False)
    return text


def cells(pieces: list[Piece]) -> int:
    """How wide pieces are."""
    return sum(cell_len(text) for text, _ in pieces)

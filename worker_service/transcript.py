"""A task's events written out: as readable text, the terminal's bytes, JSON lines, or an asciicast.

The worker's route and the console's `export` both write with this, so that one task has one transcript.
"""

from __future__ import annotations

import binascii
import codecs
import json
from base64 import b64decode
from collections.abc import Iterator
from typing import Any, Literal, Protocol

from pydantic_core import to_json

from worker_service.rendering import TextRenderer
from worker_service.wire import EventType, Reason, TaskEvent

Format = Literal["text", "ansi", "ndjson", "cast"]

MEDIA_TYPES: dict[Format, str] = {
    "text": "text/plain; charset=utf-8",
    "ansi": "text/plain; charset=utf-8",
    "ndjson": "application/x-ndjson",
    "cast": "application/x-asciicast",
}

PIECE_BYTES = 16 << 10
"""Output rendered between two pieces: 8 ms even at the 2 MB/s of a full-screen program."""
MAX_LABEL = 200
_NO_TIME = 1e11
"""Seconds since the epoch that are no date: three thousand years from now."""


class Transcript(Protocol):
    """One task's transcript; what it gives back, joined, is the whole."""

    def write(self, event: TaskEvent) -> Iterator[bytes]:
        """The next event, in pieces, each some milliseconds of work at most."""
        ...

    def close(self) -> bytes:
        """What was held back, once no event follows."""
        ...


def transcript(
    format_: Format, *, task_id: str, began: float, columns: int = 120, rows: int = 40
) -> Transcript:
    """A new transcript of the task that `began` then, in seconds since the epoch.

    Columns and rows are those of a task whose events do not tell with what size it began.
    """
    match format_:
        case "text":
            return _Text(columns, rows)
        case "ansi":
            return _Ansi()
        case "ndjson":
            return _Ndjson()
        case "cast":
            return _Cast(task_id, began, columns, rows)


def line(event: TaskEvent, data: bytes | None = None) -> bytes:
    """The event as one line of JSON, as it lies in the journal; `data` is its data when already encoded."""
    body = encoded(event.data) if data is None else data
    number = b"null" if event.id is None else b"%d" % event.id
    return b'{"id":%s,"type":"%s","data":%s}\n' % (number, event.type.encode(), body)


def encoded(data: dict[str, Any]) -> bytes:
    """An event's data as JSON; an agent's own numbers may be no numbers, which JSON does not know."""
    return to_json(data, inf_nan_mode="null")


def output_bytes(event: TaskEvent) -> bytes:
    """The terminal bytes of an `output` event. ValueError where they cannot be decoded."""
    data = str(event.data.get("data", ""))
    if event.data.get("encoding") != "base64":
        return data.encode("utf-8", "replace")
    try:
        return b64decode(data)
    except binascii.Error as error:
        raise ValueError(f"Event {event.id} holds output that is not base64: {error}") from error


def size_of(event: TaskEvent) -> tuple[int, int] | None:
    """The columns and rows that the terminal has from this event on; None where it says nothing of them."""
    data = event.data
    is_resize = event.type is EventType.CONTROL and data.get("action") == "resize" and data.get("ok")
    columns, rows = data.get("cols"), data.get("rows")
    if not (is_resize or event.type is EventType.STATUS):
        return None
    return (columns, rows) if isinstance(columns, int) and isinstance(rows, int) else None


def seconds(event: TaskEvent, began: float, before: float) -> float:
    """When it happened, in seconds since `began`.

    What only a reader of the journal says has no time of its own, but that of the event `before` it.
    """
    stamp = event.data.get("ts")
    if event.id is None or event.type is EventType.GAP or not isinstance(stamp, (int, float)):
        return before
    return stamp - began if 0 <= stamp < _NO_TIME else before


def label(event: TaskEvent) -> str | None:
    """What happened, in a few printable words; None for output and for what is no news."""
    text = _words(event)
    if text is None:
        return None
    return "".join(char if char.isprintable() else " " for char in text[:MAX_LABEL]).strip()


def notice(event: TaskEvent) -> str | None:
    """The words for what is missing: events, or the end of a task that was lost; None for all else."""
    is_lost = event.type is EventType.COMPLETE and event.data.get("reason") == Reason.LOST
    return label(event) if is_lost or event.type is EventType.GAP else None


def _words(event: TaskEvent) -> str | None:
    data, actor = event.data, event.data.get("actor", "somebody")
    match event.type:
        case EventType.STATUS | EventType.COMPLETE:
            found = dict.fromkeys(str(data[key]) for key in ("status", "reason", "detail") if data.get(key))
            return ": ".join(found)
        case EventType.PERMISSION:
            return f"asks to use {data.get('tool')}"
        case EventType.CONTROL if not data.get("ok"):
            return f"{data.get('action')} by {actor} was refused: {data.get('error')}"
        case EventType.CONTROL if data.get("action") == "answer":
            return f"{data.get('behavior')} by {actor}"
        case EventType.CONTROL if data.get("action") == "cancel":
            return f"cancel by {actor}"
        case EventType.GAP:
            return f"events {data.get('from')} to {data.get('to')} are missing: {data.get('reason')}"
        case EventType.ERROR:
            return f"{data.get('code')}: {data.get('message')}"
        case _:
            return None


class _Ndjson:
    """Every event, one a line."""

    def write(self, event: TaskEvent) -> Iterator[bytes]:
        if event.type is not EventType.HEARTBEAT:
            yield line(event)

    def close(self) -> bytes:
        return b""


class _Ansi:
    """The bytes as they came, and a line where some are missing."""

    def write(self, event: TaskEvent) -> Iterator[bytes]:
        if event.type is EventType.OUTPUT:
            yield output_bytes(event)
        elif (missing := notice(event)) is not None:
            yield f"\r\n[{missing}]\r\n".encode()

    def close(self) -> bytes:
        return b""


class _Text:
    """What the output leaves behind on a terminal, and a line where some of it is missing."""

    def __init__(self, columns: int, rows: int) -> None:
        self._renderer = TextRenderer(columns, rows)

    def write(self, event: TaskEvent) -> Iterator[bytes]:
        if event.type is EventType.OUTPUT:
            data = output_bytes(event)
            for at in range(0, len(data), PIECE_BYTES):
                yield self._renderer.feed(data[at : at + PIECE_BYTES]).encode()
        elif (size := size_of(event)) is not None:
            self._renderer.resize(*size)
        elif (missing := notice(event)) is not None:
            yield f"{self._renderer.close()}[{missing}]\n".encode()

    def close(self) -> bytes:
        return self._renderer.close().encode()


class _Cast:
    """asciicast v2 (https://docs.asciinema.org/manual/asciicast/v2): output, resizes, and markers.

    What was typed is not in it, as it is not in the journal.
    """

    def __init__(self, task_id: str, began: float, columns: int, rows: int) -> None:
        self._title, self._began = task_id, began
        self._size = columns, rows
        self._has_header = False
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._at = 0.0

    def write(self, event: TaskEvent) -> Iterator[bytes]:
        size = size_of(event)
        if not self._has_header:
            self._size = (size if event.type is EventType.STATUS else None) or self._size
            yield self._header()
        self._at = max(self._at, seconds(event, self._began, self._at))
        if event.type is EventType.OUTPUT:
            if text := self._decoder.decode(output_bytes(event)):
                yield self._line("o", text)
        elif event.type is EventType.CONTROL and size is not None:
            yield self._line("r", f"{size[0]}x{size[1]}")
        elif (words := label(event)) is not None:
            if event.type in (EventType.GAP, EventType.COMPLETE):
                yield self._cut()
            yield self._line("m", words)

    def close(self) -> bytes:
        return (b"" if self._has_header else self._header()) + self._cut()

    def _cut(self) -> bytes:
        """A character that will never be completed."""
        rest = self._decoder.decode(b"", True)
        self._decoder.reset()
        return self._line("o", rest) if rest else b""

    def _header(self) -> bytes:
        self._has_header = True
        header = {
            "version": 2,
            "width": self._size[0],
            "height": self._size[1],
            "timestamp": int(self._began),
            "title": self._title,
            "env": {"TERM": "xterm-256color"},
        }
        return json.dumps(header).encode() + b"\n"

    def _line(self, code: str, data: str) -> bytes:
        return json.dumps([round(self._at, 3), code, data], ensure_ascii=False).encode() + b"\n"

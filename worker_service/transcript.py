"""A task's output written out: plain text, the terminal's bytes, its events, or an asciicast."""

from __future__ import annotations

import json
import re
from base64 import b64decode
from collections.abc import AsyncGenerator, Iterable
from typing import Any, Literal

from pydantic_core import from_json

from worker_service.events import EventLog, line
from worker_service.wire import EventType, TaskEvent, TaskSummary

Format = Literal["text", "ansi", "ndjson", "cast"]

MEDIA_TYPES: dict[Format, str] = {
    "text": "text/plain; charset=utf-8",
    "ansi": "text/plain; charset=utf-8",
    "ndjson": "application/x-ndjson",
    "cast": "application/x-asciicast",
}

_MAX_SEQUENCE_BYTES = 4096
_SEQUENCE = re.compile(
    rb"\x1b\[[0-?]*[ -/]*[@-~]"  # control sequences: colours, cursor moves
    rb"|\x1b[PX^_\]][^\x07\x1b]{0,4096}(?:\x1b\\|\x07)"  # strings: titles, links
    rb"|\x1b[ -/]*[0-~]"  # short escapes
    rb"|[\x00-\x08\x0b\x0c\x0e-\x1a\x1c-\x1f\x7f]"
)
_UNFINISHED = re.compile(rb"(?:\x1b(?:\[[0-?]*[ -/]*|[PX^_\]][^\x07\x1b]{0,4096}\x1b?|[ -/]*)|\r)\Z")


class TextFilter:
    """Takes the terminal's control sequences out of a run of chunks; each line end becomes one newline."""

    def __init__(self) -> None:
        self._held = b""

    def feed(self, data: bytes) -> bytes:
        """What is text for certain; an unfinished sequence waits for its rest."""
        data = self._held + data
        near_end = max(len(data) - _MAX_SEQUENCE_BYTES, 0)
        unfinished = _UNFINISHED.search(data, near_end)
        cut = unfinished.start() if unfinished else len(data)
        self._held = data[cut:]
        return _text(data[:cut])

    def close(self) -> bytes:
        """What was waiting."""
        held, self._held = self._held, b""
        return _text(held)


def _text(data: bytes) -> bytes:
    return _SEQUENCE.sub(b"", data).replace(b"\r\n", b"\n").replace(b"\r", b"\n")


def events_of(log: EventLog) -> list[TaskEvent]:
    """The events that the ring still holds, decoded; a gap in front stands for those it has dropped."""
    frames, _ = log.read(0, log.size + 1)
    found = []
    for frame in frames.split(b"\n\n")[:-1]:
        number, kind, data = frame.split(b"\n", 2)
        type_ = EventType(kind.removeprefix(b"event: ").decode())
        fields: dict[str, Any] = from_json(data.removeprefix(b"data: "))
        found.append(TaskEvent(int(number.removeprefix(b"id: ")), type_, fields))
    return found


async def each(events: Iterable[TaskEvent]) -> AsyncGenerator[TaskEvent, None]:
    """`events` as an asynchronous run."""
    for event in events:
        yield event


async def transcript(
    summary: TaskSummary, events: AsyncGenerator[TaskEvent, None], format_: Format
) -> AsyncGenerator[bytes, None]:
    """The transcript in pieces."""
    if format_ == "cast":
        yield _cast_header(summary)
    text = TextFilter()
    async for event in events:
        if format_ == "ndjson":
            yield line(event)
        elif format_ == "cast":
            if (written := _cast_line(event, summary.created_at)) is not None:
                yield written
        elif event.type is EventType.OUTPUT:
            data = output_bytes(event)
            yield text.feed(data) if format_ == "text" else data
        elif event.type is EventType.GAP:
            yield b"[the output before this is no longer held by the worker]\n"
    if rest := text.close():
        yield rest


def output_bytes(event: TaskEvent) -> bytes:
    """The bytes of an `output` event."""
    data = str(event.data["data"])
    return b64decode(data) if event.data.get("encoding") == "base64" else data.encode()


def _cast_header(summary: TaskSummary) -> bytes:
    header = {
        "version": 2,
        "width": summary.cols,
        "height": summary.rows,
        "timestamp": int(summary.created_at),
        "title": summary.task_id,
        "env": {"TERM": "xterm-256color"},
    }
    return json.dumps(header).encode() + b"\n"


def _cast_line(event: TaskEvent, began: float) -> bytes | None:
    at = round(max(float(event.data.get("ts", began)) - began, 0.0), 3)
    if event.type is EventType.OUTPUT:
        shown = [at, "o", output_bytes(event).decode("utf-8", "replace")]
    elif event.type is EventType.CONTROL and event.data.get("action") == "resize" and event.data.get("ok"):
        shown = [at, "r", f"{event.data['cols']}x{event.data['rows']}"]
    else:
        return None
    return json.dumps(shown).encode() + b"\n"

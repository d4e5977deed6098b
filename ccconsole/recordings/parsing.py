"""The lines of a recording as events: asciicast 2 and 3, and a task's own events as JSON lines.

https://docs.asciinema.org/manual/asciicast/v2 and /v3. Nothing in a file is believed: whatever is not as it
should be is a ValueError or a flaw, never another exception.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeGuard

from ccconsole.recordings.flaws import Flaw, Flaws

if TYPE_CHECKING:
    from worker_service.wire import TaskEvent

MAX_SIZE = 1000
MAX_LABEL = 200
MAX_GAPS = 100
"""Events without a time of their own that a recording may begin with."""
LONGEST_SECONDS = 10 * 366 * 86400.0
"""Ten years; what is longer is no recording."""
_NO_TIME = 1e11
_DECODER = json.JSONDecoder()

Data = bytes | str | tuple[int, int]
"""Of an `o` event the bytes, of an `m` event its label, of an `r` event columns and rows."""
Parsed = tuple[float, str, Data] | None
"""Time, code (o, r or m) and data; None for what a player has no use for."""
Parse = Callable[[bytes, float, Flaws], Parsed]
"""Takes a line and the time of the event before it. ValueError when it is no event."""


@dataclass(frozen=True)
class Header:
    """What a recording says of itself; sizes are clamped to what a terminal can have."""

    columns: int
    rows: int
    parse: Parse
    title: str = ""
    began: float | None = None
    """Seconds since the epoch."""
    idle_limit: float | None = None
    is_relative: bool = False
    """Whether times are counted from the event before, so that only the whole file tells its length."""
    has_header: bool = True
    """Whether the first line is no event."""


def header(line: bytes, rest: Iterable[bytes], flaws: Flaws) -> Header:
    """The header in the first line, of which some of the `rest` may have to be read.

    ValueError with what is wrong with it.
    """
    fields = _json(line.removeprefix(b"\xef\xbb\xbf"))
    if not isinstance(fields, dict):
        raise ValueError("it is no JSON object")
    if "version" not in fields and "type" in fields:
        return _task_header(fields, rest)
    version = fields.get("version")
    if version not in (2, 3):
        raise ValueError(f"it is an asciicast of version {version!r:.20}; 2 and 3 can be played")
    term = fields.get("term") if version == 3 else {"cols": fields.get("width"), "rows": fields.get("height")}
    if not isinstance(term, dict):
        raise ValueError("it tells no size of the terminal")
    columns, rows = (_size(term.get(name), name, flaws) for name in ("cols", "rows"))
    title, began, limit = fields.get("title"), fields.get("timestamp"), fields.get("idle_time_limit")
    return Header(
        columns,
        rows,
        parse=_relative if version == 3 else _absolute,
        title=title[:MAX_LABEL] if isinstance(title, str) else "",
        began=began if _is_time(began) else None,
        idle_limit=limit if _is_time(limit) and limit > 0 else None,
        is_relative=version == 3,
    )


def _size(value: Any, name: str, flaws: Flaws) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise ValueError(f"its {name} are {value!r:.20}, no number")
    if not 1 <= value <= MAX_SIZE:
        flaws.add(Flaw.SIZE)
    return min(max(value, 1), MAX_SIZE)


def _absolute(line: bytes, before: float, flaws: Flaws) -> Parsed:
    """[time, code, data]"""
    return _cast_event(line, before, 0.0, flaws)


def _relative(line: bytes, before: float, flaws: Flaws) -> Parsed:
    """[seconds since the event before, code, data]; a line that begins with # is a comment."""
    return None if line.startswith(b"#") else _cast_event(line, before, before, flaws)


def _cast_event(line: bytes, before: float, since: float, flaws: Flaws) -> Parsed:
    fields = _json(line)
    if not isinstance(fields, list) or len(fields) < 3:
        raise ValueError("no event")
    time, code, data = fields[:3]
    if not isinstance(code, str) or not isinstance(data, str):
        raise ValueError("no event")
    at = since + time if _is_time(time) else -1.0
    if not before <= at <= LONGEST_SECONDS:
        flaws.add(Flaw.TIME)
        at = before
    match code:
        case "o":
            return at, code, data.encode("utf-8", "replace")
        case "r":
            return at, code, _resize(data, flaws)
        case "m":
            return at, code, data[:MAX_LABEL]
        case _:
            return at, "", ""


_SIZES = re.compile(r"([0-9]{1,9})x([0-9]{1,9})")


def _resize(text: str, flaws: Flaws) -> tuple[int, int]:
    found = _SIZES.fullmatch(text)
    if found is None:
        raise ValueError("no size")
    return _size(int(found[1]), "columns", flaws), _size(int(found[2]), "rows", flaws)


def _task_header(fields: dict[str, Any], rest: Iterable[bytes]) -> Header:
    """A task's first event in place of a header: it tells the terminal's size, and when the task began.

    Where the first ones are missing, the gap in their place has no time of its own; the next event has.
    """
    # pydantic, which these load, is slow to import, and a cast needs none of it.
    from worker_service import transcript

    event = _task_event(fields)
    columns, rows = (min(max(one, 1), MAX_SIZE) for one in transcript.size_of(event) or (120, 40))
    began = _own_time(event)
    for line in itertools.islice(rest if began is None else (), MAX_GAPS):
        with contextlib.suppress(ValueError):
            began = _own_time(_task_event(_json(line)))
        if began is not None:
            break
    if began is None:
        raise ValueError("its event has no time")

    def parse(line: bytes, before: float, flaws: Flaws) -> Parsed:
        event = _task_event(_json(line))
        at = min(max(transcript.seconds(event, began, before), before), LONGEST_SECONDS)
        return at, *_shown(event)

    return Header(
        columns,
        rows,
        parse=parse,
        title=str(event.data.get("taskId", ""))[:MAX_LABEL],
        began=began,
        has_header=False,
    )


def _own_time(event: TaskEvent) -> float | None:
    stamp = event.data.get("ts")
    return stamp if _is_time(stamp) and event.id is not None and event.type != "gap" else None


def _task_event(fields: Any) -> TaskEvent:
    from worker_service.wire import EventType, TaskEvent

    if not isinstance(fields, dict) or not isinstance(fields.get("data"), dict):
        raise ValueError("no event")
    number = fields.get("id")
    kind = EventType(str(fields.get("type")))
    return TaskEvent(number if isinstance(number, int) else None, kind, fields["data"])


def _shown(event: TaskEvent) -> tuple[str, Data]:
    from worker_service import transcript
    from worker_service.wire import EventType

    if event.type is EventType.OUTPUT:
        return "o", transcript.output_bytes(event)
    if event.type is EventType.CONTROL and (size := transcript.size_of(event)) is not None:
        return "r", size
    words = transcript.label(event)
    return ("", "") if words is None else ("m", words)


def _is_time(value: Any) -> TypeGuard[float]:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value < _NO_TIME


def _json(line: bytes) -> Any:
    try:
        return _DECODER.decode(line.decode("utf-8", "replace"))
    except RecursionError:
        raise ValueError("it is nested too deep") from None
    except json.JSONDecodeError as error:
        raise ValueError(f"it is no JSON: {error.msg} at column {error.colno}") from None

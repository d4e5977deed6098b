"""A segment's lines as events; what a reader could not rely on is none."""

from __future__ import annotations

import base64
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, ValidationError
from pydantic_core import from_json, to_json

from worker_service.wire import Count, EventType, Moment, TaskEvent, TaskResult, Usage, Wire

Number = Annotated[int, Field(ge=1, le=10**12)]
"""An event's; a segment's name has room for twelve digits."""


class _Said(Wire):
    model_config = ConfigDict(strict=True)
    task_id: str
    ts: Moment


class _Status(_Said):
    status: Literal[
        "pending", "running", "waiting_input", "cancelling", "draining", "completed", "failed", "cancelled"
    ]
    reason: str | None = None
    pid: Count | None = None
    instance_id: str | None = None
    revision: str | None = None
    trace_id: str | None = None
    agent: str | None = None
    deadline: Moment | None = None
    cols: Count | None = None
    rows: Count | None = None
    ignored_fields: list[str] | None = None


class _Output(_Said):
    data: str
    encoding: Literal["utf-8", "base64"]
    offset: Count | None = None
    length: Count | None = None


class _Message(_Said):
    message: Any


class _Permission(_Said):
    permission_id: str
    tool: str
    input: Any = None
    description: str | None = None
    deadline: Moment | None = None


class _Usage(_Said, Usage):
    pass


class _Control(_Said):
    n: Number | None = None
    action: str
    actor: str
    ok: bool
    error: str | None = None
    cols: Count | None = None
    rows: Count | None = None


class _Gap(_Said):
    first: Annotated[Number, Field(alias="from")]
    to: Number
    reason: str


class _Error(_Said):
    code: str
    message: str


_SHAPES: dict[EventType, type[_Said]] = {
    EventType.STATUS: _Status,
    EventType.OUTPUT: _Output,
    EventType.MESSAGE: _Message,
    EventType.PERMISSION: _Permission,
    EventType.USAGE: _Usage,
    EventType.CONTROL: _Control,
    EventType.GAP: _Gap,
    EventType.ERROR: _Error,
}


def decode(body: bytes, task_id: str, first: int, last: int) -> list[TaskEvent]:
    """The sound events numbered `first` to `last` of the task, in the order of their lines."""
    found = (_event(line, task_id) for line in body.split(b"\n") if line)
    return [event for event in found if event is not None and _is_within(event, first, last)]


def in_a_line(error: ValueError) -> str:
    """What is wrong, without the rest of what pydantic says."""
    if not isinstance(error, ValidationError):
        return str(error)
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    return ": ".join(part for part in (".".join(map(str, first["loc"])), first["msg"]) if part)


def event_range(event: TaskEvent) -> tuple[int, int]:
    """The numbers this event stands for, first and last: of a gap, those that are missing."""
    number = event.id or 0
    if event.type is EventType.GAP:
        return int(event.data.get("from", number)), int(event.data.get("to", number))
    return number, number


def _is_within(event: TaskEvent, first: int, last: int) -> bool:
    begins, ends = event_range(event)
    return first <= begins <= ends <= last and ends == event.id


def _event(line: bytes, task_id: str) -> TaskEvent | None:
    try:
        fields = from_json(line)
        number, type_, data = fields["id"], EventType(fields["type"]), fields["data"]
        if type(number) is not int or not _is_sound(type_, data, task_id):
            return None
        return TaskEvent(number, type_, data)
    except (ValueError, KeyError, TypeError):
        return None


def _is_sound(type_: EventType, data: Any, task_id: str) -> bool:
    """Whether the data is what this type of event has, so that no reader stumbles over it.

    Raises:
        ValueError: it is not.
    """
    if type_ is EventType.COMPLETE:
        _Said.model_validate(data)
        return TaskResult.model_validate_json(to_json(data), strict=True).task_id == task_id
    shape = _SHAPES.get(type_)
    if shape is None or shape.model_validate(data).task_id != task_id:
        return False
    if type_ is EventType.OUTPUT and data["encoding"] == "base64":
        base64.b64decode(data["data"], validate=True)
    is_resized = type_ is EventType.CONTROL and data["action"] == "resize" and data["ok"]
    return not is_resized or ("cols" in data and "rows" in data)

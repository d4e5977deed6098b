"""Where a task's journal lies in the object store; the design's section 4 in path names.

Every function that takes a task's id raises ValueError for what is none, so that no path leads elsewhere.
"""

from __future__ import annotations

import re

from worker_service.wire import TASK_ID_PATTERN

TASKS = "tasks"
RUNNING = "running"
SESSIONS = "sessions"
HEARTBEAT_SECONDS = 30.0
STALE_SECONDS = 90.0
"""A heartbeat older than this: the instance is gone and the task is shown `lost`."""

_TASK_ID = re.compile(TASK_ID_PATTERN)
_SEGMENT = re.compile(r"([0-9]{12})-([0-9]{12})\.ndjson")
_CONTROL = re.compile(r"([1-9][0-9]{0,8})\.json")


def is_task_id(text: str) -> bool:
    """Whether a task can have this id."""
    return _TASK_ID.fullmatch(text) is not None


def task(task_id: str) -> str:
    """The claim and summary, a TaskSummary as JSON."""
    return f"{TASKS}/{_checked(task_id)}/task.json"


def events(task_id: str) -> str:
    """The folder of immutable segments."""
    return f"{TASKS}/{_checked(task_id)}/events"


def segment(task_id: str, first: int, last: int) -> str:
    """One segment: newline-delimited TaskEvent JSON, events `first` to `last` inclusive.

    Zero-padded to 12 digits, so that names sort as the events do.
    """
    return f"{events(task_id)}/{first:012d}-{last:012d}.ndjson"


def segment_range(path: str) -> tuple[int, int] | None:
    """The first and last event number in a segment's path; None when it is no segment's."""
    match = _SEGMENT.fullmatch(path.rsplit("/", 1)[-1])
    if match is None:
        return None
    first, last = int(match[1]), int(match[2])
    return (first, last) if 1 <= first <= last else None


def control(task_id: str, n: int) -> str:
    """Mailbox entry `n`, from 1: a Control as JSON, with its `taskId` and a `nonce` of its own."""
    return f"{controls(task_id)}/{n}.json"


def controls(task_id: str) -> str:
    """The folder of the mailbox."""
    return f"{TASKS}/{_checked(task_id)}/control"


def control_number(path: str) -> int | None:
    """The number in a mailbox entry's path; None when it is no entry's."""
    match = _CONTROL.fullmatch(path.rsplit("/", 1)[-1])
    return int(match[1]) if match else None


def session(session_id: str) -> str:
    """A conversation of an agent, in the agent's own form; rewritten by the task that goes on with it."""
    return f"{SESSIONS}/{_checked(session_id)}.jsonl"


def running(task_id: str) -> str:
    """The heartbeat: a TaskSummary as JSON, rewritten every HEARTBEAT_SECONDS by its one owner."""
    return f"{RUNNING}/{_checked(task_id)}"


def _checked(task_id: str) -> str:
    if not is_task_id(task_id):
        raise ValueError(f"{task_id!r} is no task id")
    return task_id

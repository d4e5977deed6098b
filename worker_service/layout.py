"""Where a task's journal lies in the object store; the design's section 4 in path names."""

from __future__ import annotations

TASKS = "tasks"
RUNNING = "running"
SESSIONS = "sessions"
HEARTBEAT_SECONDS = 30.0
STALE_SECONDS = 90.0
"""A heartbeat older than this: the instance is gone and the task is shown `lost`."""


def task(task_id: str) -> str:
    """The claim and summary, a TaskSummary as JSON."""
    return f"{TASKS}/{task_id}/task.json"


def events(task_id: str) -> str:
    """The folder of immutable segments."""
    return f"{TASKS}/{task_id}/events"


def segment(task_id: str, first: int, last: int) -> str:
    """One segment: newline-delimited TaskEvent JSON, events `first` to `last` inclusive.

    Zero-padded to 12 digits, so that names sort as the events do.
    """
    return f"{events(task_id)}/{first:012d}-{last:012d}.ndjson"


def segment_range(path: str) -> tuple[int, int]:
    """The first and last event number in a segment's path."""
    first, last = path.rsplit("/", 1)[-1].removesuffix(".ndjson").split("-")
    return int(first), int(last)


def control(task_id: str, n: int) -> str:
    """Mailbox entry `n`, from 1: a Control as JSON."""
    return f"{TASKS}/{task_id}/control/{n}.json"


def controls(task_id: str) -> str:
    """The folder of the mailbox."""
    return f"{TASKS}/{task_id}/control"


def control_number(path: str) -> int:
    """The number in a mailbox entry's path."""
    return int(path.rsplit("/", 1)[-1].removesuffix(".json"))


def session(session_id: str) -> str:
    """A conversation of an agent, in the agent's own form; rewritten by the task that goes on with it."""
    return f"{SESSIONS}/{session_id}.jsonl"


def running(task_id: str) -> str:
    """The heartbeat: a TaskSummary as JSON, rewritten every HEARTBEAT_SECONDS by its one owner."""
    return f"{RUNNING}/{task_id}"

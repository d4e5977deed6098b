"""What becomes of many prompts, as the verbs show it: progress on stderr, outcomes and sums at the end."""

from __future__ import annotations

import sys
import time
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from typing import Any

from ccconsole import format
from ccconsole.cli import output
from ccconsole.cli.fleet import PARTIAL
from ccconsole.cli.output import Column
from ccconsole.cli.show import COMPLETED, FAILED
from ccconsole.errors import TimedOut
from ccconsole.model.batches import BatchRow, BatchSnapshot
from ccconsole.model.tasks import TaskState

NEWS_SECONDS, QUIET_SECONDS = 10.0, 60.0
"""Between two lines of progress where stderr is no terminal: with news, and without."""
_BAD = (TaskState.FAILED, TaskState.CANCELLED, TaskState.LOST)
_COLOR_OF_STATE = {
    TaskState.COMPLETED: "green",
    TaskState.FAILED: "red",
    TaskState.LOST: "red",
    TaskState.UNKNOWN: "yellow",
    TaskState.RUNNING: "cyan",
}
_SUMMED = (TaskState.COMPLETED, *_BAD, TaskState.UNKNOWN)


class Follower:
    """Drains the flow of a batch: keeps its rows, tells its progress."""

    def __init__(self, ended: Callable[[BatchRow], None] = lambda _: None, *, is_quiet: bool = False) -> None:
        """`ended` is called with each row once, when it has its outcome; `is_quiet`: only delays are told."""
        self.rows: dict[int, BatchRow] = {}
        self.last: BatchSnapshot | None = None
        self._ended = ended
        self._is_quiet = is_quiet
        self._told: set[int] = set()
        self._said_at = 0.0
        self._has_news = True
        self._waiting = ""

    @property
    def table(self) -> list[BatchRow]:
        """The rows in the order of the file."""
        return [self.rows[line] for line in sorted(self.rows)]

    @property
    def untold(self) -> list[BatchRow]:
        """The rows that have no outcome yet."""
        return [row for row in self.table if row.line not in self._told]

    async def follow(self, flow: AsyncGenerator[BatchSnapshot, None]) -> BatchSnapshot:
        """Drain it to its last snapshot."""
        async with aclosing(flow) as snapshots:
            async for snapshot in snapshots:
                self._take(snapshot)
        assert self.last is not None
        return self.last

    def _take(self, snapshot: BatchSnapshot) -> None:
        self.last = snapshot
        for row in snapshot.changed:
            self.rows[row.line] = row
            if row.task.state.is_end and row.line not in self._told:
                self._told.add(row.line)
                self._ended(row)
        if self._is_quiet:
            if snapshot.waiting not in ("", self._waiting):
                output.note(f"waiting: {snapshot.waiting}")
            self._waiting = snapshot.waiting
            return
        self._has_news = self._has_news or bool(snapshot.changed)
        pause = 0.0 if sys.stderr.isatty() else NEWS_SECONDS if self._has_news else QUIET_SECONDS
        if not snapshot.is_over and time.monotonic() - self._said_at >= pause:
            self._said_at, self._has_news = time.monotonic(), False
            output.passing(progress(snapshot))


def progress(snapshot: BatchSnapshot) -> str:
    """A batch in a line, as it goes."""
    parts = [
        f"{format.count(snapshot.ended)} of {format.count(snapshot.total)} ended",
        f"{format.count(snapshot.in_flight)} in flight",
        *(f"{format.count(count)} {state}" for state, count in _bad(snapshot)),
    ]
    if snapshot.cost_usd is not None:
        parts.append(format.money(snapshot.cost_usd))
    parts.append(format.duration(time.time() - snapshot.started_at))
    if snapshot.is_stopping:
        parts.append("stopping")
    elif snapshot.waiting:
        parts.append(snapshot.waiting)
    return ", ".join(parts)


def sums(snapshot: BatchSnapshot) -> dict[str, Any]:
    """A batch's end for machines."""
    ended = snapshot.ended_at if snapshot.ended_at is not None else time.time()
    counts = {str(state): snapshot.counts.get(state, 0) for state in _SUMMED}
    return {
        "batch": snapshot.name,
        "prompts": snapshot.total,
        **counts,
        "not_ended": snapshot.total - snapshot.ended,
        "ended_before": snapshot.earlier,
        "cost_usd": snapshot.cost_usd,
        "wall_seconds": round(ended - snapshot.started_at, 3),
    }


def summary(snapshot: BatchSnapshot) -> str:
    """The sums for a person."""
    counts = [(state, snapshot.counts.get(state, 0)) for state in _SUMMED]
    parts = [f"{format.count(count)} {state}" for state, count in counts if count]
    if left := snapshot.total - snapshot.ended:
        parts.append(f"{format.count(left)} not ended")
    if snapshot.earlier:
        parts.append(f"{format.count(snapshot.earlier)} ended before this run")
    ended = snapshot.ended_at if snapshot.ended_at is not None else time.time()
    cost = format.money(snapshot.cost_usd) if snapshot.cost_usd is not None else "no costs told"
    return f"{', '.join(parts)}; {cost}; {format.duration(ended - snapshot.started_at)}"


def _bad(snapshot: BatchSnapshot) -> list[tuple[TaskState, int]]:
    states = (*_BAD, TaskState.UNKNOWN)
    return [(state, count) for state in states if (count := snapshot.counts.get(state, 0))]


def exit_code(snapshot: BatchSnapshot) -> int:
    """0: all completed; what kept prompts from being sent; 7: some outcomes are unknown; 1: some failed."""
    if snapshot.ended < snapshot.total:
        return max((problem.exit_code for problem in snapshot.problems), default=FAILED)
    if snapshot.counts.get(TaskState.UNKNOWN):
        return PARTIAL
    return FAILED if any(snapshot.counts.get(state) for state in _BAD) else COMPLETED


def code_of(row: BatchRow) -> int:
    """What `prompt` exits with for one task."""
    match row.task.state:
        case TaskState.COMPLETED:
            return COMPLETED
        case TaskState.UNKNOWN:
            return PARTIAL
        case _:
            return TimedOut.exit_code if row.task.reason == "timeout" else FAILED


def record(row: BatchRow) -> dict[str, Any]:
    """One prompt's outcome for machines."""
    task = row.task
    return {
        "line": row.line,
        "id": task.id,
        "attempt": row.attempt,
        "environment": task.environment,
        "service": task.service or None,
        "state": str(task.state),
        "reason": task.reason,
        "detail": task.detail,
        "priority": task.priority,
        "duration_seconds": None if row.seconds is None else round(row.seconds, 3),
        "started_at": format.moment(task.started_at) or None,
        "ended_at": format.moment(task.ended_at) or None,
        "exit_code": task.exit_code,
        "cost_usd": task.cost_usd,
        "ended_before": row.is_earlier,
        "prompt": task.prompt,
    }


def columns(*, is_spread: bool) -> list[Column]:
    """Of the table; with `is_spread` it says where each task ran."""

    def state(row: output.Row) -> str:
        if row["state"] == TaskState.PENDING and not row["started_at"]:
            return "not sent" if row["service"] is None else "pending"
        return f"{row['state']}, before" if row["ended_before"] else str(row["state"])

    where = [Column("SERVICE", lambda row: f"{row['environment']}/{row['service'] or format.NOTHING}")]
    return [
        Column("LINE", lambda row: str(row["line"])),
        Column("ID", lambda row: row["id"]),
        *(where if is_spread else []),
        Column("STATE", state, lambda row: _COLOR_OF_STATE.get(TaskState(row["state"]))),
        Column(
            "REASON", lambda row: format.NOTHING if row["reason"] in (None, row["state"]) else row["reason"]
        ),
        Column("TOOK", lambda row: format.duration(row["duration_seconds"])),
        Column("COST", lambda row: format.money(row["cost_usd"])),
        Column("PROMPT", lambda row: short(row["prompt"])),
    ]


def is_spread(rows: Sequence[BatchRow]) -> bool:
    """Whether they are of several services."""
    return len({(row.task.environment, row.task.service) for row in rows if row.task.service}) > 1


def short(text: str, width: int = 60) -> str:
    """A prompt on one line."""
    line = " ".join(text.split())
    return line if len(line) <= width else line[: width - 1] + "…"

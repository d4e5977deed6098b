"""A batch as table rows, and how it stands in a line."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from textual.content import Content

from ccconsole.format import count, duration, money
from ccconsole.model.batches import BatchRow
from ccconsole.model.tasks import TaskState
from ccconsole.widgets.rows import Column, Row
from ccconsole.widgets.task_rows import first_words, state_span, took
from ccconsole.widgets.text import Span, Tone, content

if TYPE_CHECKING:
    from ccconsole.errors import ConsoleError
    from ccconsole.model.batches import BatchSnapshot
    from ccconsole.model.problem import Problem

COLUMNS = (
    Column("line", "LINE", is_right=True),
    Column("state", "STATE"),
    Column("reason", "WHY", rank=2, is_optional=True),
    Column("duration", "TOOK", is_right=True),
    Column("cost", "COST", rank=4, is_right=True, is_optional=True),
    Column("priority", "PRIO", rank=5, is_right=True),
    Column("service", "SERVICE", rank=3, minimum=12),
    Column("prompt", "PROMPT", minimum=20, is_filling=True),
    Column("id", "TASK", rank=6),
)
_BAD = (TaskState.FAILED, TaskState.CANCELLED, TaskState.LOST, TaskState.UNKNOWN)

Drawn = dict[int, tuple[BatchRow, Row]]
"""Rows that were made, by their lines: those of tasks that do not run stay as they are."""


def batch_rows(rows: Iterable[BatchRow], now: float, drawn: Drawn) -> list[Row]:
    """A row for each prompt; what `drawn` has of it is taken when it still holds."""
    found = []
    for row in rows:
        known = drawn.get(row.line)
        is_moving = row.task.started_at is not None and not row.task.state.is_end
        if known is None or known[0] is not row or is_moving:
            known = drawn[row.line] = (row, _row(row, now))
        found.append(known[1])
    return found


def _row(row: BatchRow, now: float) -> Row:
    task = row.task
    seconds = took(task, now)
    is_waiting = task.state is TaskState.PENDING and not row.is_sent
    why = "before" if row.is_earlier and task.state is TaskState.COMPLETED else task.reason or ""
    cells = (
        Span(str(row.line), Tone.DIM),
        Span("· not sent", Tone.DIM) if is_waiting else state_span(task.state),
        Span("" if why == task.state else why, Tone.DIM),
        Span(duration(seconds) if seconds is not None else ""),
        Span(money(task.cost_usd) if task.cost_usd is not None else ""),
        Span(str(task.priority), Tone.DIM),
        Span(f"{task.environment}/{task.service}" if task.service else "", Tone.DIM),
        Span(first_words(task.prompt), Tone.DIM if task.state.is_end else Tone.NORMAL),
        Span(task.id, Tone.DIM),
    )
    orders = (
        float(row.line),
        f"{task.state.is_end:d}{is_waiting:d}{task.state}",
        why,
        seconds,
        task.cost_usd,
        float(-task.priority),
        cells[6].text,
        cells[7].text,
        task.id,
    )
    return Row(row.line, cells, orders)


def course(snapshot: BatchSnapshot, now: float) -> list[Span]:
    """How it stands, for the title line: what must be seen on a narrow one first."""
    parts = [Span(f"{count(snapshot.ended)} of {count(snapshot.total)} ended")]
    parts += [Span(f"{count(bad)} {state}", Tone.BAD) for state, bad in _bad(snapshot.counts)]
    if snapshot.is_stopping and not snapshot.is_over:
        parts.append(Span("stopping", Tone.WARN))
    if not snapshot.is_over:
        flight = f"{count(snapshot.in_flight)}/{count(snapshot.at_most)} in flight"
        parts.append(Span(flight, Tone.ACTIVE if snapshot.in_flight else Tone.DIM))
    if snapshot.waiting and not snapshot.is_stopping:
        parts.append(Span(f"waiting: {snapshot.waiting}", Tone.WARN))
    if done := snapshot.counts.get(TaskState.COMPLETED):
        parts.append(Span(f"✓ {count(done)} completed", Tone.GOOD))
    if snapshot.cost_usd is not None:
        parts.append(Span(money(snapshot.cost_usd)))
    parts.append(Span(duration((snapshot.ended_at or now) - snapshot.started_at), Tone.DIM))
    return parts


def told(snapshot: BatchSnapshot) -> str:
    """How it ended, in a short word."""
    counts = [(TaskState.COMPLETED, snapshot.counts.get(TaskState.COMPLETED, 0)), *_bad(snapshot.counts)]
    parts = [f"{count(number)} {state}" for state, number in counts if number]
    if left := snapshot.total - snapshot.ended:
        parts.append(f"{count(left)} not ended")
    if snapshot.cost_usd is not None:
        parts.append(money(snapshot.cost_usd))
    return ", ".join(parts)


def is_bad(snapshot: BatchSnapshot) -> bool:
    """Whether not all of it completed."""
    return snapshot.counts.get(TaskState.COMPLETED, 0) < snapshot.total


def _bad(counts: Mapping[TaskState, int]) -> list[tuple[TaskState, int]]:
    return [(state, number) for state in _BAD if (number := counts.get(state, 0))]


def notices(problems: Iterable[Problem]) -> list[Row]:
    """Services that take no more of it, and why."""
    return [
        Row(
            ("problem", problem.environment, problem.title),
            (Span("✗", Tone.BAD), Span(f"{problem.title}: {problem.detail}", Tone.BAD)),
            is_spanning=True,
            is_pinned=True,
        )
        for problem in problems
    ]


def trouble(error: ConsoleError) -> Content:
    """What is wrong with all of it, line by line."""
    lines = [line for part in (error.detail, error.hint) for line in part.splitlines()]
    said = [content((f" ✗ {error.title}", "bold $error")), *(content(f"   {line}") for line in lines)]
    return Content("\n").join(said)

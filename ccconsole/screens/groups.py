"""Prompts that were sent together, as the desk keeps them: of a file, or one for several services."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from ccconsole.model.batches import BatchRow, BatchSnapshot

if TYPE_CHECKING:
    from ccconsole.errors import ConsoleError
    from ccconsole.model.batches import BatchShare
    from ccconsole.model.services import ServiceKey
    from ccconsole.model.tasks import Task
    from ccconsole.screens.backend import BatchPlan


class Group:
    """The rows by their lines, and how they stand together."""

    def __init__(
        self,
        title: str,
        rows: Sequence[BatchRow],
        snapshot: BatchSnapshot,
        *,
        is_batch: bool,
        keys: tuple[ServiceKey, ...],
        text: str = "",
    ) -> None:
        """`is_batch`: a flow sends them and says how they stand; else each is followed by itself.

        `keys` are of the services it is for, `text` is what was written behind `:batch`.
        """
        self.title = title
        self.rows = {row.line: row for row in rows}
        self.snapshot = snapshot
        self.is_batch = is_batch
        self.keys = keys
        self.text = text
        self._watched = {row.line for row in self.flying}
        """What ran before: it does not hang on our streams."""
        self.problem: ConsoleError | None = None
        """Why the flow ended before its end."""
        self.stop = asyncio.Event()
        self.cancel = asyncio.Event()
        self.over = asyncio.Event()

    @property
    def name(self) -> str:
        """What it is kept by."""
        return self.snapshot.name

    @property
    def is_over(self) -> bool:
        """Whether nothing more will happen to it."""
        return self.snapshot.is_over or self.problem is not None

    @property
    def flying(self) -> list[BatchRow]:
        """Sent, and not at their end."""
        return [row for row in self.rows.values() if row.is_sent and not row.task.state.is_end]

    @property
    def waiting(self) -> int:
        """How many are not sent."""
        return sum(not row.is_sent and not row.task.state.is_end for row in self.rows.values())

    @property
    def lost(self) -> list[BatchRow]:
        """Those that end with this console."""
        ending = {
            (share.key.environment, share.key.name)
            for share in self.snapshot.shares
            if not share.is_detaching
        }
        return [
            row
            for row in self.flying
            if row.line not in self._watched and (row.task.environment, row.task.service) in ending
        ]

    def take(self, snapshot: BatchSnapshot) -> None:
        """What its flow says."""
        self.snapshot = snapshot
        self.rows |= {row.line: row for row in snapshot.changed}
        if snapshot.is_over:
            self.over.set()

    def fail(self, error: ConsoleError) -> None:
        """Its flow says nothing more."""
        self.problem = error
        self.over.set()

    def note(self, task: Task, now: float) -> bool:
        """How one of its tasks stands that is followed by itself; whether it is one of them."""
        if self.is_batch:
            return False
        row = next((row for row in self.rows.values() if row.task.id == task.id), None)
        if row is None:
            return False
        self.rows[row.line] = replace(row, task=task)
        self.snapshot = _counted(self.snapshot, list(self.rows.values()), now)
        return True


def titled(name: str) -> str:
    """What a batch is called; a name that was made for it says what it is by itself."""
    return name if name.startswith("batch") else f"batch {name}"


def of_plan(plan: BatchPlan, now: float) -> Group:
    """A batch that is about to be run."""
    empty = BatchSnapshot(plan.batch.name, (), {}, now, plan.batch.at_most, plan.shares)
    begun = replace(_counted(empty, plan.rows, now), in_flight=0, ended_at=None)
    return Group(
        titled(plan.batch.name), plan.rows, begun, is_batch=True, keys=plan.keys, text=plan.order.text
    )


def fan_out(name: str, title: str, tasks: Sequence[Task], shares: Sequence[BatchShare], now: float) -> Group:
    """One prompt for several services."""
    rows = [BatchRow(number, task, is_sent=True) for number, task in enumerate(tasks, 1)]
    empty = BatchSnapshot(name, (), {}, now, sum(share.limit for share in shares), tuple(shares))
    keys = tuple(share.key for share in shares)
    return Group(title, rows, _counted(empty, rows, now), is_batch=False, keys=keys)


def _counted(snapshot: BatchSnapshot, rows: Sequence[BatchRow], now: float) -> BatchSnapshot:
    open_rows = sum(not row.task.state.is_end for row in rows)
    costs = [row.task.cost_usd for row in rows if row.task.cost_usd is not None]
    return replace(
        snapshot,
        counts=Counter(row.task.state for row in rows),
        in_flight=open_rows,
        cost_usd=sum(costs) if costs else None,
        ended_at=None if open_rows else snapshot.ended_at or now,
    )

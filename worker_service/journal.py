"""The worker's journal: every task's events, summary, heartbeat and mailbox in one object store."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator
from uuid import uuid4

from worker_service import layout, reading
from worker_service.store import Store, StoreError
from worker_service.wire import Control, TaskEvent, TaskSummary
from worker_service.writer import TaskWriter, summary_body

CLAIM_SECONDS = 3.0
"""What a task's start waits for the store; a claim that takes longer is made good while the task runs."""

logger = logging.getLogger(__name__)

__all__ = ["Journal", "StoreError", "TaskWriter"]


class Journal:
    """The journal of all tasks, as one worker reads and writes it.

    Reading and sending raise StoreError when the store does not answer; claiming and writing never do.
    """

    def __init__(self, store: Store) -> None:
        self.store = store
        self._nonce = uuid4().hex
        self._unclaimed: dict[str, bytes] = {}

    @classmethod
    def open(cls, url: str) -> Journal:
        """The journal at `url`: file:///folder, gs://bucket/prefix, s3://bucket/prefix or memory:///.

        Raises:
            ValueError: no such kind of url, or a folder that cannot be made; the text says what is wrong.
        """
        try:
            return cls(Store.open(url))
        except StoreError as error:
            raise ValueError(str(error)) from error

    async def claim(self, summary: TaskSummary) -> TaskSummary | None:
        """Put the task's summary down as its one owner: None when it is ours, else the summary that is there.

        A store that does not answer leaves the task to us: its writer goes on trying.
        """
        body = summary_body(summary, self._nonce)
        try:
            async with asyncio.timeout(CLAIM_SECONDS):
                held = await self.store.create(layout.task(summary.task_id), body)
            return None if held is None else reading.summary_of(summary.task_id, held)
        except (StoreError, TimeoutError, ValueError) as error:
            logger.warning("task %s is not claimed in the journal yet: %s", summary.task_id, error)
            self._unclaimed[summary.task_id] = body
            return None

    async def read_session(self, session_id: str) -> bytes | None:
        """An agent's conversation; None when the store has none of that id."""
        return await self.store.read(layout.session(session_id))

    async def write_session(self, session_id: str, body: bytes) -> None:
        """Put an agent's conversation down, over an older copy of it."""
        await self.store.put(layout.session(session_id), body)

    def writer(self, summary: TaskSummary) -> TaskWriter:
        """What writes the journal of a task that was claimed; close it when the task has ended."""
        claim = self._unclaimed.pop(summary.task_id, None)
        return TaskWriter(self.store, summary, nonce=self._nonce, claim=claim)

    async def read_task(self, task_id: str) -> TaskSummary | None:
        """The task's summary; None when the journal does not know it."""
        return await reading.read_task(self.store, task_id)

    async def tasks(self) -> list[TaskSummary]:
        """Every task in the journal, newest first."""
        found = await reading.read_tasks(self.store, await reading.task_ids(self.store))
        return sorted(found, key=lambda summary: summary.created_at, reverse=True)

    def events(self, task_id: str, after: int = 0, follow: bool = True) -> AsyncGenerator[TaskEvent, None]:
        """The task's events behind number `after`, as `reading.events` has them."""
        return reading.events(self.store, task_id, after, follow)

    async def send(self, task_id: str, control: Control) -> int:
        """Put a command into the task's mailbox; its number there."""
        return await reading.send(self.store, task_id, control)

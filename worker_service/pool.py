"""The tasks of this worker: letting them in, finding them, ending them all."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter
from collections.abc import AsyncGenerator, Sequence
from typing import TYPE_CHECKING

from worker_service import refusals
from worker_service.agents.base import Agent
from worker_service.identity import Identity
from worker_service.record import House, Order
from worker_service.redaction import Redactor
from worker_service.refusals import Refused
from worker_service.sessions import Sessions
from worker_service.settings import Settings
from worker_service.tasks import Task
from worker_service.wire import Control, RunRequest, TaskEvent, TaskSummary
from worker_service.workspaces import Workspaces

if TYPE_CHECKING:
    from worker_service.journal import Journal, TaskWriter

logger = logging.getLogger(__name__)

FINISHED_KEPT = 50
_FINISHED_RINGS = 16
"""Finished tasks' events are kept up to this many full rings in all."""
_DRAIN_STEP = 0.3
"""The share of the drain time that each rung of the ladder gets; the rest is for journal and streams."""


class Pool:
    """Every task this worker runs or ran lately, and the journal where others' are found."""

    def __init__(
        self,
        settings: Settings,
        agent: Agent,
        identity: Identity,
        redactor: Redactor,
        journal: Journal | None,
    ) -> None:
        self.settings = settings
        self.agent = agent
        self.identity = identity
        self.journal = journal
        self.is_draining = False
        self.ends: Counter[str] = Counter()
        """How many tasks have ended in each status."""
        self.output_bytes = 0
        """Of the tasks that have ended."""
        self.last_started_at: float | None = None
        self._tasks: dict[str, Task] = {}
        self._claims: dict[str, asyncio.Event] = {}
        self._jobs: set[asyncio.Task[None]] = set()
        self.workspaces = Workspaces(settings.worker_workspaces)
        sessions = Sessions(agent, journal, redactor)
        self.house = House(settings, identity, agent.kind, redactor, sessions)

    @property
    def tasks(self) -> list[Task]:
        """The tasks known here, oldest first."""
        return list(self._tasks.values())

    @property
    def running(self) -> list[Task]:
        """The tasks that have not ended."""
        return [task for task in self._tasks.values() if not task.is_ended]

    async def start(
        self,
        request: RunRequest,
        task_id: str,
        *,
        actor: str | None = None,
        trace_id: str | None = None,
        ignored_fields: Sequence[str] = (),
    ) -> Task | TaskSummary:
        """Let a task in, or find the one that has this id: here, or (a summary) in the journal.

        Raises:
            Refused: it cannot be run, or another prompt has the id.
        """
        while (claim := self._claims.get(task_id)) is not None:
            await claim.wait()
        if (known := self._tasks.get(task_id)) is not None:
            if known.order.request.prompt != request.prompt:
                raise refusals.task_exists(task_id)
            return known
        self._check_room(request)
        task = Task(self._order(request, task_id, actor, trace_id, ignored_fields), self.house)
        writer = None
        if self.journal is not None:
            claimed = self._claims[task_id] = asyncio.Event()
            try:
                other = await self.journal.claim(task.record.summary())
                if other is None:
                    writer = self.journal.writer(task.record.summary())
            finally:
                claimed.set()
                del self._claims[task_id]
            if other is not None:
                await self._clear_folder(task)
                if other.prompt != task.record.summary().prompt:
                    raise refusals.task_exists(task_id)
                return other
        self._launch(task, writer)
        return task

    def get(self, task_id: str) -> Task | None:
        """The task of this id, if it is or was lately here."""
        return self._tasks.get(task_id)

    async def find(self, task_id: str) -> Task | TaskSummary:
        """The task of this id: here, or in the journal.

        Raises:
            Refused: there is none, or the store does not answer.
        """
        if (task := self._tasks.get(task_id)) is not None:
            return task
        if self.journal is None:
            raise refusals.unknown_task(task_id)
        try:
            summary = await self.journal.read_task(task_id)
        except OSError as error:
            raise refusals.store_unavailable(str(error)) from error
        if summary is None:
            raise refusals.unknown_task(task_id)
        return summary

    async def summaries(self) -> list[TaskSummary]:
        """All tasks, newest first: those here, and what the journal has of others.

        Raises:
            Refused: the store does not answer.
        """
        here = {task.id: task.record.summary() for task in self.tasks}
        elsewhere: list[TaskSummary] = []
        if self.journal is not None:
            try:
                elsewhere = await self.journal.tasks()
            except OSError as error:
                raise refusals.store_unavailable(str(error)) from error
        every = [*here.values(), *(summary for summary in elsewhere if summary.task_id not in here)]
        return sorted(every, key=lambda summary: summary.created_at, reverse=True)

    def journaled_events(self, task_id: str, after: int, *, follows: bool) -> AsyncGenerator[TaskEvent, None]:
        """The events of a task that is not here; only after `find` gave its summary."""
        assert self.journal is not None
        return self.journal.events(task_id, after, follows)

    def past_events(self, task: Task, after: int) -> AsyncGenerator[TaskEvent, None] | None:
        """The journal's events behind `after`, where the ring of a task here no longer has them all."""
        if self.journal is None or after + 1 >= task.log.first:
            return None
        return self.journal.events(task.id, after, False)

    async def send(self, task_id: str, control: Control) -> int:
        """Put a command for a task elsewhere into its mailbox: its number there.

        Raises:
            Refused: there is no store, no such task, or it has ended.
        """
        if self.journal is None:
            raise refusals.no_control(task_id)
        found = await self.find(task_id)
        if isinstance(found, TaskSummary) and found.status.is_end:
            raise refusals.task_ended(task_id)
        try:
            return await self.journal.send(task_id, control)
        except OSError as error:
            raise refusals.store_unavailable(str(error)) from error

    async def drain(self) -> None:
        """Let nothing more in and end every task; returns when all are ended and their journals written."""
        self.is_draining = True
        for claim in list(self._claims.values()):
            await claim.wait()
        for task in self.running:
            task.drain(self.settings.worker_drain_seconds * _DRAIN_STEP)
        if self._jobs:
            await asyncio.wait(self._jobs)

    def abandon(self) -> None:
        """Stop waiting for tasks that do not end: each gets its `complete` now."""
        for job in self._jobs:
            job.cancel()

    async def close(self) -> None:
        """Drain, and delete what the worker kept on disk."""
        await self.drain()
        await asyncio.to_thread(self.workspaces.close)

    def _check_room(self, request: RunRequest) -> None:
        settings = self.settings
        if self.is_draining:
            raise refusals.draining()
        modes = self.agent.modes()
        if request.mode not in modes:
            able = ", ".join(sorted(modes))
            raise refusals.invalid(
                "mode", f"the {self.agent.kind} agent runs in {able}, not in {request.mode}"
            )
        if request.on_disconnect == "detach" and settings.k_service and self.journal is None:
            raise refusals.invalid(
                "onDisconnect", "detach needs a store (WORKER_STORE): nobody could reach the task again"
            )
        left = sum(task.is_left for task in self.running)
        held = len(self.running) - left + len(self._claims)
        if held >= settings.worker_max_tasks or left > settings.worker_max_detached:
            raise refusals.busy(len(self.running) + len(self._claims))
        if request.workspace and any(
            task.order.request.workspace == request.workspace for task in self.running
        ):
            raise refusals.workspace_busy(request.workspace)

    def _order(
        self,
        request: RunRequest,
        task_id: str,
        actor: str | None,
        trace_id: str | None,
        ignored_fields: Sequence[str],
    ) -> Order:
        try:
            folder = self.workspaces.open(task_id, request.workspace)
        except OSError as error:
            raise Refused(500, "workspace", f"No work folder could be made: {error}") from error
        try:
            launch, reader = self.agent.prepare(request, folder)
        except ValueError as error:
            if request.workspace is None:
                self.workspaces.delete(folder)
            raise refusals.invalid("prompt", str(error)) from error
        on_disconnect = request.on_disconnect or self.settings.worker_on_disconnect
        return Order(
            request=request,
            task_id=task_id,
            launch=launch,
            reader=reader,
            folder=folder,
            is_detached=on_disconnect == "detach",
            actor=actor,
            trace_id=trace_id,
            ignored_fields=ignored_fields,
        )

    def _launch(self, task: Task, writer: TaskWriter | None) -> None:
        self._tasks[task.id] = task
        self.last_started_at = time.time()
        job = asyncio.create_task(self._run(task, writer), name=f"task {task.id}")
        self._jobs.add(job)
        job.add_done_callback(self._jobs.discard)
        logger.info("task %s started", task.id, extra={"task_id": task.id})

    async def _run(self, task: Task, writer: TaskWriter | None) -> None:
        try:
            await task.run(writer)
        finally:
            self.ends[task.record.status.value] += 1
            self.output_bytes += task.record.output_bytes
            self._forget_old()
            await self._clear_folder(task)

    async def _clear_folder(self, task: Task) -> None:
        if task.order.request.workspace is None:
            await asyncio.to_thread(self.workspaces.delete, task.order.folder)

    def _forget_old(self) -> None:
        finished = [task for task in self._tasks.values() if task.is_ended]
        size = sum(task.log.size for task in finished)
        most = _FINISHED_RINGS * self.settings.worker_ring_bytes
        while len(finished) > FINISHED_KEPT or (size > most and len(finished) > 1):
            oldest = finished.pop(0)
            size -= oldest.log.size
            del self._tasks[oldest.id]

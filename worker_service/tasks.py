"""One task's life: run to its one result, watched by viewers, obeying commands."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from worker_service import logs
from worker_service.agents.base import Emission, Verdict
from worker_service.ending import Ended, Ending, Limits, Rung
from worker_service.execution import Execution
from worker_service.record import House, Order, Record
from worker_service.sessions import SessionCopy, SessionGone
from worker_service.steering import OVER, Steering
from worker_service.wire import Control, EventType, Reason, Status, TaskResult

if TYPE_CHECKING:
    from worker_service.journal import TaskWriter

logger = logging.getLogger(__name__)

_RUNGS = {None: Rung.INTERRUPT, "interrupt": Rung.INTERRUPT, "terminate": Rung.TERMINATE, "kill": Rung.KILL}
_JOURNAL_SECONDS = 6.0
"""What the end of a task waits for the journal, which itself gives up after 5 s."""
DEADLINE_WARNING_SECONDS = 300.0
"""A task that may run at least twice as long says so when no more is left of its time."""


class Task:
    """One prompt from its admission to its `complete` event, which comes exactly once.

    `run` does the work; everything else may be called at any moment from the same event loop.
    """

    def __init__(self, order: Order, house: House) -> None:
        self.id = order.task_id
        self.order = order
        self.record = Record(order, house)
        self.log = self.record.log
        self.ended = asyncio.Event()
        """Set once the result is known; the journal may still be written."""
        self._settings = settings = house.settings
        self._writer: TaskWriter | None = None
        self._problem: str | None = None
        self._ending: Ending | None = None
        self._viewers = 0
        self._was_viewed = False
        self._grace: asyncio.TimerHandle | None = None
        self._execution = Execution(
            order.launch,
            order.reader,
            Limits(self.record.timeout, settings.worker_stall_seconds, settings.worker_cancel_step_seconds),
            house.redactor,
            house.family,
            on_emissions=self._on_emissions,
            on_tick=self._on_tick,
            on_ending=self._stop,
        )
        self._sessions = house.sessions
        self._steering = Steering(self._execution, self.record)
        self._is_warned = self.record.timeout < 2 * DEADLINE_WARNING_SECONDS

    @property
    def is_ended(self) -> bool:
        """Whether the result is known."""
        return self.record.result is not None

    @property
    def pid(self) -> int | None:
        """The agent's process while it runs."""
        return None if self.is_ended else self._execution.pid

    async def run(self, writer: TaskWriter | None) -> None:
        """Run it to its end; returns when its journal, if it has one, is written too."""
        logs.current_task.set(self.id)  # of this asyncio task and those it starts
        self._writer = writer
        mailbox = None
        if writer is not None:
            self.log.sink = writer.write
            writer.on_journaled = self.log.acknowledge
            mailbox = asyncio.create_task(self._obey(writer))
        result: TaskResult | None = None
        try:
            result = await self._run()
        except Exception:  # the task's boundary: a bug inside ends this one task, and says so
            logger.exception("task %s failed inside the worker", self.id)
            detail = "an error inside the worker; the worker's log has the details"
            result = self.record.outcome(Ending(Status.FAILED, Reason.AGENT_ERROR, detail), None, None)
        finally:
            if mailbox is not None:
                mailbox.cancel()
            stopped = Ending(Status.FAILED, Reason.SIGTERM, "the worker was stopped")
            self._complete(result or self.record.outcome(stopped, None, None))
            await self._close_journal(mailbox)
            self.log.close()

    def control(self, control: Control, n: int | None = None) -> dict[str, Any]:
        """Carry out a command, the mailbox's number `n`: the data of the `control` event that acks it."""
        if self.is_ended:
            return {"action": control.action, "actor": control.actor, "ok": False, "error": OVER}
        said: dict[str, Any] = {"action": control.action, "actor": control.actor, "ok": True}
        if control.console is not None:
            said["console"] = control.console
        if n is not None:
            said["n"] = n
        if control.action == "resize":
            said |= {"cols": control.cols, "rows": control.rows}
        if control.action == "answer":
            said |= {"permissionId": control.permission_id, "behavior": control.behavior}
            said |= {"message": control.message} if control.message else {}
        was_waiting = bool(self.record.waiting)
        try:
            self._steering.carry_out(control)
        except (ValueError, BufferError, OSError) as error:
            said |= {"ok": False, "error": str(error)}
        self.log.append(EventType.CONTROL, said)
        if said["ok"] and control.action == "cancel":
            self._cancel(control)
        self._say_waiting(was_waiting)
        return said

    def drain(self, step: float) -> None:
        """End it because the worker stops, `step` seconds for each rung of the ladder."""
        if self._execution.is_over:
            return
        ending = Ending(Status.FAILED, Reason.SIGTERM, "the instance was stopped while the task ran")
        if self._ending is None:
            self._ending = ending
            self.record.say_status(Status.DRAINING, reason=Reason.SIGTERM.value)
        self._execution.stop(step=step)

    def attach(self) -> None:
        """Count a viewer that keeps the task alive."""
        self._viewers += 1
        self._was_viewed = True
        if self._grace is not None:
            self._grace.cancel()
            self._grace = None

    def detach(self) -> None:
        """A viewer is gone; with the last one the task's time of grace begins, unless it was detached."""
        self._viewers -= 1
        if self._viewers or self.order.is_detached or self.is_ended:
            return
        grace = self._settings.worker_disconnect_grace_seconds
        self._grace = asyncio.get_running_loop().call_later(grace, self._abandon)

    @property
    def is_left(self) -> bool:
        """Whether it runs on while no request is open on it: the platform takes its place for free."""
        return self._was_viewed and not self._viewers and not self.is_ended

    @property
    def viewers(self) -> int:
        """How many streams show it."""
        return self._viewers

    async def _run(self) -> TaskResult:
        self.record.pending()
        try:
            is_started = await self._start()
        except (OSError, ValueError, SessionGone) as error:
            detail = f"the agent could not be started: {error}"
            return self.record.outcome(Ending(Status.FAILED, Reason.SPAWN, detail), None, None)
        ended, verdict = await self._run_agent() if is_started else (None, None)
        return self.record.outcome(self._ending, ended, verdict)

    async def _start(self) -> bool:
        """Whether the agent runs: nobody has ended the task before it did."""
        order = self.order
        if order.request.resume is not None and self._ending is None:
            await self._sessions.fetch(order.request.resume, order.folder)
        if self._ending is None:
            self._execution.start(order.folder, self.id, self.record.cols, self.record.rows)
        return self._ending is None

    async def _run_agent(self) -> tuple[Ended, Verdict]:
        self.record.running(self._execution.pid)
        self._update_journal()
        copy = SessionCopy(self._sessions, self.order.reader, self.order.folder)
        keeping = asyncio.create_task(copy.keep_on(), name=f"session of {self.id}")
        try:
            ended = await self._execution.run()
        finally:
            keeping.cancel()
        await copy.close()
        return ended, self.order.reader.verdict(ended.exit)

    def _complete(self, result: TaskResult) -> None:
        if self._grace is not None:
            self._grace.cancel()
        self.record.end(result)
        self.ended.set()
        logger.info(
            "task %s %s", self.id, result.status.value, extra={"task_id": self.id, "reason": result.reason}
        )

    def _on_emissions(self, emissions: Sequence[Emission]) -> None:
        limit = self._settings.worker_output_limit_bytes
        was_waiting = bool(self.record.waiting)
        self.record.take(emissions, has_output=self.record.output_bytes < limit)
        if self.record.output_bytes >= limit and self._ending is None:
            detail = f"the task printed more than {limit} bytes; nothing after them was kept"
            self._stop(Ending(Status.FAILED, Reason.OUTPUT_LIMIT, detail), Rung.TERMINATE)
        self._say_waiting(was_waiting)

    def _say_waiting(self, was_waiting: bool) -> None:
        is_waiting = bool(self.record.waiting)
        self._execution.is_waiting = is_waiting
        if is_waiting is not was_waiting and self._ending is None:
            self.record.say_status(Status.WAITING_INPUT if is_waiting else Status.RUNNING)

    def _on_tick(self) -> None:
        self._update_journal()
        for control in self._steering.overdue(time.time()):
            self.control(control)
        self._warn()
        problem = self._writer.problem if self._writer else None
        if (problem is None) is not (self._problem is None):
            self.record.say_error("journal", problem or "the journal is written again", is_retryable=True)
        self._problem = problem

    def _stop(self, ending: Ending, rung: Rung = Rung.INTERRUPT) -> None:
        """Stop it for `ending`, unless something else ended it before."""
        if self._ending is None and not self._execution.is_over:
            self._ending = ending
            if ending.actor is None and ending.reason is not Reason.DISCONNECTED:
                self.record.say_error(ending.reason.value, ending.detail)
            self.record.say_status(Status.CANCELLING, reason=ending.reason.value)
        self._execution.stop(rung)

    def _warn(self) -> None:
        left = self.record.deadline - time.time()
        if not self._is_warned and left <= DEADLINE_WARNING_SECONDS:
            self._is_warned = True
            self.record.say_error(
                "deadline", f"the task is stopped in {left / 60:.0f} min, at its time limit"
            )

    def _cancel(self, control: Control) -> None:
        ending = Ending(Status.CANCELLED, Reason.CANCELLED, f"cancelled by {control.actor}", control.actor)
        self._stop(ending, _RUNGS[control.mode])

    def _abandon(self) -> None:
        detail = "the connection that started the task was lost, and nobody came back to it"
        self._stop(Ending(Status.CANCELLED, Reason.DISCONNECTED, detail))

    async def _obey(self, writer: TaskWriter) -> None:
        async for n, control in writer.controls():
            self.control(control, n)

    def _update_journal(self) -> None:
        if self._writer is not None:
            self._writer.update(self.record.summary())

    async def _close_journal(self, mailbox: asyncio.Task[None] | None) -> None:
        if self._writer is None or mailbox is None:
            return
        for error in await asyncio.gather(mailbox, return_exceptions=True):
            if isinstance(error, Exception):
                logger.error("the mailbox of task %s failed", self.id, exc_info=error)
        try:
            async with asyncio.timeout(_JOURNAL_SECONDS):
                await self._writer.close(self.record.summary())
        except (TimeoutError, OSError) as error:
            logger.warning("the journal of task %s could not be closed: %s", self.id, error)

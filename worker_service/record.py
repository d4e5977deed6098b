"""What is known of one task: its events, its output, its state and its result."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, cast

from pydantic_core import from_json, to_json

from worker_service.agents.base import (
    Emission,
    Exit,
    Launch,
    Message,
    Output,
    Permission,
    PermissionWithdrawn,
    Reader,
    UsageReport,
    Verdict,
)
from worker_service.ending import Ended, Ending
from worker_service.events import EventLog
from worker_service.identity import Identity
from worker_service.output import OutputEncoder
from worker_service.processes import Family
from worker_service.redaction import Redactor
from worker_service.sessions import Sessions
from worker_service.settings import Settings
from worker_service.wire import EventType, Reason, RunRequest, Status, TaskResult, TaskSummary, Usage

_PROMPT_SHOWN = 200


@dataclass(frozen=True)
class Asked:
    """A permission that waits for a person, until `deadline` (seconds since the epoch)."""

    tool: str
    deadline: float


@dataclass(frozen=True)
class Order:
    """A task that was let in: what to run, and on whose behalf."""

    request: RunRequest
    task_id: str
    launch: Launch
    reader: Reader
    folder: Path
    is_detached: bool
    """Whether it goes on when nobody watches."""
    actor: str | None = None
    trace_id: str | None = None
    ignored_fields: Sequence[str] = ()


@dataclass(frozen=True)
class House:
    """What all tasks of a worker share."""

    settings: Settings
    identity: Identity
    agent: str
    redactor: Redactor
    sessions: Sessions
    family: Family = field(default_factory=Family)


class Record:
    """One task's record; every change of it is an event in `log`."""

    def __init__(self, order: Order, house: House) -> None:
        self.order = order
        self._house = house
        settings, request = house.settings, order.request
        self.log = EventLog(order.task_id, settings.worker_ring_bytes, house.redactor)
        self.status = Status.PENDING
        self.result: TaskResult | None = None
        self.waiting: dict[str, Asked] = {}
        """The permissions that wait for an answer, by id."""
        self.permission_seconds = request.permission_timeout_seconds or settings.worker_permission_seconds
        self.permission_default = request.permission_default or settings.worker_permission_default
        self.driver: str | None = None
        """Whose keys an interactive task takes; None: anybody's."""
        self.cols, self.rows = request.cols, request.rows
        longest = settings.worker_timeout_seconds
        self.timeout = min(request.timeout_seconds or longest, longest)
        self._usage: Usage | None = None
        self._encoder = OutputEncoder()
        self._redactor = house.redactor.stream()
        self._created_at, self._began = time.time(), time.monotonic()
        self._started_at: float | None = None
        self._last_output_at: float | None = None

    @property
    def output_bytes(self) -> int:
        """Bytes of rendered output so far."""
        return self._encoder.total

    @property
    def deadline(self) -> float:
        """When the task is stopped at the latest, in seconds since the epoch."""
        return (self._started_at or self._created_at) + self.timeout

    def summary(self) -> TaskSummary:
        """The task as `GET /tasks` and the journal show it."""
        request, identity = self.order.request, self._house.identity
        return TaskSummary(
            task_id=self.order.task_id,
            status=self.status,
            prompt=self._house.redactor.clean_text(request.prompt[:_PROMPT_SHOWN]),
            mode=request.mode,
            agent=self._house.agent,
            priority=request.priority,
            service=identity.service,
            revision=identity.revision,
            instance_id=identity.instance_id,
            created_at=self._created_at,
            started_at=self._started_at,
            ended_at=self._created_at + self.result.duration / 1000 if self.result else None,
            deadline=self.deadline,
            cols=self.cols,
            rows=self.rows,
            output_bytes=self.output_bytes,
            last_output_at=self._last_output_at,
            last_seq=self.log.last,
            actor=self.result.actor if self.result and self.result.actor else self.order.actor,
            session_id=self.order.reader.session_id,
            asks=next((asked.tool for asked in self.waiting.values()), None),
            driver=self.driver,
            result=self.result,
        )

    def pending(self) -> None:
        """Say that the task was let in, and what it is."""
        identity, order = self._house.identity, self.order
        self.say_status(
            Status.PENDING,
            instanceId=identity.instance_id,
            revision=identity.revision,
            traceId=order.trace_id,
            agent=self._house.agent,
            deadline=self.deadline,
            cols=self.cols,
            rows=self.rows,
            ignoredFields=list(order.ignored_fields) or None,
        )

    def running(self, pid: int | None) -> None:
        """Say that the agent has started."""
        self._started_at = time.time()
        self.say_status(Status.RUNNING, pid=pid, deadline=self.deadline)

    def say_status(self, status: Status, **more: object) -> None:
        """Change the state and say so; whatever is None is left out."""
        self.status = status
        said = {name: value for name, value in more.items() if value is not None}
        self.log.append(EventType.STATUS, {"status": status.value, **said})

    def say_error(self, code: str, message: str, *, is_retryable: bool = False) -> None:
        """Tell of trouble that is not the end by itself."""
        data = {"code": code, "message": message, "retryable": is_retryable}
        self.log.append(EventType.ERROR, data)

    def take(self, emissions: Sequence[Emission], *, has_output: bool) -> None:
        """Tell what the agent said; output that follows output goes into one event."""
        joined: list[bytes] = []
        for emission in emissions:
            if isinstance(emission, Output):
                if has_output:
                    joined.append(emission.data)
                continue
            self._say_output(b"".join(joined))
            joined.clear()
            self._say(emission)
        self._say_output(b"".join(joined))

    def end(self, result: TaskResult) -> None:
        """Say the last of the output and then, once and for all, how the task ended."""
        self._say_output(self._redactor.close())
        for data in self._encoder.close():
            self.log.append(EventType.OUTPUT, data)
        result = result.model_copy(
            update={
                "output": self._house.redactor.clean_text(self._encoder.tail()),
                "output_bytes": self.output_bytes,
                "output_truncated": self._encoder.is_longer_than_tail,
            }
        )
        self.status, self.result = result.status, result
        self.log.append(EventType.COMPLETE, result.to_wire())

    def outcome(self, ending: Ending | None, ended: Ended | None, verdict: Verdict | None) -> TaskResult:
        """The result, from what was decided here, how the process ended and how the agent judges its run."""
        ending = ending or _judged(ended, verdict)
        exit_ = ended.exit if ended else Exit(None, None)
        identity, order, redact = self._house.identity, self.order, self._house.redactor.clean_text
        usage = (verdict.usage if verdict else None) or self._usage
        return TaskResult(
            task_id=order.task_id,
            status=cast("Literal[Status.COMPLETED, Status.FAILED, Status.CANCELLED]", ending.status),
            reason=None if ending.status is Status.COMPLETED else ending.reason,
            detail=redact(ending.detail) or None,
            exit_code=exit_.code,
            signal=exit_.signal,
            duration=round((time.monotonic() - self._began) * 1000),
            session_id=verdict.session_id if verdict else None,
            usage=usage,
            permission_denials=list(verdict.permission_denials) or None if verdict else None,
            actor=ending.actor,
            transcript_url=f"/tasks/{order.task_id}/transcript",
            instance_id=identity.instance_id,
            revision=identity.revision,
            trace_id=order.trace_id,
            metadata=self._metadata(),
        )

    def _metadata(self) -> dict[str, Any] | None:
        given = self.order.request.metadata
        redactor = self._house.redactor
        if given is None or not redactor:
            return given
        return cast("dict[str, Any]", from_json(redactor.clean(to_json(given))))

    def _say_output(self, data: bytes) -> None:
        data = self._redactor.feed(data) if data else data
        if not data:
            return
        self._last_output_at = time.time()
        for event in self._encoder.feed(data):
            self.log.append(EventType.OUTPUT, event)

    def _say(self, emission: Emission) -> None:
        if isinstance(emission, Message):
            self.log.append(EventType.MESSAGE, {"message": emission.message})
        elif isinstance(emission, UsageReport):
            self._usage = emission.usage
            self.log.append(EventType.USAGE, emission.usage.to_wire())
        elif isinstance(emission, PermissionWithdrawn):
            self.waiting.pop(emission.permission_id, None)
        elif isinstance(emission, Permission):
            deadline = min(time.time() + self.permission_seconds, self.deadline)
            self.waiting[emission.permission_id] = Asked(emission.tool, deadline)
            data = {
                "permissionId": emission.permission_id,
                "tool": emission.tool,
                "input": emission.input,
                "description": emission.description,
                "suggestions": list(emission.suggestions) or None,
                "deadline": deadline,
                "default": self.permission_default,
            }
            known = {name: value for name, value in data.items() if value is not None}
            self.log.append(EventType.PERMISSION, known)


def _judged(ended: Ended | None, verdict: Verdict | None) -> Ending:
    if ended is not None and ended.is_oom:
        detail = "the kernel killed the agent: the instance is out of memory"
        return Ending(Status.FAILED, Reason.OOM, detail)
    if verdict is None:
        return Ending(Status.FAILED, Reason.AGENT_ERROR, "the agent gave no verdict")
    if verdict.is_success:
        return Ending(Status.COMPLETED, Reason.EXIT, verdict.detail or "")
    return Ending(Status.FAILED, verdict.reason or Reason.AGENT_ERROR, verdict.detail or "")

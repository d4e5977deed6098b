"""One task that this console follows: its terminal, what is known of it, what is typed; no Textual."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from ccconsole.config import Environment
from ccconsole.errors import ConfigError, ConsoleError, Denied, NotFound, NotSignedIn, Refused
from ccconsole.model import Service, Task, TaskState
from ccconsole.recordings.keeping import Kept
from ccconsole.terminal.engine import Terminal
from ccconsole.terminal.feeder import feed

if TYPE_CHECKING:
    from worker_service.wire import TaskEvent

TYPING_WINDOW = 0.010
"""Seconds in which keys are gathered into one mailbox command; a tenth of what a hand can tell."""


_NOT_STARTED = (ConfigError, Denied, NotFound, NotSignedIn, Refused)
"""After one of these the worker runs nothing; after any other the task may well run on."""


@dataclass(frozen=True)
class Permission:
    """What the agent asks to be allowed."""

    id: str
    tool: str
    words: str


@dataclass(frozen=True)
class Typed:
    """One command for the task's mailbox."""

    action: str
    fields: Mapping[str, Any]


class Session:
    """A followed task; the root screen drains `follow`, so it goes on when its screen is left."""

    def __init__(
        self,
        task: Task,
        environment: Environment,
        events: Callable[[], AsyncGenerator[TaskEvent, None]],
        *,
        service: Service | None = None,
        is_own: bool = False,
        size: tuple[int, int] = (120, 40),
    ) -> None:
        self.task = task
        self.environment = environment
        self.service = service
        self.is_own = is_own
        self.terminal = Terminal(*size)
        self.permission: Permission | None = None
        self.note = ""
        """The last thing worth a word: an acknowledged command, a gap, an error of the stream."""
        self.problem: ConsoleError | None = None
        self.kept = Kept(task.id) if environment.store is None else None
        """The events of a task that no journal keeps."""
        self._events = events
        self._typed = bytearray()
        self._size: tuple[int, int] | None = None
        self._wake = asyncio.Event()

    @property
    def is_over(self) -> bool:
        """Whether nothing more will come: the task ended, or its stream failed."""
        return self.task.state.is_end or self.problem is not None

    @property
    def is_interactive(self) -> bool:
        """Whether keys can go to the agent."""
        return self.task.mode == "interactive" and self.environment.store is not None and not self.is_over

    async def follow(self) -> AsyncGenerator[Task, None]:
        """Feed the terminal until the end; yields the task when something but its output changed."""
        try:
            async with aclosing(self._events()) as events:
                async for event in events:
                    if await self._take(event):
                        yield self.task
        except ConsoleError as error:
            if not self.task.state.is_end:
                self.problem = error
            if self.task.state is TaskState.PENDING and isinstance(error, _NOT_STARTED):
                self.task = replace(self.task, state=TaskState.FAILED, reason="refused", detail=error.title)
        self._wake.set()
        yield self.task

    async def _take(self, event: TaskEvent) -> bool:
        data = event.data
        if self.kept is not None:
            self.kept.add(event)
        if event.type == "output":
            await self._output(data)
            return False
        take = getattr(self, f"_take_{event.type}", None)
        if take is None:
            return False
        take(data)
        return True

    async def _output(self, data: Mapping[str, Any]) -> None:
        text = str(data.get("data", ""))
        raw = base64.b64decode(text) if data.get("encoding") == "base64" else text.encode("utf-8", "replace")
        end = int(data.get("offset", self.task.output_bytes)) + int(data.get("length", len(raw)))
        self.task = replace(self.task, output_bytes=end, last_output_at=_time(data))
        await feed(self.terminal, raw)
        replies = self.terminal.take_replies()
        if replies and self.is_own and self.is_interactive:
            self.type(replies)

    def _take_status(self, data: Mapping[str, Any]) -> None:
        state = TaskState(data["status"])
        started = self.task.started_at
        if started is None and state is TaskState.RUNNING:
            started = _time(data)
        self.task = replace(
            self.task,
            state=state,
            reason=data.get("reason", self.task.reason),
            agent=data.get("agent", self.task.agent) or "",
            deadline=data.get("deadline", self.task.deadline),
            revision=data.get("revision", self.task.revision),
            instance_id=data.get("instanceId", self.task.instance_id),
            started_at=started,
        )
        if state is not TaskState.WAITING_INPUT:
            self.permission = None
        if ignored := data.get("ignoredFields"):
            self.note = f"the worker ignored: {', '.join(map(str, ignored))}"

    def _take_permission(self, data: Mapping[str, Any]) -> None:
        wanted = data.get("input")
        listed = (
            "  ".join(f"{key}: {value}" for key, value in wanted.items()) if isinstance(wanted, dict) else ""
        )
        words = str(data.get("description") or listed)
        self.permission = Permission(str(data.get("permissionId", "")), str(data.get("tool", "")), words)

    def _take_usage(self, data: Mapping[str, Any]) -> None:
        self.task = replace(self.task, cost_usd=data.get("costUsd", self.task.cost_usd))

    def _take_control(self, data: Mapping[str, Any]) -> None:
        action, actor = data.get("action"), data.get("actor", "somebody")
        if not data.get("ok", True):
            self.note = f"{action} by {actor} was refused: {data.get('error', 'no reason given')}"
        elif action in ("cancel", "answer"):
            self.note = f"{action} by {actor}"

    def _take_gap(self, data: Mapping[str, Any]) -> None:
        self.note = f"events {data.get('from')} to {data.get('to')} are missing: {data.get('reason', '')}"

    def _take_error(self, data: Mapping[str, Any]) -> None:
        self.note = str(data.get("message", "error"))

    def _take_complete(self, data: Mapping[str, Any]) -> None:
        usage = data.get("usage") or {}
        self.permission = None
        self.task = replace(
            self.task,
            state=TaskState(data["status"]),
            reason=data.get("reason"),
            detail=data.get("detail"),
            exit_code=data.get("exitCode"),
            ended_at=_time(data),
            output_bytes=data.get("outputBytes", self.task.output_bytes),
            cost_usd=usage.get("costUsd", self.task.cost_usd),
            actor=data.get("actor"),
        )

    def close(self, why: str) -> None:
        """The stream was closed here, and nothing more will come."""
        self.task = replace(self.task, state=TaskState.CANCELLED, detail=why)
        self._wake.set()

    def type(self, data: bytes) -> None:
        """Send these bytes after all that was typed before."""
        self._typed += data
        self._wake.set()

    def resize(self, columns: int, rows: int) -> None:
        """Tell the agent the terminal's size; of several the last counts."""
        self.terminal.resize(columns, rows)
        self._size = (columns, rows)
        self._wake.set()

    async def commands(self) -> AsyncGenerator[Typed, None]:
        """What is to be sent, in order and batched, until the task is over."""
        while not self.is_over:
            await self._wake.wait()
            await asyncio.sleep(TYPING_WINDOW)
            self._wake.clear()
            if self._size is not None:
                (columns, rows), self._size = self._size, None
                yield Typed("resize", {"cols": columns, "rows": rows})
            if self._typed:
                data, self._typed = bytes(self._typed), bytearray()
                yield Typed("input", _input(data))


def _input(data: bytes) -> dict[str, str]:
    try:
        return {"data": data.decode(), "encoding": "utf-8"}
    except UnicodeDecodeError:
        return {"data": base64.b64encode(data).decode(), "encoding": "base64"}


def _time(data: Mapping[str, Any]) -> float | None:
    stamp = data.get("ts")
    return float(stamp) if stamp is not None else None

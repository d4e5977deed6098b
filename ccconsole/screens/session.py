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
from ccconsole.model.services import Service
from ccconsole.model.tasks import Permission, Task, TaskState
from ccconsole.recordings.keeping import Kept
from ccconsole.terminal.engine import Terminal
from ccconsole.terminal.feeder import Feeder

if TYPE_CHECKING:
    from worker_service.wire import TaskEvent

TYPING_WINDOW = 0.010
"""Seconds in which keys are gathered into one mailbox command; a tenth of what a hand can tell."""


_NOT_STARTED = (ConfigError, Denied, NotFound, NotSignedIn, Refused)
"""After one of these the worker runs nothing; after any other the task may well run on."""


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
        hand: str = "",
    ) -> None:
        self.task = task
        self.environment = environment
        self.service = service
        self.is_own = is_own
        self.terminal = Terminal(*size)
        self._feeder = Feeder(self.terminal)
        self.permissions: dict[str, Permission] = {}
        """Those that wait for an answer, by id, the oldest first."""
        self.note = ""
        """The last thing worth a word: an acknowledged command, a gap, an error of the stream."""
        self.problem: ConsoleError | None = None
        self._alarms: list[str] = []
        self._hand = hand
        self._wants_to_drive = self._is_taking_over = is_own and task.mode == "interactive"
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

    @property
    def permission(self) -> Permission | None:
        """The one that has waited longest."""
        return next(iter(self.permissions.values()), None)

    @property
    def drives(self) -> bool:
        """Whether keys of this console go to the agent."""
        # Keys that are typed while the worker has not spoken yet go behind the command that takes over.
        return self.is_interactive and (self._is_taking_over or self.task.driver == self._hand)

    @property
    def outlives_console(self) -> bool:
        """Whether the task goes on when this console has left."""
        return not self.is_own or (self.service is not None and self.environment.can_detach(self.service))

    def take_alarms(self) -> list[str]:
        """What somebody should hear at once, wherever they look; each is told once."""
        alarms, self._alarms = self._alarms, []
        return alarms

    def take_over(self) -> None:
        """Take the keyboard, from whoever has it; the worker's word makes it so."""
        self._wants_to_drive = self._is_taking_over = True
        self._wake.set()

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
        await self._feeder.feed(raw)
        replies = self.terminal.take_replies()
        if replies and self.drives:
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
            self._forget_permissions()
        if not self.drives and "cols" in data and "rows" in data:
            self._take_size(data)
        if ignored := data.get("ignoredFields"):
            self.note = f"the worker ignored: {', '.join(map(str, ignored))}"

    def _take_permission(self, data: Mapping[str, Any]) -> None:
        wanted, suggested = data.get("input"), data.get("suggestions")
        deadline = data.get("deadline")
        asked = Permission(
            str(data.get("permissionId", "")),
            str(data.get("tool", "")),
            wanted if isinstance(wanted, dict) else {},
            str(data.get("description") or ""),
            suggested if isinstance(suggested, list) else (),
            float(deadline) if isinstance(deadline, int | float) else None,
            str(data.get("default", "deny")),
        )
        self.permissions[asked.id] = asked
        self._say_asks()
        self._alarms.append(f"asks to use {asked.tool}")

    def _forget_permissions(self) -> None:
        self.permissions.clear()
        self._say_asks()

    def _say_asks(self) -> None:
        self.task = replace(self.task, asks=self.permission.tool if self.permission else None)

    def _take_usage(self, data: Mapping[str, Any]) -> None:
        self.task = replace(self.task, cost_usd=data.get("costUsd", self.task.cost_usd))

    def _take_control(self, data: Mapping[str, Any]) -> None:
        action, actor = data.get("action"), data.get("actor", "somebody")
        hand = f"{actor} ({data['console']})" if "console" in data else str(actor)
        if action == "drive" and hand == self._hand:
            self._is_taking_over = False
        if not data.get("ok", True):
            self.note = f"{action} by {actor} was refused: {data.get('error', 'no reason given')}"
            return
        match action:
            case "cancel":
                self.note = f"cancel by {actor}"
            case "answer":
                self.permissions.pop(str(data.get("permissionId")), None)
                self._say_asks()
                self.note = f"{str(data.get('behavior', 'answer')).replace('_', ' for the ')} by {actor}"
            case "drive":
                self._take_driver(hand)
            case "resize" if not self.drives:
                self._take_size(data)

    def _take_driver(self, driver: str) -> None:
        if self.drives and driver != self._hand:
            self._alarms.append(f"{driver} types now")
        self.task = replace(self.task, driver=driver)
        self.note = "you type now" if driver == self._hand else f"{driver} types now"

    def _take_size(self, data: Mapping[str, Any]) -> None:
        columns, rows = int(data["cols"]), int(data["rows"])
        self.task = replace(self.task, columns=columns, rows=rows)
        if self.task.mode == "interactive":
            self.terminal.resize(columns, rows)

    def _take_gap(self, data: Mapping[str, Any]) -> None:
        self.note = f"events {data.get('from')} to {data.get('to')} are missing: {data.get('reason', '')}"

    def _take_error(self, data: Mapping[str, Any]) -> None:
        self.note = str(data.get("message", "error"))
        if data.get("code") == "deadline":
            self._alarms.append(self.note)

    def _take_complete(self, data: Mapping[str, Any]) -> None:
        usage = data.get("usage") or {}
        self._forget_permissions()
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
            session_id=data.get("sessionId", self.task.session_id),
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
        if self._wants_to_drive:
            self._wake.set()
        while not self.is_over:
            await self._wake.wait()
            await asyncio.sleep(TYPING_WINDOW)
            self._wake.clear()
            if self._wants_to_drive:
                self._wants_to_drive = False
                yield Typed("drive", {})
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

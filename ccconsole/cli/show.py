"""One task's events as a verb shows them: output on stdout, progress and reasons on stderr."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ccconsole import format
from ccconsole.cli import output
from ccconsole.cli.output import Format
from ccconsole.cli.stdout import Stdout
from ccconsole.errors import ConsoleError, TimedOut
from ccconsole.model.tasks import CUT_SHORT

if TYPE_CHECKING:
    from worker_service.wire import TaskEvent

COMPLETED, FAILED = 0, 1
RawOption = Annotated[
    bool, typer.Option("--raw", help="Terminal bytes as they are, also where stdout is no terminal.")
]


class Shown:
    """What a verb prints of one task; `code` is what it exits with, None before the task's end."""

    def __init__(self, form: Format, *, is_raw: bool = False) -> None:
        self._form = form
        self._stdout = Stdout(is_raw=is_raw or form is Format.NDJSON)
        self.code: int | None = None
        self.is_started = False

    async def all(self, events: AsyncGenerator[TaskEvent, None]) -> None:
        """Show every event, to the last; ends at once, quietly, when nobody reads stdout any more."""
        try:
            async with aclosing(events):
                async for event in events:
                    await self.event(event)
        except BrokenPipeError:
            output.close_stdout()
            self.code = output.BROKEN_PIPE

    async def event(self, event: TaskEvent) -> None:
        """Show one event."""
        from ccconsole.runs import output_bytes
        from worker_service.transcript import line
        from worker_service.wire import EventType

        self.is_started = True
        if self._form is Format.NDJSON:
            await self._stdout.write(line(event))
        elif event.type is EventType.OUTPUT and self._form is Format.TABLE:
            await self._stdout.write(output_bytes(event))
        if event.type is EventType.COMPLETE:
            await self._stdout.close()
            self._end(event.data)
        else:
            note(event)

    def _end(self, result: dict[str, Any]) -> None:
        if self._form in (Format.JSON, Format.YAML):
            output.record(
                {key: value for key, value in result.items() if key not in ("seq", "ts")}, self._form
            )
        status, reason = result.get("status"), result.get("reason")
        if status == "completed":
            self.code = COMPLETED
            output.note(
                f"completed in {format.duration((result.get('duration') or 0) / 1000)}{_cost(result)}"
            )
            return
        self.code = TimedOut.exit_code if reason == "timeout" else FAILED
        title = f"task {result.get('taskId')} {status}" + (
            f": {reason}" if reason not in (None, status) else ""
        )
        output.error(ConsoleError(title, str(result.get("detail") or ""), _remedy(result)))


def note(event: TaskEvent, where: str = "") -> None:
    """Say on stderr what else than output happened, with `where` in front."""
    if words := _words(event):
        output.note(f"{where}{words}")


def _words(event: TaskEvent) -> str:
    from worker_service.wire import EventType

    data = event.data
    match event.type:
        case EventType.STATUS if data.get("status") == "running":
            where = data.get("instanceId") or data.get("revision")
            return f"task {data.get('taskId')} runs" + (f" on {where}" if where else "")
        case EventType.STATUS if data.get("ignoredFields"):
            return f"the worker ignored {', '.join(map(str, data['ignoredFields']))}"
        case EventType.STATUS if data.get("status") in ("cancelling", "draining"):
            return f"{data['status']}" + (f": {data['reason']}" if data.get("reason") else "")
        case EventType.ERROR:
            return f"{data.get('code')}: {data.get('message')}"
        case EventType.GAP:
            return f"events {data.get('from')} to {data.get('to')} are missing: {data.get('reason')}"
        case EventType.PERMISSION:
            return (
                f"the agent asks to use {data.get('tool')}: ccconsole answer {data.get('taskId')} allow|deny"
            )
    return ""


def _remedy(result: dict[str, Any]) -> str:
    if result.get("reason") not in CUT_SHORT or not result.get("sessionId"):
        return ""
    return f"ccconsole resume {result.get('taskId')} goes on with its session."


def _cost(result: dict[str, Any]) -> str:
    cost = (result.get("usage") or {}).get("costUsd")
    return f", {format.money(cost)}" if cost is not None else ""

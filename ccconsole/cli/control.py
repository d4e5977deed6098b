"""`cancel`, `send` and `answer`: commands through a task's mailbox, and how the worker took them."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from contextlib import aclosing
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ccconsole.cli import journals, output
from ccconsole.cli.callers import actor
from ccconsole.cli.session import ConfigOption, Session, TimeoutOption, run, session
from ccconsole.config import Environment
from ccconsole.errors import ConsoleError, NotFound, TimedOut
from ccconsole.model.tasks import Task, TaskState

if TYPE_CHECKING:
    from worker_service.wire import Control, TaskEvent

TaskArgument = Annotated[str, typer.Argument(metavar="ID", help="A task's id, or how it begins.")]
EnvironmentOption = Annotated[
    str | None, typer.Option("--env", metavar="ENVIRONMENT", help="Where to look; everywhere when not given.")
]


class Rung(StrEnum):
    """Where the worker's ladder begins."""

    INTERRUPT = "interrupt"
    TERMINATE = "terminate"
    KILL = "kill"


class Behavior(StrEnum):
    """An operator's answer to a permission prompt."""

    ALLOW = "allow"
    ALLOW_SESSION = "allow-session"
    DENY = "deny"


def cancel(
    context: typer.Context,
    task_id: TaskArgument,
    rung: Annotated[
        Rung, typer.Option("--mode", help="Where to begin: interrupt, then SIGTERM, then SIGKILL.")
    ] = Rung.INTERRUPT,
    environment: EnvironmentOption = None,
    config: ConfigOption = None,
    timeout: TimeoutOption = None,
) -> None:
    """Cancel a task from anywhere, and wait for its end."""
    run(_cancel(session(context), task_id, environment, rung))


def send(
    context: typer.Context,
    task_id: TaskArgument,
    text: Annotated[str, typer.Argument(metavar="TEXT|-", help="What to type; - reads it from stdin.")],
    has_enter: Annotated[bool, typer.Option("--enter/--no-enter", help="Whether Enter follows.")] = True,
    is_taking_over: Annotated[
        bool, typer.Option("--take-over", help="Take the keyboard from the console that has it; it is told.")
    ] = False,
    environment: EnvironmentOption = None,
    config: ConfigOption = None,
    timeout: TimeoutOption = None,
) -> None:
    """Type into a task's terminal."""
    data = (sys.stdin.read() if text == "-" else text) + ("\r" if has_enter else "")
    options = session(context)
    if is_taking_over:
        run(_command(options, task_id, environment, lambda _: {"action": "drive"}, "taken over"))
    fields = {"action": "input", "data": data}
    run(_command(options, task_id, environment, lambda _: fields, "typed"))


def answer(
    context: typer.Context,
    task_id: TaskArgument,
    behavior: Annotated[Behavior, typer.Argument(help="The answer.")],
    message: Annotated[str | None, typer.Option(help="Words for the agent with a denial.")] = None,
    environment: EnvironmentOption = None,
    config: ConfigOption = None,
    timeout: TimeoutOption = None,
) -> None:
    """Allow or deny the tool that a supervised task waits for."""

    def fields(events: list[TaskEvent]) -> dict[str, Any]:
        chosen = behavior.value.replace("-", "_")
        return {
            "action": "answer",
            "permission_id": _open_permission(events),
            "behavior": chosen,
            "message": message,
        }

    run(_command(session(context), task_id, environment, fields, f"answered: {behavior.value}", reads=True))


async def _cancel(options: Session, prefix: str, name: str | None, rung: Rung) -> None:
    from ccconsole import runs
    from worker_service.wire import Control

    environment, task = await journals.find(options.config, prefix, name, options.timeout)
    if task.state.is_end:
        output.note(f"task {task.id} has ended already: {_state(task)}")
        return
    command = Control(action="cancel", mode=rung.value, actor=actor())
    ack, end = await _taken(environment, task.id, command, options.timeout, is_end_awaited=True)
    if end is not None:
        reason = end.data.get("reason")
        status = str(end.data.get("status"))
        output.emit(f"{task.id} {status}" + (f": {reason}\n" if reason not in (None, status) else "\n"))
        return
    task = await runs.task(environment, task.id)
    if task.state.is_end:
        output.note(f"task {task.id} has ended meanwhile: {_state(task)}")
        return
    if ack is None:
        raise _unanswered(task, options.timeout)
    raise TimedOut(
        f"task {task.id} has not ended yet",
        f"The worker took the command and did not end the task within {options.timeout:g} s.",
        f"ccconsole cancel {task.id} --mode kill",
    )


async def _command(
    options: Session,
    prefix: str,
    name: str | None,
    fields: Callable[[list[TaskEvent]], dict[str, Any]],
    done: str,
    *,
    reads: bool = False,
) -> None:
    from ccconsole import runs
    from worker_service.wire import Control

    environment, task = await journals.find(options.config, prefix, name, options.timeout)
    if task.state.is_end:
        raise ConsoleError(f"task {task.id} has ended: {_state(task)}", "Nothing listens any more.")
    past = [event async for event in runs.attach(environment, task.id, follow=False)] if reads else []
    command = Control.model_validate({**fields(past), "actor": actor()})
    ack, end = await _taken(environment, task.id, command, options.timeout)
    if ack is not None:
        output.note(f"{task.id}: {done}")
    elif end is not None:
        raise ConsoleError(f"task {task.id} ended before it took the command", str(end.data.get("status")))
    else:
        raise _unanswered(task, options.timeout)


async def _taken(
    environment: Environment, task_id: str, command: Control, timeout: float, *, is_end_awaited: bool = False
) -> tuple[TaskEvent | None, TaskEvent | None]:
    """The `control` event that acknowledges the command and the task's `complete`, as far as they came."""
    from ccconsole import runs
    from worker_service.wire import EventType

    ack = None
    try:
        async with asyncio.timeout(timeout), aclosing(runs.command(environment, task_id, command)) as events:
            async for event in events:
                if event.type is EventType.COMPLETE:
                    return ack, event
                if ack is None and event.type is EventType.CONTROL:
                    ack = event
                    if not ack.data.get("ok"):
                        raise _refused(task_id, str(ack.data.get("error")))
                    if not is_end_awaited:
                        return ack, None
    except TimeoutError:
        pass
    return ack, None


def _open_permission(events: list[TaskEvent]) -> str:
    from worker_service.wire import EventType

    is_answered = {
        event.data.get("permissionId")
        for event in events
        if event.type is EventType.CONTROL and event.data.get("ok")
    }
    for event in events:
        if event.type is EventType.PERMISSION and event.data.get("permissionId") not in is_answered:
            return str(event.data["permissionId"])
    raise NotFound("the task waits for no permission", "", "ccconsole attach ID shows what it does.")


def _refused(task_id: str, error: str) -> ConsoleError:
    hint = f"ccconsole send {task_id} TEXT --take-over" if "drives this task" in error else ""
    return ConsoleError(f"task {task_id} refused the command", error, hint)


def _unanswered(task: Task, timeout: float) -> TimedOut:
    return TimedOut(
        f"task {task.id} has not answered",
        f"The command lies in its mailbox; its worker did not take it within {timeout:g} s.",
        "ccconsole tasks shows whether it still runs.",
    )


def _state(task: Task) -> str:
    if task.state is TaskState.LOST:
        return f"lost. {task.detail}"
    return f"{task.state}: {task.reason}" if task.reason not in (None, task.state) else str(task.state)

"""`prompt`: run a prompt on a service, its output on stdout, its outcome as the exit code."""

from __future__ import annotations

import asyncio
import getpass
import os
import shutil
import socket
import sys
from contextlib import aclosing
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ccconsole.cli import output
from ccconsole.cli.interrupts import INTERRUPTED, Interrupts, interrupts, running
from ccconsole.cli.output import Format
from ccconsole.cli.session import ConfigOption, FormatOption, Session, TargetArgument, run, session
from ccconsole.cli.show import FAILED, Shown
from ccconsole.cli.targets import live_service
from ccconsole.config import Environment
from ccconsole.errors import ConfigError
from ccconsole.model import Service

if TYPE_CHECKING:
    from worker_service.wire import RunRequest

PATIENCE_SECONDS = 2.0
"""Until a prompt without an answer says that it waits for an instance."""
CANCEL_SECONDS = 15.0
"""What the first Ctrl-C waits for the task to end: the worker's ladder has three rungs."""
TOKEN_VARIABLE = "WORKER_TOKEN"
"""The worker's own name for its bearer token."""


class Mode(StrEnum):
    """How the agent is run."""

    HEADLESS = "headless"
    SUPERVISED = "supervised"
    INTERACTIVE = "interactive"


class Default(StrEnum):
    """The answer that nobody gave."""

    ALLOW = "allow"
    DENY = "deny"


def prompt(
    context: typer.Context,
    target: TargetArgument,
    text: Annotated[str, typer.Argument(metavar="TEXT|-", help="The prompt; - reads it from stdin.")],
    form: FormatOption = Format.TABLE,
    config: ConfigOption = None,
    mode: Annotated[Mode, typer.Option(help="How the agent is run.")] = Mode.HEADLESS,
    model: Annotated[str | None, typer.Option(help="The model the agent uses.")] = None,
    timeout: Annotated[
        float | None, typer.Option(metavar="SECONDS", min=1, help="Stop the task after this long.")
    ] = None,
    max_turns: Annotated[int | None, typer.Option(min=1, help="The agent's turns at most.")] = None,
    max_budget_usd: Annotated[float | None, typer.Option(min=0, help="What it may cost.")] = None,
    permission_mode: Annotated[str | None, typer.Option(help="The agent's permission mode.")] = None,
    allowed_tool: Annotated[
        list[str] | None, typer.Option(help="A tool the agent uses without asking; repeat for more.")
    ] = None,
    priority: Annotated[int, typer.Option(min=1, max=10, help="10 is the most urgent.")] = 5,
    is_detached: Annotated[
        bool, typer.Option("--detach", help="Print the task's id once it runs, and leave it running.")
    ] = False,
    task_id: Annotated[
        str | None, typer.Option(help="Its id; the same id again attaches instead of running twice.")
    ] = None,
    workspace: Annotated[str | None, typer.Option(help="A named work folder kept on the instance.")] = None,
    resume: Annotated[
        str | None, typer.Option(metavar="SESSION", help="A Claude session to go on with.")
    ] = None,
    permission_timeout: Annotated[
        float | None,
        typer.Option(metavar="SECONDS", min=1, max=3600, help="How long a permission waits for an answer."),
    ] = None,
    permission_default: Annotated[
        Default | None,
        typer.Option(help="The answer to a permission that nobody answers; deny if not given."),
    ] = None,
    is_raw: Annotated[
        bool, typer.Option("--raw", help="Terminal bytes as they are, also where stdout is no terminal.")
    ] = False,
) -> None:
    """Run a prompt and print the agent's output as it comes.

    Where stdout is no terminal, control sequences are left out. -o ndjson prints every event, -o json the
    result. Exits with 0 when the task completed, 6 when it ran out of time, 8 when the fleet is full, else
    with 1. Ctrl-C cancels the task; a second one leaves at once.
    """
    fields: dict[str, Any] = {
        "prompt": text_of(text),
        "mode": mode.value,
        "model": model,
        "timeout_seconds": timeout,
        "max_turns": max_turns,
        "max_budget_usd": max_budget_usd,
        "permission_mode": permission_mode,
        "allowed_tools": allowed_tool or None,
        "priority": priority,
        "on_disconnect": "detach" if is_detached else None,
        "task_id": task_id,
        "workspace": workspace,
        "resume": resume,
        "permission_timeout_seconds": permission_timeout,
        "permission_default": permission_default.value if permission_default else None,
        **terminal_size(),
    }
    raise typer.Exit(run(run_prompt(session(context), target, fields, form, is_raw=is_raw)))


def terminal_size() -> dict[str, int]:
    """RunRequest's size fields, for the terminal that the output goes to."""
    cols, rows = shutil.get_terminal_size((120, 40))
    return {"cols": max(1, min(1000, cols)), "rows": max(1, min(1000, rows))}


def text_of(argument: str) -> str:
    """The prompt, read from stdin where it is `-`; ConfigError for an empty one."""
    text = sys.stdin.read() if argument == "-" else argument
    if text.strip():
        return text
    where = "Standard input was empty." if argument == "-" else "TEXT is empty."
    raise ConfigError(
        "there is no prompt", where, "For example: ccconsole prompt local 'List the files here'"
    )


def _request(fields: dict[str, Any]) -> RunRequest:
    from pydantic import ValidationError

    from worker_service.wire import RunRequest

    try:
        return RunRequest.model_validate(fields)
    except ValidationError as error:
        lines = [
            f"--{'-'.join(map(str, line['loc'])).replace('_', '-')}: {line['msg']}" for line in error.errors()
        ]
        raise ConfigError("the prompt cannot be sent so", "\n".join(lines)) from None


async def run_prompt(
    options: Session, target: str, fields: dict[str, Any], form: Format, *, is_raw: bool
) -> int:
    """Run the prompt of RunRequest's `fields` on the target's service and show it; the exit code."""
    from uuid import uuid4

    from ccconsole.cloud.connect import Connections

    request = _request(fields)
    chosen = {"task_id": request.task_id or uuid4().hex, "metadata": {"actor": actor()}}
    request = request.model_copy(update=chosen)
    async with Connections(options.config) as connections:
        environment, service = await live_service(
            options.config, connections, target, timeout=options.timeout
        )
    if request.on_disconnect == "detach":
        return await _detach(environment, service, request)
    return await _follow(environment, service, request, Shown(form, is_raw=is_raw))


async def _detach(environment: Environment, service: Service, request: RunRequest) -> int:
    from ccconsole import runs
    from worker_service.wire import EventType

    async with aclosing(runs.start(environment, service, request, token=_token())) as events:
        async for event in events:
            is_running = event.type is EventType.STATUS and event.data.get("status") == "running"
            if is_running or event.type is EventType.COMPLETE:
                break
    output.emit(f"{request.task_id}\n")
    output.note(f"left running; watch it with: ccconsole attach {request.task_id}")
    return 0


async def _follow(environment: Environment, service: Service, request: RunRequest, shown: Shown) -> int:
    from ccconsole import runs
    from worker_service.wire import Control

    def say_waiting() -> None:
        if not shown.is_started:
            output.note(f"waiting for an instance of {service.key}")

    timer = asyncio.get_running_loop().call_later(PATIENCE_SECONDS, say_waiting)
    stream = runs.start(environment, service, request, token=_token())
    async with interrupts() as presses, running(shown.all(stream)) as work:
        is_ended = await presses.ended_first(work)
        timer.cancel()
        if not is_ended:
            await _cancel(environment, str(request.task_id), shown, presses, work)
            return INTERRUPTED
        await work
    if shown.code == output.BROKEN_PIPE and environment.store is not None:
        # As a pipe ends any other program: a detached task would run on for nobody.
        await runs.send(environment, str(request.task_id), Control(action="cancel", actor=actor()))
    return shown.code if shown.code is not None else FAILED


async def _cancel(
    environment: Environment, task_id: str, shown: Shown, presses: Interrupts, work: asyncio.Task[None]
) -> None:
    """Cancel the task through its mailbox, if there is one; the closed stream does it otherwise."""
    from ccconsole import runs
    from worker_service.wire import Control

    async def stop() -> None:
        await runs.send(environment, task_id, Control(action="cancel", actor=actor()))
        await asyncio.wait({work})

    if environment.store is None or not shown.is_started:
        output.note(f"task {task_id}: its stream is closed, and its worker told to cancel it")
        return
    output.note("cancelling; Ctrl-C again leaves at once")
    async with running(stop()) as stopping:
        if await presses.ended_first(stopping, CANCEL_SECONDS) and (error := stopping.exception()):
            output.note(f"{error}; the task may run on: ccconsole cancel {task_id}")
        elif not work.done():
            output.note(f"left task {task_id} before its end; the cancel lies in its mailbox")


def actor() -> str:
    """Who commands, for the journal: user@host."""
    try:
        return f"{getpass.getuser()}@{socket.gethostname()}"
    except (KeyError, OSError):
        return f"uid {os.getuid()}@{socket.gethostname()}"


def _token() -> str | None:
    return os.environ.get(TOKEN_VARIABLE)

"""`prompt`: run a prompt on a service, its output on stdout, its outcome as the exit code."""

from __future__ import annotations

import asyncio
import shutil
import sys
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ccconsole.cli import callers, confirm, fan_out, output
from ccconsole.cli.detaching import detach
from ccconsole.cli.interrupts import INTERRUPTED, Interrupts, interrupts, running
from ccconsole.cli.output import Format
from ccconsole.cli.session import ConfigOption, FormatOption, Session, run, session
from ccconsole.cli.show import FAILED, RawOption, Shown
from ccconsole.cli.targets import complete_targets, live_service
from ccconsole.config import Environment
from ccconsole.errors import ConfigError
from ccconsole.model.services import Service

if TYPE_CHECKING:
    from worker_service.wire import RunRequest

PATIENCE_SECONDS = 2.0
"""Until a prompt without an answer says that it waits for an instance."""
CANCEL_SECONDS = 15.0
"""What the first Ctrl-C waits for the task to end: the worker's ladder has three rungs."""


class Mode(StrEnum):
    """How the agent is run."""

    HEADLESS = "headless"
    SUPERVISED = "supervised"
    INTERACTIVE = "interactive"


class Default(StrEnum):
    """The answer that nobody gave."""

    ALLOW = "allow"
    DENY = "deny"


ModeOption = Annotated[Mode, typer.Option(help="How the agent is run.")]
ModelOption = Annotated[str | None, typer.Option(help="The model the agent uses.")]
TurnsOption = Annotated[int | None, typer.Option(min=1, help="The agent's turns at most.")]
BudgetOption = Annotated[float | None, typer.Option(min=0, help="What a task may cost.")]
PermissionOption = Annotated[str | None, typer.Option(help="The agent's permission mode.")]
ToolsOption = Annotated[
    list[str] | None, typer.Option(help="A tool the agent uses without asking; repeat for more.")
]
PriorityOption = Annotated[int, typer.Option(min=1, max=10, help="10 is the most urgent.")]


def prompt(
    context: typer.Context,
    target: Annotated[
        str,
        typer.Argument(
            metavar="TARGET[,TARGET...]",
            help="An environment, or environment/service; several with commas between them.",
            autocompletion=complete_targets,
        ),
    ],
    text: Annotated[str, typer.Argument(metavar="TEXT|-", help="The prompt; - reads it from stdin.")],
    form: FormatOption = Format.TABLE,
    config: ConfigOption = None,
    mode: ModeOption = Mode.HEADLESS,
    model: ModelOption = None,
    timeout: Annotated[
        float | None, typer.Option(metavar="SECONDS", min=1, help="Stop the task after this long.")
    ] = None,
    max_turns: TurnsOption = None,
    max_budget_usd: BudgetOption = None,
    permission_mode: PermissionOption = None,
    allowed_tool: ToolsOption = None,
    priority: PriorityOption = 5,
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
    is_raw: RawOption = False,
) -> None:
    """Run a prompt and print the agent's output as it comes.

    Where stdout is no terminal, control sequences are left out. -o ndjson prints every event, -o json the
    result. Exits with 0 when the task completed, 6 when it ran out of time, 8 when the fleet is full, else
    with 1. Ctrl-C cancels the task; a second one leaves at once.

    With several targets each has its own task, and each line of output its target in front; a service that
    is full is waited for, a table of outcomes follows on stderr, and the exit code is the worst.
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


def checked(fields: dict[str, Any]) -> RunRequest:
    """The request with these fields; ConfigError when no worker would take it."""
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

    confirm.allowed(options, f"prompt {target}")
    request = checked(fields).model_copy(update={"metadata": {"actor": callers.actor()}})
    if "," in target:
        return await fan_out.run(options, target, request, form, is_raw=is_raw)
    request = request.model_copy(update={"task_id": request.task_id or uuid4().hex})
    async with Connections(options.config) as connections:
        environment, service = await live_service(
            options.config, connections, target, timeout=options.timeout
        )
    if request.on_disconnect == "detach":
        return await detach(environment, service, request)
    return await _follow(environment, service, request, Shown(form, is_raw=is_raw))


async def _follow(environment: Environment, service: Service, request: RunRequest, shown: Shown) -> int:
    from ccconsole import runs
    from worker_service.wire import Control

    def say_waiting() -> None:
        if not shown.is_started:
            output.note(f"waiting for an instance of {service.key}")

    timer = asyncio.get_running_loop().call_later(PATIENCE_SECONDS, say_waiting)
    stream = runs.start(environment, service, request, token=callers.token())
    async with interrupts() as presses, running(shown.all(stream)) as work:
        is_ended = await presses.ended_first(work)
        timer.cancel()
        if not is_ended:
            await _cancel(environment, str(request.task_id), shown, presses, work)
            return INTERRUPTED
        await work
    if shown.code == output.BROKEN_PIPE and environment.store is not None:
        # As a pipe ends any other program: a detached task would run on for nobody.
        await runs.send(environment, str(request.task_id), Control(action="cancel", actor=callers.actor()))
    return shown.code if shown.code is not None else FAILED


async def _cancel(
    environment: Environment, task_id: str, shown: Shown, presses: Interrupts, work: asyncio.Task[None]
) -> None:
    """Cancel the task through its mailbox, if there is one; the closed stream does it otherwise."""
    from ccconsole import runs
    from worker_service.wire import Control

    async def stop() -> None:
        await runs.send(environment, task_id, Control(action="cancel", actor=callers.actor()))
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

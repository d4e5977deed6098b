"""The verbs about tasks: `prompt`, `batch`, `tasks`, `attach`, `cancel`, `send`, `answer`."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Annotated, Any

import typer

from ccconsole import format
from ccconsole.cli import control, journals, output
from ccconsole.cli.batch import batch
from ccconsole.cli.fleet import PARTIAL, OptionalTarget
from ccconsole.cli.interrupts import INTERRUPTED, interrupts, running
from ccconsole.cli.logs import when
from ccconsole.cli.outcomes import short
from ccconsole.cli.output import Column, Format
from ccconsole.cli.prompt import prompt
from ccconsole.cli.resume import resume
from ccconsole.cli.session import ConfigOption, FormatOption, Session, TimeoutOption, run, session
from ccconsole.cli.show import RawOption, Shown
from ccconsole.cli.targets import split
from ccconsole.errors import ConsoleError
from ccconsole.model.tasks import Task, TaskState

ROWS = 50
_COLOR_OF_STATE = {
    TaskState.COMPLETED: "green",
    TaskState.FAILED: "red",
    TaskState.LOST: "red",
    TaskState.WAITING_INPUT: "yellow",
    TaskState.CANCELLING: "yellow",
    TaskState.DRAINING: "yellow",
    TaskState.RUNNING: "cyan",
}


def register(app: typer.Typer) -> None:
    """Add the verbs."""
    app.command("prompt")(prompt)
    app.command("batch")(batch)
    app.command("tasks")(tasks)
    app.command("attach")(attach)
    app.command("resume")(resume)
    app.command("cancel")(control.cancel)
    app.command("send")(control.send)
    app.command("answer")(control.answer)


def tasks(
    context: typer.Context,
    target: OptionalTarget = None,
    form: FormatOption = Format.TABLE,
    limit: Annotated[int, typer.Option(min=0, help="The newest so many; 0 for all.")] = ROWS,
    is_running: Annotated[bool, typer.Option("--running", help="Only those that have not ended.")] = False,
    state: Annotated[
        list[TaskState] | None, typer.Option(help="Only those in this state; repeat for more.")
    ] = None,
    since: Annotated[
        str | None,
        typer.Option(metavar="TIME", help="Only those begun since: 15m, 2h, 1d, or an ISO 8601 time."),
    ] = None,
    config: ConfigOption = None,
    timeout: TimeoutOption = None,
) -> None:
    """What runs and what ran, newest first, from the journals of the environments that have a store."""
    begun = when(since, time.time()) if since else None

    def is_wanted(task: Task) -> bool:
        is_young = begun is None or task.created_at >= begun
        return is_young and (not state or task.state in state) and not (is_running and task.state.is_end)

    raise typer.Exit(run(_tasks(session(context), target, form, limit, is_wanted)))


async def _tasks(
    options: Session, target: str | None, form: Format, limit: int, is_wanted: Callable[[Task], bool]
) -> int:
    environment, service = split(options.config, target) if target else (None, None)
    chosen = (
        [environment] if environment else [one for one in options.config.environments.values() if one.store]
    )
    found, problems = await journals.listed(chosen, options.timeout)
    if len(problems) == len(chosen) and problems:
        raise problems[0][1]
    shown = [task for task in found if service in (None, task.service) and is_wanted(task)]
    cut = shown[:limit] if limit else shown
    output.rows([_row(task) for task in cut], form, _columns(time.time()))
    if len(cut) < len(shown):
        output.note(f"{len(shown) - len(cut)} older ones are not shown: --limit 0 shows all")
    for _, problem in problems:
        output.error(problem)
    return PARTIAL if problems else 0


def _row(task: Task) -> dict[str, Any]:
    return {
        "id": task.id,
        "environment": task.environment,
        "service": task.service or None,
        "state": str(task.state),
        "reason": task.reason,
        "detail": task.detail,
        "prompt": task.prompt,
        "agent": task.agent,
        "mode": task.mode,
        "priority": task.priority,
        "revision": task.revision,
        "instance": task.instance_id,
        "created_at": format.moment(task.created_at) or None,
        "started_at": format.moment(task.started_at) or None,
        "ended_at": format.moment(task.ended_at) or None,
        "age_seconds": round(max(0.0, time.time() - task.created_at), 1),
        "output_bytes": task.output_bytes,
        "exit_code": task.exit_code,
        "cost_usd": task.cost_usd,
        "actor": task.actor,
        "session": task.session_id,
        "asks": task.asks,
        "driver": task.driver,
    }


def _columns(now: float) -> list[Column]:
    def state(row: output.Row) -> str:
        reason = row["reason"]
        if row["asks"]:
            return f"{row['state']}: {row['asks']}"
        return f"{row['state']}: {reason}" if reason and reason != row["state"] else str(row["state"])

    return [
        Column("ID", lambda row: row["id"]),
        Column("ENV", lambda row: row["environment"]),
        Column("SERVICE", lambda row: row["service"] or format.NOTHING),
        Column("STATE", state, lambda row: _COLOR_OF_STATE.get(TaskState(row["state"]))),
        Column("AGE", lambda row: format.age(now - row["age_seconds"], now)),
        Column("OUTPUT", lambda row: format.size(row["output_bytes"])),
        Column("COST", lambda row: format.money(row["cost_usd"])),
        Column("PROMPT", lambda row: short(row["prompt"])),
    ]


def attach(
    context: typer.Context,
    task_id: control.TaskArgument,
    form: FormatOption = Format.TABLE,
    is_following: Annotated[
        bool, typer.Option("--follow/--no-follow", help="Whether to wait for what is still to come.")
    ] = True,
    is_raw: RawOption = False,
    environment: control.EnvironmentOption = None,
    config: ConfigOption = None,
    timeout: TimeoutOption = None,
) -> None:
    """A task's output from its first byte on, then live. Ctrl-C leaves it running."""
    shown = Shown(form, is_raw=is_raw)
    raise typer.Exit(run(_attach(session(context), task_id, environment, shown, is_following=is_following)))


async def _attach(
    options: Session, prefix: str, name: str | None, shown: Shown, *, is_following: bool
) -> int:
    from ccconsole import runs

    environment, task = await journals.find(options.config, prefix, name, options.timeout)
    stream = runs.attach(environment, task.id, follow=is_following)
    async with interrupts() as presses, running(shown.all(stream)) as work:
        if not await presses.ended_first(work):
            output.note(f"detached; the task goes on: ccconsole attach {task.id}")
            return INTERRUPTED
        await work
    if shown.code is None and is_following:
        raise ConsoleError(f"the journal of task {task.id} ends without an outcome")
    return shown.code or 0

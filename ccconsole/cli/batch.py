"""`batch`: a file of prompts onto an environment, each run once, as many at a time as instances allow."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ccconsole import format
from ccconsole.cli import callers, confirm, outcomes, output
from ccconsole.cli.interrupts import INTERRUPTED, Interrupts, interrupts, running
from ccconsole.cli.output import Format
from ccconsole.cli.prompt import (
    BudgetOption,
    Mode,
    ModelOption,
    ModeOption,
    PermissionOption,
    PriorityOption,
    ToolsOption,
    TurnsOption,
    checked,
)
from ccconsole.cli.session import (
    ConfigOption,
    FormatOption,
    Session,
    TargetArgument,
    TimeoutOption,
    YesOption,
    run,
    session,
)
from ccconsole.errors import ConfigError, TimedOut
from ccconsole.model.batches import BatchRow, BatchSnapshot
from ccconsole.model.tasks import TaskState

if TYPE_CHECKING:
    from ccconsole.batches import Batch

LEAVING_SECONDS = 5.0
"""What the second Ctrl-C waits for the cancelled tasks to end, so that the table has their outcomes."""
_AGAIN = (TaskState.FAILED, TaskState.LOST, TaskState.CANCELLED, TaskState.UNKNOWN)
STDIN = "-"


@dataclass(frozen=True)
class _Options:
    """What a batch is told."""

    name: str | None
    at_most: int | None
    again: frozenset[TaskState]
    patience: float
    is_objects: bool | None
    is_dry: bool
    given: Mapping[str, Any]
    """The options of lines that have none of their own, by the names of RunRequest's fields."""


def batch(
    context: typer.Context,
    target: TargetArgument,
    file: Annotated[
        str, typer.Argument(metavar="FILE|-", help="A prompt a line, or .ndjson: an object a line.")
    ],
    form: FormatOption = Format.TABLE,
    config: ConfigOption = None,
    name: Annotated[
        str | None,
        typer.Option(
            metavar="NAME", help="What its tasks' ids begin with; made from file and target if not given."
        ),
    ] = None,
    at_most: Annotated[
        int | None, typer.Option(metavar="N", min=1, help="Fewer at once than the instances allow.")
    ] = None,
    again: Annotated[
        str,
        typer.Option(
            metavar="STATES", help="Run those once more that ended so: failed,lost,cancelled,unknown."
        ),
    ] = "",
    patience: Annotated[
        float, typer.Option(metavar="SECONDS", min=0, help="Give up where all is full for so long.")
    ] = 600.0,
    is_objects: Annotated[
        bool | None,
        typer.Option(
            "--ndjson/--lines", help="What the file holds; by its name if not given.", show_default=False
        ),
    ] = None,
    priority: PriorityOption = 5,
    mode: ModeOption = Mode.HEADLESS,
    model: ModelOption = None,
    timeout_per_task: Annotated[
        float | None, typer.Option(metavar="SECONDS", min=1, help="Stop a task after this long.")
    ] = None,
    max_turns: TurnsOption = None,
    max_budget_usd: BudgetOption = None,
    permission_mode: PermissionOption = None,
    allowed_tool: ToolsOption = None,
    is_yes: YesOption = False,
    is_dry: Annotated[
        bool, typer.Option("--dry-run", help="Show what would run and what has ended.")
    ] = False,
    timeout: TimeoutOption = None,
) -> None:
    """Run a file of prompts, the urgent first, as many at once as the services' instances allow.

    A line is a prompt; blank lines and those that begin with # are skipped. In .ndjson a line is an object
    with `prompt`, and any of priority, mode, model, timeoutSeconds, maxTurns, maxBudgetUsd, permissionMode,
    allowedTools, workspace, metadata, target and id, which win over the options here.

    Run again, the same file goes on where it was left: what has ended is not run twice. Ctrl-C sends nothing
    more and waits for what runs; a second one cancels it. Exits with 0 when all completed, 1 when some did
    not, 7 when an outcome is unknown, 8 when the fleet stays full.
    """
    fields = {
        "priority": priority,
        "mode": mode.value,
        "model": model,
        "timeout_seconds": timeout_per_task,
        "max_turns": max_turns,
        "max_budget_usd": max_budget_usd,
        "permission_mode": permission_mode,
        "allowed_tools": allowed_tool or None,
    }
    given = {key: value for key, value in fields.items() if value is not None}
    chosen = _Options(name, at_most, _states(again), patience, is_objects, is_dry, given)
    raise typer.Exit(run(_batch(session(context), target, file, form, chosen)))


def _states(text: str) -> frozenset[TaskState]:
    found = set()
    for word in filter(None, (word.strip() for word in text.split(","))):
        if word not in _AGAIN:
            raise ConfigError(
                f"--again takes no {word!r}",
                "A prompt that completed is never run again, nor one that runs.",
                f"Any of: --again {','.join(_AGAIN)}",
            )
        found.add(TaskState(word))
    return frozenset(found)


async def _batch(options: Session, target: str, file: str, form: Format, chosen: _Options) -> int:
    confirm.allowed(options, f"run {file} on {target}")
    from ccconsole import batches

    found = await _planned(options, target, file, chosen)
    try:
        async with asyncio.timeout(options.timeout):
            rows = await batches.survey(found, chosen.again)
    except TimeoutError:
        detail = f"Nothing came within {options.timeout:g} s, so nobody knows what has run."
        raise TimedOut(f"The journal of {target} does not answer", detail, "--timeout 60") from None
    if chosen.is_dry:
        output.note(_text(found, rows))
        output.rows([outcomes.record(row) for row in rows], form, _columns(rows))
        return 0
    output.note(_text(found, rows))
    if count := sum(not row.is_sent for row in rows):
        _confirm(options, found, count)
    return await _run(found, form, chosen)


async def _planned(options: Session, target: str, file: str, chosen: _Options) -> Batch:
    from ccconsole import batches
    from ccconsole.cloud.connect import Connections

    data = sys.stdin.buffer.read() if file == STDIN else await asyncio.to_thread(batches.load, Path(file))
    is_objects = batches.is_ndjson(file) if chosen.is_objects is None else chosen.is_objects
    source = batches.Source(data, "stdin" if file == STDIN else file, is_objects)
    request = checked({**chosen.given, "prompt": "the options are checked before the file is"})
    async with Connections(options.config) as connections:
        found, others = await batches.planned(
            options.config,
            connections,
            source,
            [target],
            batches.defaults(request, chosen.given),
            name=chosen.name,
            at_most=chosen.at_most,
            timeout=options.timeout,
        )
    for service in others:
        output.note(f"left out: {service.key} is {service.state}")
    return found


def _text(found: Batch, rows: Sequence[BatchRow]) -> str:
    """How many prompts go where, and how many at once."""
    new = sum(not row.is_sent for row in rows)
    before = sum(row.is_earlier for row in rows)
    parts = [f"{_prompts(new)} to run"]
    if before:
        parts.append(f"{format.count(before)} ended before")
    if running_now := len(rows) - new - before:
        parts.append(f"{format.count(running_now)} run already")
    lanes = [f"  {lane.key}: {lane.limit} at once" for lane in found.lanes]
    total = f"  at most {format.count(found.at_most)} at once"
    deaf = [
        f"  {environment.name} has no store: outcomes are kept here alone, "
        "and what is in flight when this console is killed stays unknown"
        for environment in found.environments
        if environment.store is None
    ]
    return "\n".join([f"batch {found.name}: {', '.join(parts)}", *lanes, total, *deaf])


def _prompts(count: int) -> str:
    return f"{format.count(count)} prompt{'' if count == 1 else 's'}"


def _confirm(options: Session, found: Batch, count: int) -> None:
    """Ask once, as the most protected environment wants to be asked; the word is the service's name there."""
    environment = max(found.environments, key=lambda environment: environment.is_protected)
    lanes = [lane for lane in found.lanes if lane.key.environment == environment.name]
    word = lanes[0].key.name if len(lanes) == 1 else environment.name
    where = ", ".join(environment.name for environment in found.environments)
    confirm.confirmed(options, environment, f"run {_prompts(count)} on {where}", word)


async def _run(found: Batch, form: Format, chosen: _Options) -> int:
    from ccconsole import batches

    def ended(row: BatchRow) -> None:
        if form is Format.NDJSON:
            output.rows([outcomes.record(row)], form, ())

    halt, follower = batches.Halt(), outcomes.Follower(ended)
    told = batches.Options(
        again=chosen.again,
        actor=callers.actor(),
        token=callers.token(),
        pace=batches.Pace(patience=chosen.patience),
    )
    is_interrupted = False
    async with (
        interrupts() as presses,
        running(follower.follow(batches.dispatched(found, halt, told))) as work,
    ):
        if not await presses.ended_first(work):
            is_interrupted = True
            await _stop(halt, follower, presses, work)
        if work.done():
            await work
    if follower.last is None:
        return INTERRUPTED
    _end(follower, follower.last, form)
    return INTERRUPTED if is_interrupted else outcomes.exit_code(follower.last)


async def _stop(
    halt: Any, follower: outcomes.Follower, presses: Interrupts, work: asyncio.Task[BatchSnapshot]
) -> None:
    """The first Ctrl-C lets what runs end, the second cancels it, the third leaves."""
    halt.stop.set()
    count = follower.last.in_flight if follower.last is not None else 0
    output.settled(f"nothing more is sent; {count} in flight go on to their end")
    output.note("Ctrl-C again cancels them and leaves; the same command later goes on")
    if await presses.ended_first(work):
        return
    output.settled("cancelling")
    halt.cancel.set()
    await presses.ended_first(work, LEAVING_SECONDS)


def _end(follower: outcomes.Follower, last: BatchSnapshot, form: Format) -> None:
    rows = follower.table
    output.settled(f"batch {last.name}: {outcomes.summary(last)}")
    if form is Format.TABLE:
        output.rows([outcomes.record(row) for row in rows], form, _columns(rows))
        output.emit(f"{outcomes.summary(last)}\n")
    elif form is Format.NDJSON:
        output.rows([outcomes.record(row) for row in follower.untold], form, ())
    else:
        output.record({**outcomes.sums(last), "rows": [outcomes.record(row) for row in rows]}, form)
    for problem in last.problems:
        output.error(problem)
    if last.counts.get(TaskState.UNKNOWN):
        output.note("what is unknown may have run, or may still: --again unknown runs it once more")


def _columns(rows: Sequence[BatchRow]) -> list[output.Column]:
    return outcomes.columns(is_spread=outcomes.is_spread(rows))

"""A rollout as the verbs show it: its stages on stderr as they go, its end on stdout and in the exit code."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

from ccconsole import format
from ccconsole.cli import output
from ccconsole.cli.interrupts import INTERRUPTED, interrupts, running
from ccconsole.cli.output import Format
from ccconsole.errors import ConsoleError
from ccconsole.model.rollouts import Outcome, Rollout, Stage, StageState

_SIGNS = {StageState.DONE: "ok", StageState.SKIPPED: "-", StageState.FAILED: "FAILED"}
_COLORS = {StageState.DONE: "green", StageState.SKIPPED: "dim", StageState.FAILED: "red"}


async def shown(flow: AsyncGenerator[Rollout], form: Format, stop: asyncio.Event) -> int:
    """Show a rollout to its end; the exit code. Ctrl-C ends it in order, at the stage it is at."""
    printer = _Printer()
    async with interrupts() as presses, running(printer.follow(flow)) as work:
        while not await presses.ended_first(work):
            if stop.is_set():
                return INTERRUPTED
            output.note("stopping; Ctrl-C again leaves at once")
            stop.set()
        last = await work
    _end(last, form)
    if last.outcome is Outcome.CANCELLED:
        return INTERRUPTED
    return last.exit_code


class _Printer:
    """The stages' lines on stderr."""

    def __init__(self) -> None:
        self._known: dict[str, Stage] = {}

    async def follow(self, flow: AsyncGenerator[Rollout]) -> Rollout:
        """Print what changes; the last snapshot."""
        last: Rollout | None = None
        async with aclosing(flow) as snapshots:
            async for last in snapshots:
                for stage in last.stages:
                    if self._known.get(stage.name) != stage:
                        self._known[stage.name] = stage
                        _line(stage)
        assert last is not None
        return last


def _line(stage: Stage) -> None:
    if stage.state is StageState.PENDING or (stage.state is StageState.RUNNING and not stage.detail):
        return
    if stage.state is StageState.RUNNING:
        output.passing(f"   ...  {stage.title}: {stage.detail}")
        return
    sign = _SIGNS[stage.state]
    took = ""
    if stage.state is not StageState.SKIPPED and stage.started_at is not None and stage.ended_at is not None:
        took = f"  {format.duration(stage.ended_at - stage.started_at)}"
    detail = f": {stage.detail}" if stage.detail else ""
    output.settled(f"{sign:>6}  {stage.title}{detail}{took}", _COLORS[stage.state])


def _end(last: Rollout, form: Format) -> None:
    if form is not Format.TABLE:
        output.record(record(last), form)
    elif last.url and last.outcome is Outcome.DONE:
        output.emit(f"{last.url}\n")
    for line in last.notes:
        output.note(line)
    took = format.duration((last.ended_at or last.started_at) - last.started_at)
    if last.outcome is Outcome.DONE:
        output.note(
            f"{last.key}: {last.verb} done in {took}" + (f", {last.revision}" if last.revision else "")
        )
        return
    if last.log_lines:
        output.note(f"the last lines of {last.revision}:")
        for line in last.log_lines:
            output.note(f"  | {line}")
    outcome = str(last.outcome).replace("_", " ")
    reason = f" ({last.reason})" if last.reason else ""
    output.error(
        ConsoleError(f"{last.key}: {last.verb} {outcome} after {took}{reason}", last.cause, last.hint)
    )


def record(last: Rollout) -> dict[str, Any]:
    """A rollout's end for machines."""
    return {
        "environment": last.key.environment,
        "service": last.key.name,
        "region": last.key.region,
        "verb": last.verb,
        "outcome": str(last.outcome),
        "revision": last.revision,
        "url": last.url,
        "reason": last.reason,
        "cause": last.cause or None,
        "hint": last.hint or None,
        "log_lines": list(last.log_lines),
        "notes": list(last.notes),
        "started_at": format.moment(last.started_at),
        "ended_at": format.moment(last.ended_at),
        "stages": [
            {
                "name": stage.name,
                "state": str(stage.state),
                "detail": stage.detail or None,
                "seconds": None
                if stage.started_at is None or stage.ended_at is None
                else round(stage.ended_at - stage.started_at, 3),
            }
            for stage in last.stages
        ],
    }

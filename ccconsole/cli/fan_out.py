"""One prompt for several targets: a task on each, their output line by line, a table of outcomes."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ccconsole.cli import callers, outcomes, output
from ccconsole.cli.detaching import detach
from ccconsole.cli.interrupts import INTERRUPTED, interrupts, running
from ccconsole.cli.output import Format
from ccconsole.cli.session import Session
from ccconsole.cli.show import note
from ccconsole.cli.stdout import PlainText, Stdout
from ccconsole.cli.targets import live_service
from ccconsole.errors import ConfigError, ConsoleError
from ccconsole.model.batches import BatchRow

if TYPE_CHECKING:
    from ccconsole.batches import Batch, Lane
    from worker_service.wire import RunRequest, TaskEvent

CANCEL_SECONDS = 15.0
"""What the first Ctrl-C waits for the tasks to end, as for a single one."""
_LONGEST_LINE = 64 << 10


def names(target: str) -> list[str]:
    """The targets between the commas, each once; ConfigError for an empty one."""
    found = [name.strip() for name in target.split(",")]
    if not all(found):
        raise ConfigError(
            f"{target!r} names no target between two commas",
            "",
            "For example: ccconsole prompt dev,prod TEXT",
        )
    return list(dict.fromkeys(found))


async def lanes(options: Session, targets: Sequence[str]) -> list[Lane]:
    """The service of each target, each once; raises what is wrong with the first that is none."""
    from ccconsole.batches import Lane
    from ccconsole.cloud.connect import Connections

    async with Connections(options.config) as connections:
        answers = await asyncio.gather(
            *(live_service(options.config, connections, name, timeout=options.timeout) for name in targets),
            return_exceptions=True,
        )
    wrong = [answer for answer in answers if isinstance(answer, BaseException)]
    for error in wrong[1:]:
        if isinstance(error, ConsoleError):
            output.error(error)
    if wrong:
        raise wrong[0]
    found = [Lane(*answer) for answer in answers if not isinstance(answer, BaseException)]
    return list({lane.key: lane for lane in found}.values())


async def run(options: Session, target: str, request: RunRequest, form: Format, *, is_raw: bool) -> int:
    """Run it on every target to all their ends; the worst exit code."""
    if is_raw or request.task_id is not None:
        wrong = "--raw" if is_raw else "--task-id"
        raise ConfigError(f"{wrong} is for one target", f"{target} names several.", f"Leave {wrong} out.")
    from ccconsole import batches

    found = await lanes(options, names(target))
    if request.on_disconnect == "detach":
        return max(await asyncio.gather(*(_left(lane, request) for lane in found)))
    batch, voices = _batch(found, request), _Voices(form, [lane.key for lane in found])
    halt, follower = batches.Halt(), outcomes.Follower(is_quiet=True)
    told = batches.Options(
        actor=callers.actor(), token=callers.token(), is_detaching=False, observe=voices.event
    )
    code, flow = 0, batches.dispatched(batch, halt, told)
    async with interrupts() as presses, running(follower.follow(flow)) as work:
        if not await presses.ended_first(work):
            output.note("cancelling; Ctrl-C again leaves at once")
            halt.cancel.set()
            code = INTERRUPTED
            await presses.ended_first(work, CANCEL_SECONDS)
        try:
            if work.done():
                await work
        except BrokenPipeError:
            output.close_stdout()
            return output.BROKEN_PIPE
    voices.end(follower.table)
    if follower.last is not None:
        for problem in follower.last.problems:
            output.error(problem)
    worst = max((_code(row, follower) for row in follower.table), default=0)
    return code or worst


async def _left(lane: Lane, request: RunRequest) -> int:
    """Start it there and leave it; the exit code."""
    from uuid import uuid4

    try:
        named = request.model_copy(update={"task_id": uuid4().hex})
        return await detach(lane.environment, lane.service, named)
    except ConsoleError as error:
        output.error(error)
        return error.exit_code


def _code(row: BatchRow, follower: outcomes.Follower) -> int:
    """A task's exit code; of one that was never sent, that of what stood in its way."""
    if row.task.state.is_end or follower.last is None:
        return outcomes.code_of(row)
    return outcomes.exit_code(follower.last)


def _batch(found: Sequence[Lane], request: RunRequest) -> Batch:
    from uuid import uuid4

    from ccconsole.batches import Batch, Entry

    entries = tuple(
        Entry(number, uuid4().hex, request, lane.environment, frozenset({lane.key}))
        for number, lane in enumerate(found, 1)
    )
    return Batch("fan-out", entries, tuple(found), sum(lane.limit for lane in found), is_once=True)


class _Voices:
    """What several tasks say, each line with its target in front."""

    def __init__(self, form: Format, keys: Sequence[Any]) -> None:
        self._form = form
        self._names = [str(key) for key in keys]
        width = max(map(len, self._names))
        self._lines = [_Lines(name.ljust(width)) for name in self._names]
        self._stdout = Stdout(is_raw=True)
        self._results: dict[int, dict[str, Any]] = {}

    async def event(self, row: BatchRow, event: TaskEvent) -> None:
        """Print one event of one task."""
        from ccconsole.runs import output_bytes
        from worker_service.wire import EventType

        place = row.line - 1
        if self._form is Format.NDJSON:
            await self._stdout.write(_named_line(self._names[place], event))
        elif event.type is EventType.OUTPUT and self._form is Format.TABLE:
            await self._stdout.write(self._lines[place].feed(output_bytes(event)))
        if event.type is not EventType.COMPLETE:
            note(event, f"{self._names[place]}: ")
            return
        await self._stdout.write(self._lines[place].close())
        result = {key: value for key, value in event.data.items() if key not in ("seq", "ts")}
        self._results[row.line] = {"target": self._names[place], **result}

    def end(self, rows: Sequence[BatchRow]) -> None:
        """The results where they are asked for, and the table of outcomes for whoever reads stderr."""
        if self._form in (Format.JSON, Format.YAML):
            found = [self._results.get(row.line) or outcomes.record(row) for row in rows]
            output.rows(found, self._form, ())
        columns = [
            column for column in outcomes.columns(is_spread=True) if column.title not in ("LINE", "PROMPT")
        ]
        output.note(output.table([outcomes.record(row) for row in rows], columns).rstrip())


class _Lines:
    """Terminal bytes as plain lines behind a name."""

    def __init__(self, name: str) -> None:
        self._name = f"{output.styled(f'{name} |', 'cyan', sys.stdout)} ".encode()
        self._plain = PlainText()
        self._rest = b""

    def feed(self, data: bytes) -> bytes:
        """The lines that are whole now; one that never ends is cut."""
        *whole, self._rest = (self._rest + self._plain.feed(data)).split(b"\n")
        if len(self._rest) > _LONGEST_LINE:
            whole.append(self._rest)
            self._rest = b""
        return b"".join(self._name + line + b"\n" for line in whole)

    def close(self) -> bytes:
        """What is left, once nothing follows."""
        rest, self._rest = self._rest + self._plain.close(), b""
        return self._name + rest.rstrip(b"\n") + b"\n" if rest else b""


def _named_line(name: str, event: TaskEvent) -> bytes:
    """An event's line of JSON, with its target in front."""
    from worker_service.transcript import line

    return b'{"target":%s,%s' % (json.dumps(name).encode(), line(event)[1:])

"""`export`: a task's recording or transcript, from the journal to a file or to stdout."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ccconsole import format
from ccconsole.cli import control, journals, output
from ccconsole.cli.fleet import PARTIAL
from ccconsole.cli.interrupts import INTERRUPTED, interrupts, running
from ccconsole.cli.session import ConfigOption, Session, TimeoutOption, run, session
from ccconsole.cli.stdout import Stdout
from ccconsole.config import Environment
from ccconsole.errors import ConsoleError, Refused
from ccconsole.model.tasks import Task

if TYPE_CHECKING:
    from ccconsole.recordings.exporting import Export

STDOUT = Path("-")


class TranscriptFormat(StrEnum):
    """What `--format` takes."""

    TEXT = "text"
    ANSI = "ansi"
    CAST = "cast"
    NDJSON = "ndjson"


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command("export")(export)


def export(
    context: typer.Context,
    task_id: control.TaskArgument,
    form: Annotated[
        TranscriptFormat | None,
        typer.Option("--format", help="By the file's ending when not given; text on stdout."),
    ] = None,
    path: Annotated[
        Path,
        typer.Option("--file", "-f", metavar="FILE", help=".cast, .ndjson, .txt or .ansi; - is stdout."),
    ] = STDOUT,
    is_replacing: Annotated[bool, typer.Option("--force", help="Replace a file that is there.")] = False,
    is_following: Annotated[
        bool, typer.Option("--follow", help="Wait for the end of a task that runs; Ctrl-C saves what came.")
    ] = False,
    environment: control.EnvironmentOption = None,
    config: ConfigOption = None,
    timeout: TimeoutOption = None,
) -> None:
    """Save a task: what it printed as text, as the terminal's bytes, as an asciicast, or all its events.

    text is what the output leaves behind on a terminal: a progress bar is one line. ansi is every byte. cast
    is asciicast v2 for `ccconsole replay` and asciinema, with markers for all that happened. ndjson is every
    event, and can be replayed too. Exits with 7 when events are missing, which the file says as well.
    """
    from ccconsole.recordings.files import format_of

    is_file = path != STDOUT
    chosen = form.value if form else format_of(path) if is_file else "text"
    into = _into_file if is_file else _into_stdout
    options = session(context)

    async def work() -> int:
        where, task = await _found(options, task_id, environment)
        return await into(where, task, chosen, path, is_following=is_following, is_replacing=is_replacing)

    raise typer.Exit(run(work()))


async def _found(options: Session, prefix: str, name: str | None) -> tuple[Environment, Task]:
    try:
        return await journals.find(options.config, prefix, name, options.timeout)
    except Refused as error:
        raise Refused(
            error.title,
            "Without a journal a task's events are with its worker, for as long as the instance lives "
            "(GET /tasks/ID/transcript?format=cast), and with whoever started it.",
            "ccconsole prompt TARGET TEXT -o ndjson > FILE.ndjson records one as it runs, for replay.",
        ) from error


async def _into_file(
    environment: Environment, task: Task, form: str, path: Path, *, is_following: bool, is_replacing: bool
) -> int:
    from ccconsole.recordings.exporting import Export
    from ccconsole.recordings.files import NewFile

    with NewFile(path, is_replacing=is_replacing) as file:
        exported = Export(task, form, file.write)
        is_done = await _written(environment, task, exported, is_following=is_following)
        if not is_done and not (is_following and exported.events):
            output.note(f"interrupted; {path} was not written")
            return INTERRUPTED
        await exported.close()
        file.keep()
    figures = f"{format.count(exported.events)} events, {format.size(file.size)}"
    plays = f"; ccconsole replay {path}" if form in ("cast", "ndjson") else ""
    output.note(f"{path}: {figures}{plays}")
    code = _told(task, exported, is_following=is_following)
    return code if is_done else INTERRUPTED


async def _into_stdout(
    environment: Environment, task: Task, form: str, _: Path, *, is_following: bool, is_replacing: bool
) -> int:
    from ccconsole.recordings.exporting import Export

    exported = Export(task, form, Stdout(is_raw=True).write)
    try:
        if not await _written(environment, task, exported, is_following=is_following):
            return INTERRUPTED
        await exported.close()
    except BrokenPipeError:
        output.close_stdout()
        return output.BROKEN_PIPE
    return _told(task, exported, is_following=is_following)


async def _written(environment: Environment, task: Task, exported: Export, *, is_following: bool) -> bool:
    """Write all there is, or all there will be; False when Ctrl-C came first."""
    from ccconsole import runs

    events = runs.attach(environment, task.id, follow=is_following)
    async with interrupts() as presses, running(exported.all(events)) as work:
        if not await presses.ended_first(work):
            return False
        await work
    return True


def _told(task: Task, exported: Export, *, is_following: bool) -> int:
    """Say what is missing; the exit code."""
    for gap in exported.gaps:
        output.note(gap)
    if (more := exported.gap_count - len(exported.gaps)) > 0:
        output.note(f"and {more} more gaps")
    if exported.lost is not None:
        output.error(ConsoleError(f"task {task.id} has no end", exported.lost))
    elif not exported.is_over:
        hint = "" if is_following else "; --follow waits for its end"
        output.note(f"task {task.id} has not ended: this is what there is so far{hint}")
    return 0 if exported.is_whole else PARTIAL

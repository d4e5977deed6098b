"""`resume`: go on with the session of a task that has ended, on whichever instance takes it."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from ccconsole.cli import control, journals, prompt
from ccconsole.cli.output import Format
from ccconsole.cli.session import ConfigOption, FormatOption, Session, TimeoutOption, run, session
from ccconsole.cli.show import RawOption
from ccconsole.errors import ConsoleError, Refused

GO_ON = "You were stopped before you had finished. Go on where you left off."


def resume(
    context: typer.Context,
    task_id: control.TaskArgument,
    text: Annotated[
        str, typer.Argument(metavar="[TEXT|-]", help="What to say; - reads it from stdin.")
    ] = GO_ON,
    form: FormatOption = Format.TABLE,
    is_detached: Annotated[
        bool, typer.Option("--detach", help="Print the new task's id once it runs, and leave it running.")
    ] = False,
    is_raw: RawOption = False,
    environment: control.EnvironmentOption = None,
    config: ConfigOption = None,
    timeout: TimeoutOption = None,
) -> None:
    """Go on with an ended task's Claude session, as a new task of the same service and mode.

    The session comes from the environment's store, so any instance can go on with it: after the 60 minutes
    of Cloud Run, after a cancel, and after an instance that was killed (from its last half minute on).
    """
    fields = {"prompt": prompt.text_of(text), "on_disconnect": "detach" if is_detached else None}
    raise typer.Exit(run(_resume(session(context), task_id, environment, fields, form, is_raw=is_raw)))


async def _resume(
    options: Session, prefix: str, name: str | None, fields: dict[str, Any], form: Format, *, is_raw: bool
) -> int:
    environment, task = await journals.find(options.config, prefix, name, options.timeout)
    if not task.state.is_end:
        raise Refused(f"task {task.id} has not ended", "", f"ccconsole attach {task.id} shows it.")
    if task.session_id is None:
        raise ConsoleError(
            f"task {task.id} has no session to go on with",
            f"The {task.agent or 'unknown'} agent keeps none, or it ended before it had begun one.",
            f"ccconsole prompt {environment.name}/{task.service} starts afresh.",
        )
    target = f"{environment.name}/{task.service}"
    fields |= {"resume": task.session_id, "mode": task.mode, **prompt.terminal_size()}
    return await prompt.run_prompt(options, target, fields, form, is_raw=is_raw)

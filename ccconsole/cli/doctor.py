"""`doctor`: whether an environment has all it needs, and the command for each thing that is missing."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ccconsole.cli import confirm, output
from ccconsole.cli.fleet import OptionalTarget
from ccconsole.cli.output import Column, Format
from ccconsole.cli.session import ConfigOption, FormatOption, Session, TimeoutOption, YesOption, run, session
from ccconsole.cli.targets import split
from ccconsole.config import Environment
from ccconsole.errors import TimedOut
from ccconsole.model.checks import Check, CheckState

if TYPE_CHECKING:
    from ccconsole.cloud.connect import Connections

_COLORS = {CheckState.OK: "green", CheckState.WARNING: "yellow", CheckState.FAILED: "red"}
_API = "API "


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command("doctor")(doctor)


def doctor(
    context: typer.Context,
    target: OptionalTarget = None,
    is_enabling: Annotated[
        bool, typer.Option("--enable-apis", help="Turn on the APIs that are off, after a question.")
    ] = False,
    form: FormatOption = Format.TABLE,
    is_yes: YesOption = False,
    config: ConfigOption = None,
    timeout: TimeoutOption = None,
) -> None:
    """Whether an environment has all it needs, and the command for each thing that is missing.

    Login, project, APIs, permissions, accounts, secrets, image, log tail, ID token, store. Nothing is changed
    and no worker is called. Exits with 0 only when all that is needed is there, else with the code of the
    gravest failure: 3 not signed in, 4 denied, 5 not found.
    """
    raise typer.Exit(run(_doctor(session(context), target, form, is_enabling=is_enabling)))


async def _doctor(options: Session, target: str | None, form: Format, *, is_enabling: bool) -> int:
    config = options.config
    chosen = list(config.environments.values()) if target is None else [split(config, target)[0]]

    from ccconsole import doctor as flow
    from ccconsole.cloud.connect import Connections

    async with Connections(config) as connections:
        found = await _all(options, connections, chosen)
        if is_enabling and await _enabled(options, connections, chosen, found):
            found = await _all(options, connections, chosen)
    output.rows([_row(check) for check in found], form, _columns())
    if form is Format.TABLE:
        for check in found:
            if check.hint and check.state in (CheckState.FAILED, CheckState.WARNING):
                output.note(f"{check.environment} {check.name}: {check.hint}")
    return flow.gravest(found)


async def _all(options: Session, connections: Connections, chosen: list[Environment]) -> list[Check]:
    parts = await asyncio.gather(*(_one(options, connections, environment) for environment in chosen))
    return [check for part in parts for check in part]


async def _one(options: Session, connections: Connections, environment: Environment) -> list[Check]:
    from ccconsole import doctor as flow
    from ccconsole.doctor.findings import failed

    found: list[Check] = []
    try:
        async with asyncio.timeout(options.timeout):
            async with aclosing(flow.checks(connections, environment)) as checks:
                async for check in checks:
                    found.append(check)  # noqa: PERF401 - those that came in time count
    except TimeoutError:
        detail = f"Not all was answered within {options.timeout:g} s."
        error = TimedOut(f"{environment.name} does not answer", detail, "Give it longer: --timeout 60")
        found.append(failed(environment, "connection", error))
    return found


async def _enabled(
    options: Session, connections: Connections, chosen: list[Environment], found: list[Check]
) -> bool:
    """Turn on what is off, environment by environment; whether anything was."""
    from ccconsole.cloud import apis, gcloud

    is_any = False
    for environment in chosen:
        off = [
            check.name.removeprefix(_API)
            for check in found
            if check.environment == environment.name and check.name.startswith(_API)
        ]
        if off:
            output.note(f"the same as: {gcloud.enable(off, environment)}")
            confirm.confirmed(options, environment, f"enable {', '.join(off)}", environment.project)
            await apis.enable(await connections.connection(environment), off)
            is_any = True
    return is_any


def _row(check: Check) -> dict[str, Any]:
    return {
        "environment": check.environment,
        "check": check.name,
        "state": str(check.state),
        "text": check.text,
        "hint": check.hint or None,
    }


def _columns() -> list[Column]:
    return [
        Column("ENV", lambda row: row["environment"]),
        Column("CHECK", lambda row: row["check"]),
        Column("STATE", lambda row: row["state"], lambda row: _COLORS.get(CheckState(row["state"]), "dim")),
        Column("WHAT", lambda row: row["text"]),
    ]

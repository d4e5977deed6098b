"""`rollback`, `traffic`, `scale`, `delete`: changes that deploy.toml does not declare."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ccconsole.cli import confirm, output, plan, rollout
from ccconsole.cli.output import Format
from ccconsole.cli.session import (
    ConfigOption,
    DryRunOption,
    FormatOption,
    Session,
    TargetArgument,
    TimeoutOption,
    YesOption,
    run,
    session,
)
from ccconsole.cli.targets import live_service
from ccconsole.model.rollouts import Adjustment
from ccconsole.model.services import ServiceKey

if TYPE_CHECKING:
    from ccconsole.cloud.connect import Connection

Planned = Callable[["Connection", ServiceKey], Awaitable[Adjustment]]


def register(app: typer.Typer) -> None:
    """Add the verbs."""
    app.command("rollback")(rollback)
    app.command("traffic")(traffic)
    app.command("scale")(scale)
    app.command("delete")(delete)


def rollback(
    context: typer.Context,
    target: TargetArgument,
    to: Annotated[
        str | None, typer.Option("--to", metavar="REVISION", help="Where to; the one before when not given.")
    ] = None,
    form: FormatOption = Format.TABLE,
    is_yes: YesOption = False,
    is_dry: DryRunOption = False,
    config: ConfigOption = None,
    timeout: TimeoutOption = None,
) -> None:
    """Send all traffic back to the revision before, or to a named one; no revision is made.

    Traffic is pinned afterwards: `ccconsole traffic TARGET latest=100` follows the newest again.
    """

    async def planned(connection: Connection, key: ServiceKey) -> Adjustment:
        from ccconsole import rollouts

        return await rollouts.rollback(connection, key, to)

    raise typer.Exit(
        run(_adjust(session(context), target, f"roll {target} back", planned, form, is_dry=is_dry))
    )


def traffic(
    context: typer.Context,
    target: TargetArgument,
    shares: Annotated[
        list[str],
        typer.Argument(metavar="REVISION=PERCENT...", help="Shares of 100; `latest` is the newest."),
    ],
    form: FormatOption = Format.TABLE,
    is_yes: YesOption = False,
    is_dry: DryRunOption = False,
    config: ConfigOption = None,
    timeout: TimeoutOption = None,
) -> None:
    """Divide the requests between revisions; without a share for `latest`, new revisions serve nothing."""

    async def planned(connection: Connection, key: ServiceKey) -> Adjustment:
        from ccconsole import rollouts

        return await rollouts.redirect(connection, key, [rollouts.share(text) for text in shares])

    what = f"move the traffic of {target}"
    raise typer.Exit(run(_adjust(session(context), target, what, planned, form, is_dry=is_dry)))


def scale(
    context: typer.Context,
    target: TargetArgument,
    low: Annotated[int, typer.Argument(metavar="MIN", min=0, help="Instances at least.")],
    high: Annotated[int, typer.Argument(metavar="MAX", min=1, help="Instances at most.")],
    form: FormatOption = Format.TABLE,
    is_yes: YesOption = False,
    is_dry: DryRunOption = False,
    config: ConfigOption = None,
    timeout: TimeoutOption = None,
) -> None:
    """Change how many instances there are, without a new revision unless MAX is above the revision's own.

    The next deployment puts back what deploy.toml declares.
    """

    async def planned(connection: Connection, key: ServiceKey) -> Adjustment:
        from ccconsole import rollouts

        return await rollouts.scale(connection, key, low, high)

    raise typer.Exit(run(_adjust(session(context), target, f"scale {target}", planned, form, is_dry=is_dry)))


def delete(
    context: typer.Context,
    target: TargetArgument,
    form: FormatOption = Format.TABLE,
    is_yes: YesOption = False,
    is_dry: DryRunOption = False,
    config: ConfigOption = None,
    timeout: TimeoutOption = None,
) -> None:
    """Delete a service with all its revisions; its tasks are cut off."""

    async def planned(connection: Connection, key: ServiceKey) -> Adjustment:
        from ccconsole import rollouts

        return await rollouts.delete(connection, key)

    what = f"delete {target}"
    raise typer.Exit(
        run(_adjust(session(context), target, what, planned, form, is_dry=is_dry, is_grave=True))
    )


async def _adjust(
    options: Session,
    target: str,
    what: str,
    planned: Planned,
    form: Format,
    *,
    is_dry: bool,
    is_grave: bool = False,
) -> int:
    confirm.allowed(options, what)
    from ccconsole import rollouts
    from ccconsole.cloud.connect import Connections

    async with Connections(options.config, is_applying=False) as connections:
        environment, service = await live_service(
            options.config, connections, target, timeout=options.timeout, is_ready_needed=False
        )
        connection = await connections.connection(environment)
        found = await planned(connection, service.key)
        if is_dry:
            _show(found, form)
            return 0
        output.note(_text(found))
        for advice in found.advice:
            plan.note(advice)
        is_typed = is_grave and not environment.is_local
        confirm.confirmed(options, environment, what, service.key.name, is_grave=is_typed)
        stop = asyncio.Event()
        return await rollout.shown(rollouts.adjust(connection, found, stop=stop), form, stop)


def _show(found: Adjustment, form: Format) -> None:
    if form is Format.TABLE:
        output.emit(f"{_text(found)}\n")
        for advice in found.advice:
            plan.note(advice)
    else:
        output.record(_record(found), form)


def _text(found: Adjustment) -> str:
    changes = [
        f"  {change.field}: {change.live or '-'} -> {change.declared or '-'}" for change in found.changes
    ]
    return "\n".join([found.text, *changes, f"  the same as: {output.plain(found.command)}"])


def _record(found: Adjustment) -> dict[str, Any]:
    return {
        "environment": found.key.environment,
        "service": found.key.name,
        "region": found.key.region,
        "verb": found.verb,
        "text": found.text,
        "changes": [plan.change_row(change) for change in found.changes],
        "advice": [plan.advice_row(advice) for advice in found.advice],
        "tasks_in_flight": found.in_flight,
        "command": found.command,
    }

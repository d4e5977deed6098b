"""`plan`: what a deployment would change, and what to know before it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import typer

from ccconsole.cli import output
from ccconsole.cli.output import Column, Format
from ccconsole.cli.session import (
    ConfigOption,
    FormatOption,
    Session,
    TargetArgument,
    TimeoutOption,
    run,
    session,
)
from ccconsole.config import Environment, ServiceSpec
from ccconsole.errors import TimedOut
from ccconsole.model.rollouts import Action, Advice, Change, Plan

if TYPE_CHECKING:
    from ccconsole.cloud.connect import Connection, Connections

NO_CHANGES = "no changes"


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command("plan")(plan)


def plan(
    context: typer.Context,
    target: TargetArgument,
    form: FormatOption = Format.TABLE,
    config: ConfigOption = None,
    timeout: TimeoutOption = None,
) -> None:
    """What deploy.toml declares against what is live, field by field; nothing is changed.

    Only what deploy.toml declares is compared; what somebody else set beside it is listed. The server is
    asked whether it would take the change: what it refuses is an error. The fingerprint goes to
    `deploy --plan`, which refuses when the plan is another one by then.
    """
    raise typer.Exit(run(_plan(session(context), target, form)))


async def _plan(options: Session, target: str, form: Format) -> int:
    options.config.resolve(target)
    from ccconsole import rollouts
    from ccconsole.cloud.connect import Connections

    environment, specs = rollouts.specs_of(options.config, target)
    async with Connections(options.config, is_applying=False) as connections:
        _, plans = await planned(options, connections, environment, specs)
    show(plans, form)
    refusals = [found.refusal for found in plans if found.refusal is not None]
    for refusal in refusals:
        output.error(refusal)
    return refusals[0].exit_code if refusals else 0


async def planned(
    options: Session,
    connections: Connections,
    environment: Environment,
    specs: Sequence[ServiceSpec],
    *,
    image: str | None = None,
    is_built: bool = False,
) -> tuple[Connection, list[Plan]]:
    """The connection and the services' plans; TimedOut when they do not come in time."""
    from ccconsole import rollouts

    try:
        async with asyncio.timeout(options.timeout):
            connection = await connections.connection(environment)
            plans = await asyncio.gather(
                *(rollouts.plan(connection, spec, image=image, is_built=is_built) for spec in specs)
            )
    except TimeoutError:
        detail = f"Nothing came within {options.timeout:g} s."
        raise TimedOut(
            f"{environment.name} does not answer", detail, "Give it longer: --timeout 60"
        ) from None
    return connection, list(plans)


def show(plans: list[Plan], form: Format) -> None:
    """Print the plans: a listing of the changes on stdout, what to know on stderr."""
    if form is not Format.TABLE:
        output.rows([_row(found) for found in plans], form, [])
        return
    for found in plans:
        output.emit(text(found))
        for advice in found.advice:
            note(advice)


def text(found: Plan) -> str:
    """One plan for a person: its headline, its changes, and the same as a gcloud command."""
    if found.action is Action.NONE:
        return f"{found.key}: {NO_CHANGES}\n"
    what = "a new revision" if found.is_new_revision or not found.changes else "no new revision"
    lines = [f"{found.key}: {found.action}, {what}"]
    if found.changes:
        table = output.table([change_row(change) for change in found.changes], _columns(found.action))
        lines += [f"  {line}" for line in table.splitlines()]
    return "\n".join([*lines, f"  the same as: {output.plain(found.command)}"]) + "\n"


def note(advice: Advice) -> None:
    """One piece of advice, on stderr."""
    output.note(f"{advice.kind.replace('_', ' ')}: {advice.text}")
    if advice.hint:
        output.note(f"  {advice.hint}")


def _columns(action: Action) -> list[Column]:
    columns = [Column("FIELD", lambda row: row["field"])]
    if action is not Action.CREATE:
        columns.append(Column("LIVE", lambda row: row["live"] or "-", lambda _: "red"))
    return [*columns, Column("DECLARED", lambda row: row["declared"] or "-", lambda _: "green")]


def change_row(change: Change) -> dict[str, Any]:
    """A change for machines."""
    return {
        "field": change.field,
        "live": change.live,
        "declared": change.declared,
        "new_revision": change.is_revision,
    }


def advice_row(advice: Advice) -> dict[str, Any]:
    """A piece of advice for machines."""
    return {"kind": str(advice.kind), "text": advice.text, "hint": advice.hint or None}


def _row(found: Plan) -> dict[str, Any]:
    refusal = found.refusal
    return {
        "environment": found.key.environment,
        "service": found.key.name,
        "region": found.key.region,
        "action": str(found.action),
        "new_revision": found.is_new_revision,
        "changes": [change_row(change) for change in found.changes],
        "advice": [advice_row(advice) for advice in found.advice],
        "image": found.image,
        "fingerprint": found.fingerprint,
        "tasks_in_flight": found.in_flight,
        "command": found.command,
        "refusal": None
        if refusal is None
        else {"title": refusal.title, "detail": refusal.detail or None, "hint": refusal.hint or None},
    }

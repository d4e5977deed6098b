"""`ls` and `get`: the fleet, and one service of it."""

from __future__ import annotations

import time
from typing import Annotated, Any

import typer

from ccconsole import format
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
from ccconsole.cli.targets import complete_target, live_service, split
from ccconsole.model.fleet import FleetRow, FleetSnapshot
from ccconsole.model.problem import Problem
from ccconsole.model.services import Revision, Service, ServiceState
from ccconsole.model.tasks import Task

PARTIAL = 7
PROBLEM = "problem"
"""The state of a row that stands for what could not be read."""
_COLOR_OF_STATE = {
    ServiceState.READY: "cyan",
    ServiceState.DEPLOYING: "yellow",
    ServiceState.DELETING: "yellow",
    ServiceState.FAILED: "red",
    ServiceState.MISSING: "dim",
    PROBLEM: "red",
}

OptionalTarget = Annotated[
    str | None,
    typer.Argument(
        metavar="[TARGET]",
        help="An environment, or environment/service; all environments without one.",
        autocompletion=complete_target,
    ),
]


def register(app: typer.Typer) -> None:
    """Add the verbs."""
    app.command("ls")(ls)
    app.command("get")(get)


def ls(
    context: typer.Context,
    target: OptionalTarget = None,
    form: FormatOption = Format.TABLE,
    config: ConfigOption = None,
    timeout: TimeoutOption = None,
) -> None:
    """One row per service of every environment; what cannot be read is a row too.

    In json, ndjson and yaml such a row has the state "problem", no service, and "problem" with its
    title, detail and hint. Exits with 7 when some environments answered and some did not, and with the
    problem's own code when none did.
    """
    code = run(_ls(session(context), target, form))
    raise typer.Exit(code)


def get(
    context: typer.Context,
    target: TargetArgument,
    form: FormatOption = Format.TABLE,
    config: ConfigOption = None,
    timeout: TimeoutOption = None,
) -> None:
    """One service whole: its state, address, revisions, settings, secrets' names and open tasks."""
    run(_get(session(context), target, form))


async def _ls(options: Session, target: str | None, form: Format) -> int:
    config = options.config
    chosen, name = (None, None) if target is None else split(config, target)

    from ccconsole.cloud.connect import Connections
    from ccconsole.fleet import read_fleet

    async with Connections(config) as connections:
        environments = [chosen] if chosen else list(config.environments.values())
        snapshot = await read_fleet(config, connections, environments, options.timeout)
    rows = [_row(row) for row in snapshot.rows if name is None or row.service.key.name == name]
    if name is not None and not rows and not snapshot.problems:
        config.resolve(f"{target}")
    problems = [_problem_row(problem) for problem in snapshot.problems]
    output.rows([*rows, *problems], form, _columns(time.time()))
    for problem in snapshot.problems:
        output.error(problem)
    return exit_code(snapshot)


async def _get(options: Session, target: str, form: Format) -> None:
    config = options.config
    split(config, target)

    from ccconsole.cloud.connect import Connections
    from ccconsole.cloud.services import revisions
    from ccconsole.fleet import read_fleet

    async with Connections(config) as connections:
        environment, service = await live_service(
            config, connections, target, timeout=options.timeout, is_ready_needed=False
        )
        snapshot = await read_fleet(config, connections, [environment], options.timeout)
        connection = await connections.connection(environment)
        found = await revisions(connection, service.key.name, service.key.region)
    row = next((row for row in snapshot.rows if row.service.key == service.key), FleetRow(service))
    output.record(_row(row) | _details(row, found), form)
    for problem in snapshot.problems:
        output.error(problem)


def exit_code(snapshot: FleetSnapshot) -> int:
    """0 when all was read, 7 when some was, else the first problem's own code."""
    if not snapshot.problems:
        return 0
    return PARTIAL if snapshot.ages else snapshot.problems[0].exit_code


def _row(row: FleetRow) -> dict[str, Any]:
    service = row.service
    return {
        "environment": service.key.environment,
        "service": service.key.name,
        "region": service.key.region,
        "state": str(service.state),
        "message": service.message or None,
        "url": service.uri,
        "revision": service.revision,
        "instances": {
            "min": service.min_instances,
            "max": service.max_instances,
            "busy": row.busy if row.is_journaled else None,
        },
        "traffic": [
            {
                "revision": share.revision,
                "percent": share.percent,
                "tag": share.tag,
                "latest": share.is_latest,
            }
            for share in service.traffic
        ],
        "pinned": service.is_pinned,
        "public": service.is_public,
        "declared": row.is_declared,
        "updated_at": format.moment(service.updated_at) or None,
        "oldest_task_at": format.moment(row.tasks[0].created_at) or None if row.tasks else None,
    }


def _problem_row(problem: Problem) -> dict[str, Any]:
    return {
        "environment": problem.environment,
        "service": None,
        "region": None,
        "state": PROBLEM,
        "url": None,
        "revision": None,
        "instances": {"min": None, "max": None, "busy": None},
        "problem": {"title": problem.title, "detail": problem.detail or None, "hint": problem.hint or None},
    }


def _details(row: FleetRow, found: tuple[Revision, ...]) -> dict[str, Any]:
    service: Service = row.service
    return {
        "image": service.image,
        "cpu": service.cpu,
        "memory": service.memory,
        "timeout_seconds": None if service.timeout is None else round(service.timeout),
        "concurrency": service.concurrency,
        "service_account": service.service_account,
        "env": dict(service.env),
        "secrets": dict(service.secrets),
        "labels": dict(service.labels),
        "latest_created_revision": service.latest_created_revision,
        "updated_by": service.updated_by,
        "revisions": [
            {
                "name": revision.name,
                "created_at": format.moment(revision.created_at) or None,
                "ready": revision.is_ready,
                "message": revision.message or None,
            }
            for revision in found
        ],
        "tasks": [_task(task) for task in row.tasks],
    }


def _task(task: Task) -> dict[str, Any]:
    return {"id": task.id, "state": str(task.state), "prompt": task.prompt}


def _columns(now: float) -> list[Column]:
    def busy(row: output.Row) -> str:
        if not row["service"]:
            return ""
        instances = row["instances"]
        running = format.NOTHING if instances["busy"] is None else str(instances["busy"])
        return f"{running}/{instances['max'] or format.NOTHING}"

    def text(key: str) -> Any:
        return lambda row: str(row.get(key) or format.NOTHING) if row["service"] else ""

    return [
        Column("ENV", lambda row: row["environment"]),
        Column("SERVICE", lambda row: row["service"] or row["problem"]["title"], _name_color),
        Column("STATE", _state, lambda row: _COLOR_OF_STATE.get(row["state"])),
        Column("REVISION", text("revision")),
        Column("BUSY", busy),
        Column("PUBLIC", lambda row: "public!" if row.get("public") else "", lambda _: "red"),
        Column("URL", text("url")),
    ]


def _state(row: output.Row) -> str:
    """The state, and whether a new revision would serve nothing."""
    return f"{row['state']}, pinned" if row.get("pinned") else str(row["state"])


def _name_color(row: output.Row) -> str | None:
    return None if row["service"] else "red"

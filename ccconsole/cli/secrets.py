"""`secrets`: names, versions and readers; a new value from stdin or a hidden prompt; never one shown."""

from __future__ import annotations

import asyncio
import getpass
import sys
import time
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ccconsole import format
from ccconsole.cli import confirm, output, rollout
from ccconsole.cli.output import Column, Format
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
from ccconsole.cli.targets import split
from ccconsole.config import Environment
from ccconsole.errors import Refused, TimedOut
from ccconsole.model.secrets import Secret

if TYPE_CHECKING:
    from ccconsole.cloud.connect import Connection, Connections

NameArgument = Annotated[
    str, typer.Argument(metavar="NAME", help="A declared secret's name, or the variable it fills.")
]


def register(app: typer.Typer) -> None:
    """Add the verbs."""
    secrets = typer.Typer(help="The secrets that services declare: listed, set, rotated, granted.")
    secrets.command("ls")(ls)
    secrets.command("set")(set_)
    secrets.command("rotate")(rotate)
    secrets.command("grant")(grant)
    app.add_typer(secrets, name="secrets")


def ls(
    context: typer.Context,
    target: TargetArgument,
    form: FormatOption = Format.TABLE,
    config: ConfigOption = None,
    timeout: TimeoutOption = None,
) -> None:
    """Each declared secret: what it fills, its versions with their ages, and who may read it."""
    raise typer.Exit(run(_ls(session(context), target, form)))


def set_(
    context: typer.Context,
    target: TargetArgument,
    name: NameArgument,
    config: ConfigOption = None,
    timeout: TimeoutOption = None,
) -> None:
    """Store a new version, from stdin or a hidden prompt; the secret is made where there is none.

    Running instances keep the old one; a deployment, or `secrets rotate`, brings the new one in.
    """
    raise typer.Exit(run(_set(session(context), target, name)))


def rotate(
    context: typer.Context,
    target: TargetArgument,
    name: NameArgument,
    form: FormatOption = Format.TABLE,
    is_yes: YesOption = False,
    config: ConfigOption = None,
    timeout: TimeoutOption = None,
) -> None:
    """Store a new version, deploy a revision pinned to it, see it answer, then disable the old versions."""
    raise typer.Exit(run(_rotate(session(context), target, name, form)))


def grant(
    context: typer.Context,
    target: TargetArgument,
    is_yes: YesOption = False,
    config: ConfigOption = None,
    timeout: TimeoutOption = None,
) -> None:
    """Let the services' accounts read their secrets: on each secret alone, never on the project."""
    raise typer.Exit(run(_grant(session(context), target)))


async def _ls(options: Session, target: str, form: Format) -> int:
    from ccconsole.cloud import secrets
    from ccconsole.cloud.connect import Connections

    environment, _ = split(options.config, target)
    async with Connections(options.config) as connections:
        connection = await _connected(options, connections, environment)
        found = await secrets.listing(connection)
    now = time.time()
    output.rows([_row(secret) for secret in found], form, _columns(now))
    if not found:
        output.note(f"{environment.name} declares no secrets")
    return 0


async def _connected(options: Session, connections: Connections, environment: Environment) -> Connection:
    try:
        async with asyncio.timeout(options.timeout):
            return await connections.connection(environment)
    except TimeoutError:
        detail = f"Nothing came within {options.timeout:g} s."
        raise TimedOut(f"{environment.name} does not answer", detail, "--timeout 60") from None


async def _set(options: Session, target: str, given: str) -> int:
    confirm.allowed(options, f"set {given}")
    from ccconsole.cloud import gcloud, secrets
    from ccconsole.cloud.connect import Connections

    environment, _ = split(options.config, target)
    async with Connections(options.config) as connections:
        connection = await _connected(options, connections, environment)
        name = secrets.declared_name(connection, given)
        output.note(f"the same as: {gcloud.add_version(name, environment)}")
        number = await secrets.add(connection, name, await asyncio.to_thread(_value, name))
    output.note(f"{environment.name}: version {number} of {name} is stored")
    if environment.is_local:
        output.note("the emulator keeps it in its memory alone: it is gone when the emulator ends")
    output.note(f"running instances have the old one: ccconsole secrets rotate {target} {given}, or deploy")
    return 0


async def _rotate(options: Session, target: str, given: str, form: Format) -> int:
    confirm.allowed(options, f"rotate {given}")
    from ccconsole import rollouts
    from ccconsole.cloud import gcloud, secrets
    from ccconsole.cloud.connect import Connections

    environment, _ = split(options.config, target)
    async with Connections(options.config, is_applying=False) as connections:
        connection = await _connected(options, connections, environment)
        name = secrets.declared_name(connection, given)
        if not options.is_yes and not sys.stdin.isatty():
            raise Refused(
                f"Nobody confirmed: rotate {name}", "Standard input holds the value.", "--yes confirms."
            )
        output.note(f"the same as: {gcloud.add_version(name, environment)}")
        output.note("  then a deployment that pins it, and once that answers")
        output.note(f"  {gcloud.disable_version(name, 'OLD', environment)}")
        confirm.confirmed(options, environment, f"rotate {name}", name)
        value = await asyncio.to_thread(_value, name)
        stop = asyncio.Event()
        return await rollout.shown(rollouts.rotate(connection, name, value, stop=stop), form, stop)


async def _grant(options: Session, target: str) -> int:
    confirm.allowed(options, f"grant the secrets of {target}")
    from ccconsole import rollouts
    from ccconsole.cloud import gcloud, secret_access
    from ccconsole.cloud.connect import Connections

    environment, specs = rollouts.specs_of(options.config, target)
    async with Connections(options.config) as connections:
        connection = await _connected(options, connections, environment)
        for spec in specs:
            account = await secret_access.account_of(connection, spec)
            for name in await secret_access.not_granted(connection, spec):
                same = gcloud.grant_reading(name, account, secret_access.ACCESSOR, environment)
                output.note(f"the same as: {same}")
        confirm.confirmed(options, environment, f"let the services of {target} read their secrets", target)
        for spec in specs:
            granted = await secret_access.grant(connection, spec)
            told = (
                f"granted {secret_access.ACCESSOR} on {', '.join(granted)}" if granted else "granted already"
            )
            output.note(f"{spec.key}: {told}")
    return 0


def _value(name: str) -> bytes:
    """The value from a hidden prompt, or all of stdin; one newline at its end is not part of it."""
    if sys.stdin.isatty():
        return getpass.getpass(f"Value for {name} (hidden): ").encode()
    value = sys.stdin.buffer.read()
    if value.endswith(b"\n"):
        output.note("the newline at its end was left out")
        value = value.removesuffix(b"\n").removesuffix(b"\r")
    return value


def _row(secret: Secret) -> dict[str, Any]:
    return {
        "environment": secret.environment,
        "secret": secret.name,
        "variables": list(secret.variables),
        "is_there": secret.is_there,
        "versions": [
            {
                "version": version.number,
                "state": version.state,
                "created_at": format.moment(version.created_at) or None,
            }
            for version in secret.versions
        ],
        "readers": list(secret.readers),
        "problem": secret.problem or None,
    }


def _columns(now: float) -> list[Column]:
    def versions(row: output.Row) -> str:
        if not row["is_there"]:
            return "not there"
        on = [item["version"] for item in row["versions"] if item["state"] == "enabled"]
        off = len(row["versions"]) - len(on)
        return f"{', '.join(on) or 'none'} enabled" + (f", {off} off" if off else "")

    return [
        Column("ENV", lambda row: row["environment"]),
        Column("SECRET", lambda row: row["secret"]),
        Column("FILLS", lambda row: ", ".join(row["variables"])),
        Column("VERSIONS", versions, lambda row: None if row["is_there"] else "red"),
        Column("NEWEST", lambda row: row["versions"][0]["created_at"] or "" if row["versions"] else ""),
        Column("READERS", lambda row: ", ".join(row["readers"]) or row["problem"] or "-"),
    ]

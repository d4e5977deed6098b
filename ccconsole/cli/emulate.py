"""`emulate`: the Cloud Run emulator in the foreground, and stopping the one in the background."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from typing import Annotated

import typer

from ccconsole import local
from ccconsole.cli import output
from ccconsole.cli.gcloud import exports
from ccconsole.cli.session import run
from ccconsole.errors import ConsoleError, TimedOut

STOP_TIMEOUT = 20.0
"""Seconds; its instances get the 10 that Cloud Run gives."""


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command("emulate")(emulate)


def emulate(
    port: Annotated[
        int | None,
        typer.Option(
            "--port", min=1, max=65535, help="Listen on this port of 127.0.0.1 as well, for other clients."
        ),
    ] = None,
    http_port: Annotated[
        int | None,
        typer.Option("--http-port", min=1, max=65535, help="Answer gcloud on this port of 127.0.0.1."),
    ] = None,
    is_stop: Annotated[
        bool, typer.Option("--stop", help="Stop the one that runs, with its workers.")
    ] = False,
    deny: Annotated[
        list[str] | None, typer.Option("--deny", metavar="PERMISSION", help="Nobody has this permission.")
    ] = None,
    disable_api: Annotated[
        list[str] | None,
        typer.Option("--disable-api", metavar="API", help="This API is off until somebody enables it."),
    ] = None,
    fail: Annotated[
        list[str] | None,
        typer.Option(
            "--fail",
            metavar="[operation:]RPC=CODE[*COUNT][:WORDS]",
            help="End calls, or the operations they start, so; CODE HANG: never.",
        ),
    ] = None,
    is_strict_on_secrets: Annotated[
        bool,
        typer.Option("--strict-secrets", help="Refuse a revision whose secrets are not in Secret Manager."),
    ] = False,
) -> None:
    """Run the Cloud Run emulator here, until Ctrl-C; `local` environments use it.

    Without this verb the console starts it in the background by itself, and it ends by itself.
    """
    where = local.place()
    if is_stop:
        run(_stop(where))
        return
    if (pid := local.running_pid(where)) is not None:
        pid = pid or local.holder_pid(where)
        raise ConsoleError(
            "The emulator runs already",
            f"Process {pid} answers on {where.target}; its log is {where.log}.",
            "End it first: ccconsole emulate --stop",
        )
    output.note(f"ccconsole's local environments use {where.target}; Ctrl-C ends it.")
    if port is not None:
        output.note(_addresses(port))
    if http_port is not None:
        output.note(exports(http_port))
    listen = () if port is None else (f"127.0.0.1:{port}",)
    http = "" if http_port is None else f"127.0.0.1:{http_port}"
    command = where.command(*listen, http=http, idle_exit=None)
    for option, values in (("--deny", deny), ("--disable-api", disable_api), ("--fail", fail)):
        command += [f"{option}={value}" for value in values or ()]
    if is_strict_on_secrets:
        command.append("--strict-secrets")
    sys.stdout.flush()
    os.execv(command[0], command)


def _addresses(port: int) -> str:
    address = f"127.0.0.1:{port}"
    return (
        f"For another ccconsole, or a client of yours:  export CLOUD_RUN_EMULATOR_HOST={address}\n"
        f'In Python:  run_v2.ServicesAsyncClient over grpc.aio.insecure_channel("{address}")'
    )


async def _stop(where: local.Place) -> None:
    pid = local.running_pid(where) or local.holder_pid(where)
    if pid is None:
        output.note("No emulator runs.")
        return
    os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + STOP_TIMEOUT
    while local.is_running(where) or _is_alive(pid):
        if time.monotonic() > deadline:
            raise TimedOut(
                "The emulator does not end", f"It was asked to; its log is {where.log}.", f"kill -9 {pid}"
            )
        await asyncio.sleep(0.05)
    output.note(f"Stopped the emulator (process {pid}).")


def _is_alive(pid: int) -> bool:
    """Whether the process is there and has not ended: one that nobody waited for still has its number."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return not _is_zombie(pid)


def _is_zombie(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:  # noqa: PTH123
            return file.read().rpartition(b")")[2].split()[0] == b"Z"
    except OSError:
        return False

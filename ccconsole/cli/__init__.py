"""The `ccconsole` command: the console itself without a verb, and the verbs that print what it shows."""

from __future__ import annotations

import contextlib
import io
import sys
from collections.abc import Sequence
from typing import Annotated

import typer

from ccconsole import __version__
from ccconsole.cli import (
    adjust,
    cost,
    deploy,
    doctor,
    emulate,
    export,
    fleet,
    logs,
    metrics,
    output,
    plan,
    replay,
    secrets,
    tasks,
    top,
)
from ccconsole.cli.session import ConfigOption, ReadOnlyOption, Session, TimeoutOption, session
from ccconsole.cli.targets import complete_environment
from ccconsole.errors import ConfigError, ConsoleError

INTERRUPTED = 130
_VERBS = (
    *(fleet, top, tasks, export, replay, logs, metrics),
    *(plan, deploy, adjust, secrets, doctor, cost, emulate),
)
"""In the order of --help."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and answer its exit code; every failure is said on stderr, without a traceback."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        application()(args=arguments, prog_name="ccconsole")
    except ConsoleError as error:
        output.error(error)
        return error.exit_code
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        with contextlib.suppress(OSError):
            output.close_stdout()
        return output.BROKEN_PIPE
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    return 0


def application() -> typer.Typer:
    """The typer application with all its verbs."""
    app = typer.Typer(
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback(invoke_without_command=True)(console)
    for verbs in _VERBS:
        verbs.register(app)
    return app


def _print_version(is_asked: bool) -> None:
    if is_asked:
        output.emit(f"ccconsole {__version__}\n")
        raise typer.Exit


def console(
    context: typer.Context,
    config: ConfigOption = None,
    timeout: TimeoutOption = None,
    is_read_only: ReadOnlyOption = False,
    environment: Annotated[
        str | None,
        typer.Option(
            "--environment",
            "-e",
            metavar="NAME",
            help="Open the console on this environment alone.",
            autocompletion=complete_environment,
        ),
    ] = None,
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """A console for Claude Code workers on Google Cloud Run. Without a command it opens on your terminal.

    TARGET is an environment of deploy.toml (dev), or an environment and a service (dev/worker). Data goes to
    stdout, problems to stderr. Exit codes: 0 ok, 1 failed, 2 usage or deploy.toml, 3 not signed in, 4 denied,
    5 not found, 6 timed out, 7 partial data, 8 refused.
    """
    if context.invoked_subcommand is not None:
        return
    options: Session = session(context)
    loaded = options.config
    if environment is not None:
        loaded.environment(environment)
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise ConfigError(
            "The console needs a terminal",
            "Standard input and output are not one.",
            "For scripts, every screen has a verb: ccconsole ls -o json, ccconsole --help",
        )
    from ccconsole.app import run

    raise typer.Exit(run(loaded, is_read_only=is_read_only, environment=environment))

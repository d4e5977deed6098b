"""What every verb is given: the configuration, how long to wait, and one event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer

from ccconsole.cli.output import Format
from ccconsole.cli.targets import complete_target
from ccconsole.config import Config, load

T = TypeVar("T")

DEFAULT_TIMEOUT = 30.0
"""Seconds for what a verb asks of an environment; a cold local start takes about three."""


@dataclass(frozen=True)
class Session:
    """The options that stand before the verb or behind it."""

    config_path: Path | None = None
    timeout: float = DEFAULT_TIMEOUT
    is_read_only: bool = False
    is_yes: bool = False
    """Whether changes are confirmed beforehand."""

    @cached_property
    def config(self) -> Config:
        """deploy.toml, read when first needed; ConfigError with all its mistakes."""
        return load(self.config_path)


def _remember(field: str) -> Callable[[typer.Context, Any], Any]:
    """Let an option mean the same before and behind the verb."""

    def callback(context: typer.Context, value: Any) -> Any:
        if value is not None and not context.resilient_parsing:
            root = context.find_root()
            root.obj = replace(root.obj or Session(), **{field: value})
        return value

    return callback


ConfigOption = Annotated[
    Path | None,
    typer.Option(
        "--config",
        metavar="FILE",
        help="deploy.toml to read; else $CCCONSOLE_CONFIG, else the nearest one upward from here.",
        callback=_remember("config_path"),
    ),
]
TimeoutOption = Annotated[
    float | None,
    typer.Option(
        "--timeout",
        metavar="SECONDS",
        min=0.1,
        help=f"How long to wait for an environment to answer; {DEFAULT_TIMEOUT:g} when not given.",
        callback=_remember("timeout"),
    ),
]
ReadOnlyOption = Annotated[
    bool,
    typer.Option(
        "--read-only", help="Look only: what changes is refused.", callback=_remember("is_read_only")
    ),
]
YesOption = Annotated[
    bool, typer.Option("--yes", "-y", help="Confirm the change beforehand.", callback=_remember("is_yes"))
]
DryRunOption = Annotated[
    bool, typer.Option("--dry-run", help="Show what would be done, and the gcloud command for it.")
]
FormatOption = Annotated[Format, typer.Option("--output", "-o", help="How to print it.")]
TargetArgument = Annotated[
    str,
    typer.Argument(
        metavar="TARGET", help="An environment, or environment/service.", autocompletion=complete_target
    ),
]


def session(context: typer.Context) -> Session:
    """The options of this call."""
    found = context.find_root().obj
    return found if isinstance(found, Session) else Session()


def run(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run a verb's coroutine to its end; Ctrl-C cancels it and lets it clean up first."""
    return asyncio.run(coroutine)

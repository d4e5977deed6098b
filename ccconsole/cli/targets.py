"""TARGET on the command line: what it means, and what the shell completes it to."""

from __future__ import annotations

from pathlib import Path

import typer

from ccconsole.config import Environment, load
from ccconsole.errors import ConsoleError
from ccconsole.targets import live_service, live_services, split

__all__ = [
    "complete_environment",
    "complete_target",
    "complete_targets",
    "live_service",
    "live_services",
    "split",
]


def complete_target(context: typer.Context, incomplete: str) -> list[str]:
    """Targets for the shell, from deploy.toml alone: nothing is asked and nothing is waited for."""
    targets: list[str] = []
    for environment in _declared(context):
        targets += [environment.name, *(str(spec.key) for spec in environment.services)]
    return [target for target in targets if target.startswith(incomplete)]


def complete_targets(context: typer.Context, incomplete: str) -> list[str]:
    """Several targets with commas between them: what is behind the last one is completed."""
    before, comma, begun = incomplete.rpartition(",")
    return [f"{before}{comma}{target}" for target in complete_target(context, begun)]


def complete_environment(context: typer.Context, incomplete: str) -> list[str]:
    """Environments' names for the shell, from deploy.toml alone."""
    return [environment.name for environment in _declared(context) if environment.name.startswith(incomplete)]


def _declared(context: typer.Context) -> list[Environment]:
    named = context.find_root().params.get("config")
    try:
        return list(load(Path(named) if named else None).environments.values())
    except ConsoleError:
        return []

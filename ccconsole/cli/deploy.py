"""`deploy`: carry a plan out, stage by stage."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from ccconsole.cli import confirm, output, rollout
from ccconsole.cli import plan as plans
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
from ccconsole.config import ServiceSpec, values
from ccconsole.errors import ConfigError, Refused
from ccconsole.model.rollouts import Plan

if TYPE_CHECKING:
    from ccconsole.cloud.connect import Connection
    from ccconsole.rollouts import Build


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command("deploy")(deploy)


def deploy(
    context: typer.Context,
    target: TargetArgument,
    form: FormatOption = Format.TABLE,
    image: Annotated[
        str | None,
        typer.Option(metavar="ADDRESS", help="An image that is there, in place of the declared one."),
    ] = None,
    is_built: Annotated[
        bool, typer.Option("--build", help="Build and push the image anew; a missing one is built anyway.")
    ] = False,
    fingerprint: Annotated[
        str | None,
        typer.Option(
            "--plan", metavar="FINGERPRINT", help="Only if the plan is still the one of `plan -o json`."
        ),
    ] = None,
    percent: Annotated[
        int | None,
        typer.Option(
            "--canary",
            metavar="PERCENT",
            min=1,
            max=99,
            help="Prove the new revision first: smoke prompt at 0%, then this share, then all.",
        ),
    ] = None,
    watch: Annotated[
        str, typer.Option("--watch", metavar="TIME", help="How long the canary's share is watched.")
    ] = "5m",
    is_yes: YesOption = False,
    is_dry: DryRunOption = False,
    config: ConfigOption = None,
    timeout: TimeoutOption = None,
) -> None:
    """Make what deploy.toml declares live, in named stages; the service's address on stdout.

    Run again after any failure, it continues where that makes sense. The old revision serves until the new
    one is ready, and tasks in flight end on it. Of several services, the first that fails ends it. Exits
    with 1 when it failed or a canary was rolled back, 8 when nobody confirmed it or the plan has changed.
    """
    chosen = _Options(
        fingerprint,
        None if percent is None else (percent, _seconds(watch)),
        _checked(image),
        is_built,
        is_dry,
    )
    raise typer.Exit(run(_deploy(session(context), target, form, chosen)))


@dataclass(frozen=True)
class _Options:
    """What a deployment is told."""

    fingerprint: str | None
    trial: tuple[int, float] | None
    """A canary's percent, and for how many seconds it is watched."""
    image: str | None
    is_built: bool
    is_dry: bool


def _checked(image: str | None) -> str | None:
    try:
        return None if image is None else values.image(image)
    except ValueError as error:
        raise ConfigError("--image is no image", str(error)) from None


def _seconds(text: str) -> float:
    try:
        return values.seconds(text)
    except ValueError as error:
        raise ConfigError("--watch is no duration", str(error), "For example: --watch 5m") from None


async def _deploy(options: Session, target: str, form: Format, chosen: _Options) -> int:
    confirm.allowed(options, f"deploy {target}")
    options.config.resolve(target)
    from ccconsole import rollouts
    from ccconsole.cloud.connect import Connections

    environment, specs = rollouts.specs_of(options.config, target)
    if chosen.fingerprint is not None and len(specs) > 1:
        raise ConfigError(f"{target} has several services", "A plan is of one.", f"Name it: {specs[0].key}")
    async with Connections(options.config, is_applying=False) as connections:
        connection, found = await plans.planned(
            options, connections, environment, specs, image=chosen.image, is_built=chosen.is_built
        )
        if chosen.fingerprint not in (None, found[0].fingerprint):
            raise Refused(
                f"The plan for {specs[0].key} is out of date",
                f"It is {found[0].fingerprint} now.",
                f"Look at it again: ccconsole plan {target}",
            )
        if chosen.is_dry:
            plans.show(found, form)
            return 0
        for one in found:
            _announce(one)
        confirm.confirmed(options, environment, f"deploy {target}", specs[0].key.name)
        build = rollouts.Build(options.config.folder, is_forced=chosen.is_built)
        for spec, one in zip(specs, found, strict=True):
            if code := await _run(connection, spec, one, form, chosen.trial, build):
                if left := [str(other.key) for other in specs[specs.index(spec) + 1 :]]:
                    output.note(f"left as they were: {', '.join(left)}")
                return code
    return 0


def _announce(found: Plan) -> None:
    """The plan on stderr, before it is confirmed."""
    output.note(plans.text(found).rstrip())
    for advice in found.advice:
        plans.note(advice)
    if found.refusal is not None:
        output.error(found.refusal)


async def _run(
    connection: Connection,
    spec: ServiceSpec,
    found: Plan,
    form: Format,
    trial: tuple[int, float] | None,
    build: Build,
) -> int:
    from ccconsole import rollouts

    stop = asyncio.Event()
    if trial is None:
        flow = rollouts.deploy(connection, spec, found, build=build, stop=stop)
    else:
        canary = rollouts.Canary(*trial)
        flow = rollouts.deploy_canary(connection, spec, found, canary, build=build, stop=stop)
    return await rollout.shown(flow, form, stop)

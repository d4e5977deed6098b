"""Rotating a secret: a new version, a revision that is pinned to it, a look at it, and the old one off."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import replace

from ccconsole.cloud import secrets
from ccconsole.cloud.connect import Connection
from ccconsole.config import ServiceSpec
from ccconsole.errors import ConsoleError
from ccconsole.model.rollouts import Outcome, Rollout
from ccconsole.model.services import ServiceKey
from ccconsole.rollouts.deploying import deploy
from ccconsole.rollouts.planning import plan
from ccconsole.rollouts.stages import Done, Result, Skipped, Step, Word, course
from ccconsole.streams import Clock


def rotate(
    connection: Connection,
    secret: str,
    value: bytes,
    *,
    clock: Clock | None = None,
    stop: asyncio.Event | None = None,
) -> AsyncGenerator[Rollout]:
    """Rotate a declared secret for every service of the environment that uses it.

    The old versions are disabled only once every revision with the new one answers; before that the old
    revisions serve with the old value.
    """
    users = [
        spec
        for spec in connection.environment.services
        if secret in {name.partition(":")[0] for name in spec.secrets.values()}
    ]
    made: list[str] = []
    result = Result()

    async def adding() -> AsyncGenerator[Word]:
        yield f"adding a version to {secret}"
        made.append(await secrets.add(connection, secret, value))
        result.notes.append(
            f'"{secret}:{made[0]}" in deploy.toml pins what runs now; '
            "without it the next deployment takes the newest version"
        )
        yield Done(f"version {made[0]} of {secret}")

    def rolling(spec: ServiceSpec) -> Step:
        async def work() -> AsyncGenerator[Word]:
            async with aclosing(_pinned(connection, spec, secret, made[0], clock, stop)) as said:
                async for word in said:
                    yield word

        return Step(spec.key.name, spec.key.name, work)

    async def disabling() -> AsyncGenerator[Word]:
        listed = await secrets.listing(connection)
        old = [
            version.number
            for found in listed
            if found.name == secret.rsplit("/", 1)[-1]
            for version in found.versions
            if version.state == "enabled" and version.number != made[0]
        ]
        for number in old:
            yield f"disabling version {number}"
            await secrets.disable(connection, secret, number)
        yield Done(f"disabled {', '.join(old)}") if old else Skipped("there is no older version")

    steps = [
        Step("version", "New version", adding),
        *map(rolling, users),
        Step("old", "Old versions", disabling),
    ]
    key = (
        users[0].key
        if users
        else ServiceKey(connection.environment.name, connection.environment.region, secret)
    )
    return course(key, "rotate", steps, result, clock=clock, stop=stop)


async def _pinned(
    connection: Connection,
    spec: ServiceSpec,
    secret: str,
    version: str,
    clock: Clock | None,
    stop: asyncio.Event | None,
) -> AsyncGenerator[Word]:
    """A revision with that version, deployed and verified; its stages' words."""
    pinned = {
        variable: f"{secret}:{version}" if name.partition(":")[0] == secret else name
        for variable, name in spec.secrets.items()
    }
    wanted = replace(spec, secrets=pinned)
    proposal = await plan(connection, wanted)
    last: Rollout | None = None
    async with aclosing(deploy(connection, wanted, proposal, clock=clock, stop=stop)) as snapshots:
        async for last in snapshots:
            running = next((stage for stage in last.stages if stage.state == "running"), None)
            if running is not None and running.detail:
                yield f"{running.title}: {running.detail}"
    if last is None or last.outcome is not Outcome.DONE:
        raise ConsoleError(
            f"{spec.key} does not run with version {version}",
            last.cause if last is not None else "",
            f"The old version stays on: ccconsole logs {spec.key} --severity ERROR",
        )
    yield Done(f"{last.revision} answers with version {version}")

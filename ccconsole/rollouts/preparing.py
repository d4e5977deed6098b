"""What a project needs before a revision: APIs, a repository, an image, secrets, the right to read them."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from pathlib import Path

from ccconsole import engines
from ccconsole.cloud import apis, cloud_build, engine, registry, secret_access
from ccconsole.cloud.connect import Connection
from ccconsole.cloud.engine import Built, Source
from ccconsole.config import ServiceSpec
from ccconsole.errors import ConsoleError, Denied, NotFound, Refused
from ccconsole.model.rollouts import Advice, AdviceKind
from ccconsole.rollouts.stages import Done, Skipped, Word, Work
from ccconsole.streams import Clock

DOCKERFILES = ("Dockerfile.cloudrun", "Dockerfile")


async def resolved(connection: Connection, image: str) -> tuple[str, tuple[Advice, ...]]:
    """The image pinned to its digest; as it is, with advice, where its tag stands for nothing yet."""
    address = registry.parse(image)
    if connection.environment.is_local or address is None or address.digest is not None:
        return image, ()
    try:
        digest = await registry.digest(connection, address)
    except ConsoleError as error:
        text = f"the image's digest could not be read: {error.detail or error.title}"
        return image, (Advice(AdviceKind.UNREAD, text, error.hint),)
    if digest is None:
        return image, (
            Advice(AdviceKind.IMAGE, f"there is no image {image} yet", "the deployment builds it"),
        )
    return address.pinned(digest), ()


def source_of(folder: Path) -> Source:
    """What an image is built from in that folder; Refused when there is no Dockerfile."""
    for name in DOCKERFILES:
        if (folder / name).is_file():
            return Source(folder, folder / name)
    raise Refused(
        "There is nothing to build the image from",
        f"{folder} holds neither {' nor '.join(DOCKERFILES)}.",
        "Deploy from a clone of ccconsole, which holds the worker's, or name an image that is there: "
        "ccconsole deploy TARGET --image ADDRESS",
    )


async def built(
    connection: Connection, image: str, folder: Path, clock: Clock
) -> AsyncGenerator[str | Built]:
    """Build and push the image: by an engine on this machine, else by Cloud Build."""
    address = registry.parse(image)
    if address is None:
        raise Refused(
            f"{image} cannot be built",
            "It does not lie in Artifact Registry.",
            "Push it there yourself, or correct `image` in deploy.toml.",
        )
    source = source_of(folder)
    token = await connection.access_token()
    found = await engines.find()
    if found is not None:
        lines = engine.build(found, address, source, token)
    else:
        if missing := await apis.disabled(connection, (apis.BUILD,)):
            yield f"enabling {apis.BUILD}"
            await apis.enable(connection, missing, clock)
        lines = cloud_build.build(connection, address, source, token, clock=clock)
    async with aclosing(lines) as said:
        async for line in said:
            yield line


def enabling(connection: Connection, clock: Clock) -> Work:
    """Turn on the APIs that are off."""

    async def work() -> AsyncGenerator[Word]:
        try:
            missing = await apis.disabled(connection, apis.DEPLOYMENT)
        except Denied as error:
            yield Skipped(_unseen(error))
            return
        if not missing:
            yield Skipped("all are on")
            return
        yield f"enabling {', '.join(missing)}"
        await apis.enable(connection, missing, clock)
        yield Done(f"enabled {', '.join(missing)}")

    return work


def repository(connection: Connection, image: str, clock: Clock) -> Work:
    """Make the repository that the image lies in."""

    async def work() -> AsyncGenerator[Word]:
        address = registry.parse(image)
        if address is None or address.project != connection.environment.project:
            yield Skipped("the image lies elsewhere")
            return
        try:
            is_there = await registry.has_repository(connection, address)
        except Denied as error:
            yield Skipped(_unseen(error))
            return
        if is_there:
            yield Skipped(f"{address.repository} is there")
            return
        yield f"creating {address.repository} in {address.region}"
        await registry.create_repository(connection, address, clock)
        yield Done(f"created {address.repository} in {address.region}")

    return work


def secrets(connection: Connection, spec: ServiceSpec) -> Work:
    """See that each declared secret has a version that can be used."""

    async def work() -> AsyncGenerator[Word]:
        if not spec.secrets:
            yield Skipped("none are declared")
            return
        try:
            problems = await secret_access.unusable(connection, spec)
        except Denied as error:
            yield Skipped(_unseen(error))
            return
        if problems:
            first = problems[0].partition(" of ")[2].partition(":")[0]
            raise NotFound(
                "Secrets are missing",
                ". ".join(problems) + ".",
                f"ccconsole secrets set {spec.key.environment} {first}",
            )
        yield Done(f"{len(spec.secrets)} can be used")

    return work


def access(connection: Connection, spec: ServiceSpec) -> Work:
    """Let the service's account read the secrets."""

    async def work() -> AsyncGenerator[Word]:
        if not spec.secrets:
            yield Skipped("none are declared")
            return
        try:
            granted = await secret_access.grant(connection, spec)
        except Denied as error:
            yield Skipped(_unseen(error))
            return
        if granted:
            yield Done(f"granted {secret_access.ACCESSOR} on {', '.join(granted)}")
        else:
            yield Skipped("granted already")

    return work


def _unseen(error: ConsoleError) -> str:
    """Of what this account may not look at: Cloud Run checks it by itself, later."""
    return f"you may not look: {' '.join(error.detail.split())}"

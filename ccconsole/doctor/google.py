"""What an environment needs of Google Cloud: login, project, APIs, permissions, secrets, image, quotas."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from dataclasses import dataclass

from google.api_core import exceptions
from google.cloud import resourcemanager_v3
from google.cloud.logging_v2.services.logging_service_v2 import LoggingServiceV2AsyncClient

from ccconsole.cloud import apis, gcloud, identity, permissions, registry, secret_access, services
from ccconsole.cloud.connect import Connection
from ccconsole.cloud.errors import translated
from ccconsole.cloud.log_session import TailSession
from ccconsole.config import Environment, ServiceSpec
from ccconsole.doctor.findings import failed, store
from ccconsole.errors import ConsoleError, Denied, NotFound
from ccconsole.format import duration
from ccconsole.model.checks import Check, CheckState

_TIMEOUT = 15.0
_TAIL_SECONDS = 5.0


@dataclass(frozen=True)
class _Doctor:
    """One connection, and findings about its environment."""

    connection: Connection

    @property
    def environment(self) -> Environment:
        return self.connection.environment

    def found(self, name: str, state: CheckState, text: str = "", hint: str = "", code: int = 0) -> Check:
        return Check(self.environment.name, name, state, text, hint, code)

    def ok(self, name: str, text: str = "") -> Check:
        return self.found(name, CheckState.OK, text)


async def google_checks(connection: Connection) -> AsyncGenerator[Check]:
    """The checks in the order in which they depend on one another; one that cannot be done is unknown."""
    doctor = _Doctor(connection)
    parts: tuple[tuple[str, Callable[[_Doctor], AsyncIterator[Check]]], ...] = (
        ("login", _login),
        ("project", _project),
        ("API", _apis),
        ("permission", _permissions),
        ("account", _accounts),
        ("secret", _secrets),
        ("image", _images),
        ("log tail", _tail),
        ("ID token", _identity),
    )
    for name, part in parts:
        try:
            async for check in part(doctor):
                yield check
        except ConsoleError as error:
            state = CheckState.UNKNOWN if isinstance(error, Denied) else CheckState.FAILED
            yield failed(doctor.environment, name, error, state)
    yield await store(doctor.environment)


async def _login(doctor: _Doctor) -> AsyncIterator[Check]:
    if doctor.connection.target is not None:
        yield doctor.found("login", CheckState.SKIPPED, f"an emulator at {doctor.connection.target}")
        return
    await doctor.connection.access_token()
    left = doctor.connection.login_seconds()
    until = f", its token lasts {duration(left)} and is renewed" if left is not None else ""
    yield doctor.ok("login", f"signed in{until}")


async def _project(doctor: _Doctor) -> AsyncIterator[Check]:
    name = doctor.environment.project
    client = doctor.connection.client(resourcemanager_v3.ProjectsAsyncClient)
    with translated(doctor.environment, f"find the project {name}"):
        found = await client.get_project({"name": f"projects/{name}"}, retry=None, timeout=_TIMEOUT)
    yield doctor.ok("project", f"{name}, {found.state.name.lower()}")


async def _apis(doctor: _Doctor) -> AsyncIterator[Check]:
    off = await apis.disabled(doctor.connection, apis.DEPLOYMENT)
    project = doctor.environment.project
    for name in off:
        hint = f"ccconsole doctor {doctor.environment.name} --enable-apis"
        text = f"off in {project}"
        yield doctor.found(f"API {name}", CheckState.FAILED, text, hint, Denied.exit_code)
    if len(off) < len(apis.DEPLOYMENT):
        on = [name.partition(".")[0] for name in apis.DEPLOYMENT if name not in off]
        yield doctor.ok("APIs", f"{', '.join(on)} are on")


async def _permissions(doctor: _Doctor) -> AsyncIterator[Check]:
    lacking = await permissions.missing(doctor.connection)
    for name in lacking:
        needed = name in permissions.LOOKING
        state = CheckState.FAILED if needed else CheckState.WARNING
        text = f"not held; {permissions.LEAST_ROLES[name]} is the least role with it"
        hint = permissions.grant_command(doctor.environment.project, name)
        yield doctor.found(f"permission {name}", state, text, hint, Denied.exit_code)
    held = len(permissions.LEAST_ROLES) - len(lacking)
    if held:
        yield doctor.ok("permissions", f"{held} of {len(permissions.LEAST_ROLES)} held")


async def _accounts(doctor: _Doctor) -> AsyncIterator[Check]:
    for spec in doctor.environment.services:
        if spec.service_account:
            yield doctor.ok(f"account of {spec.key.name}", spec.service_account)
            continue
        account = await secret_access.account_of(doctor.connection, spec)
        text = f"the project's default one, {account}, which can often change the project"
        hint = 'service_account = "NAME@PROJECT.iam.gserviceaccount.com" in deploy.toml'
        yield doctor.found(f"account of {spec.key.name}", CheckState.WARNING, text, hint)


async def _secrets(doctor: _Doctor) -> AsyncIterator[Check]:
    for spec in doctor.environment.services:
        if not spec.secrets:
            yield doctor.found("secrets", CheckState.SKIPPED, f"{spec.key.name} declares none")
            continue
        problems = await secret_access.unusable(doctor.connection, spec)
        for text in problems:
            secret = text.partition(" of ")[2].partition(":")[0]
            hint = f"ccconsole secrets set {spec.key.environment} {secret}"
            name = f"secret {text.partition(' ')[0]}"
            yield doctor.found(name, CheckState.FAILED, text, hint, NotFound.exit_code)
        if not problems:
            yield doctor.ok("secrets", f"all {len(spec.secrets)} of {spec.key.name} have a usable version")
            for check in await _readable(doctor, spec):
                yield check


async def _readable(doctor: _Doctor, spec: ServiceSpec) -> list[Check]:
    account = await secret_access.account_of(doctor.connection, spec)
    closed = await secret_access.not_granted(doctor.connection, spec)
    return [
        doctor.found(
            f"secret {name}",
            CheckState.WARNING,
            f"{account} has no {secret_access.ACCESSOR} on it; perhaps through the project",
            gcloud.grant_reading(name, account, secret_access.ACCESSOR, doctor.environment),
        )
        for name in closed
    ]


async def _images(doctor: _Doctor) -> AsyncIterator[Check]:
    for image in dict.fromkeys(spec.image for spec in doctor.environment.services):
        address = registry.parse(image)
        if address is None:
            yield doctor.found("image", CheckState.SKIPPED, f"{image} does not lie in Artifact Registry")
        elif not await registry.has_repository(doctor.connection, address):
            hint = f"ccconsole deploy {doctor.environment.name}"
            text = f"there is no repository {address.repository} yet; a deployment makes it"
            yield doctor.found("repository", CheckState.WARNING, text, hint)
        elif address.digest is None and await registry.digest(doctor.connection, address) is None:
            text = f"there is no {image} yet; a deployment builds it"
            yield doctor.found(
                "image", CheckState.WARNING, text, f"ccconsole deploy {doctor.environment.name}"
            )
        else:
            yield doctor.ok("image", image)


async def _tail(doctor: _Doctor) -> AsyncIterator[Check]:
    """A tail session is opened and closed: a project has ten, shared with everybody's."""
    session = TailSession()
    client = doctor.connection.client(LoggingServiceV2AsyncClient)
    try:
        with translated(doctor.environment, "open a tail session"):
            async with asyncio.timeout(_TIMEOUT):
                project = doctor.environment.project
                await session.open(client, project, 'severity="EMERGENCY"', 0.0, _TAIL_SECONDS)
            if isinstance(session.error, exceptions.ResourceExhausted):
                text = "all ten of the project are taken: lines are listed every few seconds instead"
                yield doctor.found("log tail", CheckState.WARNING, text)
                return
            if session.error is not None:
                raise session.error
    finally:
        await session.close()
    yield doctor.ok("log tail", "a session can be had")


async def _identity(doctor: _Doctor) -> AsyncIterator[Check]:
    if doctor.connection.target is not None:
        yield doctor.found("ID token", CheckState.SKIPPED, "an emulator asks for none")
        return
    live = await services.services(doctor.connection)
    private = next((one for one in live if one.uri and not one.is_public), None)
    if private is None or private.uri is None:
        yield doctor.found("ID token", CheckState.SKIPPED, "there is no private service to call yet")
        return
    found = await identity.identity(doctor.environment, private.uri)
    yield doctor.ok("ID token", "none is needed" if found is None else found.source)

"""TARGET, as verbs and the console take it: an environment, or an environment and a service in it."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from ccconsole.config import Config, Environment
from ccconsole.errors import ConfigError, ConsoleError, NotFound, TimedOut
from ccconsole.model.services import Service, ServiceState

if TYPE_CHECKING:
    from ccconsole.cloud.connect import Connections

_POLL_SECONDS = 0.1


def split(config: Config, target: str) -> tuple[Environment, str | None]:
    """The environment and the service's name, if one is given, whether or not it is declared.

    Raises NotFound for no such environment, ConfigError for what is no target.
    """
    environment, slash, service = target.partition("/")
    if slash and (not service or "/" in service):
        config.resolve(target)
    found, _ = config.resolve(environment)
    return found, service or None


async def live_service(
    config: Config,
    connections: Connections,
    target: str,
    *,
    timeout: float = 30.0,
    is_ready_needed: bool = True,
) -> tuple[Environment, Service]:
    """The one live service a target means; an environment with a single service needs no service name.

    With `is_ready_needed`, a service that is being deployed is waited for until it can take requests.
    Raises NotFound, ConfigError for an environment with several services, TimedOut, and what the
    environment's own answer raises.
    """
    environment, name = split(config, target)
    deadline = time.monotonic() + timeout
    try:
        async with asyncio.timeout(timeout):
            connection = await connections.connection(environment)
            while True:
                service = _chosen(environment, name, await _services(connection))
                if not is_ready_needed or _can_serve(service):
                    return environment, service
                if service.state is ServiceState.FAILED or time.monotonic() > deadline:
                    raise _not_serving(service)
                await asyncio.sleep(_POLL_SECONDS)
    except TimeoutError:
        hint = f"See its state: ccconsole ls {environment.name}"
        raise TimedOut(f"{target} is not ready", f"Nothing came within {timeout:g} s.", hint) from None


async def live_services(
    config: Config, connections: Connections, target: str, *, timeout: float = 30.0
) -> tuple[Environment, list[Service], list[Service]]:
    """The live services that a target means: those that can take requests, and those that cannot.

    What is being deployed is waited for, for `timeout` seconds. Raises as `live_service` does, also when
    none of them can take requests.
    """
    environment, name = split(config, target)
    found: list[Service] = []
    try:
        async with asyncio.timeout(timeout):
            connection = await connections.connection(environment)
            while True:
                live = await _services(connection)
                found = _choices(environment, name, live) or [_nothing(environment, name, live)]
                if all(_can_serve(service) or service.state is ServiceState.FAILED for service in found):
                    break
                await asyncio.sleep(_POLL_SECONDS)
    except TimeoutError:
        if not found:
            hint = f"See its state: ccconsole ls {environment.name}"
            raise TimedOut(f"{target} does not answer", f"Nothing came within {timeout:g} s.", hint) from None
    serving = [service for service in found if _can_serve(service)]
    if not serving:
        raise _not_serving(found[0])
    return environment, serving, [service for service in found if service not in serving]


async def _services(connection: object) -> tuple[Service, ...]:
    from ccconsole.cloud import services
    from ccconsole.cloud.connect import Connection

    assert isinstance(connection, Connection)
    found = await services.services(connection)
    if not found and connection.problems:
        raise connection.problems[0]
    return found


def _choices(environment: Environment, name: str | None, live: tuple[Service, ...]) -> list[Service]:
    declared = {spec.key for spec in environment.services}
    choices = [service for service in live if name is None or service.key.name == name]
    if name is None and any(service.key in declared for service in choices):
        # What somebody else deployed beside them is meant by its name alone.
        choices = [service for service in choices if service.key in declared]
    return choices


def _chosen(environment: Environment, name: str | None, live: tuple[Service, ...]) -> Service:
    choices = _choices(environment, name, live)
    if len(choices) == 1:
        return choices[0]
    if choices:
        listed = ", ".join(str(service.key) for service in choices)
        raise ConfigError(
            f"{environment.name} has several services" if name is None else f"{name} is in several regions",
            f"They are {listed}.",
            f"Name one, for example {choices[0].key}",
        )
    return _nothing(environment, name, live)


def _nothing(environment: Environment, name: str | None, live: tuple[Service, ...]) -> Service:
    declared = {spec.key.name for spec in environment.services}
    what = f"{environment.name}/{name}" if name else environment.name
    if name is None or name in declared:
        raise NotFound(
            f"{what} is not deployed", "deploy.toml declares it; nothing live answers to it.", _LOOK
        )
    listed = ", ".join(service.key.name for service in live) or "none"
    raise NotFound(f"No service {name!r} in {environment.name}", f"Its services are: {listed}.", _LOOK)


_LOOK = "What there is: ccconsole ls"


def _can_serve(service: Service) -> bool:
    """Whether a request would reach an instance: a failed deployment leaves the old revision serving."""
    if service.uri is None or service.revision is None:
        return False
    return service.state in (ServiceState.READY, ServiceState.FAILED)


def _not_serving(service: Service) -> ConsoleError:
    return ConsoleError(
        f"{service.key} cannot take requests",
        service.message or f"It is {service.state}.",
        f"See its state: ccconsole get {service.key}",
    )

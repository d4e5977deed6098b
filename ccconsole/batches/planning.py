"""From a file and targets to a batch: read, and every target looked up; nothing is sent."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ccconsole.batches import naming, reading
from ccconsole.batches.assembling import Batch, Lane, assembled
from ccconsole.config import Config
from ccconsole.errors import ConfigError, ConsoleError, NotFound
from ccconsole.model.services import Service
from ccconsole.targets import live_services, split
from worker_service.wire import RunRequest

if TYPE_CHECKING:
    from ccconsole.cloud.connect import Connections

WHOLE = ""
"""The target of the lines that name none."""


@dataclass(frozen=True)
class Source:
    """A file of prompts, as it was read."""

    data: bytes
    name: str
    """What messages call it."""
    is_objects: bool


def defaults(request: RunRequest, fields: Iterable[str]) -> dict[str, Any]:
    """Those fields of a request as the options of lines that have none of their own."""
    return request.model_dump(mode="json", by_alias=True, include=set(fields))


async def planned(
    config: Config,
    connections: Connections,
    source: Source,
    targets: Sequence[str],
    options: Mapping[str, Any],
    *,
    name: str | None = None,
    at_most: int | None = None,
    timeout: float = 30.0,
) -> tuple[Batch, list[Service]]:
    """The batch of this file on the services of all `targets` together, and services that cannot take any.

    Raises:
        ConfigError: mistakes in the file, targets of several environments; and what `live_services` raises.
    """
    meant = [split(config, target) for target in targets]
    environment = meant[0][0]
    if any(other.name != environment.name for other, _ in meant):
        raise ConfigError(
            "A batch runs in one environment",
            f"{', '.join(targets)} are in several.",
            "Give single lines another `target`, or run it once for each.",
        )
    services = [service for _, service in meant]
    place = naming.place(environment, [] if None in services else [one for one in services if one])
    name = naming.checked_name(name) if name else naming.batch_name(source.data, place)
    lines = reading.read(source.data, source.name, is_objects=source.is_objects, defaults=options)
    others: list[Service] = []

    async def lanes(target: str) -> list[Lane] | ConsoleError:
        try:
            found, serving, idle = await live_services(config, connections, target, timeout=timeout)
        except (ConfigError, NotFound) as error:
            return error
        others.extend(idle)
        return [Lane(found, service) for service in serving]

    named = list(dict.fromkeys([*targets, *(line.target for line in lines if line.target)]))
    found = dict(zip(named, await asyncio.gather(*map(lanes, named)), strict=True))
    return (
        assembled(
            name,
            lines,
            WHOLE,
            {**found, WHOLE: _together([found[target] for target in targets])},
            options,
            at_most=at_most,
            source=source.name,
        ),
        list({service.key: service for service in others}.values()),
    )


def _together(found: Sequence[list[Lane] | ConsoleError]) -> list[Lane] | ConsoleError:
    """All lanes, each once; the first error where there is one."""
    lanes: list[Lane] = []
    for part in found:
        if isinstance(part, ConsoleError):
            return part
        lanes += part
    return list({lane.key: lane for lane in lanes}.values())

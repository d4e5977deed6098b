"""What a deployment would do, with what the journal knows of the tasks it meets."""

from __future__ import annotations

from dataclasses import replace

from ccconsole.cloud import plan as cloud_plan
from ccconsole.cloud.connect import Connection
from ccconsole.config import Config, Environment, ServiceSpec
from ccconsole.errors import ConsoleError
from ccconsole.journal import JournalReader
from ccconsole.model.rollouts import Advice, AdviceKind, Plan
from ccconsole.model.services import ServiceKey
from ccconsole.rollouts.preparing import resolved

_BUILT = Advice(AdviceKind.IMAGE, "the image is built anew; its digest is known then")


def specs_of(config: Config, target: str) -> tuple[Environment, tuple[ServiceSpec, ...]]:
    """The declared services that a target means: one, or all of an environment. Raises as `resolve` does."""
    environment, spec = config.resolve(target)
    return environment, environment.services if spec is None else (spec,)


async def plan(
    connection: Connection, spec: ServiceSpec, *, image: str | None = None, is_built: bool = False
) -> Plan:
    """The plan for one declared service, with `image` in place of the declared one; it `is_built` anew.

    Raises ConsoleError when the service cannot be read.
    """
    pinned = spec.image if image is None else _whole(image, spec, connection.environment)
    unpinned: tuple[Advice, ...] = (_BUILT,)
    if not is_built or connection.environment.is_local:
        pinned, unpinned = await resolved(connection, pinned)
    found = await cloud_plan.plan(connection, spec, image=pinned, advice=unpinned)
    count, advice = await in_flight(connection.environment, spec.key)
    return replace(found, in_flight=count, advice=(*found.advice, *advice))


def _whole(image: str, spec: ServiceSpec, environment: Environment) -> str:
    """A bare name's address: beside the declared image."""
    if environment.is_local or "/" in image or "/" not in spec.image:
        return image
    return f"{spec.image.rpartition('/')[0]}/{image}"


async def in_flight(environment: Environment, key: ServiceKey) -> tuple[int, tuple[Advice, ...]]:
    """How many tasks run on the service by the journal's word, and what to say of them."""
    if environment.store is None:
        return 0, ()
    try:
        running = await JournalReader(environment.store, environment.name).running()
    except ConsoleError as error:
        text = f"whether tasks run could not be read: {error.detail or error.title}"
        return 0, (Advice(AdviceKind.UNREAD, text, error.hint),)
    count = sum(task.service == key.name and not task.state.is_end for task in running)
    if not count:
        return 0, ()
    text = (
        f"{count} {'task runs' if count == 1 else 'tasks run'} on it and will finish on the present revision"
    )
    return count, (Advice(AdviceKind.IN_FLIGHT, text, f"ccconsole tasks {key.environment} --running"),)

"""Adjustments carried out."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing

from google.api_core.operation_async import AsyncOperation
from google.cloud import run_v2

from ccconsole.cloud import deploy as cloud_deploy
from ccconsole.cloud import identity, operations, traffic
from ccconsole.cloud.connect import Connection
from ccconsole.cloud.errors import translated
from ccconsole.cloud.overlay import name_of
from ccconsole.model.rollouts import Adjustment, Rollout
from ccconsole.rollouts.adjustments import read
from ccconsole.rollouts.deploying import IdToken, answer
from ccconsole.rollouts.shares import pinned_note, shares_text
from ccconsole.rollouts.stages import Done, Result, Skipped, Step, Word, course
from ccconsole.streams import Clock


def adjust(
    connection: Connection,
    adjustment: Adjustment,
    *,
    id_token: IdToken = identity.id_token,
    clock: Clock | None = None,
    stop: asyncio.Event | None = None,
) -> AsyncGenerator[Rollout]:
    """Carry an adjustment out; one whose service has changed since is refused."""
    result, clock = Result(), clock or Clock()

    async def moving() -> AsyncGenerator[Word]:
        async with aclosing(_move(connection, adjustment, result, clock)) as said:
            async for word in said:
                yield word

    async def verifying() -> AsyncGenerator[Word]:
        if result.url is None:
            yield Skipped("it has no address")
            return
        yield f"GET {result.url}/hello"
        yield Done(await answer(connection, result.url, id_token, clock))

    verify = Step("verify", "Verify", verifying)
    steps = {
        "rollback": [Step("traffic", "Traffic", moving), verify],
        "traffic": [Step("traffic", "Traffic", moving), verify],
        "scale": [Step("scaling", "Instances", lambda: _scale(connection, adjustment, result, clock))],
        "delete": [Step("delete", "Delete", lambda: _delete(connection, adjustment, clock))],
    }[adjustment.verb]
    return course(adjustment.key, adjustment.verb, steps, result, clock=clock, stop=stop)


async def _move(
    connection: Connection, adjustment: Adjustment, result: Result, clock: Clock
) -> AsyncGenerator[Word]:
    shares = adjustment.traffic or ()
    key = adjustment.key
    if adjustment.changes:
        operation = await traffic.move(connection, key, shares, etag=adjustment.etag)
        async with aclosing(operations.follow(connection, key, operation, clock=clock)) as said:
            async for words in said:
                yield words
    _, service = await read(connection, key)
    result.url = service.uri
    served = max(service.traffic, key=lambda share: share.percent, default=None)
    result.revision = served.revision if served else None
    if service.is_pinned:
        result.notes.append(pinned_note(service))
    if adjustment.changes:
        yield Done(shares_text(service))
    else:
        yield Skipped(f"so already: {shares_text(service)}")


async def _scale(
    connection: Connection, adjustment: Adjustment, result: Result, clock: Clock
) -> AsyncGenerator[Word]:
    key = adjustment.key
    live, service = await read(connection, key)
    result.url, result.revision = service.uri, service.revision
    if not adjustment.changes or adjustment.instances is None:
        yield Skipped("so already")
        return
    low, high = adjustment.instances
    live.etag = adjustment.etag
    live.scaling.min_instance_count, live.scaling.max_instance_count = low, 0
    paths = ["scaling"]
    own = live.template.scaling
    if any(change.is_revision for change in adjustment.changes):
        paths.append("template")
        live.template.revision = ""
        own.min_instance_count = min(own.min_instance_count, low)
        own.max_instance_count = max(own.max_instance_count, high)
    if high < own.max_instance_count:
        live.scaling.max_instance_count = high
    operation = await traffic.update(connection, key, live, paths, f"scale {key}")
    async with aclosing(operations.follow(connection, key, operation, clock=clock)) as said:
        async for words in said:
            yield words
    _, service = await read(connection, key)
    result.revision = service.revision
    yield Done(f"{low} to {high}")


async def _delete(connection: Connection, adjustment: Adjustment, clock: Clock) -> AsyncGenerator[Word]:
    key = adjustment.key
    client = connection.client(run_v2.ServicesAsyncClient)
    live, _ = await read(connection, key)
    if not run_v2.Service.pb(live).HasField("delete_time"):
        request = run_v2.DeleteServiceRequest(
            name=name_of(key, connection.environment.project), etag=adjustment.etag
        )
        with translated(connection.environment, f"delete {key}"):
            operation: AsyncOperation = await client.delete_service(
                request=request, retry=None, timeout=cloud_deploy.CALL_TIMEOUT
            )
        async with aclosing(operations.follow(connection, key, operation, clock=clock)) as said:
            async for _ in said:
                yield "its instances end"
    while await cloud_deploy.live_service(connection, key) is not None:
        yield "its instances end"
        await clock.sleep(operations.pause(connection))
    yield Done("it is gone")

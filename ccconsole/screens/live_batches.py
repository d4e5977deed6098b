"""Batches as the real floors run them, for the console."""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from typing import TYPE_CHECKING, Any

from ccconsole.errors import ConfigError
from ccconsole.model.batches import BatchShare
from ccconsole.screens.backend import BatchPlan

if TYPE_CHECKING:
    from ccconsole.cloud.connect import Connections
    from ccconsole.config import Config
    from ccconsole.model.batches import BatchSnapshot
    from ccconsole.model.services import ServiceKey
    from ccconsole.screens.backend import BatchOrder

REFRESH_SECONDS = 0.25
"""Between two snapshots: each draws a table anew."""


async def plan_batch(
    config: Config, connections: Connections, keys: Sequence[ServiceKey], order: BatchOrder
) -> BatchPlan:
    """ccconsole.batches.planned and survey."""
    batches, wire = await _module("ccconsole.batches"), await _module("worker_service.wire")
    try:
        request = wire.RunRequest(prompt="the options are checked before the file is", **order.options)
    except ValueError as error:
        raise ConfigError("The prompts cannot be sent so", str(error)) from error
    data = await asyncio.to_thread(batches.load, order.file)
    source = batches.Source(data, str(order.file), batches.is_ndjson(order.file.name))
    batch, others = await batches.planned(
        config,
        connections,
        source,
        [str(key) for key in keys],
        batches.defaults(request, order.options),
        name=order.name,
        at_most=order.at_most,
    )
    rows = await batches.survey(batch, order.again)
    return BatchPlan(
        batch=batch,
        keys=tuple(keys),
        order=order,
        rows=tuple(rows),
        shares=tuple(BatchShare(lane.key, lane.limit, lane.can_detach) for lane in batch.lanes),
        environments=tuple(environment.name for environment in batch.environments),
        notes=tuple(f"left out: {service.key} is {service.state}" for service in others),
    )


async def run_batch(
    plan: BatchPlan, stop: asyncio.Event, cancel: asyncio.Event, actor: str
) -> AsyncGenerator[BatchSnapshot, None]:
    """Snapshots of ccconsole.batches.dispatched."""
    batches = await _module("ccconsole.batches")
    options = batches.Options(again=plan.order.again, actor=actor, pace=batches.Pace(refresh=REFRESH_SECONDS))
    flow = batches.dispatched(plan.batch, batches.Halt(stop, cancel), options)
    async with aclosing(flow) as snapshots:
        async for snapshot in snapshots:
            yield snapshot


async def _module(name: str) -> Any:
    return await asyncio.to_thread(importlib.import_module, name)

"""Which revision takes which share of a service's requests."""

from __future__ import annotations

from collections.abc import Sequence

from google.api_core import exceptions
from google.api_core.operation_async import AsyncOperation
from google.cloud import run_v2

from ccconsole.cloud import deploy
from ccconsole.cloud.connect import Connection
from ccconsole.cloud.errors import translated
from ccconsole.cloud.overlay import name_of
from ccconsole.errors import Refused
from ccconsole.model.services import ServiceKey, TrafficShare

_KEPT_REJECTED = 10
_LATEST = run_v2.TrafficTargetAllocationType.TRAFFIC_TARGET_ALLOCATION_TYPE_LATEST
_NAMED = run_v2.TrafficTargetAllocationType.TRAFFIC_TARGET_ALLOCATION_TYPE_REVISION


def targets(shares: Sequence[TrafficShare]) -> list[run_v2.TrafficTarget]:
    """The shares as Cloud Run takes them."""
    return [
        run_v2.TrafficTarget(
            type_=_LATEST if share.is_latest else _NAMED,
            revision="" if share.is_latest else share.revision,
            percent=share.percent,
            tag=share.tag or "",
        )
        for share in shares
    ]


async def move(
    connection: Connection,
    key: ServiceKey,
    shares: Sequence[TrafficShare],
    *,
    etag: str = "",
    rejected: str = "",
) -> AsyncOperation:
    """Begin to route by the shares; no revision is made. Refused when the service changed since `etag`."""
    service = run_v2.Service(
        name=name_of(key, connection.environment.project), traffic=targets(shares), etag=etag
    )
    paths = ["traffic"]
    if rejected:
        live = await deploy.live_service(connection, key)
        service.annotations = dict(live.annotations) if live is not None else {}
        known = [name for name in rejected_of(service.annotations) if name != rejected]
        service.annotations[deploy.REJECTED] = ",".join([*known, rejected][-_KEPT_REJECTED:])
        paths.append("annotations")
    return await update(connection, key, service, paths, f"move the traffic of {key}")


async def update(
    connection: Connection, key: ServiceKey, service: run_v2.Service, paths: Sequence[str], action: str
) -> AsyncOperation:
    """Begin to change those fields alone; Refused when the service changed since its etag."""
    client = connection.client(run_v2.ServicesAsyncClient)
    request = run_v2.UpdateServiceRequest(service=service, update_mask={"paths": list(paths)})
    with translated(connection.environment, action):
        try:
            return await client.update_service(request=request, retry=None, timeout=deploy.CALL_TIMEOUT)
        except exceptions.Aborted as error:
            raise stale(key) from error


def stale(key: ServiceKey) -> Refused:
    """What is said of a plan whose service was changed meanwhile."""
    return Refused(
        f"The plan for {key} is out of date",
        "The service was changed since the plan was made; nothing was done.",
        f"Look at it again: ccconsole plan {key}",
    )


def rejected_of(annotations: object) -> tuple[str, ...]:
    """The revisions that a canary turned down."""
    text = str(annotations.get(deploy.REJECTED, "")) if hasattr(annotations, "get") else ""
    return tuple(name for name in text.split(",") if name)

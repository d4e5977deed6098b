"""Services and revisions as values of the model."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from typing import Any

from google.cloud import run_v2

from ccconsole.cloud.connect import Connection
from ccconsole.cloud.deploy import ENVIRONMENT_LABEL, MANAGED_BY, MANAGED_LABEL, parent
from ccconsole.cloud.errors import translated
from ccconsole.config import Environment
from ccconsole.model.services import Revision, Service, ServiceKey, ServiceState, TrafficShare

HIDDEN = "(hidden: a secret in a plain variable)"
_SECRET_NAME = re.compile(r"(?:KEY|TOKEN|SECRET|PASSWORD|CREDENTIALS?)$")
CALL_TIMEOUT = 10.0
"""Seconds for one list call; Google's own default."""
SLICE = 10
"""Services that are read in one go: some 2 ms (measured)."""


async def services(connection: Connection) -> tuple[Service, ...]:
    """The workers of all the environment's regions: those that are declared, and those ccconsole deployed."""
    regions = connection.environment.regions
    found = await asyncio.gather(*(services_in(connection, region) for region in regions))
    return tuple(service for part in found for service in part)


async def services_in(connection: Connection, region: str) -> tuple[Service, ...]:
    """The workers of one region, by name."""
    environment = connection.environment
    declared = {spec.key.name for spec in environment.services if spec.key.region == region}
    client = connection.client(run_v2.ServicesAsyncClient)
    found: list[Service] = []
    with translated(environment, f"list the services of {environment.name} in {region}"):
        pager = await client.list_services(
            parent=parent(environment, region), retry=None, timeout=CALL_TIMEOUT
        )
        async for page in pager.pages:
            for number, raw in enumerate(run_v2.ListServicesResponse.pb(page).services):
                if _last(raw.name) in declared or _is_of(raw.labels, environment):
                    found.append(_service(raw, environment.name, region))
                if number % SLICE == SLICE - 1:
                    await asyncio.sleep(0)
    return tuple(sorted(found, key=lambda service: service.key))


async def service(connection: Connection, key: ServiceKey) -> Service:
    """One service as it is now; NotFound when there is none."""
    environment = connection.environment
    client = connection.client(run_v2.ServicesAsyncClient)
    name = f"{parent(environment, key.region)}/services/{key.name}"
    with translated(environment, f"read {key}"):
        found = await client.get_service(name=name, retry=None, timeout=CALL_TIMEOUT)
    return _service(run_v2.Service.pb(found), key.environment, key.region)


async def revisions(
    connection: Connection, service: str = "-", region: str | None = None
) -> tuple[Revision, ...]:
    """The revisions of one service, or of all with `-`, the newest first."""
    environment = connection.environment
    region = region or environment.region
    client = connection.client(run_v2.RevisionsAsyncClient)
    found: list[Revision] = []
    with translated(environment, f"list the revisions of {environment.name} in {region}"):
        where = f"{parent(environment, region)}/services/{service}"
        pager = await client.list_revisions(parent=where, retry=None, timeout=CALL_TIMEOUT)
        async for page in pager.pages:
            found += [_revision(run_v2.Revision.pb(item)) for item in page.revisions]
    return tuple(sorted(found, key=lambda revision: revision.created_at or 0.0, reverse=True))


def model_of(live: run_v2.Service, key: ServiceKey) -> Service:
    """Google's service as the model's."""
    return _service(run_v2.Service.pb(live), key.environment, key.region)


def _is_of(labels: Mapping[str, str], environment: Environment) -> bool:
    """Whether ccconsole deployed it for this environment; another one of the same project has its own.

    On this machine's emulator everything is a worker, whoever deployed it; Google's projects hold others.
    """
    owner = labels.get(ENVIRONMENT_LABEL)
    if environment.is_local and owner is None:
        return True
    return labels.get(MANAGED_LABEL) == MANAGED_BY and owner == environment.name


def _service(raw: Any, environment: str, region: str) -> Service:
    """A raw protobuf Service: proto-plus attribute access costs twenty times as much."""
    template = raw.template
    container = template.containers[0] if template.containers else None
    limits = container.resources.limits if container else {}
    # Both hold: the service's own bound, and that of its revisions.
    bounds = (raw.scaling.max_instance_count, template.scaling.max_instance_count)
    state, message = _state(raw)
    return Service(
        key=ServiceKey(environment, region, _last(raw.name)),
        state=state,
        message=message,
        uri=raw.uri or None,
        revision=_last(raw.latest_ready_revision) or None,
        latest_created_revision=_last(raw.latest_created_revision) or None,
        image=container.image if container else None,
        cpu=limits.get("cpu"),
        memory=limits.get("memory"),
        timeout=template.timeout.ToTimedelta().total_seconds() if template.HasField("timeout") else None,
        concurrency=template.max_instance_request_concurrency or None,
        min_instances=max(raw.scaling.min_instance_count, template.scaling.min_instance_count),
        max_instances=min(filter(None, bounds), default=None),
        traffic=_traffic(raw),
        is_public=raw.invoker_iam_disabled,
        is_instance_billed=container is not None and not container.resources.cpu_idle,
        service_account=template.service_account or None,
        env={item.name: _shown(item) for item in _env(container) if not item.HasField("value_source")},
        secrets={item.name: _secret(item) for item in _env(container) if item.HasField("value_source")},
        labels=dict(raw.labels),
        etag=raw.etag,
        updated_at=_seconds(raw, "update_time"),
        updated_by=raw.last_modifier or None,
    )


def _state(raw: Any) -> tuple[ServiceState, str]:
    condition = raw.terminal_condition
    if raw.HasField("delete_time"):
        return ServiceState.DELETING, condition.message
    states = run_v2.Condition.State
    if condition.state == states.CONDITION_FAILED:
        return ServiceState.FAILED, condition.message
    if raw.reconciling or condition.state in (states.CONDITION_PENDING, states.CONDITION_RECONCILING):
        return ServiceState.DEPLOYING, condition.message
    if condition.state == states.CONDITION_SUCCEEDED:
        return ServiceState.READY, ""
    return ServiceState.UNKNOWN, condition.message


def _traffic(raw: Any) -> tuple[TrafficShare, ...]:
    latest = run_v2.TrafficTargetAllocationType.TRAFFIC_TARGET_ALLOCATION_TYPE_LATEST
    return tuple(
        TrafficShare(
            revision=_last(share.revision)
            or (_last(raw.latest_ready_revision) if share.type_ == latest else ""),
            percent=share.percent,
            tag=share.tag or None,
            is_latest=share.type_ == latest,
            uri=getattr(share, "uri", "") or None,
        )
        for share in raw.traffic_statuses or raw.traffic
    )


def _revision(raw: Any) -> Revision:
    ready = next((item for item in raw.conditions if item.type_ == "Ready"), None)
    succeeded = run_v2.Condition.State.CONDITION_SUCCEEDED
    is_ready = ready is not None and ready.state == succeeded
    return Revision(
        name=_last(raw.name),
        service=_last(raw.service),
        created_at=_seconds(raw, "create_time"),
        is_ready=is_ready,
        message="" if ready is None or is_ready else ready.message,
        image=raw.containers[0].image if raw.containers else None,
    )


def _env(container: Any) -> Any:
    return container.env if container else ()


def is_secret(name: str, value: str) -> bool:
    """Whether a plain variable seems to hold a secret all the same: its value goes no further."""
    return bool(_SECRET_NAME.search(name)) or value.startswith("sk-ant-")


def _shown(item: Any) -> str:
    return HIDDEN if is_secret(item.name, item.value) else str(item.value)


def _secret(item: Any) -> str:
    reference = item.value_source.secret_key_ref
    return f"{reference.secret}:{reference.version or 'latest'}"


def _seconds(raw: Any, field: str) -> float | None:
    """A timestamp in seconds since the epoch; None when it is not set."""
    if not raw.HasField(field):
        return None
    stamp = getattr(raw, field)
    return float(stamp.seconds + stamp.nanos / 1e9)


def _last(name: str) -> str:
    """The last part of a resource's name."""
    return name.rsplit("/", 1)[-1]

"""Google's APIs, on or off in a project."""

from __future__ import annotations

from collections.abc import Iterable

from google.cloud import service_usage_v1

from ccconsole.cloud.connect import Connection
from ccconsole.cloud.errors import translated
from ccconsole.cloud.lro import finished
from ccconsole.streams import Clock

DEPLOYMENT = (
    "run.googleapis.com",
    "artifactregistry.googleapis.com",
    "secretmanager.googleapis.com",
    "logging.googleapis.com",
    "monitoring.googleapis.com",
)
"""What a deployment and the console need."""
BUILD = "cloudbuild.googleapis.com"
_TIMEOUT = 30.0


async def disabled(connection: Connection, names: Iterable[str]) -> tuple[str, ...]:
    """Of the APIs, at most 30, those that are off."""
    project = f"projects/{connection.environment.project}"
    client = connection.client(service_usage_v1.ServiceUsageAsyncClient)
    request = {"parent": project, "names": [f"{project}/services/{name}" for name in names]}
    with translated(connection.environment, "see which APIs are on"):
        answer = await client.batch_get_services(request, timeout=_TIMEOUT)
    is_on = service_usage_v1.State.ENABLED
    return tuple(item.name.rsplit("/", 1)[-1] for item in answer.services if item.state != is_on)


async def enable(connection: Connection, names: Iterable[str], clock: Clock | None = None) -> None:
    """Turn the APIs on, at most 20; returns when Google says it is done, and it holds a minute later."""
    client = connection.client(service_usage_v1.ServiceUsageAsyncClient)
    request = {"parent": f"projects/{connection.environment.project}", "service_ids": list(names)}
    with translated(connection.environment, f"enable {', '.join(names)}"):
        operation = await client.batch_enable_services(request, timeout=_TIMEOUT)
        await finished(connection, operation, clock)

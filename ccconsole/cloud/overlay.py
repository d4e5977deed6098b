"""A live service with what deploy.toml declares put in, and what of it deploy.toml knows nothing about."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from google.cloud import run_v2

from ccconsole.model.services import ServiceKey

_SERVICE_FIELDS = (
    "description",
    "binary_authorization",
    "default_uri_disabled",
    "iap_enabled",
    "multi_region_settings",
    "custom_audiences",
)
_TEMPLATE_FIELDS = (
    "vpc_access",
    "volumes",
    "execution_environment",
    "encryption_key",
    "session_affinity",
    "service_mesh",
    "node_selector",
)
_CONTAINER_FIELDS = ("command", "args", "volume_mounts", "working_dir", "liveness_probe", "depends_on")
_OWN_LIMITS = ("cpu", "memory")


def over(live: run_v2.Service, declared: run_v2.Service) -> run_v2.Service:
    """The live service with the declared fields; all that others set beside them is kept, traffic too.

    Without the name of the live revision, which would collide with the next one's.
    """
    made = run_v2.Service(live)
    made.labels.update(declared.labels)
    made.invoker_iam_disabled = declared.invoker_iam_disabled
    made.scaling.min_instance_count = declared.scaling.min_instance_count
    made.scaling.max_instance_count = declared.scaling.max_instance_count
    template = made.template
    template.revision = ""
    if declared.template.service_account:
        template.service_account = declared.template.service_account
    template.timeout = declared.template.timeout
    template.max_instance_request_concurrency = declared.template.max_instance_request_concurrency
    template.scaling.min_instance_count = declared.template.scaling.min_instance_count
    template.scaling.max_instance_count = declared.template.scaling.max_instance_count
    (wanted,) = declared.template.containers
    if not template.containers:
        template.containers = [wanted]
        return made
    _contain(serving(made), wanted)
    return made


def serving(service: run_v2.Service) -> run_v2.Container:
    """The container that takes the requests: the one with a port, else the first."""
    containers = list(service.template.containers)
    return next((container for container in containers if container.ports), containers[0])


def _contain(container: run_v2.Container, wanted: run_v2.Container) -> None:
    container.image = wanted.image
    container.env = wanted.env
    if container.ports:
        container.ports[0].container_port = wanted.ports[0].container_port
    else:
        container.ports = wanted.ports
    container.resources.limits.update(wanted.resources.limits)
    container.resources.cpu_idle = wanted.resources.cpu_idle
    container.resources.startup_cpu_boost = wanted.resources.startup_cpu_boost
    container.startup_probe = wanted.startup_probe


def foreign(live: run_v2.Service, own: frozenset[str]) -> tuple[str, ...]:
    """What is set on the service beside all that is declared: fields, `labels.NAME`, `annotations.NAME`."""
    return tuple(_foreign(live, own))


def _foreign(live: run_v2.Service, own: frozenset[str]) -> Iterator[str]:
    raw = run_v2.Service.pb(live)
    yield from (f"labels.{name}" for name in sorted(raw.labels) if name not in own)
    yield from (f"annotations.{name}" for name in sorted(raw.annotations) if name not in own)
    yield from _set_fields(raw, _SERVICE_FIELDS)
    if raw.ingress not in (0, run_v2.IngressTraffic.INGRESS_TRAFFIC_ALL):
        yield "ingress"
    if raw.scaling.manual_instance_count:
        yield "scaling.manual_instance_count"
    yield from _set_fields(raw.template, _TEMPLATE_FIELDS)
    if len(raw.template.containers) > 1:
        yield "sidecars"
    for container in list(raw.template.containers)[:1]:
        yield from _set_fields(container, _CONTAINER_FIELDS)
        yield from (
            f"limits.{name}" for name in sorted(container.resources.limits) if name not in _OWN_LIMITS
        )


def _set_fields(message: Any, names: tuple[str, ...]) -> Iterator[str]:
    found = {field.name for field, _ in message.ListFields()}
    yield from (name for name in names if name in found)


def name_of(key: ServiceKey, project: str) -> str:
    """The service's full name."""
    return f"projects/{project}/locations/{key.region}/services/{key.name}"

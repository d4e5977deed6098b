"""What Cloud Run refuses in a service, in its words where they are known (docs/fidelity.md says which)."""

from __future__ import annotations

import re
from collections.abc import Iterable

from google.cloud.run_v2.types.k8s_min import Container, Probe
from google.cloud.run_v2.types.revision_template import RevisionTemplate
from google.cloud.run_v2.types.service import Service
from google.cloud.run_v2.types.traffic_target import TrafficTarget, TrafficTargetAllocationType

from ccconsole.emulator.faults import Fault, invalid, unimplemented
from ccconsole.emulator.names import DNS_LABEL, MAX_REVISION_NAME
from ccconsole.emulator.sizes import check_pair, parse_cpu, parse_memory

MAX_TIMEOUT_SECONDS = 3600
MAX_CONCURRENCY = 1000
MAX_INSTANCES = 1000
"""The quota a project can be raised to; a region's own quota is often lower."""
MAX_DESCRIPTION = 512
MAX_ENV_BYTES = 32768
MAX_TAG_NAME = 63
"""Of a tag's host name `TAG---SERVICE`: one DNS label."""

RESERVED_ENV = ("PORT", "K_SERVICE", "K_REVISION", "K_CONFIGURATION")
_SYSTEM_DOMAINS = re.compile(
    r"([^/]*\.)?(run\.googleapis\.com|cloud\.googleapis\.com|serving\.knative\.dev|autoscaling\.knative\.dev)/.*"
)


def check(service: Service, service_id: str, request: str) -> None:
    """Raise a Fault for the first thing wrong with a populated service; `request` is the request's type."""
    violation = f"Violation in {request}.service"
    if len(service.description) > MAX_DESCRIPTION:
        raise invalid(f"{violation}.description: must be at most {MAX_DESCRIPTION} characters.")
    for field, keys in (("labels", service.labels), ("annotations", service.annotations)):
        _check_keys(keys, f"{violation}.{field}")
    _check_template(service.template, service_id, violation)
    _check_service_scaling(service, violation)
    check_traffic(service.traffic, service_id)


def _check_keys(keys: Iterable[str], field: str) -> None:
    for key in keys:
        if _SYSTEM_DOMAINS.fullmatch(key):
            raise invalid(f"{field}: '{key}' is in a system namespace, which API v2 does not support.")


def _check_template(template: RevisionTemplate, service_id: str, violation: str) -> None:
    field = f"{violation}.template"
    for name, keys in (("labels", template.labels), ("annotations", template.annotations)):
        _check_keys(keys, f"{field}.{name}")
    seconds = RevisionTemplate.pb(template).timeout.ToTimedelta().total_seconds()
    if not 1 <= seconds <= MAX_TIMEOUT_SECONDS:
        raise invalid(f"{field}.timeout: {seconds:g}s is outside 1s to {MAX_TIMEOUT_SECONDS}s.")
    concurrency = template.max_instance_request_concurrency
    if not 1 <= concurrency <= MAX_CONCURRENCY:
        raise invalid(
            f"{field}.max_instance_request_concurrency: {concurrency} is outside 1 to {MAX_CONCURRENCY}."
        )
    scaling = template.scaling
    _check_scaling(scaling.min_instance_count, scaling.max_instance_count, "template.scaling")
    if len(template.containers) != 1:
        raise _container_count(len(template.containers), field)
    if template.volumes:
        raise unimplemented("template.volumes: the emulator mounts no volumes.")
    if template.revision:
        _check_revision_name(template.revision, service_id)
    _check_container(template.containers[0], concurrency, field)


def _container_count(count: int, field: str) -> Fault:
    if count:
        return unimplemented("template.containers: the emulator runs one container, without sidecars.")
    return invalid(f"{field}.containers: containers should contain at least 1 container.")


def _check_scaling(least: int, most: int, field: str) -> None:
    for name, count in (("min_instance_count", least), ("max_instance_count", most)):
        if not 0 <= count <= MAX_INSTANCES:
            raise invalid(f"{field}.{name}: {count} is outside 0 to {MAX_INSTANCES}.")
    if most and least > most:
        raise invalid(
            f"{field}.min_instance_count: min_instance_count ({least}) must not be greater than "
            f"max_instance_count ({most})."
        )


def _check_service_scaling(service: Service, violation: str) -> None:
    scaling = service.scaling
    _check_scaling(scaling.min_instance_count, scaling.max_instance_count, "scaling")
    if scaling.manual_instance_count < 0:
        raise invalid(f"{violation}.scaling.manual_instance_count: must not be negative.")


def _check_revision_name(revision: str, service_id: str) -> None:
    if not revision.startswith(f"{service_id}-"):
        raise invalid(
            f"template.revision: Revision name must be prefixed by '{service_id}-', was '{revision}'."
        )
    if not DNS_LABEL.fullmatch(revision) or len(revision) > MAX_REVISION_NAME:
        raise invalid(
            f"template.revision: '{revision}' must use only lowercase alphanumeric characters and dashes, "
            f"must not end with a dash, and must be at most {MAX_REVISION_NAME} characters."
        )


def _check_container(container: Container, concurrency: int, violation: str) -> None:
    field = "template.containers[0]"
    if not container.image:
        raise invalid(f"{violation}.containers[0].image: image is required.")
    if len(container.ports) > 1:
        raise invalid(f"{violation}.containers[0].ports: ports should contain 0 or 1 port.")
    port = container.ports[0]
    if not 0 < port.container_port < 65536:
        raise invalid(f"{violation}.containers[0].ports[0].container_port: must be between 1 and 65535.")
    if port.name == "h2c":
        raise unimplemented(f"{field}.ports: the emulator speaks HTTP/1.1 to the container, not h2c.")
    if port.name != "http1":
        raise invalid(f"{violation}.containers[0].ports[0].name: must be 'http1' or 'h2c'.")
    if container.volume_mounts:
        raise unimplemented(f"{field}.volume_mounts: the emulator mounts no volumes.")
    limits = container.resources.limits
    check_pair(
        parse_cpu(limits["cpu"], f"{field}.resources.limits.cpu"),
        parse_memory(limits["memory"], f"{field}.resources.limits.memory"),
        concurrency,
        is_cpu_idle=container.resources.cpu_idle,
        container=field,
    )
    _check_env(container, field)
    _check_probe(container.startup_probe, port.container_port, f"{violation}.containers[0].startup_probe")


def _check_env(container: Container, field: str) -> None:
    names = [variable.name for variable in container.env]
    reserved = [name for name in names if name in RESERVED_ENV]
    if reserved:
        raise invalid(
            f"{field}.env: The following reserved env names were provided: {', '.join(reserved)}. "
            "These values are automatically set by the system."
        )
    for index, variable in enumerate(container.env):
        where = f"{field}.env[{index}]"
        if not variable.name or "=" in variable.name or "\0" in variable.name:
            raise invalid(f"{where}.name: '{variable.name}' is not a name of an environment variable.")
        if names.count(variable.name) > 1:
            raise invalid(f"{where}.name: '{variable.name}' is given more than once.")
        if len(variable.value.encode()) > MAX_ENV_BYTES or "\0" in variable.value:
            raise invalid(f"{where}.value: must be at most {MAX_ENV_BYTES} bytes, none of them NUL.")


def _check_probe(probe: Probe, port: int, field: str) -> None:
    if "grpc" in probe:
        raise unimplemented(f"{field}.grpc: the emulator probes by HTTP and TCP.")
    for name, value, least, most in (
        ("initial_delay_seconds", probe.initial_delay_seconds, 0, 240),
        ("timeout_seconds", probe.timeout_seconds, 1, 240),
        ("period_seconds", probe.period_seconds, 1, 240),
        ("failure_threshold", probe.failure_threshold, 1, 1 << 31),
    ):
        if not least <= value <= most:
            raise invalid(f"{field}.{name}: {value} is outside {least} to {most}.")
    if probe.timeout_seconds > probe.period_seconds:
        raise invalid(f"{field}.timeout_seconds: must not be greater than period_seconds.")
    for action in (probe.http_get, probe.tcp_socket):
        if action.port not in (0, port):
            raise unimplemented(f"{field}.port: the emulator gives the container one port, {port}.")


def check_traffic(traffic: Iterable[TrafficTarget], service_id: str) -> None:
    """Raise INVALID_ARGUMENT unless the targets are well formed and sum to 100 percent."""
    total = 0
    tags: set[str] = set()
    for index, target in enumerate(traffic):
        field = f"traffic[{index}]"
        latest = target.type_ == TrafficTargetAllocationType.TRAFFIC_TARGET_ALLOCATION_TYPE_LATEST
        if not target.type_ or (latest and target.revision) or not (latest or target.revision):
            raise invalid(f"{field}: exactly one of revision and latest revision must be specified.")
        if not 0 <= target.percent <= 100:
            raise invalid(f"{field}.percent: {target.percent} is outside 0 to 100.")
        total += target.percent
        if not target.tag:
            continue
        if not DNS_LABEL.fullmatch(target.tag) or len(f"{target.tag}---{service_id}") > MAX_TAG_NAME:
            raise invalid(f"{field}.tag: '{target.tag}' is not a tag: lowercase letters, digits and dashes.")
        if target.tag in tags:
            raise invalid(f"{field}.tag: '{target.tag}' is given more than once.")
        tags.add(target.tag)
    if total != 100:
        raise invalid(f"traffic: The sum of the traffic percentages must be 100, was {total}.")

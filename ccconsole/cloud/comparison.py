"""Two states of one service, field by field, in deploy.toml's words and in one form, whoever wrote them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from google.cloud import run_v2

from ccconsole.cloud.deploy import ENVIRONMENT_LABEL, MANAGED_LABEL, STORE_VARIABLE
from ccconsole.cloud.overlay import serving
from ccconsole.cloud.services import HIDDEN, is_secret
from ccconsole.config import values
from ccconsole.model.rollouts import Change

_OF_SERVICE = (
    "public",
    "instances.min",
    "instances.max",
    f"labels.{MANAGED_LABEL}",
    f"labels.{ENVIRONMENT_LABEL}",
)
"""The fields that take no new revision by themselves."""
_FOLLOWING = {"env.WORKER_MAX_TASKS": "concurrency", "env.WORKER_TIMEOUT_SECONDS": "timeout"}
"""Variables that are made from a declared field: where that one has changed, they are the same change."""


def changes(
    live: run_v2.Service | None, wanted: run_v2.Service, *, is_open: bool = False
) -> tuple[Change, ...]:
    """The declared fields in which the live service differs; with none, all of them.

    `is_open`: whether the service's policy lets anybody call it, which is public too.
    """
    before = {} if live is None else dict(_facts(live))
    after = dict(_facts(wanted))
    if is_open and live is not None:
        before["public"] = "yes"
    revised = _scaling_revised(live, wanted)
    found = []
    for field in sorted(before.keys() | after.keys(), key=_place):
        old, new = before.get(field), after.get(field)
        if old == new:
            continue
        is_revision = live is None or field in revised or field not in _OF_SERVICE
        found.append(Change(field, _shown(field, old), _shown(field, new), is_revision))
    names = {change.field for change in found}
    return tuple(change for change in found if _FOLLOWING.get(change.field) not in names)


def _scaling_revised(live: run_v2.Service | None, wanted: run_v2.Service) -> frozenset[str]:
    """Which bounds are the revision's own: those of the service change without a new one."""
    if live is None:
        return frozenset()
    old, new = live.template.scaling, wanted.template.scaling
    pairs = {
        "instances.min": (old.min_instance_count, new.min_instance_count),
        "instances.max": (old.max_instance_count, new.max_instance_count),
    }
    return frozenset(field for field, (before, after) in pairs.items() if before != after)


def _facts(service: run_v2.Service) -> Iterator[tuple[str, str]]:
    """Field -> its value in one form, whoever wrote it."""
    raw = run_v2.Service.pb(service)
    template = raw.template
    yield "public", _yes(raw.invoker_iam_disabled)
    low = max(raw.scaling.min_instance_count, template.scaling.min_instance_count)
    yield "instances.min", str(low)
    bounds = (raw.scaling.max_instance_count, template.scaling.max_instance_count)
    yield "instances.max", str(min((bound for bound in bounds if bound), default=0))
    yield "timeout", f"{template.timeout.seconds}s"
    yield "concurrency", str(template.max_instance_request_concurrency)
    if template.service_account:
        yield "service_account", template.service_account
    for label in (MANAGED_LABEL, ENVIRONMENT_LABEL):
        if label in raw.labels:
            yield f"labels.{label}", raw.labels[label]
    if service.template.containers:
        yield from _container_facts(run_v2.Container.pb(serving(service)))


def _container_facts(container: Any) -> Iterator[tuple[str, str]]:
    yield "image", container.image
    limits, resources = container.resources.limits, container.resources
    yield "cpu", _cpu(limits.get("cpu", ""))
    yield "memory", _memory(limits.get("memory", ""))
    yield "cpu_between_requests", _yes(not resources.cpu_idle)
    yield "startup_cpu_boost", _yes(resources.startup_cpu_boost)
    yield "port", str(container.ports[0].container_port) if container.ports else ""
    yield "startup_probe", _probe(container.startup_probe)
    for item in container.env:
        if item.HasField("value_source"):
            reference = item.value_source.secret_key_ref
            yield f"secrets.{item.name}", f"{reference.secret}:{reference.version or 'latest'}"
        else:
            yield "store" if item.name == STORE_VARIABLE else f"env.{item.name}", item.value


def _probe(probe: Any) -> str:
    if probe.HasField("http_get"):
        what = f"GET {probe.http_get.path or '/'}"
    else:
        what = "gRPC" if probe.HasField("grpc") else "TCP"
    # Google's defaults, which a server may write out or leave out.
    period, timeout, threshold = (
        probe.period_seconds or 10,
        probe.timeout_seconds or 1,
        probe.failure_threshold or 3,
    )
    return f"{what} every {period}s, {threshold} times, {timeout}s each"


def _cpu(size: str) -> str:
    try:
        return values.cpu(size)
    except ValueError:
        return size


def _memory(size: str) -> str:
    """The size, in whole GiB or MiB where it is such."""
    try:
        count = values.memory_bytes(values.memory(size))
    except ValueError:
        return size
    for unit, name in ((1 << 30, "Gi"), (1 << 20, "Mi")):
        if count % unit == 0:
            return f"{count / unit:.0f}{name}"
    return f"{count:.0f}"


def _shown(field: str, value: str | None) -> str | None:
    kind, _, name = field.partition(".")
    return HIDDEN if kind == "env" and value is not None and is_secret(name, value) else value


def _place(field: str) -> tuple[int, str]:
    order = ("image", "cpu", "memory", "timeout", "concurrency", "instances", "public", "service_account")
    kind = field.partition(".")[0]
    return (order.index(kind) if kind in order else len(order), field)


def _yes(is_so: bool) -> str:
    return "yes" if is_so else "no"

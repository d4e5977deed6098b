"""What Knative's objects say in annotations and API v2 says in fields, both ways.

Names and values: https://cloud.google.com/run/docs/reference/rest/v1/namespaces.services and gcloud's source.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ccconsole.emulator.faults import Fault, invalid

RUN = "run.googleapis.com"
SERVING = "serving.knative.dev"
AUTOSCALING = "autoscaling.knative.dev"
GOOGLE = "cloud.googleapis.com"
SYSTEM = (RUN, SERVING, AUTOSCALING, GOOGLE)
"""The namespaces whose names API v2 keeps out of its annotations and labels."""

Json = dict[str, Any]
Write = Callable[[Any], str]
Read = Callable[[str], Any]


@dataclass(frozen=True)
class Row:
    """One annotation and its field, a dotted path in API v2's JSON."""

    annotation: str
    field: str
    write: Write = str
    read: Read = str


def _flag(text: str) -> bool:
    if text.lower() not in ("true", "false"):
        raise ValueError(text)
    return text.lower() == "true"


def _word(value: Any) -> str:
    return "true" if value else "false"


def _one_of(words: Mapping[str, str]) -> tuple[Write, Read]:
    """Of annotation word to enum name; a name without a word is written as it is."""
    names = {name: word for word, name in words.items()}
    return (lambda name: names.get(name, str(name)), lambda word: words[word])


def _row(annotation: str, field: str, pair: tuple[Write, Read]) -> Row:
    return Row(annotation, field, *pair)


_INTEGER = (str, int)
_BOOLEAN = (_word, _flag)
_JSON = (json.dumps, json.loads)

SERVICE = (
    Row(f"{RUN}/client-name", "client"),
    Row(f"{RUN}/client-version", "clientVersion"),
    Row(f"{RUN}/description", "description"),
    _row(
        f"{RUN}/ingress",
        "ingress",
        _one_of(
            {
                "all": "INGRESS_TRAFFIC_ALL",
                "internal": "INGRESS_TRAFFIC_INTERNAL_ONLY",
                "internal-and-cloud-load-balancing": "INGRESS_TRAFFIC_INTERNAL_LOAD_BALANCER",
                "none": "INGRESS_TRAFFIC_NONE",
            }
        ),
    ),
    Row(f"{RUN}/launch-stage", "launchStage"),
    _row(f"{RUN}/minScale", "scaling.minInstanceCount", _INTEGER),
    _row(f"{RUN}/maxScale", "scaling.maxInstanceCount", _INTEGER),
    _row(
        f"{RUN}/scalingMode", "scaling.scalingMode", _one_of({"automatic": "AUTOMATIC", "manual": "MANUAL"})
    ),
    _row(f"{RUN}/manualInstanceCount", "scaling.manualInstanceCount", _INTEGER),
    _row(f"{RUN}/invoker-iam-disabled", "invokerIamDisabled", _BOOLEAN),
    _row(f"{RUN}/default-url-disabled", "defaultUriDisabled", _BOOLEAN),
    _row(f"{RUN}/iap-enabled", "iapEnabled", _BOOLEAN),
    _row(f"{RUN}/custom-audiences", "customAudiences", _JSON),
)
"""Of a service."""

TEMPLATE = (
    _row(f"{AUTOSCALING}/minScale", "scaling.minInstanceCount", _INTEGER),
    _row(f"{AUTOSCALING}/maxScale", "scaling.maxInstanceCount", _INTEGER),
    _row(f"{RUN}/sessionAffinity", "sessionAffinity", _BOOLEAN),
    _row(
        f"{RUN}/execution-environment",
        "executionEnvironment",
        _one_of({"gen1": "EXECUTION_ENVIRONMENT_GEN1", "gen2": "EXECUTION_ENVIRONMENT_GEN2"}),
    ),
    Row(f"{RUN}/vpc-access-connector", "vpcAccess.connector"),
    _row(
        f"{RUN}/vpc-access-egress",
        "vpcAccess.egress",
        _one_of({"all-traffic": "ALL_TRAFFIC", "private-ranges-only": "PRIVATE_RANGES_ONLY"}),
    ),
    _row(f"{RUN}/network-interfaces", "vpcAccess.networkInterfaces", _JSON),
    Row(f"{RUN}/encryption-key", "encryptionKey"),
    _row(f"{RUN}/health-check-disabled", "healthCheckDisabled", _BOOLEAN),
    _row(f"{RUN}/gpu-zonal-redundancy-disabled", "gpuZonalRedundancyDisabled", _BOOLEAN),
)
"""Of a template, and of the revision made of it."""

RESOURCES = (
    _row(f"{RUN}/cpu-throttling", "cpuIdle", _BOOLEAN),
    _row(f"{RUN}/startup-cpu-boost", "startupCpuBoost", _BOOLEAN),
)
"""Of a template too, but their fields are the first container's resources."""

OUTPUT_ONLY = frozenset(
    [
        f"{SERVING}/creator",
        f"{SERVING}/lastModifier",
        f"{RUN}/ingress-status",
        f"{RUN}/operation-id",
        f"{RUN}/urls",
        f"{GOOGLE}/location",
        f"{SERVING}/service",
        f"{SERVING}/configuration",
        f"{SERVING}/route",
    ]
)
"""Annotations and labels that the server writes: a client that sends back what it read changes nothing."""


def read(annotations: Mapping[str, Any], rows: Sequence[Row], field: str) -> Json:
    """The fields that annotations stand for; INVALID_ARGUMENT for a value that is none, naming `field`."""
    found: Json = {}
    for row in rows:
        if (text := annotations.get(row.annotation)) in (None, ""):
            continue
        try:
            put(found, row.field, row.read(text))
        except (ValueError, KeyError) as error:
            raise _bad(f"{field}[{row.annotation}]", text) from error
    return found


def write(fields: Mapping[str, Any], rows: Sequence[Row]) -> dict[str, str]:
    """The annotations of the fields that are set."""
    found = {}
    for row in rows:
        value = get(fields, row.field)
        if value is not None:
            found[row.annotation] = row.write(value)
    return found


def plain(names: Mapping[str, Any], rows: Sequence[Row], field: str) -> dict[str, str]:
    """What API v2 keeps as it is; INVALID_ARGUMENT for a system name that has no field and would be lost."""
    known = {row.annotation for row in rows} | OUTPUT_ONLY
    found = {name: str(value) for name, value in names.items() if name not in known}
    for name in found:
        if name.partition("/")[0] in SYSTEM:
            raise invalid(f"{field}: the emulator does not know '{name}', and would lose it.")
    return found


def get(fields: Mapping[str, Any], path: str) -> Any:
    """The value at a dotted path, None where there is none."""
    value: Any = fields
    for key in path.split("."):
        value = value.get(key) if isinstance(value, Mapping) else None
    return value


def put(fields: Json, path: str, value: Any) -> None:
    """Set the value at a dotted path; INVALID_ARGUMENT where something else than an object is in its way."""
    *parents, last = path.split(".")
    for key in parents:
        fields = fields.setdefault(key, {})
        if not isinstance(fields, dict):
            raise invalid(f"Invalid value at '{path}': '{key}' is not an object.")
    fields[last] = value


def _bad(field: str, text: Any) -> Fault:
    return invalid(f"Invalid value at '{field}': '{text}'.")

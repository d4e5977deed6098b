"""Services and revisions as Knative's objects, and a Knative service as API v2's."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from ccconsole.emulator.knative import annotations as a
from ccconsole.emulator.knative.annotations import Json
from ccconsole.emulator.knative.shapes import check_known, fields_of, items, texts
from ccconsole.emulator.knative.templates import (
    read_template,
    write_annotations,
    write_spec,
    write_template,
)
from ccconsole.emulator.names import ServiceName, parse_revision, parse_service, short

API = f"{a.SERVING}/v1"
SERVICE_LABEL = f"{a.SERVING}/service"

CHANGED = (
    "description",
    "labels",
    "annotations",
    "client",
    "client_version",
    "ingress",
    "launch_stage",
    "template",
    "traffic",
    "scaling",
    "invoker_iam_disabled",
    "default_uri_disabled",
    "iap_enabled",
    "custom_audiences",
)
"""The fields of API v2's Service that a Knative service sets: the mask of an update."""

_LATEST = "TRAFFIC_TARGET_ALLOCATION_TYPE_LATEST"
_BY_NAME = "TRAFFIC_TARGET_ALLOCATION_TYPE_REVISION"
_STATUS = {"CONDITION_SUCCEEDED": "True", "CONDITION_FAILED": "False"}
_SEVERITY = {"INFO": "Info", "WARNING": "Warning"}
"""Knative leaves the severity of errors out."""
_TOP = ("apiVersion", "kind", "metadata", "spec", "status")
_TARGET = ("revisionName", "latestRevision", "percent", "tag", "url", "configurationName")


def read_service(value: Any, name: ServiceName) -> Json:
    """A Knative service as API v2's Service with its etag; raises INVALID_ARGUMENT."""
    body = check_known(value, _TOP, "service")
    metadata = fields_of(body.get("metadata"), "metadata")
    spec = check_known(body.get("spec"), ("template", "traffic"), "spec")
    where = "metadata.annotations"
    notes = texts(metadata.get("annotations"), where)
    found = a.read(notes, a.SERVICE, where) | {
        "name": str(name),
        "annotations": a.plain(notes, a.SERVICE, where),
        "labels": a.plain(texts(metadata.get("labels"), "metadata.labels"), (), "metadata.labels"),
        "template": read_template(spec.get("template"), "spec.template"),
        "traffic": [_read_target(item) for item in items(spec.get("traffic"), "spec.traffic")],
    }
    if metadata.get("resourceVersion"):
        found["etag"] = f'"{metadata["resourceVersion"]}"'
    return found


def _read_target(value: Any) -> Json:
    target = check_known(value, _TARGET, "spec.traffic")
    found = {name: target[name] for name in ("percent", "tag") if target.get(name)}
    if target.get("revisionName"):
        found |= {"type": _BY_NAME, "revision": target["revisionName"]}
    if target.get("latestRevision"):
        found["type"] = _LATEST
    return found


def write_service(service: Mapping[str, Any]) -> Json:
    """API v2's Service, in JSON, as Knative's."""
    name = parse_service(service["name"], "name")
    project = name.location.project
    notes = _service_annotations(service)
    # A change is stamped on the conditions at once, so they are always those of the present generation.
    status: Json = {
        "observedGeneration": int(service["generation"]),
        "conditions": _conditions([service.get("terminalCondition", {}), *service.get("conditions", [])]),
        "traffic": [_write_status(item, service) for item in service.get("trafficStatuses", [])],
    }
    for field, key in (
        ("latestReadyRevision", "latestReadyRevisionName"),
        ("latestCreatedRevision", "latestCreatedRevisionName"),
    ):
        if service.get(field):
            status[key] = short(service[field])
    if service.get("uri"):
        status |= {"url": service["uri"], "address": {"url": service["uri"]}}
    return {
        "apiVersion": API,
        "kind": "Service",
        "metadata": _metadata(service, name, "services", {}, notes),
        "spec": {
            "template": write_template(service["template"], notes, project),
            "traffic": [_write_target(item) for item in service.get("traffic", [])],
        },
        "status": status,
    }


def _service_annotations(service: Mapping[str, Any]) -> dict[str, str]:
    fields = dict(service)
    if fields.get("launchStage") == "GA":
        del fields["launchStage"]
    notes = dict(service.get("annotations", {})) | a.write(fields, a.SERVICE)
    ingress = notes.get(f"{a.RUN}/ingress")
    if ingress is not None:
        notes[f"{a.RUN}/ingress-status"] = ingress
    if service.get("urls"):
        notes[f"{a.RUN}/urls"] = json.dumps(service["urls"])
    return notes | {
        f"{a.SERVING}/creator": service.get("creator", ""),
        f"{a.SERVING}/lastModifier": service.get("lastModifier", ""),
    }


def write_revision(revision: Mapping[str, Any]) -> Json:
    """API v2's Revision, in JSON, as Knative's."""
    name, own = parse_revision(revision["name"], "name")
    labels = {SERVICE_LABEL: name.service, f"{a.SERVING}/configuration": name.service}
    notes = write_annotations(revision) | {f"{a.SERVING}/creator": revision.get("creator", "")}
    metadata = _metadata(revision, name, "revisions", labels, notes) | {"name": own}
    metadata["selfLink"] = f"/apis/{API}/namespaces/{name.location.project}/revisions/{own}"
    metadata["ownerReferences"] = [
        {"apiVersion": API, "kind": "Configuration", "name": name.service, "controller": True}
    ]
    return {
        "apiVersion": API,
        "kind": "Revision",
        "metadata": metadata,
        "spec": write_spec(revision, name.location.project),
        "status": {
            "observedGeneration": int(revision["generation"]),
            "conditions": _conditions(revision.get("conditions", [])),
            "logUrl": revision.get("logUri", ""),
        },
    }


def _metadata(
    resource: Mapping[str, Any],
    name: ServiceName,
    kind: str,
    labels: Mapping[str, str],
    annotations: Mapping[str, str],
) -> Json:
    project = name.location.project
    found: Json = {
        "name": name.service,
        "namespace": project,
        "selfLink": f"/apis/{API}/namespaces/{project}/{kind}/{name.service}",
        "uid": resource["uid"],
        "resourceVersion": resource["etag"].strip('"'),
        "generation": int(resource["generation"]),
        "creationTimestamp": resource["createTime"],
        "labels": {**resource.get("labels", {}), **labels, f"{a.GOOGLE}/location": name.location.region},
        "annotations": dict(annotations),
    }
    if resource.get("deleteTime"):
        found["deletionTimestamp"] = resource["deleteTime"]
    return found


def _write_target(target: Mapping[str, Any]) -> Json:
    found: Json = {name: target[name] for name in ("percent", "tag") if name in target}
    if target.get("type") == _LATEST:
        return found | {"latestRevision": True}
    return found | {"revisionName": short(target.get("revision", ""))}


def _write_status(target: Mapping[str, Any], service: Mapping[str, Any]) -> Json:
    found = _write_target(target)
    if "latestRevision" in found:
        found["revisionName"] = short(service.get("latestReadyRevision", ""))
    if target.get("uri"):
        found["url"] = target["uri"]
    return found


def _conditions(conditions: Iterable[Mapping[str, Any]]) -> list[Json]:
    return [_condition(item) for item in conditions if item.get("type")]


def _condition(condition: Mapping[str, Any]) -> Json:
    found: Json = {
        "type": condition["type"],
        "status": _STATUS.get(condition.get("state", ""), "Unknown"),
        "lastTransitionTime": condition["lastTransitionTime"],
    }
    reason = condition.get("reason") or condition.get("revisionReason")
    if reason:
        found["reason"] = "".join(word.capitalize() for word in reason.split("_"))
    if condition.get("message"):
        found["message"] = condition["message"]
    if severity := _SEVERITY.get(condition.get("severity", "")):
        found["severity"] = severity
    return found

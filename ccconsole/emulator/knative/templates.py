"""A revision's template, and the containers in it, between Knative's JSON and API v2's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ccconsole.emulator.knative import annotations as a
from ccconsole.emulator.knative.annotations import Json
from ccconsole.emulator.knative.shapes import check_known, fields_of, items, texts

_ACCELERATOR = f"{a.RUN}/accelerator"
_CLIENT = (f"{a.RUN}/client-name", f"{a.RUN}/client-version")
"""Of a template too; API v2 has them for the service alone, whose request brought both."""
_ROWS = (*a.TEMPLATE, *a.RESOURCES)

_SPEC = (
    "containerConcurrency",
    "timeoutSeconds",
    "serviceAccountName",
    "containers",
    "volumes",
    "nodeSelector",
)
_SAME = (
    "name",
    "image",
    "command",
    "args",
    "workingDir",
    "ports",
    "volumeMounts",
    "livenessProbe",
    "startupProbe",
    "readinessProbe",
)
"""Fields of a container that both APIs call and shape alike."""
_CONTAINER = (*_SAME, "env", "resources")


def read_template(value: Any, field: str) -> Json:
    """A Knative template as API v2's RevisionTemplate."""
    template = check_known(value, ("metadata", "spec"), field)
    metadata = check_known(
        template.get("metadata"),
        ("name", "labels", "annotations", "namespace", "creationTimestamp"),
        f"{field}.metadata",
    )
    where = f"{field}.metadata.annotations"
    notes = texts(metadata.get("annotations"), where)
    notes = {name: text for name, text in notes.items() if name not in _CLIENT}
    labels = f"{field}.metadata.labels"
    found = a.read(notes, a.TEMPLATE, where) | {
        "annotations": a.plain(notes, _ROWS, where),
        "labels": a.plain(texts(metadata.get("labels"), labels), (), labels),
    }
    if metadata.get("name"):
        found["revision"] = metadata["name"]
    resources = {"cpuIdle": True} | a.read(notes, a.RESOURCES, where)
    return found | _read_spec(template.get("spec"), resources, f"{field}.spec")


def _read_spec(value: Any, resources: Json, field: str) -> Json:
    spec = check_known(value, _SPEC, field)
    found: Json = {}
    if spec.get("containerConcurrency"):
        found["maxInstanceRequestConcurrency"] = spec["containerConcurrency"]
    if spec.get("timeoutSeconds"):
        found["timeout"] = f"{spec['timeoutSeconds']}s"
    if spec.get("serviceAccountName"):
        found["serviceAccount"] = spec["serviceAccountName"]
    selector = check_known(spec.get("nodeSelector"), [_ACCELERATOR], f"{field}.nodeSelector")
    if selector:
        found["nodeSelector"] = {"accelerator": selector[_ACCELERATOR]}
    found["volumes"] = [
        {"name": fields_of(item, field).get("name", "")} for item in items(spec.get("volumes"), field)
    ]
    containers = items(spec.get("containers"), f"{field}.containers")
    found["containers"] = [
        _read_container(item, resources if index == 0 else {}, f"{field}.containers[{index}]")
        for index, item in enumerate(containers)
    ]
    return found


def _read_container(value: Any, resources: Json, field: str) -> Json:
    container = check_known(value, _CONTAINER, field)
    found = {name: container[name] for name in _SAME if container.get(name)}
    variables = items(container.get("env"), f"{field}.env")
    found["env"] = [_read_variable(item, f"{field}.env[{index}]") for index, item in enumerate(variables)]
    limits = check_known(container.get("resources"), ("limits", "requests"), f"{field}.resources")
    found["resources"] = resources | {"limits": fields_of(limits.get("limits"), f"{field}.resources.limits")}
    return found


def _read_variable(value: Any, field: str) -> Json:
    variable = check_known(value, ("name", "value", "valueFrom"), field)
    found: Json = {"name": variable.get("name", "")}
    if "valueFrom" not in variable:
        return found | {"value": variable.get("value", "")}
    source = check_known(variable["valueFrom"], ["secretKeyRef"], f"{field}.valueFrom")
    key = check_known(source.get("secretKeyRef"), ("name", "key"), f"{field}.valueFrom.secretKeyRef")
    secret = {"secret": key.get("name", ""), "version": key.get("key", "")}
    return found | {"valueSource": {"secretKeyRef": secret}}


def write_template(template: Mapping[str, Any], client: Mapping[str, str], project: str) -> Json:
    """API v2's RevisionTemplate as Knative's; `client` are the service's own annotations."""
    own = {name: client[name] for name in _CLIENT if name in client}
    metadata: Json = {"annotations": write_annotations(template) | own}
    if template.get("labels"):
        metadata["labels"] = template["labels"]
    if template.get("revision"):
        metadata["name"] = template["revision"]
    return {"metadata": metadata, "spec": write_spec(template, project)}


def write_annotations(template: Mapping[str, Any]) -> dict[str, str]:
    """The annotations of a template or a revision of API v2."""
    containers = template.get("containers") or [{}]
    resources = containers[0].get("resources", {})
    return (
        dict(template.get("annotations", {}))
        | a.write(template, a.TEMPLATE)
        | a.write({"cpuIdle": False} | resources, a.RESOURCES)
    )


def write_spec(template: Mapping[str, Any], project: str) -> Json:
    """The spec of a template or a revision of API v2."""
    found: Json = {
        "containerConcurrency": template.get("maxInstanceRequestConcurrency", 0),
        "timeoutSeconds": round(float(template.get("timeout", "0s").removesuffix("s"))),
        "containers": [_write_container(item, project) for item in template.get("containers", [])],
    }
    if template.get("serviceAccount"):
        found["serviceAccountName"] = template["serviceAccount"]
    if accelerator := a.get(template, "nodeSelector.accelerator"):
        found["nodeSelector"] = {_ACCELERATOR: accelerator}
    return found


def _write_container(container: Mapping[str, Any], project: str) -> Json:
    found = {name: container[name] for name in _SAME if name in container}
    if variables := container.get("env"):
        found["env"] = [_write_variable(item, project) for item in variables]
    if limits := a.get(container, "resources.limits"):
        found["resources"] = {"limits": limits}
    return found


def _write_variable(variable: Mapping[str, Any], project: str) -> Json:
    key = a.get(variable, "valueSource.secretKeyRef")
    if key is None:
        return {"name": variable["name"], "value": variable.get("value", "")}
    secret = key.get("secret", "").removeprefix(f"projects/{project}/secrets/")
    return {
        "name": variable["name"],
        "valueFrom": {"secretKeyRef": {"name": secret, "key": key.get("version", "")}},
    }

"""Which permission an RPC needs on which resource: https://cloud.google.com/iam/docs/permissions-reference."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

ACT_AS = "iam.serviceAccounts.actAs"
"""What making a revision needs beside, on the service account that it runs as."""


@dataclass(frozen=True)
class Need:
    """One RPC's permission; `field` is the dotted path of the resource's name in the request."""

    permission: str
    field: str
    child: str = ""
    """Of a creation: the collection and the request's field with the new id, as in `services/service_id`."""
    is_operation: bool = False
    """Whether it answers with a long-running operation."""

    def resource(self, request: Any) -> str:
        """The full name that a request is about; the first of several."""
        found = attrgetter(self.field)(request)
        name = found if isinstance(found, str) else next(iter(found), "")
        if not self.child:
            return name
        kind, _, field = self.child.partition("/")
        return f"{name}/{kind}/{getattr(request, field)}"


def _access(kind: str) -> Iterator[tuple[str, Need]]:
    yield "GetIamPolicy", Need(f"{kind}.getIamPolicy", "resource")
    yield "SetIamPolicy", Need(f"{kind}.setIamPolicy", "resource")


_RUN = {
    "Services/ListServices": Need("run.services.list", "parent"),
    "Services/GetService": Need("run.services.get", "name"),
    "Services/CreateService": Need("run.services.create", "parent", "services/service_id", is_operation=True),
    "Services/UpdateService": Need("run.services.update", "service.name", is_operation=True),
    "Services/DeleteService": Need("run.services.delete", "name", is_operation=True),
    "Revisions/ListRevisions": Need("run.revisions.list", "parent"),
    "Revisions/GetRevision": Need("run.revisions.get", "name"),
    "Revisions/DeleteRevision": Need("run.revisions.delete", "name", is_operation=True),
} | {f"Services/{rpc}": need for rpc, need in _access("run.services")}
_OPERATIONS = {
    "GetOperation": Need("run.operations.get", "name"),
    "WaitOperation": Need("run.operations.get", "name"),
    "ListOperations": Need("run.operations.list", "name"),
    "DeleteOperation": Need("run.operations.delete", "name"),
}
_LOGGING = {
    "ListLogEntries": Need("logging.logEntries.list", "resource_names"),
    "TailLogEntries": Need("logging.logEntries.list", "resource_names"),
    "WriteLogEntries": Need("logging.logEntries.create", "log_name"),
    "ListLogs": Need("logging.logs.list", "parent"),
}
_MONITORING = {
    "ListTimeSeries": Need("monitoring.timeSeries.list", "name"),
    "ListMetricDescriptors": Need("monitoring.metricDescriptors.list", "name"),
    "GetMetricDescriptor": Need("monitoring.metricDescriptors.get", "name"),
}
_SECRETS = {
    "CreateSecret": Need("secretmanager.secrets.create", "parent", "secrets/secret_id"),
    "GetSecret": Need("secretmanager.secrets.get", "name"),
    "ListSecrets": Need("secretmanager.secrets.list", "parent"),
    "UpdateSecret": Need("secretmanager.secrets.update", "secret.name"),
    "DeleteSecret": Need("secretmanager.secrets.delete", "name"),
    "AddSecretVersion": Need("secretmanager.versions.add", "parent"),
    "GetSecretVersion": Need("secretmanager.versions.get", "name"),
    "ListSecretVersions": Need("secretmanager.versions.list", "parent"),
    "AccessSecretVersion": Need("secretmanager.versions.access", "name"),
    "EnableSecretVersion": Need("secretmanager.versions.enable", "name"),
    "DisableSecretVersion": Need("secretmanager.versions.disable", "name"),
    "DestroySecretVersion": Need("secretmanager.versions.destroy", "name"),
} | dict(_access("secretmanager.secrets"))
_USAGE = {
    "GetService": Need("serviceusage.services.get", "name"),
    "BatchGetServices": Need("serviceusage.services.get", "parent"),
    "ListServices": Need("serviceusage.services.list", "parent"),
    "EnableService": Need("serviceusage.services.enable", "name", is_operation=True),
    "BatchEnableServices": Need("serviceusage.services.enable", "parent", is_operation=True),
    "DisableService": Need("serviceusage.services.disable", "name", is_operation=True),
}
_PROJECTS = {"GetProject": Need("resourcemanager.projects.get", "name")} | dict(
    _access("resourcemanager.projects")
)
_REPOSITORIES = {
    "GetRepository": Need("artifactregistry.repositories.get", "name"),
    "ListRepositories": Need("artifactregistry.repositories.list", "parent"),
    "CreateRepository": Need(
        "artifactregistry.repositories.create", "parent", "repositories/repository_id", is_operation=True
    ),
    "GetTag": Need("artifactregistry.tags.get", "name"),
    "ListTags": Need("artifactregistry.tags.list", "parent"),
    "GetVersion": Need("artifactregistry.versions.get", "name"),
    "ListVersions": Need("artifactregistry.versions.list", "parent"),
    "GetDockerImage": Need("artifactregistry.dockerimages.get", "name"),
    "ListDockerImages": Need("artifactregistry.dockerimages.list", "parent"),
} | dict(_access("artifactregistry.repositories"))

NEEDS: dict[str, Need] = {
    f"/{prefix}{rpc}": need
    for prefix, rows in {
        "google.cloud.run.v2.": _RUN,
        "google.longrunning.Operations/": _OPERATIONS,
        "google.logging.v2.LoggingServiceV2/": _LOGGING,
        "google.monitoring.v3.MetricService/": _MONITORING,
        "google.cloud.secretmanager.v1.SecretManagerService/": _SECRETS,
        "google.api.serviceusage.v1.ServiceUsage/": _USAGE,
        "google.cloud.resourcemanager.v3.Projects/": _PROJECTS,
        "google.devtools.artifactregistry.v1.ArtifactRegistry/": _REPOSITORIES,
    }.items()
    for rpc, need in rows.items()
}
"""By path; TestIamPermissions needs none."""

MAKES_A_REVISION = frozenset(
    {"/google.cloud.run.v2.Services/CreateService", "/google.cloud.run.v2.Services/UpdateService"}
)


def matching(name: str) -> list[str]:
    """The paths that a method's name means: `CreateService`, `Services/GetIamPolicy` or a whole path."""
    return [path for path in NEEDS if path.endswith((f"/{name}", f".{name}")) or path == f"/{name}"]

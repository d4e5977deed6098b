"""The permissions that an operator of an environment needs, and the least role that gives each.

Roles and their permissions: https://cloud.google.com/iam/docs/roles-permissions.
"""

from __future__ import annotations

from google.cloud import resourcemanager_v3

from ccconsole.cloud.connect import Connection
from ccconsole.cloud.errors import translated

LEAST_ROLES = {
    "run.services.list": "roles/run.viewer",
    "run.services.get": "roles/run.viewer",
    "run.revisions.list": "roles/run.viewer",
    "run.services.create": "roles/run.developer",
    "run.services.update": "roles/run.developer",
    "run.services.delete": "roles/run.developer",
    "run.operations.get": "roles/run.developer",
    "run.services.setIamPolicy": "roles/run.admin",
    "run.routes.invoke": "roles/run.invoker",
    "iam.serviceAccounts.actAs": "roles/iam.serviceAccountUser",
    "logging.logEntries.list": "roles/logging.viewer",
    "monitoring.timeSeries.list": "roles/monitoring.viewer",
    "secretmanager.secrets.list": "roles/secretmanager.viewer",
    "secretmanager.versions.list": "roles/secretmanager.viewer",
    "secretmanager.secrets.create": "roles/secretmanager.admin",
    "secretmanager.versions.add": "roles/secretmanager.secretVersionAdder",
    "secretmanager.secrets.setIamPolicy": "roles/secretmanager.admin",
    "artifactregistry.repositories.get": "roles/artifactregistry.reader",
    "artifactregistry.repositories.uploadArtifacts": "roles/artifactregistry.writer",
    "serviceusage.services.list": "roles/serviceusage.serviceUsageViewer",
}
LOOKING = frozenset(
    {
        "run.services.list",
        "run.services.get",
        "run.revisions.list",
        "run.routes.invoke",
        "logging.logEntries.list",
        "monitoring.timeSeries.list",
    }
)
"""What watching and prompting take; without one of the others some changes are out of reach."""
_TIMEOUT = 15.0


async def missing(connection: Connection) -> tuple[str, ...]:
    """Of those permissions the ones that this login lacks on the project, in one call."""
    project = connection.environment.project
    client = connection.client(resourcemanager_v3.ProjectsAsyncClient)
    with translated(connection.environment, f"ask what you may do in {project}"):
        answer = await client.test_iam_permissions(
            {"resource": f"projects/{project}", "permissions": list(LEAST_ROLES)}, timeout=_TIMEOUT
        )
    held = set(answer.permissions)
    return tuple(name for name in LEAST_ROLES if name not in held)


def grant_command(project: str, permission: str) -> str:
    """The command that gives the permission with its least role."""
    role = LEAST_ROLES[permission]
    return f'gcloud projects add-iam-policy-binding {project} --member="user:YOU" --role="{role}"'

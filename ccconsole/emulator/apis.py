"""Google's APIs as a project sees them: all are on but those that were switched off."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ccconsole.emulator.names import project_number

TITLES = {
    "artifactregistry.googleapis.com": "Artifact Registry API",
    "cloudbuild.googleapis.com": "Cloud Build API",
    "cloudresourcemanager.googleapis.com": "Cloud Resource Manager API",
    "iam.googleapis.com": "Identity and Access Management (IAM) API",
    "iamcredentials.googleapis.com": "IAM Service Account Credentials API",
    "logging.googleapis.com": "Cloud Logging API",
    "monitoring.googleapis.com": "Cloud Monitoring API",
    "run.googleapis.com": "Cloud Run Admin API",
    "secretmanager.googleapis.com": "Secret Manager API",
    "serviceusage.googleapis.com": "Service Usage API",
    "storage.googleapis.com": "Cloud Storage API",
}
"""The APIs that exist here, by name; whether the emulator answers them or not, they can be on or off."""
_OF_PACKAGE = {
    "/google.cloud.run.v2.": "run.googleapis.com",
    "/google.logging.v2.": "logging.googleapis.com",
    "/google.monitoring.v3.": "monitoring.googleapis.com",
    "/google.cloud.secretmanager.v1.": "secretmanager.googleapis.com",
    "/google.api.serviceusage.v1.": "serviceusage.googleapis.com",
    "/google.cloud.resourcemanager.v3.": "cloudresourcemanager.googleapis.com",
    "/google.devtools.artifactregistry.v1.": "artifactregistry.googleapis.com",
}


def api_of(path: str) -> str:
    """The API that an RPC's path belongs to; nothing for google.longrunning, which all share."""
    return next((api for package, api in _OF_PACKAGE.items() if path.startswith(package)), "")


class Apis:
    """Which API is on in which project; `save` is called with what was switched, after each change."""

    def __init__(
        self,
        saved: Mapping[str, Any],
        save: Callable[[dict[str, Any]], None],
        disabled: Iterable[str] = (),
    ) -> None:
        """`disabled` are off in every project until somebody enables them, whatever was saved."""
        self._disabled = frozenset(disabled)
        self._switched: dict[str, bool] = {
            key: is_on for key, is_on in saved.items() if key.partition("/")[2] not in self._disabled
        }
        self._save = save

    @property
    def are_all_on(self) -> bool:
        """Whether no API is off anywhere."""
        return not self._disabled and all(self._switched.values())

    def is_enabled(self, project: str, api: str) -> bool:
        """Whether an API is on in a project."""
        return self._switched.get(_key(project, api), api not in self._disabled)

    def switch(self, project: str, api: str, *, is_on: bool) -> None:
        """Enable or disable an API in a project."""
        self._switched[_key(project, api)] = is_on
        self._save(dict(self._switched))


def _key(project: str, api: str) -> str:
    """By the project's number: callers name it by that as well."""
    return f"{project_number(project)}/{api}"

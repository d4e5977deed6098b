"""The rooms that are furnished when somebody first enters: each imports its Google messages within."""

from __future__ import annotations

from collections.abc import Sequence

from ccconsole.emulator.apis import Apis
from ccconsole.emulator.catalog import Catalog
from ccconsole.emulator.names import parse_service
from ccconsole.emulator.operations import Operations
from ccconsole.emulator.policies import Policies
from ccconsole.emulator.rpc import Method, Room
from ccconsole.emulator.secretmanager.store import Secrets
from ccconsole.emulator.state import StateDir

RUN_SERVICES = "/google.cloud.run.v2.Services/"


def run_access(policies: Policies, catalog: Catalog, denied: frozenset[str]) -> Room:
    """IAM policies of services."""

    def find(resource: str) -> str:
        return str(catalog.get(parse_service(resource, "resource")).name)

    def build() -> Sequence[Method]:
        from ccconsole.emulator.access import Access

        return Access(RUN_SERVICES, policies, find, denied).methods()

    return Room(RUN_SERVICES, build)


def secret_manager(secrets: Secrets, policies: Policies, denied: frozenset[str]) -> Room:
    """Secret Manager."""

    def build() -> Sequence[Method]:
        from ccconsole.emulator.secretmanager.service import SecretManager

        return SecretManager(secrets, policies, denied).methods()

    return Room("/google.cloud.secretmanager.v1.", build)


def service_usage(apis: Apis, operations: Operations) -> Room:
    """Service Usage."""

    def build() -> Sequence[Method]:
        from ccconsole.emulator.serviceusage import ServiceUsage

        return ServiceUsage(apis, operations).methods()

    return Room("/google.api.serviceusage.v1.", build)


def artifact_registry(
    state: StateDir, operations: Operations, policies: Policies, denied: frozenset[str]
) -> Room:
    """Artifact Registry."""

    def build() -> Sequence[Method]:
        from ccconsole.emulator.artifactregistry import ArtifactRegistry

        return ArtifactRegistry(*state.room("repositories"), operations, policies, denied).methods()

    return Room("/google.devtools.artifactregistry.v1.", build)


def projects(policies: Policies, denied: frozenset[str]) -> Room:
    """Resource Manager's projects."""

    def build() -> Sequence[Method]:
        from ccconsole.emulator.projects import Projects

        return Projects(policies, denied).methods()

    return Room("/google.cloud.resourcemanager.v3.", build)

"""The rooms that are furnished when somebody first enters: each imports its Google messages within."""

from __future__ import annotations

from collections.abc import Sequence

from ccconsole.emulator.catalog import Catalog
from ccconsole.emulator.names import parse_service
from ccconsole.emulator.policies import Policies
from ccconsole.emulator.rpc import Method, Room

RUN_SERVICES = "/google.cloud.run.v2.Services/"


def run_access(policies: Policies, catalog: Catalog) -> Room:
    """IAM policies of services."""

    def find(resource: str) -> str:
        return str(catalog.get(parse_service(resource, "resource")).name)

    def build() -> Sequence[Method]:
        from ccconsole.emulator.access import Access

        return Access(RUN_SERVICES, policies, find).methods()

    return Room(RUN_SERVICES, build)

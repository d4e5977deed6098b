"""google.cloud.resourcemanager.v3.Projects: every project somebody names exists."""

from __future__ import annotations

import re

from google.cloud.resourcemanager_v3.types import projects

from ccconsole.emulator.access import Access
from ccconsole.emulator.faults import invalid
from ccconsole.emulator.names import PROJECT, project_number
from ccconsole.emulator.policies import Policies
from ccconsole.emulator.rpc import Method, plus

PREFIX = "/google.cloud.resourcemanager.v3.Projects/"
_NAME = re.compile(r"projects/([^/]+)")


class Projects:
    """The RPCs on one project."""

    def __init__(self, policies: Policies, denied: frozenset[str]) -> None:
        self._access = Access(PREFIX, policies, lambda name: f"projects/{_project(name)}", denied)

    def methods(self) -> list[Method]:
        """The rows of google.cloud.resourcemanager.v3.Projects."""
        return [plus(f"{PREFIX}GetProject", projects.GetProjectRequest, self._get), *self._access.methods()]

    async def _get(self, request: projects.GetProjectRequest) -> projects.Project:
        project = _project(request.name)
        return projects.Project(
            name=f"projects/{project_number(project)}",
            project_id=project,
            display_name=project,
            state=projects.Project.State.ACTIVE,
        )


def _project(name: str) -> str:
    match = _NAME.fullmatch(name)
    if match is None or not PROJECT.fullmatch(match[1]):
        raise invalid(f"The name '{name}' does not match projects/*.")
    return match[1]

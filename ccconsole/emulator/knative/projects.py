"""cloudresourcemanager v1: gcloud asks it for a project's number; the emulator's projects are those of v3."""

from __future__ import annotations

from google.cloud.resourcemanager_v3.types.projects import GetProjectRequest, Project
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from ccconsole.emulator.knative.calls import Ask

_RPC = "/google.cloud.resourcemanager.v3.Projects/GetProject"


def route(ask: Ask) -> Route:
    """GET of a project."""

    async def answer(request: Request) -> Response:
        name = f"projects/{request.path_params['project']}"
        found = Project.pb().FromString(await ask(_RPC, GetProjectRequest.pb()(name=name)))
        return JSONResponse(
            {
                "projectNumber": found.name.removeprefix("projects/"),
                "projectId": found.project_id,
                "name": found.display_name,
                "lifecycleState": "ACTIVE",
            }
        )

    return Route("/v1/projects/{project}", answer, methods=["GET"])

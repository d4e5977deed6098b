"""serving.knative.dev/v1: services and revisions; each request becomes the RPC of API v2."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import grpc
from google.cloud.run_v2.types.revision import (
    DeleteRevisionRequest,
    GetRevisionRequest,
    ListRevisionsRequest,
    ListRevisionsResponse,
    Revision,
)
from google.cloud.run_v2.types.service import (
    CreateServiceRequest,
    DeleteServiceRequest,
    GetServiceRequest,
    ListServicesRequest,
    ListServicesResponse,
    Service,
    UpdateServiceRequest,
)
from google.longrunning import operations_pb2
from google.protobuf.message import Message
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from ccconsole.emulator.faults import Fault, invalid
from ccconsole.emulator.knative import objects
from ccconsole.emulator.knative.annotations import SERVING
from ccconsole.emulator.knative.answers import code_of, read_body
from ccconsole.emulator.knative.calls import Ask, Json, to_json, to_message
from ccconsole.emulator.knative.selectors import selector
from ccconsole.emulator.names import ANY, REGION, Location, ServiceName
from ccconsole.emulator.pages import MAX_SIZE

_SERVICES = "/google.cloud.run.v2.Services/"
_REVISIONS = "/google.cloud.run.v2.Revisions/"
_ROOTS = (f"/apis/{SERVING}/v1/namespaces/{{project}}", "/v1/projects/{project}/locations/{region}")
"""The first is asked at a region's own host, REGION-run.googleapis.com; in the second the path names it."""
_HOST = re.compile(rf"({REGION.pattern})-[^-].*")

Regions = Callable[[str], Sequence[str]]
"""The regions in which a project has services."""
_Handler = Callable[[Request], Awaitable[Response]]


class Serving:
    """The routes, and what answers them."""

    def __init__(self, ask: Ask, regions: Regions) -> None:
        self._ask = ask
        self._regions = regions

    def routes(self) -> list[Route]:
        """Both roots' routes."""
        rows: list[tuple[str, str, _Handler]] = [
            ("GET", "/services", self._list_services),
            ("POST", "/services", self._create),
            ("GET", "/services/{service}", self._get_service),
            ("PUT", "/services/{service}", self._replace),
            ("DELETE", "/services/{service}", self._delete_service),
            ("GET", "/revisions", self._list_revisions),
            ("GET", "/revisions/{revision}", self._get_revision),
            ("DELETE", "/revisions/{revision}", self._delete_revision),
        ]
        return [
            Route(f"{root}{path}", handler, methods=[method])
            for root in _ROOTS
            for method, path, handler in rows
        ]

    async def _list_services(self, request: Request) -> Response:
        async def page(location: Location, size: int, token: str) -> tuple[list[Json], str]:
            asked = ListServicesRequest.pb()(parent=str(location), page_size=size, page_token=token)
            raw = await self._ask(f"{_SERVICES}ListServices", asked)
            found = ListServicesResponse.pb().FromString(raw)
            return [objects.write_service(to_json(item)) for item in found.services], found.next_page_token

        return await self._list(request, "ServiceList", page)

    async def _list_revisions(self, request: Request) -> Response:
        async def page(location: Location, size: int, token: str) -> tuple[list[Json], str]:
            parent = str(ServiceName(location, ANY))
            asked = ListRevisionsRequest.pb()(parent=parent, page_size=size, page_token=token)
            raw = await self._ask(f"{_REVISIONS}ListRevisions", asked)
            found = ListRevisionsResponse.pb().FromString(raw)
            return [objects.write_revision(to_json(item)) for item in found.revisions], found.next_page_token

        return await self._list(request, "RevisionList", page)

    async def _list(
        self,
        request: Request,
        kind: str,
        page: Callable[[Location, int, str], Awaitable[tuple[list[Json], str]]],
    ) -> Response:
        """All of a list, or with `limit` a page of it, less what the label selector leaves out."""
        project, region = request.path_params["project"], _region(request)
        locations = [
            Location(project, each) for each in (self._regions(project) if region == ANY else [region])
        ]
        wanted = selector(request.query_params.get("labelSelector", ""))
        if request.query_params.get("fieldSelector"):
            raise invalid("Invalid value at 'field_selector': the emulator selects by labels alone.")
        limit, token = _limit(request), request.query_params.get("continue", "")
        found: list[Json] = []
        for location in locations:
            rows, token = await page(location, limit or MAX_SIZE, token)
            found += rows
            while token and not (limit and region != ANY):
                rows, token = await page(location, MAX_SIZE, token)
                found += rows
        items = [item for item in found if wanted(item["metadata"]["labels"])]
        metadata = {"continue": token} if token else {}
        return JSONResponse({"apiVersion": objects.API, "kind": kind, "metadata": metadata, "items": items})

    async def _get_service(self, request: Request) -> Response:
        asked = GetServiceRequest.pb()(name=str(_service(request)))
        found = Service.pb().FromString(await self._ask(f"{_SERVICES}GetService", asked))
        return JSONResponse(objects.write_service(to_json(found)))

    async def _create(self, request: Request) -> Response:
        body = await read_body(request)
        metadata = body.get("metadata")
        service_id = metadata.get("name") if isinstance(metadata, dict) else None
        name = ServiceName(_location(request), str(service_id or ""))
        given = objects.read_service(body, name)
        given.pop("etag", None)
        asked = CreateServiceRequest.pb()(
            parent=str(name.location),
            service_id=name.service,
            service=to_message(given, Service.pb()),
            validate_only=_is_dry(request),
        )
        return await self._changed(f"{_SERVICES}CreateService", asked)

    async def _replace(self, request: Request) -> Response:
        name = _service(request)
        given = objects.read_service(await read_body(request), name)
        asked = UpdateServiceRequest.pb()(
            service=to_message(given, Service.pb()),
            update_mask={"paths": objects.CHANGED},
            validate_only=_is_dry(request),
        )
        return await self._changed(f"{_SERVICES}UpdateService", asked)

    async def _changed(self, rpc: str, asked: Message) -> Response:
        """The service as it is right after the call: its conditions tell the rest."""
        operation = await self._begun(rpc, asked)
        service = Service.pb()()
        operation.metadata.Unpack(service)
        if not operation.done and not service.reconciling:
            # This API has no operation to wait for, and the service's conditions would tell of no failure.
            raise Fault(grpc.StatusCode.DEADLINE_EXCEEDED, "The operation does not end, as --fail asked.")
        return JSONResponse(objects.write_service(to_json(service)))

    async def _begun(self, rpc: str, asked: Message) -> operations_pb2.Operation:
        """The operation of a call; raises the Fault of one that has failed already."""
        operation = operations_pb2.Operation.FromString(await self._ask(rpc, asked))
        if operation.HasField("error"):
            raise Fault(code_of(operation.error.code), operation.error.message)
        return operation

    async def _delete_service(self, request: Request) -> Response:
        name = _service(request)
        asked = DeleteServiceRequest.pb()(name=str(name), validate_only=_is_dry(request))
        await self._begun(f"{_SERVICES}DeleteService", asked)
        return _deleted("services", name.service)

    async def _get_revision(self, request: Request) -> Response:
        asked = GetRevisionRequest.pb()(name=_revision(request))
        found = Revision.pb().FromString(await self._ask(f"{_REVISIONS}GetRevision", asked))
        return JSONResponse(objects.write_revision(to_json(found)))

    async def _delete_revision(self, request: Request) -> Response:
        asked = DeleteRevisionRequest.pb()(name=_revision(request), validate_only=_is_dry(request))
        await self._begun(f"{_REVISIONS}DeleteRevision", asked)
        return _deleted("revisions", request.path_params["revision"])


def _region(request: Request) -> str:
    if "region" in request.path_params:
        return str(request.path_params["region"])
    match = _HOST.fullmatch(request.headers.get("host", ""))
    if match is None:
        raise invalid(
            f"The host '{request.headers.get('host', '')}' names no region: ask REGION-HOST, or the path "
            "/v1/projects/PROJECT/locations/REGION."
        )
    return match[1]


def _location(request: Request) -> Location:
    return Location(request.path_params["project"], _region(request))


def _service(request: Request) -> ServiceName:
    return ServiceName(_location(request), request.path_params["service"])


def _revision(request: Request) -> str:
    """A revision's full name; Knative's namespaces have revisions of their own, outside of services."""
    return ServiceName(_location(request), ANY).revision(request.path_params["revision"])


def _limit(request: Request) -> int:
    text = request.query_params.get("limit", "0")
    if not text.isdigit():
        raise invalid(f"Invalid value at 'limit' (TYPE_INT32), \"{text}\"")
    return int(text)


def _is_dry(request: Request) -> bool:
    text = request.query_params.get("dryRun", "")
    if text not in ("", "all"):
        raise invalid(f"Invalid value at 'dry_run': '{text}' is not 'all'.")
    return text == "all"


def _deleted(kind: str, name: str) -> Response:
    body: dict[str, Any] = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success"}
    return JSONResponse(body | {"details": {"name": name, "group": SERVING, "kind": kind}})

"""google.api.serviceusage.v1.ServiceUsage: which APIs a project uses."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

import grpc
from google.cloud.service_usage_v1.types import resources, serviceusage
from google.longrunning import operations_pb2

from ccconsole.emulator.apis import TITLES, Apis
from ccconsole.emulator.faults import Fault, Reason, invalid, unimplemented
from ccconsole.emulator.names import PROJECT, project_number
from ccconsole.emulator.operations import Operations
from ccconsole.emulator.pages import page
from ccconsole.emulator.rpc import Method, plus

PREFIX = "/google.api.serviceusage.v1.ServiceUsage/"
MAX_GET, MAX_ENABLE = 30, 20
"""APIs in one batch, as the reference of BatchGetServicesRequest and BatchEnableServicesRequest says."""
_PARENT = re.compile(r"projects/([^/]+)")
_NAME = re.compile(r"projects/([^/]+)/services/([^/]+)")
_FILTER = re.compile(r"state:(ENABLED|DISABLED)")


class ServiceUsage:
    """The RPCs on a project's APIs."""

    def __init__(self, apis: Apis, operations: Operations) -> None:
        self._apis = apis
        self._operations = operations

    def methods(self) -> list[Method]:
        """The rows of google.api.serviceusage.v1.ServiceUsage."""
        s = serviceusage
        return [
            plus(f"{PREFIX}GetService", s.GetServiceRequest, self._get),
            plus(f"{PREFIX}BatchGetServices", s.BatchGetServicesRequest, self._get_batch),
            plus(f"{PREFIX}ListServices", s.ListServicesRequest, self._list),
            plus(f"{PREFIX}EnableService", s.EnableServiceRequest, self._enable),
            plus(f"{PREFIX}BatchEnableServices", s.BatchEnableServicesRequest, self._enable_batch),
            plus(f"{PREFIX}DisableService", s.DisableServiceRequest, self._disable),
        ]

    async def _get(self, request: serviceusage.GetServiceRequest) -> resources.Service:
        return self._service(*_parse(request.name))

    async def _get_batch(
        self, request: serviceusage.BatchGetServicesRequest
    ) -> serviceusage.BatchGetServicesResponse:
        project = _project(request.parent)
        names = [_parse(name) for name in request.names]
        if not 0 < len(names) <= MAX_GET:
            raise invalid(f"BatchGetServicesRequest.names: takes 1 to {MAX_GET} names, not {len(names)}.")
        if any(other != project for other, _ in names):
            raise invalid("BatchGetServicesRequest.names: all must be in the parent.")
        return serviceusage.BatchGetServicesResponse(services=[self._service(*name) for name in names])

    async def _list(self, request: serviceusage.ListServicesRequest) -> serviceusage.ListServicesResponse:
        project = _project(request.parent)
        found = [self._service(project, api) for api in sorted(TITLES)]
        if request.filter:
            match = _FILTER.fullmatch(request.filter)
            if match is None:
                raise unimplemented("ListServicesRequest.filter: state:ENABLED or state:DISABLED.")
            found = [item for item in found if item.state.name == match[1]]
        rows, token = page(found, request.page_size, request.page_token, lambda item: str(item.name))
        return serviceusage.ListServicesResponse(services=rows, next_page_token=token)

    async def _enable(self, request: serviceusage.EnableServiceRequest) -> operations_pb2.Operation:
        (service,) = self._switch(*_parse(request.name), is_on=True)
        return self._done([service], serviceusage.EnableServiceResponse(service=service))

    async def _enable_batch(
        self, request: serviceusage.BatchEnableServicesRequest
    ) -> operations_pb2.Operation:
        project, ids = _project(request.parent), list(request.service_ids)
        if not 0 < len(ids) <= MAX_ENABLE:
            raise invalid(f"BatchEnableServicesRequest.service_ids: takes 1 to {MAX_ENABLE}, not {len(ids)}.")
        services = self._switch(project, *ids, is_on=True)
        return self._done(services, serviceusage.BatchEnableServicesResponse(services=services))

    async def _disable(self, request: serviceusage.DisableServiceRequest) -> operations_pb2.Operation:
        (service,) = self._switch(*_parse(request.name), is_on=False)
        return self._done([service], serviceusage.DisableServiceResponse(service=service))

    def _switch(self, project: str, *apis: str, is_on: bool) -> list[resources.Service]:
        _check(apis)
        for api in apis:
            self._apis.switch(project, api, is_on=is_on)
        return [self._service(project, api) for api in apis]

    def _done(
        self,
        services: Sequence[resources.Service],
        response: serviceusage.EnableServiceResponse
        | serviceusage.BatchEnableServicesResponse
        | serviceusage.DisableServiceResponse,
    ) -> operations_pb2.Operation:
        metadata = resources.OperationMetadata(resource_names=[item.name for item in services])
        return self._operations.done(
            "", resources.OperationMetadata.pb(metadata), type(response).pb(response)
        )

    def _service(self, project: str, api: str) -> resources.Service:
        _check([api])
        is_enabled = self._apis.is_enabled(project, api)
        return resources.Service(
            name=f"projects/{project}/services/{api}",
            parent=f"projects/{project_number(project)}",
            config=resources.ServiceConfig(name=api, title=TITLES[api]),
            state=resources.State.ENABLED if is_enabled else resources.State.DISABLED,
        )


def _project(parent: str) -> str:
    match = _PARENT.fullmatch(parent)
    if match is None or not PROJECT.fullmatch(match[1]):
        raise invalid(f"The parent '{parent}' does not match projects/*.")
    return match[1]


def _parse(name: str) -> tuple[str, str]:
    match = _NAME.fullmatch(name)
    if match is None:
        raise invalid(f"The name '{name}' does not match projects/*/services/*.")
    return _project(f"projects/{match[1]}"), match[2]


def _check(apis: Iterable[str]) -> None:
    unknown = [api for api in apis if api not in TITLES]
    if unknown:
        names = ", ".join(unknown)
        reason = Reason(
            "SERVICE_CONFIG_NOT_FOUND_OR_PERMISSION_DENIED",
            "serviceusage.googleapis.com",
            {"services": names},
        )
        text = f"Not found or permission denied for service(s): {names}."
        raise Fault(grpc.StatusCode.PERMISSION_DENIED, text, reason)

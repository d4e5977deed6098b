"""google.cloud.run.v2.Services."""

from __future__ import annotations

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

from ccconsole.emulator import conditions as c
from ccconsole.emulator import defaults, validation
from ccconsole.emulator.catalog import Catalog
from ccconsole.emulator.deployer import Deployer
from ccconsole.emulator.faults import conflict, exists, precondition
from ccconsole.emulator.names import ServiceName, check_service_id, parse_location, parse_service, short
from ccconsole.emulator.operations import DELETE, DEPLOY, Operations
from ccconsole.emulator.pages import page
from ccconsole.emulator.records import Record, actor, new_etag, new_uid
from ccconsole.emulator.revising import has_failed, merge, needs_revision, new_revision
from ccconsole.emulator.rpc import Method, plus

_PREFIX = "/google.cloud.run.v2.Services/"


class Services:
    """The RPCs on services."""

    def __init__(self, catalog: Catalog, operations: Operations, deployer: Deployer) -> None:
        self._catalog = catalog
        self._operations = operations
        self._deployer = deployer

    def methods(self) -> list[Method]:
        """The rows of google.cloud.run.v2.Services, without those on IAM policies (`access`)."""
        return [
            plus(f"{_PREFIX}ListServices", ListServicesRequest, self._list),
            plus(f"{_PREFIX}GetService", GetServiceRequest, self._get),
            plus(f"{_PREFIX}CreateService", CreateServiceRequest, self._create),
            plus(f"{_PREFIX}UpdateService", UpdateServiceRequest, self._update),
            plus(f"{_PREFIX}DeleteService", DeleteServiceRequest, self._delete),
        ]

    async def _list(self, request: ListServicesRequest) -> ListServicesResponse:
        location = parse_location(request.parent, "ListServicesRequest.parent")
        found = [record.service for record in self._catalog.at(location)]
        rows, token = page(found, request.page_size, request.page_token, lambda item: item.name)
        return ListServicesResponse(services=rows, next_page_token=token)

    async def _get(self, request: GetServiceRequest) -> Service:
        return self._catalog.get(parse_service(request.name, "GetServiceRequest.name")).service

    async def _create(self, request: CreateServiceRequest) -> operations_pb2.Operation:
        location = parse_location(request.parent, "CreateServiceRequest.parent")
        check_service_id(request.service_id, "CreateServiceRequest.service_id")
        name = ServiceName(location, request.service_id)
        if self._catalog.find(name) is not None:
            raise exists(request.service_id)
        return self._make(name, request.service, "CreateServiceRequest", is_dry=request.validate_only)

    async def _update(self, request: UpdateServiceRequest) -> operations_pb2.Operation:
        name = parse_service(request.service.name, "UpdateServiceRequest.service.name")
        record = self._catalog.find(name)
        if record is None and request.allow_missing:
            check_service_id(name.service, "UpdateServiceRequest.service.name")
            return self._make(name, request.service, "UpdateServiceRequest", is_dry=request.validate_only)
        record = self._catalog.get(name)
        self._check_version(record, request.service.etag)
        wanted = merge(record.service, request.service, list(request.update_mask.paths))
        paths = request.update_mask.paths
        is_template = not paths or any(path == "*" or path.startswith("template") for path in paths)
        return self._change(record, wanted, is_template=is_template, is_dry=request.validate_only)

    async def _delete(self, request: DeleteServiceRequest) -> operations_pb2.Operation:
        record = self._catalog.get(parse_service(request.name, "DeleteServiceRequest.name"))
        self._check_version(record, request.etag)
        gone = Service(record.service)
        gone.delete_time = c.now()
        gone.reconciling = True
        gone.etag = new_etag()
        if request.validate_only:
            return _dry(gone)
        location = str(record.name.location)
        operation = self._operations.start(location, DELETE, str(record.name), record.service.generation)
        record.service = gone
        self._catalog.save(record)
        self._deployer.delete(record, operation)
        return self._operations.read(operation)

    def _check_version(self, record: Record, etag: str) -> None:
        if record.is_deleted:
            raise precondition(f"Service '{record.name.service}' is being deleted.")
        if etag and etag != record.service.etag:
            raise conflict(record.name.service, etag, record.service.etag)

    def _make(
        self, name: ServiceName, given: Service, request: str, *, is_dry: bool
    ) -> operations_pb2.Operation:
        service = merge(Service(name=str(name)), given, [])
        defaults.fill(service)
        validation.check(service, name.service, request)
        service.uid = new_uid()
        service.create_time = c.now()
        service.creator = actor()
        self._stamp(service)
        if is_dry:
            return _dry(service)
        return self._start(self._catalog.add(name, service), service, is_revised=True)

    def _change(
        self, record: Record, wanted: Service, *, is_template: bool, is_dry: bool
    ) -> operations_pb2.Operation:
        defaults.fill(wanted)
        validation.check(wanted, record.name.service, "UpdateServiceRequest")
        is_revised = is_template and needs_revision(record, wanted.template)
        is_changed = is_revised or wanted != record.service
        if not is_changed and has_failed(record):
            is_revised = is_changed = True
        if is_changed:
            self._stamp(wanted)
        if is_dry:
            return _dry(wanted)
        if is_changed:
            return self._start(record, wanted, is_revised=is_revised)
        under_way = self._operations.under_way(str(record.name))
        if under_way:
            return self._operations.read(under_way[-1])
        operation = self._operations.start(
            str(record.name.location), DEPLOY, str(record.name), record.service.generation
        )
        self._operations.succeed(operation, Service.pb(record.service))
        return self._operations.read(operation)

    def _stamp(self, service: Service) -> None:
        service.generation += 1
        service.update_time = c.now()
        service.last_modifier = actor()
        service.etag = new_etag()
        service.reconciling = True
        service.terminal_condition = c.make(c.READY, c.State.CONDITION_RECONCILING)
        for kind in (c.ROUTES, c.CONFIGURATIONS):
            c.put(service.conditions, c.make(kind, c.State.CONDITION_RECONCILING))

    def _start(self, record: Record, service: Service, *, is_revised: bool) -> operations_pb2.Operation:
        revision = ""
        if is_revised:
            made = new_revision(record, service, self._deployer.log_uri)
            revision = short(made.name)
            service.latest_created_revision = made.name
        else:
            c.put(service.conditions, c.make(c.CONFIGURATIONS, c.State.CONDITION_SUCCEEDED))
        operation = self._operations.start(
            str(record.name.location), DEPLOY, str(record.name), service.generation, revision
        )
        record.service = service
        self._catalog.save(record)
        self._deployer.deploy(record, operation)
        return self._operations.read(operation)


def _dry(service: Service) -> operations_pb2.Operation:
    """What `validate_only` answers: an operation that is done and nowhere kept."""
    location = str(parse_service(service.name, "name").location)
    operation = operations_pb2.Operation(name=f"{location}/operations/{new_uid()}", done=True)
    operation.metadata.Pack(Service.pb(service))
    operation.response.Pack(Service.pb(service))
    return operation

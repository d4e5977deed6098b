"""google.cloud.run.v2.Revisions."""

from __future__ import annotations

from google.cloud.run_v2.types.revision import (
    DeleteRevisionRequest,
    GetRevisionRequest,
    ListRevisionsRequest,
    ListRevisionsResponse,
    Revision,
)
from google.longrunning import operations_pb2

from ccconsole.emulator import conditions as c
from ccconsole.emulator.catalog import Catalog
from ccconsole.emulator.deployer import Deployer
from ccconsole.emulator.faults import conflict, precondition
from ccconsole.emulator.names import ANY, parse_service, short
from ccconsole.emulator.operations import DELETE_REVISION, Operations
from ccconsole.emulator.pages import page
from ccconsole.emulator.records import Record, new_etag, new_uid
from ccconsole.emulator.rpc import Method, plus

_PREFIX = "/google.cloud.run.v2.Revisions/"


class Revisions:
    """The RPCs on revisions."""

    def __init__(self, catalog: Catalog, operations: Operations, deployer: Deployer) -> None:
        self._catalog = catalog
        self._operations = operations
        self._deployer = deployer

    def methods(self) -> list[Method]:
        """The rows of google.cloud.run.v2.Revisions."""
        return [
            plus(f"{_PREFIX}ListRevisions", ListRevisionsRequest, self._list),
            plus(f"{_PREFIX}GetRevision", GetRevisionRequest, self._get),
            plus(f"{_PREFIX}DeleteRevision", DeleteRevisionRequest, self._delete),
        ]

    async def _list(self, request: ListRevisionsRequest) -> ListRevisionsResponse:
        name = parse_service(request.parent, "ListRevisionsRequest.parent", is_wildcard_allowed=True)
        records = self._catalog.at(name.location) if name.service == ANY else [self._catalog.get(name)]
        found = [revision for record in records for revision in reversed(record.revisions.values())]
        rows, token = page(found, request.page_size, request.page_token, lambda item: item.name)
        return ListRevisionsResponse(revisions=rows, next_page_token=token)

    async def _get(self, request: GetRevisionRequest) -> Revision:
        return self._catalog.revision(request.name, "GetRevisionRequest.name")[2]

    async def _delete(self, request: DeleteRevisionRequest) -> operations_pb2.Operation:
        record, name, revision = self._catalog.revision(request.name, "DeleteRevisionRequest.name")
        if request.etag and request.etag != revision.etag:
            raise conflict(name, request.etag, revision.etag)
        _check_retired(record, name)
        gone = Revision(revision)
        gone.delete_time = c.now()
        gone.etag = new_etag()
        location = str(record.name.location)
        if request.validate_only:
            operation = operations_pb2.Operation(name=f"{location}/operations/{new_uid()}", done=True)
            operation.metadata.Pack(Revision.pb(gone))
            operation.response.Pack(Revision.pb(gone))
            return operation
        record.revisions[name] = gone
        started = self._operations.start(location, DELETE_REVISION, gone.name, gone.generation)
        self._deployer.delete_revision(record, name, started)
        return self._operations.read(started)


def _check_retired(record: Record, name: str) -> None:
    service = record.service
    is_latest = name in (short(service.latest_created_revision), short(service.latest_ready_revision))
    is_routed = record.ingress.route.is_active(name) or any(
        target.revision == name for target in service.traffic
    )
    if is_latest or is_routed or len(record.revisions) == 1:
        raise precondition(
            f"Revision '{name}' cannot be deleted: it can receive traffic, or it is the latest one of "
            f"service '{record.name.service}'."
        )

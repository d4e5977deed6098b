"""Long-running operations and google.longrunning.Operations over them."""

from __future__ import annotations

import asyncio
import base64
import uuid
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import grpc
from google.longrunning import operations_pb2
from google.protobuf import empty_pb2
from google.protobuf.message import Message

from ccconsole.emulator.faults import Fault, invalid, precondition
from ccconsole.emulator.names import parse_location
from ccconsole.emulator.pages import page
from ccconsole.emulator.rpc import Method, raw

KEPT = 100
"""How many finished operations are remembered."""

DEPLOY, DELETE, DELETE_REVISION = "deploy", "delete", "delete-revision"
INSTANT = "instant"
"""Was done when it began."""
REQUESTED = "requested"
"""Does nothing: it was asked to fail, or never to end."""

Read = Callable[[str], Message | None]
"""Of a resource's full name its present message, or None when it is gone."""


@dataclass
class Operation:
    """One operation; `proto` is whole once it is done, before that its metadata is read afresh."""

    kind: str
    target: str
    """The resource's full name."""
    generation: int = 0
    revision: str = ""
    """Of a deployment: the short name of the revision it makes."""
    proto: operations_pb2.Operation = field(default_factory=operations_pb2.Operation)
    finished: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def name(self) -> str:
        """projects/P/locations/L/operations/UUID."""
        return str(self.proto.name)

    def to_json(self) -> dict[str, Any]:
        """For the state directory."""
        return {
            "kind": self.kind,
            "target": self.target,
            "generation": self.generation,
            "revision": self.revision,
            "operation": base64.b64encode(self.proto.SerializeToString()).decode(),
        }


def read_operation(row: dict[str, Any]) -> Operation:
    """An operation from the state directory."""
    proto = operations_pb2.Operation.FromString(base64.b64decode(row["operation"]))
    operation = Operation(row["kind"], row["target"], row["generation"], row["revision"], proto)
    if proto.done:
        operation.finished.set()
    return operation


class Operations:
    """All operations, oldest first; `save` is called after each change."""

    def __init__(self, save: Callable[[list[dict[str, Any]]], None], read: Read) -> None:
        self._save = save
        self._read = read
        self._operations: dict[str, Operation] = {}

    def load(self, rows: Sequence[dict[str, Any]]) -> list[Operation]:
        """Take the saved operations in; those that were under way."""
        for row in rows:
            operation = read_operation(row)
            self._operations[operation.name] = operation
        return [operation for operation in self._operations.values() if not operation.proto.done]

    def start(
        self, location: str, kind: str, target: str, generation: int = 0, revision: str = ""
    ) -> Operation:
        """A new operation on a resource; those of some APIs have no location."""
        operation = Operation(kind, target, generation, revision)
        operation.proto.name = f"{location}/operations/{uuid.uuid4()}".lstrip("/")
        self._operations[operation.name] = operation
        self._refresh(operation)
        self._write()
        return operation

    def done(self, location: str, metadata: Message, response: Message) -> operations_pb2.Operation:
        """A new operation that has succeeded already."""
        operation = Operation(INSTANT, "")
        operation.proto.name = f"{location}/operations/{uuid.uuid4()}".lstrip("/")
        self._operations[operation.name] = operation
        operation.proto.metadata.Pack(metadata)
        operation.proto.response.Pack(response)
        self._finish(operation)
        return operation.proto

    def succeed_as_is(self, operation: Operation) -> None:
        """End a deletion whose resource is gone already, with what was last known of it."""
        operation.proto.response.CopyFrom(operation.proto.metadata)
        self._finish(operation)

    def succeed(self, operation: Operation, response: Message) -> None:
        """End it with a response, which is its last metadata as well."""
        operation.proto.response.Pack(response)
        operation.proto.metadata.Pack(response)
        self._finish(operation)

    def fail(self, operation: Operation, code: grpc.StatusCode, message: str) -> None:
        """End it with an error."""
        if operation.proto.done:
            return
        operation.proto.error.code = code.value[0]
        operation.proto.error.message = message
        self._refresh(operation)
        self._finish(operation)

    def read(self, operation: Operation) -> operations_pb2.Operation:
        """The operation now, with live metadata while it is under way."""
        if not operation.proto.done:
            self._refresh(operation)
        return operation.proto

    def under_way(self, target: str) -> list[Operation]:
        """The operations on a resource that are not done, without those that do nothing."""
        found = [item for item in self._operations.values() if item.target == target and not item.proto.done]
        return [item for item in found if item.kind != REQUESTED]

    def methods(self) -> list[Method]:
        """The rows of google.longrunning.Operations."""
        pb = operations_pb2
        prefix = "/google.longrunning.Operations/"
        return [
            raw(f"{prefix}GetOperation", pb.GetOperationRequest, self._get),
            raw(f"{prefix}WaitOperation", pb.WaitOperationRequest, self._wait),
            raw(f"{prefix}ListOperations", pb.ListOperationsRequest, self._list),
            raw(f"{prefix}DeleteOperation", pb.DeleteOperationRequest, self._delete),
        ]

    async def _get(self, request: operations_pb2.GetOperationRequest) -> operations_pb2.Operation:
        return self.read(self._find(request.name))

    async def _wait(self, request: operations_pb2.WaitOperationRequest) -> operations_pb2.Operation:
        operation = self._find(request.name)
        seconds = request.timeout.ToTimedelta().total_seconds() if request.HasField("timeout") else None
        if seconds is not None and seconds < 0:
            raise invalid("Violation in WaitOperationRequest.timeout: must not be negative.")
        with suppress(TimeoutError):
            await asyncio.wait_for(operation.finished.wait(), seconds)
        return self.read(operation)

    async def _list(
        self, request: operations_pb2.ListOperationsRequest
    ) -> operations_pb2.ListOperationsResponse:
        location = parse_location(request.name.removesuffix("/operations"), "ListOperationsRequest.name")
        if request.filter:
            raise invalid("Violation in ListOperationsRequest.filter: the emulator takes no filter.")
        found = [item for item in self._operations.values() if item.name.startswith(f"{location}/")]
        rows, token = page(found, request.page_size, request.page_token, lambda item: item.name)
        return operations_pb2.ListOperationsResponse(
            operations=[self.read(item) for item in rows], next_page_token=token
        )

    async def _delete(self, request: operations_pb2.DeleteOperationRequest) -> empty_pb2.Empty:
        operation = self._find(request.name)
        if not operation.proto.done:
            raise precondition(f"Operation '{operation.name}' is still under way.")
        del self._operations[operation.name]
        self._write()
        return empty_pb2.Empty()

    def _find(self, name: str) -> Operation:
        operation = self._operations.get(name)
        if operation is None:
            raise Fault(grpc.StatusCode.NOT_FOUND, f"Operation '{name}' does not exist.")
        return operation

    def _refresh(self, operation: Operation) -> None:
        present = self._read(operation.target)
        if present is not None:
            operation.proto.metadata.Pack(present)

    def _finish(self, operation: Operation) -> None:
        operation.proto.done = True
        operation.finished.set()
        done = [item.name for item in self._operations.values() if item.proto.done]
        for name in done[: max(len(done) - KEPT, 0)]:
            del self._operations[name]
        self._write()

    def _write(self) -> None:
        self._save([operation.to_json() for operation in self._operations.values()])

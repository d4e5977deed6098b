"""How an RPC fails: Google's status code with Google's words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import grpc


@dataclass(frozen=True)
class Reason:
    """Why, for programs: google.rpc.ErrorInfo."""

    reason: str
    domain: str
    metadata: Mapping[str, str] = field(default_factory=dict)


class Fault(Exception):
    """An RPC's refusal; `code` travels as the gRPC status, `message` as its text, `reason` as a detail."""

    def __init__(self, code: grpc.StatusCode, message: str, reason: Reason | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.reason = reason


def invalid(message: str) -> Fault:
    """INVALID_ARGUMENT: the request is wrong whatever the state of the system."""
    return Fault(grpc.StatusCode.INVALID_ARGUMENT, message)


def missing(kind: str, name: str, region: str, project: str) -> Fault:
    """NOT_FOUND, in the words of Cloud Run; `kind` is SERVICE or REVISION."""
    text = f"Resource '{name}' of kind '{kind}' in region '{region}' in project '{project}' does not exist."
    return Fault(grpc.StatusCode.NOT_FOUND, text)


def exists(name: str) -> Fault:
    """ALREADY_EXISTS, in the words of Cloud Run."""
    return Fault(grpc.StatusCode.ALREADY_EXISTS, f"Resource '{name}' already exists.")


def conflict(name: str, given: str, current: str) -> Fault:
    """ABORTED: the caller's etag is not the resource's."""
    text = (
        f"Conflict for resource '{name}': version '{given}' was specified but current version is '{current}'."
    )
    return Fault(grpc.StatusCode.ABORTED, text)


def precondition(message: str) -> Fault:
    """FAILED_PRECONDITION: right request, wrong state of the resource."""
    return Fault(grpc.StatusCode.FAILED_PRECONDITION, message)


def unimplemented(message: str) -> Fault:
    """UNIMPLEMENTED: Google offers it, the emulator does not."""
    return Fault(grpc.StatusCode.UNIMPLEMENTED, message)

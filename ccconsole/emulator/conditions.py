"""The conditions of services and revisions."""

from __future__ import annotations

from collections.abc import MutableSequence

from google.cloud.run_v2.types.condition import Condition
from google.protobuf.timestamp_pb2 import Timestamp

READY = "Ready"
ROUTES = "RoutesReady"
CONFIGURATIONS = "ConfigurationsReady"
"""Of a service, beside Ready."""
RESOURCES = "ResourcesAvailable"
CONTAINER_READY = "ContainerReady"
CONTAINER_HEALTHY = "ContainerHealthy"
ACTIVE = "Active"
"""Of a revision, beside Ready."""

State = Condition.State
Reason = Condition.CommonReason
RevisionReason = Condition.RevisionReason


def make(
    kind: str,
    state: int,
    message: str = "",
    *,
    reason: int | None = None,
    revision_reason: int | None = None,
    severity: int | None = None,
) -> Condition:
    """One condition; a failed one has severity ERROR unless said otherwise."""
    fields: dict[str, int] = {}
    if reason is not None:
        fields["reason"] = reason
    if revision_reason is not None:
        fields["revision_reason"] = revision_reason
    if severity is not None:
        fields["severity"] = severity
    elif state == State.CONDITION_FAILED:
        fields["severity"] = Condition.Severity.ERROR
    return Condition(type_=kind, state=state, message=message, last_transition_time=now(), **fields)


def now() -> Timestamp:
    """This moment, as the protos carry it."""
    moment = Timestamp()
    moment.GetCurrentTime()
    return moment


def put(conditions: MutableSequence[Condition], condition: Condition) -> None:
    """Replace the condition of the same type, or add it; an unchanged state keeps its transition time."""
    for index, old in enumerate(conditions):
        if old.type_ == condition.type_:
            if old.state == condition.state:
                condition.last_transition_time = old.last_transition_time
            conditions[index] = condition
            return
    conditions.append(condition)

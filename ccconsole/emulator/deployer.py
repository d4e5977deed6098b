"""Brings services to their desired state: starts new revisions, moves traffic, deletes."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Coroutine
from typing import Any

import grpc
from google.cloud.run_v2.types.condition import Condition
from google.cloud.run_v2.types.revision import Revision
from google.cloud.run_v2.types.service import Service
from google.cloud.run_v2.types.traffic_target import (
    TrafficTarget,
    TrafficTargetAllocationType,
    TrafficTargetStatus,
)
from google.cloud.run_v2.types.vendor_settings import ServiceScaling

from ccconsole.emulator import conditions as c
from ccconsole.emulator import spec
from ccconsole.emulator.ingress import DEFAULT
from ccconsole.emulator.instance import StartFailed
from ccconsole.emulator.operations import Operation, Operations
from ccconsole.emulator.platform import Platform
from ccconsole.emulator.records import Record, new_etag
from ccconsole.emulator.routing import Backend, Route

LATEST = TrafficTargetAllocationType.TRAFFIC_TARGET_ALLOCATION_TYPE_LATEST


class _Unroutable(Exception):
    """A traffic target leads nowhere; Cloud Run ends the operation with this code."""

    def __init__(self, code: grpc.StatusCode, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class Deployer:
    """One task per operation; an operation ends whatever happens, unless the emulator itself does."""

    def __init__(
        self,
        platform: Platform,
        operations: Operations,
        save: Callable[[Record], None],
        forget: Callable[[Record], None],
    ) -> None:
        self._platform = platform
        self._operations = operations
        self._save = save
        self._forget = forget

    def deploy(self, record: Record, operation: Operation) -> None:
        """Bring the service to the generation of the operation."""
        self._run(record, self._deploy(record, operation))

    def delete(self, record: Record, operation: Operation) -> None:
        """Delete the service: its deployments fail, its instances end, then it is forgotten."""
        for other in self._operations.under_way(str(record.name)):
            if other is not operation:
                self._operations.fail(other, grpc.StatusCode.ABORTED, "The service was deleted meanwhile.")
        for task in record.tasks:
            task.cancel()
        self._run(record, self._delete(record, operation))

    def delete_revision(self, record: Record, revision: str, operation: Operation) -> None:
        """Delete a retired revision."""
        self._run(record, self._delete_revision(record, revision, operation))

    def log_uri(self, service: str, revision: str) -> str:
        """Where a revision's log lies on this machine."""
        return self._platform.log_path(service, revision).as_uri()

    async def restore(self, record: Record) -> None:
        """Serve again what the saved service last served."""
        statuses = [
            item
            for item in record.service.traffic_statuses
            if (name := self._revision(record, item)) in record.revisions
            and _is_ready(record.revisions[name])
        ]
        if statuses:
            async with record.lock:
                await self._apply(record, statuses)
            self._save(record)

    def _run(self, record: Record, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        record.tasks.add(task)
        task.add_done_callback(record.tasks.discard)

    async def _deploy(self, record: Record, operation: Operation) -> None:
        revision = operation.revision
        if not revision and not record.latest_ready:
            await self._first_revision(record, operation)
        if revision:
            if problem := self._platform.injection.problem(spec.read(record.revisions[revision])):
                reason = c.Reason.SECRETS_ACCESS_CHECK_FAILED
                await self._revision_failed(record, operation, problem, reason=reason)
                return
            backend = self._backend(record, revision)
            try:
                await backend.pool.start_first()
            except StartFailed as failure:
                reason = c.RevisionReason.HEALTH_CHECK_CONTAINER_ERROR
                await self._revision_failed(record, operation, str(failure), revision_reason=reason)
                return
            self._revision_ready(record, revision)
        try:
            async with record.lock:
                await self._apply(record, list(record.service.traffic))
        except _Unroutable as problem:
            self._routing_failed(record, operation, problem)
        else:
            self._succeeded(record, operation)

    async def _first_revision(self, record: Record, operation: Operation) -> None:
        """Wait for the deployments under way: without a ready revision there is nothing to route to yet."""
        for other in self._operations.under_way(str(record.name)):
            if other is not operation:
                await other.finished.wait()

    def _backend(self, record: Record, revision: str) -> Backend:
        if revision not in record.backends:
            record.backends[revision] = self._platform.backend(spec.read(record.revisions[revision]))
        return record.backends[revision]

    def _revision_ready(self, record: Record, revision: str) -> None:
        ready = record.revisions[revision]
        for kind in (c.READY, c.CONTAINER_HEALTHY, c.CONTAINER_READY, c.RESOURCES):
            c.put(ready.conditions, c.make(kind, c.State.CONDITION_SUCCEEDED))
        ready.reconciling = False
        ready.observed_generation = ready.generation
        if record.is_newer(revision, record.latest_ready):
            record.service.latest_ready_revision = ready.name
        c.put(record.service.conditions, c.make(c.CONFIGURATIONS, c.State.CONDITION_SUCCEEDED))
        self._save(record)

    async def _revision_failed(self, record: Record, operation: Operation, cause: str, **reason: int) -> None:
        """`reason` is the conditions' reason or revision_reason."""
        name = operation.revision
        failed = record.revisions[name]
        message = (
            f"Revision '{name}' is not ready and cannot serve traffic. {cause}\n\nLogs URL: {failed.log_uri}"
        )
        for kind in (c.READY, c.CONTAINER_HEALTHY):
            c.put(failed.conditions, c.make(kind, c.State.CONDITION_FAILED, cause, **reason))
        failed.reconciling = False
        if (backend := record.backends.pop(name, None)) is not None:
            await backend.pool.stop()
        kinds = [c.CONFIGURATIONS] if record.latest_ready else [c.CONFIGURATIONS, c.ROUTES]
        self._fail(record, operation, grpc.StatusCode.FAILED_PRECONDITION, message, kinds)

    def _routing_failed(self, record: Record, operation: Operation, problem: _Unroutable) -> None:
        self._fail(record, operation, problem.code, problem.message, [c.ROUTES])

    def _fail(
        self, record: Record, operation: Operation, code: grpc.StatusCode, message: str, kinds: list[str]
    ) -> None:
        service = record.service
        is_latest = record.name.revision(operation.revision) == service.latest_created_revision
        if operation.generation == service.generation or is_latest:
            failed = [*kinds, c.READY]
            for kind in failed:
                condition = c.make(kind, c.State.CONDITION_FAILED, message, reason=c.Reason.REVISION_FAILED)
                _put(service, condition)
            if c.ROUTES not in kinds:
                _put(service, c.make(c.ROUTES, c.State.CONDITION_SUCCEEDED))
            service.reconciling = False
            service.etag = new_etag()
        self._save(record)
        self._operations.fail(operation, code, message)

    def _succeeded(self, record: Record, operation: Operation) -> None:
        service = record.service
        under_way = [item for item in self._operations.under_way(str(record.name)) if item is not operation]
        is_whole = service.latest_created_revision == service.latest_ready_revision
        if operation.generation == service.generation or (is_whole and not under_way):
            for kind in (c.CONFIGURATIONS, c.ROUTES, c.READY):
                _put(service, c.make(kind, c.State.CONDITION_SUCCEEDED))
            service.reconciling = False
            service.observed_generation = service.generation
            service.etag = new_etag()
        self._save(record)
        self._operations.succeed(operation, Service.pb(service))

    def _revision(self, record: Record, target: TrafficTarget | TrafficTargetStatus) -> str:
        return record.latest_ready if target.type_ == LATEST else target.revision

    def _target(self, record: Record, target: TrafficTarget | TrafficTargetStatus) -> Backend:
        name = self._revision(record, target)
        if name and name not in record.revisions:
            raise _Unroutable(
                grpc.StatusCode.INTERNAL,
                f"Revision '{name}' does not exist or is deleted. "
                "Update all traffic to route to currently available revisions.",
            )
        if not name or not _is_ready(record.revisions[name]):
            label = name or record.service.latest_created_revision.rsplit("/", 1)[-1]
            raise _Unroutable(
                grpc.StatusCode.FAILED_PRECONDITION,
                f"Revision '{label}' is not ready and cannot serve traffic.",
            )
        return self._backend(record, name)

    async def _apply(self, record: Record, targets: list[TrafficTarget] | list[TrafficTargetStatus]) -> None:
        found = [(target, self._target(record, target)) for target in targets]
        service, ingress = record.service, record.ingress
        tags = {target.tag for target, _ in found if target.tag}
        await ingress.open(tags if service.default_uri_disabled else tags | {DEFAULT})
        ingress.route = Route(
            shares=[(backend, target.percent) for target, backend in found],
            tags={target.tag: backend for target, backend in found if target.tag},
        )
        service.uri = "" if service.default_uri_disabled else ingress.url()
        service.urls = [service.uri] if service.uri else []
        service.traffic_statuses = [_status(record, target) for target, _ in found]
        self._set_limits(record)

    def _set_limits(self, record: Record) -> None:
        for name, backend in record.backends.items():
            percent = record.ingress.route.percent(name)
            is_active = record.ingress.route.is_active(name)
            least, most = _limits(record.service.scaling, backend, percent, is_active=is_active)
            backend.pool.set_limits(least, most)
            _put_active(record.revisions[name], is_active=is_active)

    async def _delete(self, record: Record, operation: Operation) -> None:
        record.ingress.close()
        await asyncio.gather(*(backend.pool.stop() for backend in record.backends.values()))
        record.ingress.cut()
        self._platform.forget_logs(f"{record.name}/")
        record.service.reconciling = False
        self._forget(record)
        self._operations.succeed(operation, Service.pb(record.service))

    async def _delete_revision(self, record: Record, name: str, operation: Operation) -> None:
        revision = record.revisions[name]
        if (backend := record.backends.pop(name, None)) is not None:
            await backend.pool.stop()
        self._platform.forget_logs(revision.name)
        record.revisions.pop(name, None)
        self._save(record)
        self._operations.succeed(operation, Revision.pb(revision))


def _put(service: Service, condition: Condition) -> None:
    if condition.type_ == c.READY:
        service.terminal_condition = condition
    else:
        c.put(service.conditions, condition)


def _is_ready(revision: Revision) -> bool:
    return any(
        item.type_ == c.READY and item.state == c.State.CONDITION_SUCCEEDED for item in revision.conditions
    )


def _put_active(revision: Revision, *, is_active: bool) -> None:
    state = c.State.CONDITION_SUCCEEDED if is_active else c.State.CONDITION_FAILED
    reason = None if is_active else c.RevisionReason.RETIRED
    severity = Condition.Severity.INFO
    c.put(revision.conditions, c.make(c.ACTIVE, state, revision_reason=reason, severity=severity))


def _status(record: Record, target: TrafficTarget | TrafficTargetStatus) -> TrafficTargetStatus:
    return TrafficTargetStatus(
        type_=target.type_,
        revision=target.revision,
        percent=target.percent,
        tag=target.tag,
        uri=record.ingress.url(target.tag) if target.tag else "",
    )


def _limits(scaling: ServiceScaling, backend: Backend, percent: int, *, is_active: bool) -> tuple[int, int]:
    """The fewest and most instances of a revision; service-level counts are divided by its traffic."""
    if scaling.scaling_mode == ServiceScaling.ScalingMode.MANUAL:
        count = math.ceil(scaling.manual_instance_count * percent / 100)
        return count, count
    least = math.ceil(scaling.min_instance_count * percent / 100)
    if is_active:
        least = max(least, backend.spec.min_instances)
    most = backend.spec.max_instances
    if scaling.max_instance_count:
        most = min(most, max(math.ceil(scaling.max_instance_count * percent / 100), 1))
    return least, most

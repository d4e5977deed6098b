"""The emulator as one thing: its parts put together, started, watched while idle, stopped."""

from __future__ import annotations

import asyncio
import os
import socket
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import grpc
import grpc.aio

from ccconsole.emulator import rooms
from ccconsole.emulator.apis import Apis
from ccconsole.emulator.catalog import Catalog
from ccconsole.emulator.deployer import Deployer
from ccconsole.emulator.gate import Gate
from ccconsole.emulator.ingress import Activity
from ccconsole.emulator.listening import bind, bind_http, remove
from ccconsole.emulator.logging.recorder import Recorder
from ccconsole.emulator.logging.service import Logging
from ccconsole.emulator.logging.store import Bounds, LogStore
from ccconsole.emulator.logging.tail import TailLimits, Tails
from ccconsole.emulator.monitoring.sampler import Sampler
from ccconsole.emulator.monitoring.service import Monitoring
from ccconsole.emulator.monitoring.store import Store
from ccconsole.emulator.names import parse_service
from ccconsole.emulator.operations import DELETE, DELETE_REVISION, DEPLOY, REQUESTED, Operation, Operations
from ccconsole.emulator.platform import Platform
from ccconsole.emulator.policies import Policies
from ccconsole.emulator.pool import Pace
from ccconsole.emulator.ports import Ports
from ccconsole.emulator.refusals import Refusals
from ccconsole.emulator.revisions import Revisions
from ccconsole.emulator.routing import Backend
from ccconsole.emulator.rpc import Room, Table
from ccconsole.emulator.secretmanager.injection import Injection
from ccconsole.emulator.secretmanager.store import Secrets
from ccconsole.emulator.services import Services
from ccconsole.emulator.spec import Images
from ccconsole.emulator.state import StateDir

if TYPE_CHECKING:
    from ccconsole.emulator.knative.face import Face

_INTERRUPTED = "The emulator was ended before the operation began."
_UNWATCHED_SECONDS = 5.0
"""A console calls every 2 seconds; so long without a call, and none is there."""
_UNWATCHED_IDLE = 10.0
"""Seconds that an idle instance is kept then: long enough for the next verb of a script."""
_MAX_MESSAGE = 64 << 20
"""Bytes; a list of many services is one message."""


@dataclass(frozen=True)
class Options:
    """How an emulator runs; times in seconds."""

    state: Path
    listen: Sequence[str]
    """gRPC targets: unix:/path or host:port, port 0 for a free one."""
    http: str = ""
    """Where the HTTP face listens, HOST:PORT; empty: there is none."""
    idle_exit: float = 0.0
    """End after so long without a request; 0: never."""
    images: Images = field(default_factory=Images)
    pace: Pace = field(default_factory=Pace)
    environ: Mapping[str, str] = field(default_factory=lambda: os.environ)
    log_bounds: Bounds = field(default_factory=Bounds)
    tail_limits: TailLimits = field(default_factory=TailLimits)
    refusals: Refusals = field(default_factory=Refusals)
    is_strict_on_secrets: bool = False
    """Whether a revision fails whose secret, version or right to read it is missing, as on Google."""


class Emulator:
    """`start`, then `stop`, once each; `addresses` says where it listens."""

    def __init__(self, options: Options) -> None:
        self._options = options
        self._state = StateDir(options.state)
        self._calls = Activity(time.monotonic)
        self._requests = Activity(time.monotonic)
        ports = Ports()
        self._log_store = LogStore(self._state.path / "log-entries", options.log_bounds)
        self.series = Store()
        """What is measured."""
        self.policies = Policies(*self._state.room("policies"))
        """IAM policies by resource name."""
        self.secrets = Secrets(*self._state.room("secrets"))
        """Secret Manager's secrets."""
        self._platform = Platform(
            self._state,
            Recorder(self._log_store),
            Injection(self.secrets, self.policies, options.environ, options.is_strict_on_secrets),
            options.images,
            options.pace,
            ports,
            options.environ,
            series=self.series,
        )
        self._catalog = Catalog(self._state, ports, self._requests, self.policies)
        self._operations = Operations(self._state.save_operations, self._catalog.message)
        self._deployer = Deployer(self._platform, self._operations, self._catalog.save, self._catalog.forget)
        parts = (
            Services(self._catalog, self._operations, self._deployer),
            Revisions(self._catalog, self._operations, self._deployer),
            self._operations,
        )
        self.tails = Tails(self._log_store, options.tail_limits)
        logging = Logging(self._log_store, self.tails)
        methods = [method for part in parts for method in part.methods()]
        monitoring = Monitoring(self.series)
        self.apis = Apis(*self._state.room("apis"), options.refusals.disabled)
        """Google's APIs, on or off."""
        self.gate = Gate(options.refusals, self.apis, self._operations)
        """What every call passes, whichever face it comes by."""
        self.table = Table(
            [*methods, *logging.methods(), *monitoring.methods()],
            self._calls,
            self._rooms(),
            self.gate.admit,
        )
        self.sampler = Sampler(self._backends, self.series)
        self._sampling: asyncio.Task[None] | None = None
        self._server: grpc.aio.Server | None = None
        self._sweeping: asyncio.Task[None] | None = None
        self.addresses: tuple[str, ...] = ()
        """gRPC targets with the ports that were given."""
        self._face: Face | None = None
        self.http_address = ""
        """HOST:PORT of the HTTP face, when there is one."""

    def _rooms(self) -> list[Room]:
        denied = self._options.refusals.denied
        return [
            rooms.run_access(self.policies, self._catalog, denied),
            rooms.secret_manager(self.secrets, self.policies, denied),
            rooms.service_usage(self.apis, self._operations),
            rooms.projects(self.policies, denied),
            rooms.artifact_registry(self._state, self._operations, self.policies, denied),
        ]

    async def start(self) -> None:
        """Listen, sweep what a killed emulator left, serve the saved services; raises Refused."""
        orphans = await asyncio.to_thread(self._platform.orphans)
        left = await self._platform.containers.orphans()
        self._platform.clear_folders()
        await asyncio.to_thread(self._log_store.load)
        self._server = grpc.aio.server(
            handlers=[self.table],
            options=[
                ("grpc.max_receive_message_length", _MAX_MESSAGE),
                ("grpc.max_send_message_length", _MAX_MESSAGE),
                ("grpc.so_reuseport", 0),
            ],
        )
        self.addresses = tuple([await bind(self._server, target) for target in self._options.listen])
        listener = self._bind_http()
        self._catalog.load()
        under_way = self._operations.load(self._state.operations())
        for record in self._catalog.all():
            await self._deployer.restore(record)
        for operation in under_way:
            self._resume(operation)
        await self._server.start()
        if listener is not None:
            self._face = self._serve_http(listener)
        self._sweeping = asyncio.create_task(self._platform.sweep(orphans, left))
        self._sampling = asyncio.create_task(self.sampler.run())

    def _bind_http(self) -> socket.socket | None:
        target = self._options.http
        if not target:
            return None
        listener = bind_http(target)
        self.http_address = f"{target.rpartition(':')[0]}:{listener.getsockname()[1]}"
        return listener

    def _serve_http(self, listener: socket.socket) -> Face:
        # Imported when it is asked for: the consoles that start an emulator have no use for it.
        from ccconsole.emulator.knative.face import Face

        return Face(listener, self.table.ask, self._catalog.regions)

    async def idle(self) -> None:
        """Return when nothing happened for the time of `idle_exit`; never, when that is 0.

        One that is to end by itself was started by a console: when that has left, idle instances go soon.
        """
        limit = self._options.idle_exit
        if limit <= 0:
            await asyncio.Event().wait()
        while True:
            quiet = min(self._calls.idle_seconds, self._requests.idle_seconds)
            if quiet >= limit:
                if not await self._platform.is_at_work():
                    return
                self._requests.touch()
            if self._calls.idle_seconds >= _UNWATCHED_SECONDS:
                for backend in self._backends():
                    backend.pool.trim(_UNWATCHED_IDLE)
            await asyncio.sleep(min(max(limit - quiet, 0.01), _UNWATCHED_SECONDS / 2))

    async def stop(self) -> None:
        """Take no more requests, end all instances as Cloud Run ends them, remove the socket."""
        if self._sampling is not None:
            self._sampling.cancel()
        records = self._catalog.all()
        for record in records:
            for task in record.tasks:
                task.cancel()
            record.ingress.close()
        if self._server is not None:
            await self._server.stop(None)
        if self._face is not None:
            await self._face.stop()
        backends = self._backends()
        # The pools first: one that is told to stop starts no instance in place of one that ends.
        stopping = [backend.pool.stop() for backend in backends]
        if self._sampling is not None:
            await asyncio.wait({self._sampling})
        await asyncio.gather(*stopping, self._platform.stop_all(self._options.pace.grace))
        for record in records:
            record.ingress.cut()
        self._platform.forget_logs("")
        if self._sweeping is not None:
            await self._sweeping
        for address in self.addresses:
            remove(address)
        self._log_store.close()
        self._state.close()

    async def kill(self) -> None:
        """End all instances at once, without grace; a `stop` under way returns then."""
        await self._platform.stop_all(0)

    def _backends(self) -> list[Backend]:
        return [backend for record in self._catalog.all() for backend in record.backends.values()]

    def _resume(self, operation: Operation) -> None:
        if operation.kind == REQUESTED:
            return
        if self._catalog.message(operation.target) is None:
            if operation.kind == DEPLOY:
                self._operations.fail(operation, grpc.StatusCode.ABORTED, _INTERRUPTED)
            else:
                self._operations.succeed_as_is(operation)
            return
        if operation.kind == DELETE_REVISION:
            record, revision, _ = self._catalog.revision(operation.target, "name")
            self._deployer.delete_revision(record, revision, operation)
            return
        record = self._catalog.get(parse_service(operation.target, "name"))
        if operation.kind == DELETE:
            self._deployer.delete(record, operation)
        elif operation.generation > record.service.generation or (
            operation.revision and operation.revision not in record.revisions
        ):
            self._operations.fail(operation, grpc.StatusCode.ABORTED, _INTERRUPTED)
        else:
            self._deployer.deploy(record, operation)

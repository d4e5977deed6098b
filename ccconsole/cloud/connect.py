"""Channels and credentials: one connection per environment, made when first asked for."""

from __future__ import annotations

import asyncio
import functools
import os
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Self, TypeVar, cast

import google.auth
import google.auth.transport.requests
import grpc
import requests
from google.auth.credentials import Credentials

from ccconsole import local
from ccconsole.cloud import deploy
from ccconsole.cloud.errors import EMULATOR_VARIABLE, translated
from ccconsole.cloud.threads import in_thread
from ccconsole.config import Config, Environment
from ccconsole.errors import ConfigError, ConsoleError

SCOPE = "https://www.googleapis.com/auth/cloud-platform"
_AUTH_TIMEOUT = 5.0
_CHANNEL_OPTIONS = (
    # A restarted emulator is found again at once, not after gRPC's two minutes.
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 5000),  # despite its name, what one try to connect may take
    ("grpc.max_reconnect_backoff_ms", 1000),
    ("grpc.max_receive_message_length", 64 << 20),
)

T = TypeVar("T")


class Connection:
    """An environment's clients, all to the same side: one emulator's channel, or Google with credentials."""

    def __init__(
        self,
        environment: Environment,
        *,
        target: str | None = None,
        credentials: Credentials | None = None,
    ) -> None:
        self.environment = environment
        self.target = target
        """The emulator's address; None: Google."""
        self.problems: tuple[ConsoleError, ...] = ()
        """What of its declaration the emulator refused; the rest is in place."""
        self._credentials = credentials
        self._channel = (
            None if target is None else grpc.aio.insecure_channel(target, options=_CHANNEL_OPTIONS)
        )
        self._clients: dict[type[Any], Any] = {}

    def client(self, kind: type[T]) -> T:
        """The async client of that class, for example `run_v2.ServicesAsyncClient`; made once."""
        if kind not in self._clients:
            factory = cast("Any", kind)
            if self._channel is None:
                self._clients[kind] = factory(credentials=self._credentials)
            else:
                transport = factory.get_transport_class("grpc_asyncio")(channel=self._channel)
                self._clients[kind] = factory(transport=transport)
        return cast("T", self._clients[kind])

    async def access_token(self) -> str | None:
        """A token for Google's other servers, good for some minutes at least; None for an emulator.

        Raises NotSignedIn when the login cannot be renewed.
        """
        credentials = self._credentials
        if credentials is None:
            return None
        if not credentials.valid:
            with translated(self.environment, f"renew the login for {self.environment.name}"):
                await asyncio.to_thread(_refresh, credentials)
        return str(credentials.token)

    def login_seconds(self) -> float | None:
        """How long the present token lasts; None where that is not known, or none is needed."""
        expiry = getattr(self._credentials, "expiry", None)
        if not isinstance(expiry, datetime):
            return None
        return max(0.0, (expiry.replace(tzinfo=UTC) - datetime.now(UTC)).total_seconds())

    async def close(self) -> None:
        """Close the channels."""
        if self._channel is not None:
            await self._channel.close(None)
            return
        for client in self._clients.values():
            await client.transport.close()


class Connections:
    """All environments' connections; an async context manager that closes them."""

    def __init__(
        self,
        config: Config,
        start_local: Callable[[], Awaitable[str]] = local.start_emulator,
        environ: Mapping[str, str] = os.environ,
        *,
        is_applying: bool = True,
    ) -> None:
        """Without `is_applying`, changes of a local declaration wait for whoever plans or deploys them."""
        self.config = config
        self._is_applying = is_applying
        self._start_local = start_local
        self._environ = environ
        self._open: dict[str, Connection] = {}
        self._locks: dict[str, asyncio.Lock] = {}
        self._loading: asyncio.Future[Credentials] | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        connections = list(self._open.values())
        self._open.clear()
        await asyncio.gather(*(connection.close() for connection in connections))

    async def connection(self, environment: Environment) -> Connection:
        """The environment's connection; a local one has its emulator running and its services declared.

        Raises ConfigError for environment variables that are not set, NotSignedIn without credentials.
        """
        if environment.unset:
            raise unset_error(environment)
        async with self._locks.setdefault(environment.name, asyncio.Lock()):
            target = await self._target(environment)
            found = self._open.get(environment.name)
            if found is not None and found.target == target:
                return found
            if found is not None:
                await self._open.pop(environment.name).close()
            self._open[environment.name] = made = await self._connect(environment, target)
            return made

    async def _connect(self, environment: Environment, target: str | None) -> Connection:
        if target is None:
            return Connection(environment, credentials=await self._credentials_of(environment))
        made = Connection(environment, target=target)
        if environment.is_local:
            try:
                made.problems = await deploy.apply(made, is_start=not self._is_applying)
            except (ConsoleError, asyncio.CancelledError):
                await made.close()
                raise
        return made

    async def _target(self, environment: Environment) -> str | None:
        """The emulator's address; None for Google's own."""
        named = environment.endpoint or self._environ.get(EMULATOR_VARIABLE)
        if named:
            return named.removeprefix("http://").rstrip("/")
        return await self._start_local() if environment.is_local else None

    async def _credentials_of(self, environment: Environment) -> Credentials:
        """The machine's credentials: asked for once, however many environments wait."""
        if self._loading is None or (self._loading.done() and self._loading.exception() is not None):
            self._loading = in_thread(_load_credentials, "google-credentials")
        with translated(environment, f"sign in for {environment.name}"):
            return await asyncio.shield(self._loading)


def unset_error(environment: Environment) -> ConfigError:
    """What an environment says whose variables are not set."""
    names = ", ".join(environment.unset)
    return ConfigError(
        f"{environment.name} needs {names}",
        f"The environment {'variable is' if len(environment.unset) == 1 else 'variables are'} not set.",
        f"export {environment.unset[0]}=... and start again, or write the value into deploy.toml.",
    )


def _load_credentials() -> Credentials:
    """Application default credentials, refreshed once, so that an expired login is said here."""
    credentials: Any
    credentials, _ = google.auth.default(scopes=[SCOPE])
    if not credentials.valid:
        _refresh(credentials)
    return cast("Credentials", credentials)


def _refresh(credentials: Any) -> None:
    with requests.Session() as session:
        request = google.auth.transport.requests.Request(session=session)
        credentials.refresh(functools.partial(request, timeout=_AUTH_TIMEOUT))

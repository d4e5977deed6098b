"""Services and their revisions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class ServiceState(StrEnum):
    """A service as an operator sees it, from its terminal condition."""

    READY = "ready"
    DEPLOYING = "deploying"
    FAILED = "failed"
    DELETING = "deleting"
    MISSING = "missing"
    """Declared in deploy.toml and not deployed."""
    UNKNOWN = "unknown"


@dataclass(frozen=True, order=True)
class ServiceKey:
    """What names a service: rows, cursors and targets are kept by it."""

    environment: str
    region: str
    name: str

    def __str__(self) -> str:
        return f"{self.environment}/{self.name}"


@dataclass(frozen=True)
class TrafficShare:
    """A revision's share of the requests."""

    revision: str
    percent: int
    tag: str | None = None
    is_latest: bool = False
    """Whether it follows the latest ready revision; a service without such a share is pinned."""
    uri: str | None = None
    """Of a tag: its own address."""


@dataclass(frozen=True)
class Service:
    """One worker service, live or only declared."""

    key: ServiceKey
    state: ServiceState
    message: str = ""
    """The condition's own words while it is not ready."""
    uri: str | None = None
    revision: str | None = None
    """The latest ready revision."""
    latest_created_revision: str | None = None
    image: str | None = None
    cpu: str | None = None
    memory: str | None = None
    timeout: float | None = None
    """Seconds."""
    concurrency: int | None = None
    min_instances: int = 0
    max_instances: int | None = None
    traffic: tuple[TrafficShare, ...] = ()
    is_public: bool = False
    is_instance_billed: bool = False
    """Whether its CPU stays between requests, so that a task goes on when nobody watches."""
    service_account: str | None = None
    env: Mapping[str, str] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict)
    """Environment variable -> secret:version; never a value."""
    labels: Mapping[str, str] = field(default_factory=dict)
    etag: str = ""
    updated_at: float | None = None
    """Seconds since the epoch."""
    updated_by: str | None = None

    @property
    def is_pinned(self) -> bool:
        """Whether a new revision would serve nothing."""
        return bool(self.traffic) and not any(share.is_latest and share.percent for share in self.traffic)


@dataclass(frozen=True)
class Revision:
    """One revision of a service."""

    name: str
    service: str
    created_at: float | None
    is_ready: bool
    message: str = ""
    image: str | None = None

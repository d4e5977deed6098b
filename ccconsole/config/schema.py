"""What deploy.toml declares, as frozen values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ccconsole.model.services import Service, ServiceKey


@dataclass(frozen=True)
class ServiceSpec:
    """One declared service; `timeout` in seconds, `secrets` as variable -> secret[:version]."""

    key: ServiceKey
    image: str
    """Whole, with its registry and tag; a bare name in a local environment."""
    cpu: str = "1"
    memory: str = "1Gi"
    timeout: int = 3600
    concurrency: int = 1
    min_instances: int = 0
    max_instances: int = 5
    is_public: bool = False
    env: Mapping[str, str] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict)
    service_account: str | None = None
    smoke: str | None = None
    """The prompt that a canary must complete."""


@dataclass(frozen=True)
class Alerts:
    """From where on a figure is marked: shares of one; seconds to the first byte, and without output."""

    error_rate: float = 0.05
    first_byte: float = 60.0
    cpu: float = 0.9
    memory: float = 0.9
    silence: float = 600.0


@dataclass(frozen=True)
class Environment:
    """One project and its services; `local` ones are answered by the emulator on this machine."""

    name: str
    is_local: bool
    project: str
    region: str
    services: tuple[ServiceSpec, ...] = ()
    store: str | None = None
    """The journal's address; None: tasks are known to their own stream alone."""
    endpoint: str | None = None
    """An emulator's address, in place of Google's."""
    impersonate: str | None = None
    """The service account whose ID tokens call private services; None: whoever is signed in."""
    is_protected: bool = False
    alerts: Alerts = Alerts()
    unset: tuple[str, ...] = ()
    """Environment variables it needs that are not set: it is shown as a problem, and nothing else fails."""

    @property
    def regions(self) -> tuple[str, ...]:
        """Where its services are, its own region first."""
        return tuple(dict.fromkeys((self.region, *(spec.key.region for spec in self.services))))

    def can_detach(self, service: Service) -> bool:
        """Whether a task there goes on when nobody holds its stream: a journal, and CPU of its own."""
        return self.store is not None and service.is_instance_billed

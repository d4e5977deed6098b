"""Secrets as an operator sees them: names, versions, readers; never what is in them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class SecretVersion:
    """One version."""

    number: str
    state: str
    """`enabled`, `disabled` or `destroyed`."""
    created_at: float | None = None
    """Seconds since the epoch."""


@dataclass(frozen=True)
class Secret:
    """One secret of an environment's services."""

    environment: str
    name: str
    variables: tuple[str, ...] = ()
    """The environment variables that deploy.toml fills from it."""
    versions: tuple[SecretVersion, ...] = ()
    """Newest first; none: the secret is not there."""
    readers: tuple[str, ...] = ()
    """Who may read it by its own policy; the project may let others."""
    is_there: bool = True
    problem: str = ""
    """What could not be looked at."""

    @property
    def newest(self) -> SecretVersion | None:
        """The newest enabled version, which `latest` stands for."""
        return next((version for version in self.versions if version.state == "enabled"), None)

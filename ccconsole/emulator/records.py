"""A service with its revisions as the emulator keeps them: Google's messages, and what runs behind."""

from __future__ import annotations

import asyncio
import getpass
import os
import secrets
import uuid
from dataclasses import dataclass, field
from typing import Any

from google.cloud.run_v2.types.revision import Revision
from google.cloud.run_v2.types.service import Service
from google.protobuf import json_format

from ccconsole.emulator.ingress import Ingress
from ccconsole.emulator.names import ServiceName, parse_service, short
from ccconsole.emulator.routing import Backend

_SUFFIX_LETTERS = "bcdfghjklmnpqrstvwxz2456789"
"""Of revision names: no vowels, so no words."""


@dataclass
class Record:
    """One service; `backends` holds the revisions that were started or routed to since the emulator began."""

    name: ServiceName
    service: Service
    ingress: Ingress
    revisions: dict[str, Revision] = field(default_factory=dict)
    """By short name, oldest first."""
    revision_count: int = 0
    backends: dict[str, Backend] = field(default_factory=dict)
    tasks: set[asyncio.Task[None]] = field(default_factory=set)
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Held while the route changes."""

    @property
    def key(self) -> str:
        """Its file's name in the state directory."""
        return f"{self.name.location.project}~{self.name.location.region}~{self.name.service}"

    @property
    def is_deleted(self) -> bool:
        """Whether its deletion has begun."""
        return bool(Service.pb(self.service).HasField("delete_time"))

    def new_revision_name(self) -> str:
        """The next generated name: SERVICE-00001-abc."""
        suffix = "".join(secrets.choice(_SUFFIX_LETTERS) for _ in range(3))
        return f"{self.name.service}-{self.revision_count:05d}-{suffix}"

    def is_newer(self, revision: str, than: str) -> bool:
        """Whether a revision was made after another; after none, always."""
        order = list(self.revisions)
        return than not in order or order.index(revision) > order.index(than)

    @property
    def latest_ready(self) -> str:
        """The short name of the latest ready revision, or nothing."""
        return short(self.service.latest_ready_revision)

    def to_json(self) -> dict[str, Any]:
        """For the state directory."""
        return {
            "service": json_format.MessageToDict(Service.pb(self.service)),
            "revisions": [
                json_format.MessageToDict(Revision.pb(revision)) for revision in self.revisions.values()
            ],
            "revision_count": self.revision_count,
            "ports": self.ingress.saved,
        }


def read_service(value: dict[str, Any]) -> tuple[ServiceName, Service]:
    """The service of a saved record."""
    service = Service.wrap(json_format.ParseDict(value["service"], Service.pb()()))
    return parse_service(service.name, "name"), service


def read_revisions(value: dict[str, Any]) -> dict[str, Revision]:
    """The revisions of a saved record, by short name."""
    found = [Revision.wrap(json_format.ParseDict(row, Revision.pb()())) for row in value["revisions"]]
    return {short(revision.name): revision for revision in found}


def new_etag() -> str:
    """An opaque fingerprint, quoted as Google's are."""
    return f'"{secrets.token_urlsafe(12)}"'


def new_uid() -> str:
    """A UUID4."""
    return str(uuid.uuid4())


def actor() -> str:
    """Who calls: locally always this machine's user, as an address."""
    try:
        return f"{getpass.getuser()}@localhost"
    except (KeyError, OSError):
        return f"uid-{os.getuid()}@localhost"

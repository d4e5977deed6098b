"""Secrets and their versions; the payloads are in this process's memory and nowhere else."""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import grpc

from ccconsole.emulator.faults import Fault, invalid, precondition

LATEST = "latest"
_NAME = re.compile(r"projects/([^/]+)/secrets/([A-Za-z0-9_-]{1,255})")
_VERSION = re.compile(rf"({_NAME.pattern})/versions/([^/]+)")


class State(StrEnum):
    """A version's state; the names are Google's."""

    ENABLED = "ENABLED"
    DISABLED = "DISABLED"
    DESTROYED = "DESTROYED"


@dataclass
class Version:
    """One version; times in seconds since 1970. Its `repr` and its JSON lack the payload."""

    number: int
    state: State = State.ENABLED
    created: float = field(default_factory=time.time)
    destroyed: float = 0.0
    etag: str = field(default_factory=lambda: new_etag())
    payload: bytes | None = field(default=None, repr=False)

    def become(self, state: State) -> None:
        """Change the state; a destroyed version loses its payload."""
        self.state = state
        self.etag = new_etag()
        if state is State.DESTROYED:
            self.destroyed = time.time()
            self.payload = None

    def to_json(self) -> dict[str, Any]:
        """For the state directory, without the payload."""
        return {
            "number": self.number,
            "state": self.state,
            "created": self.created,
            "destroyed": self.destroyed,
            "etag": self.etag,
        }


@dataclass
class Secret:
    """One secret; `fields` is Google's message as JSON."""

    name: str
    fields: dict[str, Any]
    versions: dict[int, Version] = field(default_factory=dict)
    """By number, oldest first."""

    def version(self, label: str) -> Version:
        """The version of a number, an alias or `latest`, the one made last; raises NOT_FOUND."""
        if label == LATEST:
            if not self.versions:
                raise _missing(f"Secret [{self.name}] not found or has no versions.")
            return next(reversed(self.versions.values()))
        number = str(self.fields.get("versionAliases", {}).get(label, label))
        found = self.versions.get(int(number)) if number.isdecimal() else None
        if found is None:
            raise _missing(f"Secret Version [{self.name}/versions/{label}] not found.")
        return found

    def to_json(self) -> dict[str, Any]:
        """For the state directory."""
        return {"fields": self.fields, "versions": [item.to_json() for item in self.versions.values()]}


class Secrets:
    """All secrets; `save` is called with them after each change."""

    def __init__(self, saved: Mapping[str, Any], save: Callable[[dict[str, Any]], None]) -> None:
        self._save = save
        self._secrets = {name: _read(name, row) for name, row in saved.items()}

    def in_project(self, project: str) -> list[Secret]:
        """A project's secrets, the newest first."""
        prefix = f"projects/{project}/secrets/"
        return [item for name, item in reversed(self._secrets.items()) if name.startswith(prefix)]

    def find(self, name: str) -> Secret:
        """The secret of a full name; raises NOT_FOUND."""
        if not _NAME.fullmatch(name):
            raise invalid(f"The provided Secret ID or name [{name}] does not match projects/*/secrets/*.")
        if name not in self._secrets:
            raise _missing(f"Secret [{name}] not found.")
        return self._secrets[name]

    def version(self, name: str) -> tuple[Secret, Version]:
        """The version of a full name, with its secret; raises NOT_FOUND."""
        match = _VERSION.fullmatch(name)
        if match is None:
            raise invalid(f"The name [{name}] does not match projects/*/secrets/*/versions/*.")
        secret = self.find(match[1])
        return secret, secret.version(match[4])

    def payload(self, name: str) -> bytes:
        """The payload of a version's full name; FAILED_PRECONDITION unless the version is enabled."""
        secret, version = self.version(name)
        if version.state is not State.ENABLED or version.payload is None:
            raise _in_state(secret, version)
        return version.payload

    def add(self, name: str, fields: dict[str, Any]) -> Secret:
        """A new secret; raises ALREADY_EXISTS."""
        if not _NAME.fullmatch(name):
            raise invalid(
                f"The provided Secret ID [{name.rpartition('/')[2]}] does not match [A-Za-z0-9_-]{{1,255}}."
            )
        if name in self._secrets:
            raise Fault(grpc.StatusCode.ALREADY_EXISTS, f"Secret [{name}] already exists.")
        self._secrets[name] = Secret(name, fields)
        self.save()
        return self._secrets[name]

    def add_version(self, secret: Secret, payload: bytes) -> Version:
        """A new version."""
        number = max(secret.versions, default=0) + 1
        secret.versions[number] = Version(number, payload=payload)
        self.save()
        return secret.versions[number]

    def change(self, name: str, etag: str, state: State) -> tuple[Secret, Version]:
        """Give a version a state; FAILED_PRECONDITION for a stale etag and for a destroyed version."""
        secret, version = self.version(name)
        check_etag(etag, version.etag)
        if version.state is State.DESTROYED and state is not State.DESTROYED:
            raise _in_state(secret, version)
        if version.state is not state:
            version.become(state)
            self.save()
        return secret, version

    def remove(self, name: str, etag: str) -> None:
        """Delete a secret with its versions."""
        check_etag(etag, self.find(name).fields.get("etag", ""))
        del self._secrets[name]
        self.save()

    def save(self) -> None:
        """Write the secrets down, without the payloads."""
        self._save({name: item.to_json() for name, item in self._secrets.items()})


def new_etag() -> str:
    """An opaque fingerprint, quoted as Google's are."""
    return f'"{secrets.token_hex(7)}"'


def check_etag(given: str, present: str) -> None:
    """Raise FAILED_PRECONDITION unless a given etag is the present one."""
    if given and given != present:
        raise precondition(f"The etag provided in the request [{given}] does not match the etag [{present}].")


def _read(name: str, row: Mapping[str, Any]) -> Secret:
    """A secret from the state directory: what had a payload has lost it, so it counts as destroyed."""
    secret = Secret(name, dict(row["fields"]))
    for item in row["versions"]:
        version = Version(
            item["number"], State(item["state"]), item["created"], item["destroyed"], item["etag"]
        )
        if version.state is not State.DESTROYED:
            version.become(State.DESTROYED)
        secret.versions[version.number] = version
    return secret


def _missing(text: str) -> Fault:
    return Fault(grpc.StatusCode.NOT_FOUND, text)


def _in_state(secret: Secret, version: Version) -> Fault:
    return precondition(
        f"Secret Version [{secret.name}/versions/{version.number}] is in {version.state} state."
    )

"""Resource names: projects/P/locations/L/services/S/revisions/R, taken apart and put together."""

from __future__ import annotations

import re
import zlib
from dataclasses import dataclass

from ccconsole.emulator.faults import invalid

PROJECT = re.compile(r"[a-z0-9][-a-z0-9.:]*")
REGION = re.compile(r"[a-z]+(-[a-z]+)+[0-9]+")
DNS_LABEL = re.compile(r"[a-z]([-a-z0-9]*[a-z0-9])?")
MAX_SERVICE_NAME = 49
"""Fewer than 50 characters: CreateServiceRequest.service_id in Google's reference."""
MAX_REVISION_NAME = 63

ANY = "-"


@dataclass(frozen=True, order=True)
class Location:
    """A project and a region: the parent of services and operations."""

    project: str
    region: str

    def __str__(self) -> str:
        return f"projects/{self.project}/locations/{self.region}"


@dataclass(frozen=True, order=True)
class ServiceName:
    """A service's full name."""

    location: Location
    service: str

    def __str__(self) -> str:
        return f"{self.location}/services/{self.service}"

    def revision(self, revision: str) -> str:
        """The full name of one of its revisions."""
        return f"{self}/revisions/{revision}"


def _parts(name: str, kinds: tuple[str, ...], field: str) -> list[str]:
    words = name.split("/")
    if len(words) != 2 * len(kinds) or tuple(words[::2]) != kinds or not all(words):
        shape = "/".join(f"{kind}/{{{kind.removesuffix('s')}}}" for kind in kinds)
        raise invalid(f"Violation in {field}: '{name}' does not match the format {shape}.")
    return words[1::2]


def _location(project: str, region: str, field: str) -> Location:
    if not PROJECT.fullmatch(project):
        raise invalid(f"Violation in {field}: '{project}' is not a project id or number.")
    if not REGION.fullmatch(region):
        hint = " The location cannot be the '-' wildcard." if region == ANY else ""
        raise invalid(f"Violation in {field}: '{region}' is not a valid Google Cloud region.{hint}")
    return Location(project, region)


def parse_location(name: str, field: str) -> Location:
    """`projects/P/locations/L`; `field` names the request's field in the refusal."""
    project, region = _parts(name, ("projects", "locations"), field)
    return _location(project, region, field)


def parse_service(name: str, field: str, *, is_wildcard_allowed: bool = False) -> ServiceName:
    """`projects/P/locations/L/services/S`; S may be `-` where a list of all services' children is asked."""
    project, region, service = _parts(name, ("projects", "locations", "services"), field)
    if service == ANY and not is_wildcard_allowed:
        raise invalid(f"Violation in {field}: '{name}' names no single service.")
    return ServiceName(_location(project, region, field), service)


def parse_revision(name: str, field: str) -> tuple[ServiceName, str]:
    """`.../services/S/revisions/R` as the service and R; S may be `-`."""
    project, region, service, revision = _parts(
        name, ("projects", "locations", "services", "revisions"), field
    )
    return ServiceName(_location(project, region, field), service), revision


def check_service_id(service_id: str, field: str) -> None:
    """Raise INVALID_ARGUMENT for a name that Cloud Run refuses."""
    if DNS_LABEL.fullmatch(service_id) and len(service_id) <= MAX_SERVICE_NAME:
        return
    raise invalid(
        f"Violation in {field}: '{service_id}' must use only lowercase alphanumeric characters and dashes, "
        "must begin with a letter, cannot end with a dash, and must be less than 50 characters."
    )


def project_number(project: str) -> int:
    """The number that goes with a project id: twelve digits, always the same ones; a number is its own."""
    return int(project) if project.isdecimal() else 10**11 + zlib.crc32(project.encode())


def default_account(project: str) -> str:
    """The service account that a revision runs as when its template names none."""
    return f"{project_number(project)}-compute@developer.gserviceaccount.com"


def short(name: str) -> str:
    """The last part of a full name."""
    return name.rsplit("/", 1)[-1]

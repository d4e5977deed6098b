"""Artifact Registry: the repository that images lie in, and the digest behind a tag."""

from __future__ import annotations

import re
from dataclasses import dataclass

from google.api_core import exceptions
from google.cloud import artifactregistry_v1

from ccconsole.cloud.connect import Connection
from ccconsole.cloud.errors import translated
from ccconsole.cloud.lro import finished
from ccconsole.streams import Clock

_ADDRESS = re.compile(
    r"(?P<region>[a-z0-9-]+)-docker\.pkg\.dev/(?P<project>(?:[a-z0-9.-]+/)?[a-z0-9-]+)/(?P<repository>[a-z0-9-]+)"
    r"/(?P<package>[^:@]+)(?::(?P<tag>[^@]+))?(?:@(?P<digest>sha256:[0-9a-f]{64}))?"
)
_TIMEOUT = 15.0


@dataclass(frozen=True)
class Image:
    """An image's address in Artifact Registry."""

    region: str
    project: str
    repository: str
    package: str
    tag: str
    digest: str | None

    @property
    def parent(self) -> str:
        """The location that holds the repository."""
        return f"projects/{self.project}/locations/{self.region}"

    @property
    def repository_name(self) -> str:
        """The repository's full name."""
        return f"{self.parent}/repositories/{self.repository}"

    @property
    def host(self) -> str:
        """The registry's host."""
        return f"{self.region}-docker.pkg.dev"

    @property
    def base(self) -> str:
        """The address without tag and digest."""
        return f"{self.host}/{self.project.replace(':', '/')}/{self.repository}/{self.package}"

    def pinned(self, digest: str) -> str:
        """The address of exactly those bytes."""
        return f"{self.base}@{digest}"


def parse(image: str) -> Image | None:
    """The address; None: it lies elsewhere."""
    match = _ADDRESS.fullmatch(image)
    if match is None:
        return None
    project = match["project"].replace("/", ":")
    return Image(
        match["region"],
        project,
        match["repository"],
        match["package"],
        match["tag"] or "latest",
        match["digest"],
    )


async def digest(connection: Connection, image: Image) -> str | None:
    """The digest that the tag stands for now; None: there is no such image."""
    client = connection.client(artifactregistry_v1.ArtifactRegistryAsyncClient)
    package = image.package.replace("/", "%2F")
    name = f"{image.repository_name}/packages/{package}/tags/{image.tag}"
    with translated(connection.environment, f"find the image {image.base}:{image.tag}"):
        try:
            found = await client.get_tag({"name": name}, retry=None, timeout=_TIMEOUT)
        except exceptions.NotFound:
            return None
    return str(found.version).rsplit("/", 1)[-1]


async def has_repository(connection: Connection, image: Image) -> bool:
    """Whether its repository is there."""
    client = connection.client(artifactregistry_v1.ArtifactRegistryAsyncClient)
    with translated(connection.environment, f"find the repository {image.repository}"):
        try:
            await client.get_repository({"name": image.repository_name}, retry=None, timeout=_TIMEOUT)
        except exceptions.NotFound:
            return False
    return True


async def create_repository(connection: Connection, image: Image, clock: Clock | None = None) -> None:
    """Make its repository, for Docker images; one that somebody made meanwhile will do."""
    client = connection.client(artifactregistry_v1.ArtifactRegistryAsyncClient)
    repository = artifactregistry_v1.Repository(
        format_=artifactregistry_v1.Repository.Format.DOCKER, labels={"managed-by": "ccconsole"}
    )
    request = {"parent": image.parent, "repository_id": image.repository, "repository": repository}
    with translated(connection.environment, f"create the repository {image.repository}"):
        try:
            operation = await client.create_repository(request, timeout=_TIMEOUT)
            await finished(connection, operation, clock)
        except exceptions.AlreadyExists:
            return

"""google.devtools.artifactregistry.v1.ArtifactRegistry: Docker repositories, and digests for their tags.

Nothing is pushed: in a repository that exists every image and tag does, from the moment somebody names it on.
Its digest is made from its name, so that it is always the same one.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import grpc
from google.cloud.artifactregistry_v1.types import artifact, repository, service, tag, version
from google.longrunning import operations_pb2
from google.protobuf import json_format, timestamp_pb2

from ccconsole.emulator.access import Access
from ccconsole.emulator.faults import Fault, invalid
from ccconsole.emulator.operations import Operations
from ccconsole.emulator.pages import page
from ccconsole.emulator.policies import Policies
from ccconsole.emulator.rpc import Method, plus

PREFIX = "/google.devtools.artifactregistry.v1.ArtifactRegistry/"
MEDIA_TYPE = "application/vnd.docker.distribution.manifest.v2+json"
_LOCATION = r"projects/([a-z0-9][-a-z0-9.:]*)/locations/([a-z]+(?:-[a-z]+[0-9]+)?)"
_REPOSITORY = rf"({_LOCATION}/repositories/([a-z](?:[a-z0-9-]{{0,61}}[a-z0-9])?))"
_PACKAGE = rf"{_REPOSITORY}/packages/([^/]+)"
_TAG = r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}"


@dataclass(frozen=True)
class Image:
    """A tag that somebody named; `package` is the full name of what it is a tag of."""

    package: str
    tag: str

    @property
    def digest(self) -> str:
        """What its name makes of it."""
        return f"sha256:{hashlib.sha256(f'{self.package}:{self.tag}'.encode()).hexdigest()}"

    @property
    def version(self) -> str:
        """The full name of the version that the tag points to."""
        return f"{self.package}/versions/{self.digest}"

    @property
    def name(self) -> str:
        """Its full name among the repository's Docker images."""
        folder, _, package = self.package.partition("/packages/")
        return f"{folder}/dockerImages/{package}@{self.digest}"

    @property
    def uri(self) -> str:
        """What a client pulls."""
        _, project, _, location, _, folder, _, package = self.package.split("/")
        return f"{location}-docker.pkg.dev/{project}/{folder}/{package.replace('%2F', '/')}@{self.digest}"


class ArtifactRegistry:
    """The RPCs on repositories and on what is in them."""

    def __init__(
        self,
        saved: Mapping[str, Any],
        save: Callable[[dict[str, Any]], None],
        operations: Operations,
        policies: Policies,
        denied: frozenset[str],
    ) -> None:
        self._repositories: dict[str, Any] = dict(saved)
        self._save = save
        self._operations = operations
        self._access = Access(PREFIX, policies, self._existing, denied)
        self._images: dict[Image, timestamp_pb2.Timestamp] = {}
        """With the moment they were first named."""

    def methods(self) -> list[Method]:
        """The rows of google.devtools.artifactregistry.v1.ArtifactRegistry."""
        return [
            plus(f"{PREFIX}CreateRepository", repository.CreateRepositoryRequest, self._create),
            plus(f"{PREFIX}GetRepository", repository.GetRepositoryRequest, self._get),
            plus(f"{PREFIX}ListRepositories", repository.ListRepositoriesRequest, self._list),
            plus(f"{PREFIX}GetTag", tag.GetTagRequest, self._get_tag),
            plus(f"{PREFIX}ListTags", tag.ListTagsRequest, self._list_tags),
            plus(f"{PREFIX}GetVersion", version.GetVersionRequest, self._get_version),
            plus(f"{PREFIX}ListVersions", version.ListVersionsRequest, self._list_versions),
            plus(f"{PREFIX}GetDockerImage", artifact.GetDockerImageRequest, self._get_image),
            plus(f"{PREFIX}ListDockerImages", artifact.ListDockerImagesRequest, self._list_images),
            *self._access.methods(),
        ]

    async def _create(self, request: repository.CreateRepositoryRequest) -> operations_pb2.Operation:
        name = f"{request.parent}/repositories/{request.repository_id}"
        project, location, short = _match(_REPOSITORY, name)[1:4]
        if request.repository.format_ != repository.Repository.Format.DOCKER:
            raise invalid("repository.format: the emulator keeps DOCKER repositories alone.")
        if name in self._repositories:
            raise Fault(grpc.StatusCode.ALREADY_EXISTS, "the repository already exists")
        made = repository.Repository(request.repository)
        made.name = name
        made.create_time = made.update_time = _now()
        made.mode = repository.Repository.Mode(repository.Repository.Mode.STANDARD_REPOSITORY)
        made.registry_uri = f"{location}-docker.pkg.dev/{project}/{short}"
        pb = repository.Repository.pb(made)
        self._repositories[name] = json_format.MessageToDict(pb)
        self._save(self._repositories)
        metadata = service.OperationMetadata.pb(service.OperationMetadata())
        return self._operations.done(request.parent, metadata, pb)

    async def _get(self, request: repository.GetRepositoryRequest) -> repository.Repository:
        return self._repository(self._existing(request.name))

    async def _list(self, request: repository.ListRepositoriesRequest) -> repository.ListRepositoriesResponse:
        _match(_LOCATION, request.parent)
        found = sorted(name for name in self._repositories if name.startswith(f"{request.parent}/"))
        rows, token = page(found, request.page_size, request.page_token, str)
        return repository.ListRepositoriesResponse(
            repositories=[self._repository(name) for name in rows], next_page_token=token
        )

    async def _get_tag(self, request: tag.GetTagRequest) -> tag.Tag:
        package, _, label = request.name.partition("/tags/")
        self._in(package)
        if not re.fullmatch(_TAG, label):
            raise invalid(f"'{request.name}' is no name of a tag.")
        image = Image(package, label)
        self._images.setdefault(image, _now())
        return _tag(image)

    async def _list_tags(self, request: tag.ListTagsRequest) -> tag.ListTagsResponse:
        found = self._of(request.parent)
        rows, token = page(found, request.page_size, request.page_token, lambda item: item.tag)
        return tag.ListTagsResponse(tags=[_tag(item) for item in rows], next_page_token=token)

    async def _get_version(self, request: version.GetVersionRequest) -> version.Version:
        package, _, digest = request.name.partition("/versions/")
        return self._version(self._find(self._of(package), digest))

    async def _list_versions(self, request: version.ListVersionsRequest) -> version.ListVersionsResponse:
        found = self._of(request.parent)
        rows, token = page(found, request.page_size, request.page_token, lambda item: item.version)
        return version.ListVersionsResponse(
            versions=[self._version(item) for item in rows], next_page_token=token
        )

    async def _get_image(self, request: artifact.GetDockerImageRequest) -> artifact.DockerImage:
        folder, _, name = request.name.partition("/dockerImages/")
        package, _, digest = name.partition("@")
        self._existing(folder)
        return self._image(self._find(self._of(f"{folder}/packages/{package}"), digest))

    async def _list_images(
        self, request: artifact.ListDockerImagesRequest
    ) -> artifact.ListDockerImagesResponse:
        prefix = f"{self._existing(request.parent)}/packages/"
        found = sorted((item for item in self._images if item.package.startswith(prefix)), key=_key)
        rows, token = page(found, request.page_size, request.page_token, lambda item: item.name)
        return artifact.ListDockerImagesResponse(
            docker_images=[self._image(item) for item in rows], next_page_token=token
        )

    def _existing(self, name: str) -> str:
        """The name of a repository; raises NOT_FOUND."""
        _match(_REPOSITORY, name)
        if name not in self._repositories:
            raise _missing(name)
        return name

    def _in(self, package: str) -> None:
        """Raise NOT_FOUND for a package whose repository does not exist."""
        self._existing(_match(_PACKAGE, package)[0])

    def _of(self, package: str) -> list[Image]:
        """The images of a package, by tag."""
        self._in(package)
        return sorted((item for item in self._images if item.package == package), key=_key)

    def _find(self, images: list[Image], digest: str) -> Image:
        found = next((item for item in images if item.digest == digest), None)
        if found is None:
            raise _missing(digest)
        return found

    def _repository(self, name: str) -> repository.Repository:
        pb = json_format.ParseDict(self._repositories[name], repository.Repository.pb()())
        made: repository.Repository = repository.Repository.wrap(pb)
        return made

    def _version(self, image: Image) -> version.Version:
        moment = self._images[image]
        return version.Version(
            name=image.version, create_time=moment, update_time=moment, related_tags=[_tag(image)]
        )

    def _image(self, image: Image) -> artifact.DockerImage:
        moment = self._images[image]
        return artifact.DockerImage(
            name=image.name,
            uri=image.uri,
            tags=[image.tag],
            upload_time=moment,
            update_time=moment,
            media_type=MEDIA_TYPE,
        )


def _match(pattern: str, name: str) -> tuple[str, ...]:
    match = re.fullmatch(pattern, name)
    if match is None:
        raise invalid(f"'{name}' is not a valid resource name.")
    return match.groups()


def _key(image: Image) -> tuple[str, str]:
    return image.package, image.tag


def _tag(image: Image) -> tag.Tag:
    return tag.Tag(name=f"{image.package}/tags/{image.tag}", version=image.version)


def _missing(name: str) -> Fault:
    return Fault(grpc.StatusCode.NOT_FOUND, f"Requested entity was not found: {name}.")


def _now() -> timestamp_pb2.Timestamp:
    moment = timestamp_pb2.Timestamp()
    moment.GetCurrentTime()
    return moment

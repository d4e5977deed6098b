"""Artifact Registry, asked by Google's own client."""

from __future__ import annotations

from typing import Any

import pytest
from google.api_core import exceptions
from google.cloud import artifactregistry_v1 as ar
from google.iam.v1 import iam_policy_pb2

from tests.emulator.conftest import LOCATION, Cloud, template

REPOSITORY = f"{LOCATION}/repositories/workers"
PACKAGE = f"{REPOSITORY}/packages/worker"


@pytest.fixture
def registry(cloud: Cloud) -> Any:
    kind = ar.ArtifactRegistryAsyncClient
    return kind(transport=kind.get_transport_class("grpc_asyncio")(channel=cloud.channel))


async def create(registry: Any, name: str = "workers") -> ar.Repository:
    repository = ar.Repository(format_=ar.Repository.Format.DOCKER, labels={"for": "workers"})
    request = ar.CreateRepositoryRequest(parent=LOCATION, repository_id=name, repository=repository)
    made: ar.Repository = await (await registry.create_repository(request=request)).result(timeout=10)
    return made


async def test_a_repository_is_made_once(registry: Any) -> None:
    with pytest.raises(exceptions.NotFound):
        await registry.get_repository(name=REPOSITORY)
    made = await create(registry)
    assert (made.name, made.registry_uri) == (REPOSITORY, "us-central1-docker.pkg.dev/demo/workers")
    assert await registry.get_repository(name=REPOSITORY) == made
    with pytest.raises(exceptions.AlreadyExists):
        await create(registry)
    with pytest.raises(exceptions.InvalidArgument):
        await create(registry, "Wrong_Name")
    assert [item.name async for item in await registry.list_repositories(parent=LOCATION)] == [REPOSITORY]
    policy = await registry.get_iam_policy(request=iam_policy_pb2.GetIamPolicyRequest(resource=REPOSITORY))
    assert policy.etag


async def test_a_tag_has_always_the_same_digest_of_its_own(registry: Any) -> None:
    with pytest.raises(exceptions.NotFound):
        await registry.get_tag(name=f"{PACKAGE}/tags/latest")
    await create(registry)
    latest = await registry.get_tag(name=f"{PACKAGE}/tags/latest")
    other = await registry.get_tag(name=f"{PACKAGE}/tags/v1")
    assert latest.version.startswith(f"{PACKAGE}/versions/sha256:")
    assert latest.version != other.version
    assert await registry.get_tag(name=f"{PACKAGE}/tags/latest") == latest
    assert [item async for item in await registry.list_tags(parent=PACKAGE)] == [latest, other]
    versions = [item.name async for item in await registry.list_versions(parent=PACKAGE)]
    assert versions == [latest.version, other.version]
    assert (await registry.get_version(name=latest.version)).related_tags == [latest]


async def test_an_image_is_found_by_its_digest_and_deployed_by_it(registry: Any, cloud: Cloud) -> None:
    await create(registry)
    digest = (await registry.get_tag(name=f"{REPOSITORY}/packages/test/tags/latest")).version.rpartition("/")[
        2
    ]
    (listed,) = [item async for item in await registry.list_docker_images(parent=REPOSITORY)]
    assert listed.uri == f"us-central1-docker.pkg.dev/demo/workers/test@{digest}"
    assert list(listed.tags) == ["latest"]
    assert await registry.get_docker_image(name=f"{REPOSITORY}/dockerImages/test@{digest}") == listed
    with pytest.raises(exceptions.NotFound):
        await registry.get_docker_image(name=f"{REPOSITORY}/dockerImages/test@sha256:{'0' * 64}")
    service = template()
    service.template.containers[0].image = listed.uri
    made = await cloud.finish(await cloud.create("svc", service))
    assert made.template.containers[0].image == listed.uri
    assert (await cloud.http.get(made.uri)).status_code == 200

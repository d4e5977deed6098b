"""The rooms that import their messages late, in an emulator of its own process, without Google's clients."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from google.api_core import exceptions
from google.cloud import artifactregistry_v1, resourcemanager_v3, secretmanager_v1, service_usage_v1
from google.iam.v1 import iam_policy_pb2

from tests.emulator.conftest import LOCATION, template
from tests.emulator.test_process import Spawn, execute, sockets, spawn
from tests.emulator.test_secrets import CANARY, Manager, environ, reading

__all__ = ["sockets", "spawn"]


def client(kind: Any, channel: Any) -> Any:
    return kind(transport=kind.get_transport_class("grpc_asyncio")(channel=channel))


async def test_every_room_opens_in_a_process_without_the_clients(spawn: Spawn) -> None:
    emulator = await spawn()
    channel = emulator.cloud.channel
    secrets = client(secretmanager_v1.SecretManagerServiceAsyncClient, channel)
    assert [item async for item in await secrets.list_secrets(parent="projects/demo")] == []
    usage = client(service_usage_v1.ServiceUsageAsyncClient, channel)
    name = "projects/demo/services/run.googleapis.com"
    request = service_usage_v1.GetServiceRequest(name=name)
    assert (await usage.get_service(request=request)).state == service_usage_v1.State.ENABLED
    projects = client(resourcemanager_v3.ProjectsAsyncClient, channel)
    assert (await projects.get_project(name="projects/demo")).project_id == "demo"
    registry = client(artifactregistry_v1.ArtifactRegistryAsyncClient, channel)
    assert [item async for item in await registry.list_repositories(parent=LOCATION)] == []
    await emulator.cloud.deploy()
    found = await emulator.cloud.services.get_iam_policy(
        request=iam_policy_pb2.GetIamPolicyRequest(resource=f"{LOCATION}/services/svc")
    )
    assert found.etag
    assert await emulator.stop() == (0, "")


async def test_what_is_refused_is_named_by_options(spawn: Spawn) -> None:
    emulator = await spawn(
        "--deny=run.services.delete",
        "--disable-api=secretmanager.googleapis.com",
        "--fail=CreateService=RESOURCE_EXHAUSTED*1:Quota exceeded.",
        "--fail=operation:UpdateService=INTERNAL*1",
        "--strict-secrets",
    )
    cloud = emulator.cloud
    with pytest.raises(exceptions.ResourceExhausted, match="Quota exceeded"):
        await cloud.create("svc", template())
    service = await cloud.deploy()
    assert (await cloud.wait(await cloud.update(service))).error.code == 13
    with pytest.raises(exceptions.PermissionDenied, match=r"run\.services\.delete"):
        await cloud.delete()
    with pytest.raises(exceptions.PermissionDenied, match="Secret Manager API has not been used"):
        await Manager(cloud).create()
    assert (await cloud.wait(await cloud.create("other", reading()))).error.code == 9


async def test_a_wrong_refusal_is_told_before_anything_starts(tmp_path: Path) -> None:
    process = await execute(
        "--state", str(tmp_path / "state"), "--listen", "127.0.0.1:0", "--fail", "Nothing=INTERNAL"
    )
    _, told = await process.communicate()
    assert process.returncode == 2
    assert b"has no RPC of the name Nothing" in told


async def test_a_payload_reaches_its_container_alone(spawn: Spawn, tmp_path: Path) -> None:
    emulator = await spawn()
    manager = Manager(emulator.cloud)
    await manager.create()
    await manager.add()
    service = await emulator.cloud.finish(await emulator.cloud.create("svc", reading(instances=(1, 1))))
    assert (await environ(emulator.cloud, service))["API_KEY"] == CANARY.decode()
    assert [argv for argv in arguments() if CANARY in argv] == []
    code, told = await emulator.stop()
    assert (code, CANARY.decode() in told) == (0, False)
    state = [path for path in (tmp_path / "state").rglob("*") if path.is_file()]
    assert [path for path in state if CANARY in path.read_bytes()] == []


def arguments() -> list[bytes]:
    """The arguments of every process of this machine; none off Linux."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):  # it has ended meanwhile
            found.append(path.read_bytes())
    return found

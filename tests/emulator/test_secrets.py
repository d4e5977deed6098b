"""Secret Manager asked by Google's own client, and what containers get of it."""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable
from pathlib import Path
from typing import Any

import pytest
from google.api_core import exceptions
from google.cloud import run_v2
from google.cloud import secretmanager_v1 as sm
from google.iam.v1 import iam_policy_pb2, policy_pb2
from google.protobuf import field_mask_pb2

from ccconsole.emulator.secretmanager.checksum import crc32c
from tests.emulator.conftest import Cloud, Launch, template

PROJECT = "projects/demo"
NAME = f"{PROJECT}/secrets/key"
CANARY = b"sk-canary-6f1c"
State = sm.SecretVersion.State


class Manager:
    """Google's Secret Manager client and the steps that most tests take."""

    def __init__(self, cloud: Cloud) -> None:
        transport = sm.SecretManagerServiceAsyncClient.get_transport_class("grpc_asyncio")
        self.client = sm.SecretManagerServiceAsyncClient(transport=transport(channel=cloud.channel))

    async def create(self, secret_id: str = "key", **fields: Any) -> sm.Secret:
        """A new secret without a version."""
        secret = sm.Secret(replication={"automatic": {}}, **fields)
        return await self.client.create_secret(parent=PROJECT, secret_id=secret_id, secret=secret)

    async def add(self, data: bytes = CANARY, secret: str = NAME) -> sm.SecretVersion:
        """A new version."""
        return await self.client.add_secret_version(parent=secret, payload=sm.SecretPayload(data=data))

    async def access(self, version: str = "latest") -> bytes:
        """A version's payload."""
        found = await self.client.access_secret_version(name=f"{NAME}/versions/{version}")
        assert found.payload.data_crc32c == crc32c(found.payload.data)
        data: bytes = found.payload.data
        return data


def reading(secret: str = "key", version: str = "latest", **fields: Any) -> run_v2.Service:
    """A service whose variable API_KEY holds a secret."""
    service = template(**fields)
    selector = run_v2.SecretKeySelector(secret=secret, version=version)
    source = run_v2.EnvVarSource(secret_key_ref=selector)
    service.template.containers[0].env = [run_v2.EnvVar(name="API_KEY", value_source=source)]
    return service


async def environ(cloud: Cloud, service: run_v2.Service) -> dict[str, str]:
    """What a container has in its environment."""
    answer = await cloud.http.get(service.uri)
    found: dict[str, str] = answer.json()["env"]
    return found


async def refused(call: Awaitable[Any], kind: type[Exception], words: str) -> None:
    with pytest.raises(kind, match=words):
        await call


def test_the_checksum_is_castagnolis() -> None:
    assert crc32c(b"123456789") == 0xE3069283  # RFC 3720's catalogue of CRCs: the check value


async def test_a_secret_and_its_versions(cloud: Cloud) -> None:
    manager = Manager(cloud)
    made = await manager.create(labels={"env": "dev"})
    assert (made.name, dict(made.labels)) == (NAME, {"env": "dev"})
    assert made.create_time
    await refused(manager.create(), exceptions.AlreadyExists, "already exists")
    await refused(manager.create("a b"), exceptions.InvalidArgument, "Secret ID")
    await refused(manager.access(), exceptions.NotFound, r"not found or has no versions")
    assert [(await manager.add(value)).name for value in (b"one", b"two")] == [
        f"{NAME}/versions/1",
        f"{NAME}/versions/2",
    ]
    assert [await manager.access(version) for version in ("1", "2", "latest")] == [b"one", b"two", b"two"]
    listed = [item async for item in await manager.client.list_secret_versions(parent=NAME)]
    assert [item.name[-1] for item in listed] == ["2", "1"]
    assert [item.name async for item in await manager.client.list_secrets(parent=PROJECT)] == [NAME]
    assert await manager.client.get_secret(name=NAME) == made
    await refused(manager.access("7"), exceptions.NotFound, r"versions/7\] not found")


async def test_a_version_is_disabled_enabled_and_destroyed(cloud: Cloud) -> None:
    manager = Manager(cloud)
    await manager.create()
    name = (await manager.add()).name
    disabled = await manager.client.disable_secret_version(name=name)
    assert disabled.state == State.DISABLED
    await refused(manager.access(), exceptions.FailedPrecondition, "is in DISABLED state")
    request = sm.EnableSecretVersionRequest(name=name, etag='"old"')
    await refused(
        manager.client.enable_secret_version(request=request), exceptions.FailedPrecondition, "etag"
    )
    assert (await manager.client.enable_secret_version(name=name)).state == State.ENABLED
    assert await manager.access() == CANARY
    destroyed = await manager.client.destroy_secret_version(name=name)
    assert destroyed.state == State.DESTROYED
    assert destroyed.destroy_time
    await refused(
        manager.client.enable_secret_version(name=name),
        exceptions.FailedPrecondition,
        "is in DESTROYED state",
    )
    alive = await manager.client.list_secret_versions(
        request=sm.ListSecretVersionsRequest(parent=NAME, filter="state:ENABLED")
    )
    assert [item async for item in alive] == []


async def test_a_secret_is_updated_and_deleted_with_its_policy(cloud: Cloud) -> None:
    manager = Manager(cloud)
    made = await manager.create(labels={"a": "1"})
    await manager.add()
    wanted = sm.Secret(name=NAME, labels={"b": "2"}, version_aliases={"live": 1}, etag=made.etag)
    mask = field_mask_pb2.FieldMask(paths=["labels", "version_aliases"])
    updated = await manager.client.update_secret(secret=wanted, update_mask=mask)
    assert dict(updated.labels) == {"b": "2"}
    assert await manager.access("live") == CANARY
    again = manager.client.update_secret(secret=wanted, update_mask=mask)
    await refused(again, exceptions.FailedPrecondition, "etag")
    policy = policy_pb2.Policy(bindings=[policy_pb2.Binding(role="roles/owner", members=["allUsers"])])
    await manager.client.set_iam_policy(
        request=iam_policy_pb2.SetIamPolicyRequest(resource=NAME, policy=policy)
    )
    await manager.client.delete_secret(name=NAME)
    await refused(manager.client.get_secret(name=NAME), exceptions.NotFound, r"secrets/key\] not found")
    await manager.create()
    found = await manager.client.get_iam_policy(request=iam_policy_pb2.GetIamPolicyRequest(resource=NAME))
    assert not found.bindings


async def test_a_payload_that_did_not_arrive_whole_is_refused(cloud: Cloud) -> None:
    manager = Manager(cloud)
    await manager.create()
    for payload, words in (
        (sm.SecretPayload(data=b"a", data_crc32c=1), "checksum"),
        (sm.SecretPayload(), "cannot be empty"),
        (sm.SecretPayload(data=b"a" * 65537), "exceeds the maximum"),
    ):
        call = manager.client.add_secret_version(parent=NAME, payload=payload)
        await refused(call, exceptions.InvalidArgument, words)


async def test_a_container_gets_the_payload_of_the_version_it_names(cloud: Cloud) -> None:
    manager = Manager(cloud)
    await manager.create()
    await manager.add(b"old")
    await manager.add(CANARY)
    pinned = await cloud.finish(await cloud.create("pinned", reading(version="1")))
    latest = await cloud.finish(await cloud.create("latest", reading(f"{PROJECT}/secrets/key")))
    assert (await environ(cloud, pinned))["API_KEY"] == "old"
    assert (await environ(cloud, latest))["API_KEY"] == CANARY.decode()
    assert CANARY.decode() not in str(await cloud.get("latest"))


async def test_where_no_secret_is_the_emulators_own_variable_takes_its_place(launch: Launch) -> None:
    cloud = await launch(environ={"API_KEY": "mine", "PATH": "/usr/bin:/bin"})
    manager = Manager(cloud)
    service = await cloud.finish(await cloud.create("svc", reading(instances=(0, 1))))
    assert (await environ(cloud, service))["API_KEY"] == "mine"
    await manager.create()
    await manager.add()
    other = await cloud.finish(await cloud.create("other", reading()))
    assert (await environ(cloud, other))["API_KEY"] == CANARY.decode()


async def test_a_payload_is_nowhere_on_disk_and_its_version_destroyed_after_a_restart(
    launch: Launch, tmp_path: Path
) -> None:
    cloud = await launch(state=tmp_path / "one")
    manager = Manager(cloud)
    await manager.create(annotations={"owner": "me"})
    await manager.add()
    service = await cloud.finish(await cloud.create("svc", reading()))
    assert (await environ(cloud, service))["API_KEY"] == CANARY.decode()
    files = [path for path in (tmp_path / "one").rglob("*") if path.is_file()]
    assert files
    assert [path for path in files if CANARY in path.read_bytes()] == []
    saved = (tmp_path / "one" / "secrets.json").read_text()

    state = tmp_path / "two"
    state.mkdir()
    (state / "secrets.json").write_text(saved)
    later = Manager(await launch(state=state))
    assert dict((await later.client.get_secret(name=NAME)).annotations) == {"owner": "me"}
    version = await later.client.get_secret_version(name=f"{NAME}/versions/1")
    assert version.state == State.DESTROYED
    assert (await later.add(b"new")).name == f"{NAME}/versions/2"
    assert json.loads(saved)[NAME]["versions"][0]["state"] == "ENABLED"


@pytest.mark.parametrize(
    ("prepare", "words"),
    [
        ("nothing", r"Secret projects/1\d+/secrets/key/versions/latest was not found"),
        ("disabled", r"Secret Version \[projects/demo/secrets/key/versions/1\] is in DISABLED state"),
        ("ungranted", "Permission denied on secret: projects/1.* for Revision service account worker@demo"),
    ],
)
async def test_strict_secrets_fail_the_revision_as_google_does(
    launch: Launch, prepare: str, words: str
) -> None:
    cloud = await launch(is_strict_on_secrets=True, environ={"API_KEY": "mine", "PATH": "/usr/bin:/bin"})
    manager = Manager(cloud)
    service = reading()
    if prepare != "nothing":
        await manager.create()
        version = await manager.add()
    if prepare == "disabled":
        await manager.client.disable_secret_version(name=version.name)
    if prepare == "ungranted":
        service.template.service_account = "worker@demo.iam.gserviceaccount.com"
    done = await cloud.wait(await cloud.create("svc", service))
    assert done.error.code == 9
    start = r"Revision 'svc-00001-\w+' is not ready and cannot serve traffic\. spec\.template\.spec\."
    assert re.match(f"{start}.*{words}", done.error.message), done.error.message
    revision = await cloud.revisions.get_revision(name=(await cloud.get()).latest_created_revision)
    reasons = {item.reason for item in revision.conditions if item.type_ == "Ready"}
    assert reasons == {run_v2.Condition.CommonReason.SECRETS_ACCESS_CHECK_FAILED}


async def test_a_granted_account_reads_the_secret(launch: Launch) -> None:
    cloud = await launch(is_strict_on_secrets=True)
    manager = Manager(cloud)
    await manager.create()
    await manager.add()
    account = "worker@demo.iam.gserviceaccount.com"
    role = "roles/secretmanager.secretAccessor"
    binding = policy_pb2.Binding(role=role, members=[f"serviceAccount:{account}"])
    request = iam_policy_pb2.SetIamPolicyRequest(resource=NAME, policy=policy_pb2.Policy(bindings=[binding]))
    await manager.client.set_iam_policy(request=request)
    service = reading()
    service.template.service_account = account
    made = await cloud.finish(await cloud.create("svc", service))
    assert (await environ(cloud, made))["API_KEY"] == CANARY.decode()

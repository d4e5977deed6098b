"""IAM policies of services, asked by Google's own client."""

from __future__ import annotations

from pathlib import Path

import pytest
from google.api_core import exceptions
from google.iam.v1 import iam_policy_pb2, policy_pb2

from ccconsole.emulator.policies import EMPTY_ETAG, Policies
from tests.emulator.conftest import LOCATION, Cloud, Launch

NAME = f"{LOCATION}/services/svc"
INVOKER = "roles/run.invoker"


async def get(cloud: Cloud, name: str = NAME) -> policy_pb2.Policy:
    request = iam_policy_pb2.GetIamPolicyRequest(resource=name)
    found: policy_pb2.Policy = await cloud.services.get_iam_policy(request=request)
    return found


async def put(cloud: Cloud, policy: policy_pb2.Policy) -> policy_pb2.Policy:
    request = iam_policy_pb2.SetIamPolicyRequest(resource=NAME, policy=policy)
    found: policy_pb2.Policy = await cloud.services.set_iam_policy(request=request)
    return found


def binding(role: str, *members: str) -> policy_pb2.Policy:
    return policy_pb2.Policy(bindings=[policy_pb2.Binding(role=role, members=members)])


async def test_a_policy_is_kept_until_the_service_goes(launch: Launch, tmp_path: Path) -> None:
    cloud = await launch()
    await cloud.deploy()
    await cloud.deploy("svc2")
    empty = await get(cloud)
    assert (list(empty.bindings), empty.etag) == ([], EMPTY_ETAG)
    empty.bindings.add(role=INVOKER, members=["allUsers"])
    made = await put(cloud, empty)
    assert made.bindings == empty.bindings
    assert made.etag not in (b"", EMPTY_ETAG)
    assert await get(cloud) == made
    other = f"{LOCATION}/services/svc2"
    await cloud.services.set_iam_policy(
        request=iam_policy_pb2.SetIamPolicyRequest(resource=other, policy=binding(INVOKER, "user:a@b.c"))
    )

    await cloud.delete()
    with pytest.raises(exceptions.NotFound):
        await get(cloud)
    await cloud.deploy()
    assert not (await get(cloud)).bindings
    assert len((await get(cloud, other)).bindings) == 1
    assert "allUsers" not in (tmp_path / "state" / "policies.json").read_text()


async def test_a_stale_etag_is_a_conflict_and_none_overwrites(cloud: Cloud) -> None:
    await cloud.deploy()
    first = await get(cloud)
    await put(cloud, binding(INVOKER, "user:a@b.c"))
    with pytest.raises(exceptions.Aborted, match="There were concurrent policy changes"):
        await put(cloud, first)
    assert (await put(cloud, binding(INVOKER, "allUsers"))).bindings[0].members == ["allUsers"]


@pytest.mark.parametrize(
    ("policy", "words"),
    [
        (binding(INVOKER, "somebody"), "The member somebody is of an unknown type"),
        (binding("invoker", "allUsers"), "Role invoker is not supported for this resource"),
        (policy_pb2.Policy(version=2), "Invalid policy version 2"),
    ],
)
def test_a_wrong_policy_is_refused(policy: policy_pb2.Policy, words: str) -> None:
    with pytest.raises(Exception, match=words):
        Policies({}, lambda rows: None).set(NAME, policy)


def test_policies_are_read_back_as_they_were_saved() -> None:
    saved: dict[str, object] = {}
    made = Policies({}, saved.update).set(NAME, binding(INVOKER, "allUsers"))
    assert Policies(saved, saved.update).get(NAME) == made


async def test_permissions_are_held_unless_denied(cloud: Cloud) -> None:
    await cloud.deploy()
    asked = ["run.services.get", "run.services.delete"]
    request = iam_policy_pb2.TestIamPermissionsRequest(resource=NAME, permissions=asked)
    assert (await cloud.services.test_iam_permissions(request=request)).permissions == asked
    request = iam_policy_pb2.TestIamPermissionsRequest(resource=NAME, permissions=["run.*"])
    with pytest.raises(exceptions.InvalidArgument):
        await cloud.services.test_iam_permissions(request=request)

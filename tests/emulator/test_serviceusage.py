"""Service Usage and Resource Manager, asked by Google's own clients."""

from __future__ import annotations

from typing import Any

import pytest
from google.api_core import exceptions
from google.cloud import resourcemanager_v3, secretmanager_v1, service_usage_v1
from google.iam.v1 import iam_policy_pb2, policy_pb2

from ccconsole.emulator.apis import TITLES, Apis
from ccconsole.emulator.refusals import Refusals
from tests.emulator.conftest import LOCATION, Cloud, Launch, template

PROJECT = "projects/demo"
RUN, SECRETS = "run.googleapis.com", "secretmanager.googleapis.com"
ENABLED, DISABLED = service_usage_v1.State.ENABLED, service_usage_v1.State.DISABLED


def client(kind: Any, cloud: Cloud) -> Any:
    return kind(transport=kind.get_transport_class("grpc_asyncio")(channel=cloud.channel))


async def states(usage: Any, *apis: str) -> list[Any]:
    names = [f"{PROJECT}/services/{api}" for api in apis]
    request = service_usage_v1.BatchGetServicesRequest(parent=PROJECT, names=names)
    return [item.state for item in (await usage.batch_get_services(request=request)).services]


async def test_an_api_that_is_off_works_once_it_is_enabled(launch: Launch) -> None:
    off = [RUN, SECRETS]
    cloud = await launch(refusals=Refusals(disabled=frozenset(off)))
    usage = client(service_usage_v1.ServiceUsageAsyncClient, cloud)
    secrets = client(secretmanager_v1.SecretManagerServiceAsyncClient, cloud)
    assert await states(usage, *off, "logging.googleapis.com") == [DISABLED, DISABLED, ENABLED]
    with pytest.raises(exceptions.PermissionDenied, match="Cloud Run Admin API has not been used"):
        await cloud.create("svc", template())
    with pytest.raises(exceptions.PermissionDenied, match="Secret Manager API has not been used"):
        await secrets.list_secrets(parent=PROJECT)

    operation = await usage.batch_enable_services(
        request=service_usage_v1.BatchEnableServicesRequest(parent=PROJECT, service_ids=off)
    )
    done = await operation.result(timeout=10)
    assert [item.state for item in done.services] == [ENABLED, ENABLED]
    assert operation.operation.name.startswith("operations/")
    assert (await cloud.deploy()).uri
    assert [item async for item in await secrets.list_secrets(parent=PROJECT)] == []


async def test_an_api_is_disabled_in_one_project(launch: Launch) -> None:
    cloud = await launch()
    usage = client(service_usage_v1.ServiceUsageAsyncClient, cloud)
    request = service_usage_v1.DisableServiceRequest(name=f"{PROJECT}/services/{RUN}")
    done = await (await usage.disable_service(request=request)).result(timeout=10)
    assert done.service.state == DISABLED
    with pytest.raises(exceptions.PermissionDenied):
        await cloud.get()
    other = LOCATION.replace("demo", "other")
    assert [item async for item in await cloud.services.list_services(parent=other)] == []
    listed = await usage.list_services(
        request=service_usage_v1.ListServicesRequest(parent=PROJECT, filter="state:DISABLED")
    )
    assert [item.config.name async for item in listed] == [RUN]
    everything = await usage.list_services(request=service_usage_v1.ListServicesRequest(parent=PROJECT))
    assert {item.config.name async for item in everything} == set(TITLES)
    enable = service_usage_v1.EnableServiceRequest(name=f"{PROJECT}/services/{RUN}")
    await (await usage.enable_service(request=enable)).result(timeout=10)
    with pytest.raises(exceptions.NotFound):
        await cloud.get()


async def test_an_unknown_api_and_too_many_are_refused(cloud: Cloud) -> None:
    usage = client(service_usage_v1.ServiceUsageAsyncClient, cloud)
    unknown = service_usage_v1.EnableServiceRequest(name=f"{PROJECT}/services/nothing.googleapis.com")
    with pytest.raises(exceptions.PermissionDenied, match="Not found or permission denied for service"):
        await usage.enable_service(request=unknown)
    with pytest.raises(exceptions.InvalidArgument, match="1 to 30"):
        await states(usage, *[RUN] * 31)


async def test_a_project_its_policy_and_what_the_caller_may(launch: Launch) -> None:
    cloud = await launch(refusals=Refusals(denied=frozenset({"run.services.update"})))
    projects = client(resourcemanager_v3.ProjectsAsyncClient, cloud)
    project = await projects.get_project(name=PROJECT)
    assert (project.project_id, project.state.name) == ("demo", "ACTIVE")
    assert project.name.removeprefix("projects/").isdecimal()
    asked = ["run.services.get", "run.services.update", "secretmanager.versions.access"]
    request = iam_policy_pb2.TestIamPermissionsRequest(resource=PROJECT, permissions=asked)
    held = await projects.test_iam_permissions(request=request)
    assert list(held.permissions) == [asked[0], asked[2]]
    policy = policy_pb2.Policy(bindings=[policy_pb2.Binding(role="roles/run.viewer", members=["user:a@b.c"])])
    made = await projects.set_iam_policy(
        request=iam_policy_pb2.SetIamPolicyRequest(resource=PROJECT, policy=policy)
    )
    found = await projects.get_iam_policy(request=iam_policy_pb2.GetIamPolicyRequest(resource=PROJECT))
    assert found == made


def test_what_was_switched_is_remembered_but_an_option_counts_more() -> None:
    saved: dict[str, Any] = {}
    Apis({}, saved.update).switch("demo", RUN, is_on=False)
    later = Apis(saved, saved.update)
    assert not later.is_enabled("demo", RUN)
    later.switch("demo", RUN, is_on=True)
    assert Apis(saved, saved.update).is_enabled("demo", RUN)
    assert not Apis(saved, saved.update, [RUN]).is_enabled("demo", RUN)

"""google.cloud.run.v2.Revisions and google.longrunning.Operations."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import grpc
import grpc.aio
import pytest
from google.api_core import exceptions
from google.cloud import run_v2
from google.longrunning import operations_pb2

from tests.emulator.conftest import LOCATION, Cloud, template

BY_NAME = run_v2.TrafficTargetAllocationType.TRAFFIC_TARGET_ALLOCATION_TYPE_REVISION


async def redeploy(cloud: Cloud, service: run_v2.Service, mark: str) -> run_v2.Service:
    wanted = template(env={"MARK": mark})
    wanted.name = service.name
    return await cloud.finish(await cloud.update(wanted))


async def names(cloud: Cloud, parent: str) -> list[str]:
    pager = await cloud.revisions.list_revisions(request={"parent": parent, "page_size": 2})
    return [revision.name.removeprefix(f"{LOCATION}/services/")[:-4] async for revision in pager]


async def test_revisions_of_one_and_of_all_services_newest_first(cloud: Cloud) -> None:
    service = await cloud.deploy("a")
    await redeploy(cloud, service, "2")
    await redeploy(cloud, service, "3")
    await cloud.deploy("b")
    of_a = ["a/revisions/a-00003", "a/revisions/a-00002", "a/revisions/a-00001"]
    assert await names(cloud, f"{LOCATION}/services/a") == of_a
    assert await names(cloud, f"{LOCATION}/services/-") == [*of_a, "b/revisions/b-00001"]
    with pytest.raises(exceptions.NotFound):
        await cloud.revisions.list_revisions(parent=f"{LOCATION}/services/c")


async def test_a_revision_carries_its_template_and_says_whether_it_is_active(cloud: Cloud) -> None:
    first = await cloud.deploy(env={"A": "1"}, concurrency=3, timeout=77, instances=(0, 4))
    await redeploy(cloud, first, "2")
    old = await cloud.revisions.get_revision(name=first.latest_ready_revision)
    assert old.service == "svc"
    assert old.containers == first.template.containers
    assert old.max_instance_request_concurrency == 3
    assert old.scaling.max_instance_count == 4
    assert run_v2.Revision.pb(old).timeout.seconds == 77
    assert not old.reconciling
    found = {item.type_: item for item in old.conditions}
    assert found["Ready"].state == run_v2.Condition.State.CONDITION_SUCCEEDED
    assert found["Active"].state == run_v2.Condition.State.CONDITION_FAILED
    assert found["Active"].revision_reason == run_v2.Condition.RevisionReason.RETIRED
    wildcard = old.name.replace("/services/svc/", "/services/-/")
    assert await cloud.revisions.get_revision(name=wildcard) == old


async def test_only_a_retired_revision_is_deleted(cloud: Cloud) -> None:
    service = await cloud.deploy()
    first = service.latest_ready_revision
    with pytest.raises(exceptions.FailedPrecondition, match="cannot be deleted"):
        await cloud.revisions.delete_revision(name=first)
    service = await redeploy(cloud, service, "2")
    with pytest.raises(exceptions.Aborted):
        await cloud.revisions.delete_revision(request={"name": first, "etag": "stale"})
    await cloud.revisions.delete_revision(request={"name": first, "validate_only": True})

    short = first.rsplit("/", 1)[-1]
    tagged = run_v2.TrafficTarget(type_=BY_NAME, revision=short, tag="old")
    routed = run_v2.Service(name=service.name, traffic=[*service.traffic, tagged])
    await cloud.finish(await cloud.update(routed, "traffic"))
    with pytest.raises(exceptions.FailedPrecondition):
        await cloud.revisions.delete_revision(name=first)

    service.etag = ""
    await cloud.finish(await cloud.update(service, "traffic"))
    operation = await cloud.revisions.delete_revision(name=first)
    done = await cloud.wait(operation)
    gone = run_v2.Revision.pb(run_v2.Revision())
    assert done.response.Unpack(gone)
    assert gone.HasField("delete_time")
    with pytest.raises(exceptions.NotFound, match="REVISION"):
        await cloud.revisions.get_revision(name=first)


async def operations(cloud: Cloud) -> list[operations_pb2.Operation]:
    request = operations_pb2.ListOperationsRequest(name=LOCATION)
    return list((await cloud.services.list_operations(request)).operations)


async def test_operations_are_listed_waited_for_and_deleted(cloud: Cloud, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    operation = await cloud.create("svc", template(env={"START_WHEN": str(gate)}))
    name = operation.operation.name
    assert name.startswith(f"{LOCATION}/operations/")
    assert [(item.name, item.done) for item in await operations(cloud)] == [(name, False)]

    brief = operations_pb2.WaitOperationRequest(name=name)
    brief.timeout.FromMilliseconds(50)
    raw: Any = await cloud.services.wait_operation(brief)
    assert not operations_pb2.Operation.FromString(raw).done
    get = operations_pb2.GetOperationRequest(name=name)
    live = run_v2.Service.pb(run_v2.Service())
    assert (await cloud.services.get_operation(get)).metadata.Unpack(live)
    assert live.reconciling
    with pytest.raises(exceptions.FailedPrecondition):
        await cloud.services.delete_operation(operations_pb2.DeleteOperationRequest(name=name))

    gate.touch()
    assert (await cloud.wait(operation)).done
    await cloud.services.delete_operation(operations_pb2.DeleteOperationRequest(name=name))
    assert await operations(cloud) == []
    with pytest.raises(exceptions.NotFound, match="does not exist"):
        await cloud.services.get_operation(get)


def rpcs(cloud: Cloud) -> set[str]:
    """The paths of all RPCs that the library's own clients of Services and Revisions know."""
    paths: set[str] = set()

    class Recorder:
        def unary_unary(self, path: str, **_: Any) -> Any:
            paths.add(path)
            return lambda: None

    for client in (run_v2.ServicesAsyncClient, run_v2.RevisionsAsyncClient):
        transport: Any = client.get_transport_class("grpc_asyncio")(channel=cloud.channel)
        transport._logged_channel = Recorder()
        transport._stubs.clear()
        for name in dir(type(transport)):
            if isinstance(getattr(type(transport), name), property):
                getattr(transport, name)
    return paths


async def test_every_rpc_of_services_and_revisions_is_answered_or_told_off(cloud: Cloud) -> None:
    paths = rpcs(cloud)
    assert "/google.cloud.run.v2.Services/CreateService" in paths
    assert "/google.cloud.run.v2.Revisions/ListRevisions" in paths
    assert "/google.longrunning.Operations/WaitOperation" in paths
    told_off = set()
    for path in paths:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await cloud.channel.unary_unary(path, None, None)(b"")
        code, words = caught.value.code(), caught.value.details()
        if code is grpc.StatusCode.UNIMPLEMENTED:
            told_off.add(path.rpartition("/")[2])
            name = path[1:].replace("/", ".")
            assert words == f"The emulator does not offer {name}; docs/fidelity.md lists what it does."
        else:
            assert code in (grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.NOT_FOUND), path
            assert words
    assert told_off == {"CancelOperation"}


async def test_other_services_of_google_are_told_off_in_words(cloud: Cloud) -> None:
    method = cloud.channel.stream_stream("/google.devtools.build.v1.PublishBuildEvent/Publish", None, None)
    with pytest.raises(grpc.aio.AioRpcError, match=r"does not offer google\.devtools\.build\.v1"):
        await method(None).read()


async def test_the_channel_is_not_confused_by_rubbish(cloud: Cloud) -> None:
    call = cloud.channel.unary_unary("/google.cloud.run.v2.Services/GetService", None, None)
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call(b"\xff\xff\xff")
    assert caught.value.code() is grpc.StatusCode.INTERNAL
    assert "cannot be read" in (caught.value.details() or "")
    assert [item async for item in await cloud.services.list_services(parent=LOCATION)] == []


async def test_moving_traffic_tries_no_failed_revision_again(cloud: Cloud, tmp_path: Path) -> None:
    first = await cloud.deploy()
    broken = template(env={"FAIL": str(tmp_path / "never")})
    broken.name = first.name
    assert (await cloud.wait(await cloud.update(broken))).error.code == 9
    target = run_v2.TrafficTarget(
        type_=BY_NAME, revision=first.latest_ready_revision.rsplit("/", 1)[-1], percent=100
    )
    moved = await cloud.finish(
        await cloud.update(run_v2.Service(name=first.name, traffic=[target]), "traffic")
    )
    assert await names(cloud, first.name) == ["svc/revisions/svc-00002", "svc/revisions/svc-00001"]
    assert [share.revision for share in moved.traffic_statuses] == [target.revision]

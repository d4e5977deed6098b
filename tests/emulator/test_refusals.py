"""Calls that fail because the emulator was asked to refuse them, as Google's own clients meet it."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.api_core import exceptions
from google.cloud import logging_v2, monitoring_v3
from google.cloud.logging_v2.services.logging_service_v2 import LoggingServiceV2AsyncClient
from google.iam.v1 import iam_policy_pb2

from ccconsole.emulator.apis import TITLES, api_of
from ccconsole.emulator.emulator import Emulator, Options
from ccconsole.emulator.permissions import NEEDS
from ccconsole.emulator.refusals import Refusals
from tests.emulator.conftest import LOCATION, Cloud, Launch, template

NAME = f"{LOCATION}/services/svc"


def refusing(*, deny: str = "", disable: str = "", fail: str = "") -> Refusals:
    return Refusals.parse(deny.split(), disable.split(), [fail] if fail else [])


def transport(client: Any, cloud: Cloud) -> Any:
    return client(transport=client.get_transport_class("grpc_asyncio")(channel=cloud.channel))


async def test_a_denied_permission_is_refused_in_googles_words_and_not_held(launch: Launch) -> None:
    cloud = await launch(refusals=refusing(deny="run.services.create run.services.delete"))
    with pytest.raises(exceptions.PermissionDenied) as caught:
        await cloud.create("svc", template())
    text = f"Permission 'run.services.create' denied on resource '{NAME}' (or resource may not exist)."
    assert caught.value.message == text
    error: Any = caught.value
    assert error.reason == "IAM_PERMISSION_DENIED"
    assert error.metadata == {"permission": "run.services.create", "resource": NAME}
    assert [item async for item in await cloud.services.list_services(parent=LOCATION)] == []


async def test_test_iam_permissions_leaves_the_denied_out(launch: Launch) -> None:
    cloud = await launch(refusals=refusing(deny="run.services.delete"))
    await cloud.deploy()
    asked = ["run.services.get", "run.services.delete"]
    request = iam_policy_pb2.TestIamPermissionsRequest(resource=NAME, permissions=asked)
    assert (await cloud.services.test_iam_permissions(request=request)).permissions == asked[:1]
    with pytest.raises(exceptions.PermissionDenied):
        await cloud.delete()


async def test_a_revision_needs_the_right_to_act_as_its_account(launch: Launch) -> None:
    cloud = await launch(refusals=refusing(deny="iam.serviceAccounts.actAs"))
    with pytest.raises(exceptions.PermissionDenied, match=r"actAs' denied on service account 1\d+-compute@"):
        await cloud.create("svc", template())
    service = template()
    service.template.service_account = "worker@demo.iam.gserviceaccount.com"
    with pytest.raises(exceptions.PermissionDenied, match="account worker@demo"):
        await cloud.create("svc", service)


async def test_a_stream_and_lists_of_other_apis_are_denied(launch: Launch) -> None:
    cloud = await launch(refusals=refusing(deny="logging.logEntries.list monitoring.timeSeries.list"))
    logs = transport(LoggingServiceV2AsyncClient, cloud)

    async def requests() -> Any:
        yield logging_v2.types.TailLogEntriesRequest(resource_names=["projects/demo"])

    with pytest.raises(exceptions.PermissionDenied, match="Permission denied for all log views"):
        async for _ in await logs.tail_log_entries(requests()):
            pass
    metrics = transport(monitoring_v3.MetricServiceAsyncClient, cloud)
    with pytest.raises(exceptions.PermissionDenied, match=r"Permission monitoring\.timeSeries\.list denied"):
        await metrics.list_time_series(name="projects/demo", filter='metric.type="x"')


async def test_an_api_that_is_off_is_told_so_that_programs_understand(launch: Launch) -> None:
    cloud = await launch(refusals=refusing(disable="run.googleapis.com"))
    for call in (cloud.get(), cloud.create("svc", template())):
        with pytest.raises(exceptions.PermissionDenied, match="has not been used in project 1") as caught:
            await call
        error: Any = caught.value
        assert error.message.startswith("Cloud Run Admin API has not been used in project ")
        assert (error.reason, error.domain) == ("SERVICE_DISABLED", "googleapis.com")
        assert error.metadata["service"] == "run.googleapis.com"


async def test_a_call_fails_as_often_as_asked(launch: Launch) -> None:
    cloud = await launch(refusals=refusing(fail="CreateService=RESOURCE_EXHAUSTED*2:Quota exceeded: 5 a day"))
    for _ in range(2):
        with pytest.raises(exceptions.ResourceExhausted, match="Quota exceeded: 5 a day"):
            await cloud.create("svc", template())
    assert (await cloud.deploy()).uri


async def test_an_operation_fails_or_never_ends_and_changes_nothing(launch: Launch, tmp_path: Path) -> None:
    cloud = await launch(refusals=refusing(fail="operation:CreateService=INTERNAL*1:Try later."))
    done = await cloud.wait(await cloud.create("svc", template()))
    assert (done.error.code, done.error.message) == (13, "Try later.")
    with pytest.raises(exceptions.NotFound):
        await cloud.get()
    await cloud.deploy()
    await cloud.delete()

    other = await launch(refusals=refusing(fail="operation:CreateService=HANG*1"), state=tmp_path / "other")
    hung = await other.create("svc", template())
    await other.deploy()
    assert not await other.is_done(hung)


async def test_a_call_that_hangs_gets_no_answer(launch: Launch) -> None:
    cloud = await launch(refusals=refusing(fail="GetService=HANG"))
    call = asyncio.ensure_future(cloud.services.get_service(name=NAME, timeout=0.1, retry=None))
    with pytest.raises(exceptions.DeadlineExceeded):
        await call


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (([], [], ["CreateServce=INTERNAL"]), "has no RPC of the name CreateServce"),
        (([], [], ["operation:GetService=INTERNAL"]), "has no operation of the name GetService"),
        (([], [], ["CreateService=BROKEN"]), "BROKEN is no gRPC code"),
        (([], [], ["CreateService=OK"]), "OK is no gRPC code"),
        (([], [], ["CreateService"]), "expected"),
        ((["run.services"], [], []), "expected a permission"),
        (([], ["run"], []), r"expected one of .*run\.googleapis\.com"),
    ],
)
def test_a_wrong_option_is_named(options: tuple[list[str], list[str], list[str]], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        Refusals.parse(*options)


async def test_every_answered_rpc_has_its_permission(tmp_path: Path) -> None:
    emulator = Emulator(Options(tmp_path / "all", ["127.0.0.1:0"]))
    await emulator.start()
    try:
        answered = {path for path in emulator.table.paths if not path.endswith("/TestIamPermissions")}
        assert answered == set(NEEDS)
    finally:
        await emulator.stop()


async def test_every_rpc_of_an_api_that_is_off_is_refused(launch: Launch) -> None:
    cloud = await launch(refusals=Refusals(disabled=frozenset(TITLES)))
    for path in NEEDS:
        if api_of(path):
            with pytest.raises(grpc.aio.AioRpcError, match="has not been used in project"):
                await first_answer(cloud, path)


async def test_every_rpc_that_lacks_its_permission_is_refused(launch: Launch) -> None:
    everything = frozenset(need.permission for need in NEEDS.values())
    cloud = await launch(refusals=Refusals(denied=everything))
    for path in NEEDS:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await first_answer(cloud, path)
        assert caught.value.code() is grpc.StatusCode.PERMISSION_DENIED, path


async def first_answer(cloud: Cloud, path: str) -> Any:
    """What an RPC answers to an empty request."""
    return await cloud.channel.stream_stream(path, None, None)(iter([b""])).read()


def test_operations_are_told_from_other_answers() -> None:
    operations = {path.rpartition("/")[2] for path, need in NEEDS.items() if need.is_operation}
    assert {"CreateService", "DeleteRevision", "EnableService", "CreateRepository"} <= operations


def test_codes_are_read() -> None:
    (failure,) = refusing(fail="Services/GetIamPolicy=UNAVAILABLE").failures
    assert failure.paths == {"/google.cloud.run.v2.Services/GetIamPolicy"}
    assert (failure.code, failure.count) == (grpc.StatusCode.UNAVAILABLE, None)

"""A role that was never granted, or that ends with one region: told beside what can be read."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.cloud import run_v2

from ccconsole.cloud.connect import Connections
from ccconsole.errors import Denied
from ccconsole.fleet import read_fleet
from ccconsole.model.services import ServiceState
from tests.cloud.conftest import config_of


class Gate(grpc.GenericRpcHandler):  # type: ignore[type-arg]
    """Google's side of ListServices for somebody without the role in one region."""

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> Any:
        if not str(handler_call_details.method).endswith("/ListServices"):
            return None
        return grpc.unary_unary_rpc_method_handler(
            self.services,
            request_deserializer=run_v2.ListServicesRequest.deserialize,
            response_serializer=run_v2.ListServicesResponse.serialize,
        )

    async def services(
        self, request: run_v2.ListServicesRequest, context: grpc.aio.ServicerContext[object, object]
    ) -> run_v2.ListServicesResponse:
        region = re.sub(".*/", "", request.parent)
        if region == "europe-west1":
            resource = f"'{request.parent}' (or resource may not exist)"
            await context.abort(
                grpc.StatusCode.PERMISSION_DENIED,
                f"Permission 'run.services.list' denied on resource {resource}.",
            )
        live = run_v2.Service(
            name=f"{request.parent}/services/worker",
            uri="https://worker.example",
            terminal_condition=run_v2.Condition(state=run_v2.Condition.State.CONDITION_SUCCEEDED),
            template=run_v2.RevisionTemplate(
                containers=[
                    run_v2.Container(
                        env=[
                            run_v2.EnvVar(name="ANTHROPIC_API_KEY", value="held in the open"),
                            run_v2.EnvVar(name="NOTE", value="sk-ant-api03-abc"),
                            run_v2.EnvVar(name="LOG_LEVEL", value="info"),
                        ]
                    )
                ]
            ),
        )
        return run_v2.ListServicesResponse(services=[live])


@pytest.fixture
async def gate() -> AsyncIterator[str]:
    server = grpc.aio.server()
    server.add_generic_rpc_handlers((Gate(),))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    yield f"127.0.0.1:{port}"
    await server.stop(None)


async def test_denied_everywhere(tmp_path: Path, gate: str) -> None:
    config = config_of(
        tmp_path, f'[env.dev]\nproject = "acme"\nregion = "europe-west1"\nendpoint = "{gate}"\n'
    )
    async with Connections(config) as connections:
        snapshot = await read_fleet(config, connections)
    (problem,) = snapshot.problems
    assert problem.exit_code == Denied.exit_code
    assert "run.services.list" in problem.detail
    assert "gcloud projects add-iam-policy-binding acme" in problem.hint
    assert "--role=roles/run.viewer" in problem.hint
    assert (snapshot.rows, snapshot.ages) == ((), {})


async def test_denied_in_one_region_leaves_the_other(tmp_path: Path, gate: str) -> None:
    text = (
        f'[env.dev]\nproject = "acme"\nendpoint = "{gate}"\nservice = "worker"\n'
        '[env.dev.services.worker-eu]\nregion = "europe-west1"\n'
    )
    config = config_of(tmp_path, text)
    async with Connections(config) as connections:
        snapshot = await read_fleet(config, connections)
    (row,) = snapshot.rows
    assert (row.service.key.region, row.service.state) == ("us-central1", ServiceState.READY)
    (problem,) = snapshot.problems
    assert problem.title == "Cannot list the services of dev in europe-west1"
    assert "dev" in snapshot.ages


async def test_a_secret_in_a_plain_variable_goes_no_further(tmp_path: Path, gate: str) -> None:
    config = config_of(tmp_path, f'[env.dev]\nproject = "acme"\nendpoint = "{gate}"\nservice = "worker"\n')
    async with Connections(config) as connections:
        (row,) = (await read_fleet(config, connections)).rows
    assert row.service.env["LOG_LEVEL"] == "info"
    assert row.service.env["ANTHROPIC_API_KEY"].startswith("(hidden")
    assert row.service.env["NOTE"].startswith("(hidden")

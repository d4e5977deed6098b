"""Metrics beside the fleet's rows: measured on this machine, denied, switched off, half of them missing."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc
import httpx
import pytest
from google.cloud import monitoring_v3, run_v2
from google.protobuf.any_pb2 import Any as AnyMessage
from google.rpc import error_details_pb2, status_pb2
from grpc_status import rpc_status

from ccconsole.cloud.connect import Connections
from ccconsole.cloud.metrics import metrics
from ccconsole.errors import Denied
from ccconsole.fleet import fleet, read_fleet
from ccconsole.model.fleet import FleetSnapshot
from ccconsole.model.services import ServiceKey
from ccconsole.streams import Clock
from tests.cloud.conftest import Emulated, config_of, quick, snapshot_where

NOW = 1_800_000_000.0
LOCAL = '[env.local]\nlocal = true\nservice = "worker"\nenv = { WORKER_AGENT = "shell" }\n'


DENIAL = "Permission monitoring.timeSeries.list denied (or the resource may not exist)."


@dataclass
class Google(grpc.GenericRpcHandler):  # type: ignore[type-arg]
    """One ready service and its metrics; `refused` metrics are answered with `refusal`."""

    refused: str = "^$"
    is_disabled: bool = False
    asked: list[monitoring_v3.ListTimeSeriesRequest] = field(default_factory=list)

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> Any:
        answers: dict[str, tuple[Any, Any, Any]] = {
            "ListServices": (self.services, run_v2.ListServicesRequest, run_v2.ListServicesResponse),
            "ListTimeSeries": (
                self.series,
                monitoring_v3.ListTimeSeriesRequest,
                monitoring_v3.ListTimeSeriesResponse,
            ),
        }
        found = answers.get(str(handler_call_details.method).rsplit("/", 1)[-1])
        if found is None:
            return None
        answer, request, response = found
        return grpc.unary_unary_rpc_method_handler(
            answer, request_deserializer=request.deserialize, response_serializer=response.serialize
        )

    async def services(
        self, request: run_v2.ListServicesRequest, context: grpc.aio.ServicerContext[Any, Any]
    ) -> run_v2.ListServicesResponse:
        live = run_v2.Service(
            name=f"{request.parent}/services/worker",
            uri="https://worker.example",
            terminal_condition=run_v2.Condition(state=run_v2.Condition.State.CONDITION_SUCCEEDED),
        )
        return run_v2.ListServicesResponse(services=[live])

    async def series(
        self, request: monitoring_v3.ListTimeSeriesRequest, context: Any
    ) -> monitoring_v3.ListTimeSeriesResponse:
        self.asked.append(request)
        if self.is_disabled:
            await context.abort_with_status(rpc_status.to_status(disabled()))
        if re.search(self.refused, request.filter):
            await context.abort(grpc.StatusCode.PERMISSION_DENIED, DENIAL)
        point = {"interval": {"end_time": {"seconds": int(NOW) - 180}}, "value": {"double_value": 0.5}}
        series = monitoring_v3.TimeSeries(
            resource={"labels": {"service_name": "worker", "location": "us-central1"}}, points=[point]
        )
        return monitoring_v3.ListTimeSeriesResponse(time_series=[series])


def disabled() -> status_pb2.Status:
    """What Google says while an API is switched off."""
    detail = AnyMessage()
    detail.Pack(
        error_details_pb2.ErrorInfo(
            reason="SERVICE_DISABLED",
            domain="googleapis.com",
            metadata={"service": "monitoring.googleapis.com"},
        )
    )
    message = "Cloud Monitoring API has not been used in project 1 before or it is disabled."
    return status_pb2.Status(code=7, message=message, details=[detail])


@dataclass
class Fake:
    handler: Google
    target: str


@pytest.fixture
async def google() -> AsyncIterator[Fake]:
    handler = Google()
    server = grpc.aio.server()
    server.add_generic_rpc_handlers((handler,))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    yield Fake(handler, f"127.0.0.1:{port}")
    await server.stop(None)


async def read(tmp_path: Path, google: Fake) -> FleetSnapshot:
    text = f'[env.dev]\nproject = "acme"\nendpoint = "{google.target}"\nservice = "worker"\n'
    config = config_of(tmp_path, text)
    async with Connections(config) as connections:
        return await read_fleet(config, connections, has_metrics=True)


async def test_denied_metrics_leave_the_rows_and_say_who_can_grant_them(tmp_path: Path, google: Fake) -> None:
    google.handler.refused = "."
    snapshot = await read(tmp_path, google)
    (row,) = snapshot.rows
    assert (row.service.uri, row.metrics, row.alerts) == ("https://worker.example", None, ())
    assert snapshot.problems == ()
    (problem,) = snapshot.metrics_problems
    assert (problem.environment, problem.exit_code) == ("dev", Denied.exit_code)
    assert problem.title == "Cannot read the metrics of dev"
    assert "--role=roles/monitoring.viewer" in problem.hint
    assert snapshot.metrics_ages == {}


async def test_an_api_that_is_off_comes_with_the_command_that_turns_it_on(
    tmp_path: Path, google: Fake
) -> None:
    google.handler.is_disabled = True
    snapshot = await read(tmp_path, google)
    (problem,) = snapshot.metrics_problems
    assert problem.hint == "gcloud services enable monitoring.googleapis.com --project=acme"
    assert snapshot.rows[0].service.uri == "https://worker.example"


async def test_one_metric_that_fails_blanks_no_other(tmp_path: Path, google: Fake) -> None:
    google.handler.refused = "container/cpu"
    snapshot = await read(tmp_path, google)
    (row,) = snapshot.rows
    assert row.metrics is not None
    assert row.metrics["memory"].points == ((NOW - 180, 0.5),)
    assert row.metrics["memory"].problem is None
    assert row.metrics["cpu"].points == ()
    assert row.metrics["cpu"].problem is not None
    assert len(snapshot.metrics_problems) == 1
    assert snapshot.metrics_ages.keys() == {"dev"}


async def test_google_is_asked_by_the_minute_with_documented_delays(tmp_path: Path, google: Fake) -> None:
    """Without descriptors; a finer alignment would be refused."""
    text = f'[env.dev]\nproject = "acme"\nendpoint = "{google.target}"\nservice = "worker"\n'
    config = config_of(tmp_path, text)
    key = ServiceKey("dev", "us-central1", "worker")
    waits: list[float] = []
    now = NOW

    async def sleep(seconds: float) -> None:
        nonlocal now
        waits.append(seconds)
        now += seconds

    clock = Clock(now=lambda: now, sleep=sleep, jitter=lambda: 1.0)
    async with Connections(config) as connections:
        connection = await connections.connection(config.environment("dev"))
        async with aclosing(metrics(connection, services=lambda: [key], clock=clock)) as flow:
            first = (await anext(flow)).services[key]["memory"]
            asked = {request.filter: request for request in google.handler.asked}
            google.handler.asked.clear()
            google.handler.refused = "."
            denied = await anext(flow)
            await anext(flow)
            google.handler.refused = "^$"
            google.handler.asked.clear()
            healed = await anext(flow)
    assert len(asked) == 5
    for request in asked.values():
        raw = monitoring_v3.ListTimeSeriesRequest.pb(request)
        assert raw.aggregation.alignment_period.seconds == 60
        assert raw.interval.end_time.seconds % 60 == 0
        assert raw.interval.end_time.seconds - raw.interval.start_time.seconds == 1800
    assert (first.period, first.sample_period, first.ingest_delay) == (60, 60, 240)
    assert first.current(NOW) == 0.5
    # The last good points stay, beside why there are no newer ones; it is asked less often meanwhile.
    kept = denied.services[key]["memory"]
    assert kept.points == first.points
    assert kept.problem is not None
    assert (denied.problems[0].since, denied.read_at) == (NOW + waits[0], NOW)
    assert waits[1:3] == [60, 120]
    assert healed.problems == ()
    # The increment begins before the last reading that succeeded.
    for request in google.handler.asked:
        raw = monitoring_v3.ListTimeSeriesRequest.pb(request)
        assert NOW - 480 <= raw.interval.start_time.seconds <= NOW - 300


async def test_no_project_at_all_is_said_once(tmp_path: Path) -> None:
    config = config_of(tmp_path, '[env.dev]\nproject = "acme"\nendpoint = "127.0.0.1:9"\n')
    async with Connections(config) as connections:
        snapshot = await read_fleet(config, connections, has_metrics=True)
    assert len(snapshot.problems) == 1
    assert snapshot.metrics_problems == ()


async def test_the_local_fleet_shows_what_its_workers_did(emulated: Emulated, tmp_path: Path) -> None:
    config = config_of(tmp_path, LOCAL)
    async with emulated.connections(config) as connections, aclosing(quick(config, connections)) as flow:
        ready = await snapshot_where(flow, lambda seen: bool(seen.rows and seen.rows[0].service.revision))
        url = ready.rows[0].service.uri
        async with httpx.AsyncClient(trust_env=False, verify=False, timeout=30) as client:
            for prompt in ("true", "exit 3"):
                answer = await client.post(f"{url}/run", json={"prompt": prompt})
                assert answer.status_code == 200

        def is_measured(seen: FleetSnapshot) -> bool:
            found = seen.rows[0].metrics
            return found is not None and found["request_count"].overall == 2 and bool(found["cpu"].points)

        seen = await snapshot_where(flow, is_measured)
    found = seen.rows[0].metrics
    assert found is not None
    assert found["latency_p95"].overall is not None
    assert found["latency_p95"].overall > 1
    assert 0 < found["memory"].points[-1][1] < 1
    assert found["instance_count"].overall == 1
    assert found["error_rate"].overall == 0
    assert seen.metrics_problems == ()
    assert seen.rows[0].alerts == ()


async def test_closing_the_fleet_ends_the_metrics_too(tmp_path: Path, google: Fake) -> None:
    text = f'[env.dev]\nproject = "acme"\nendpoint = "{google.target}"\nservice = "worker"\n'
    config = config_of(tmp_path, text)
    async with Connections(config) as connections:
        async with aclosing(fleet(config, connections, cloud_interval=60)) as flow:
            seen = await snapshot_where(flow, lambda seen: "dev" in seen.metrics_ages)
        assert seen.rows[0].metrics is not None
        asked = len(google.handler.asked)
    assert asked == 5

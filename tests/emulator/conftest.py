"""An emulator in this process or in its own, real Google clients in front, a scripted container behind."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import grpc.aio
import httpx
import pytest
from google.api_core.operation_async import AsyncOperation
from google.cloud import run_v2
from google.longrunning import operations_pb2

from ccconsole.emulator.emulator import Emulator, Options
from ccconsole.emulator.pool import Pace
from ccconsole.emulator.spec import Images

LOCATION = "projects/demo/locations/us-central1"
CONTAINER = Path(__file__).parent.parent / "data" / "container.py"
COMMAND = [sys.executable, "-S", str(CONTAINER)]
"""-S: without site-packages, a third of the start-up time."""
QUICK = Pace(idle=60.0, pending=10.0, grace=10.0)


async def until(condition: Callable[[], bool | Awaitable[bool]], seconds: float = 15.0) -> None:
    """Wait for a condition; fails when it does not come true in time."""
    deadline = time.monotonic() + seconds
    while True:
        held = condition()
        if isinstance(held, Awaitable):
            held = await held
        if held:
            return
        assert time.monotonic() < deadline, "the condition did not come true in time"
        await asyncio.sleep(0.005)


class Cloud:
    """Google's own async clients on one channel, and the few steps that most tests take."""

    def __init__(self, target: str) -> None:
        self.channel = grpc.aio.insecure_channel(target)
        services = run_v2.ServicesAsyncClient.get_transport_class("grpc_asyncio")
        revisions = run_v2.RevisionsAsyncClient.get_transport_class("grpc_asyncio")
        self.services = run_v2.ServicesAsyncClient(transport=services(channel=self.channel))
        self.revisions = run_v2.RevisionsAsyncClient(transport=revisions(channel=self.channel))
        self.http = httpx.AsyncClient(trust_env=False, timeout=30, verify=False)

    async def close(self) -> None:
        """Close the channel and the HTTP client."""
        await self.http.aclose()
        await self.channel.close(None)

    async def deploy(self, service_id: str = "svc", **fields: Any) -> run_v2.Service:
        """Create a service of `template(**fields)` and wait until it serves."""
        made = await self.create(service_id, template(**fields))
        return await self.finish(made)

    async def create(self, service_id: str, service: run_v2.Service, **more: Any) -> AsyncOperation:
        """Begin to create a service."""
        request = run_v2.CreateServiceRequest(parent=LOCATION, service_id=service_id, service=service, **more)
        return await self.services.create_service(request=request)

    async def update(self, service: run_v2.Service, *paths: str, **more: Any) -> AsyncOperation:
        """Begin to update a service."""
        request = run_v2.UpdateServiceRequest(
            service=service, update_mask={"paths": list(paths)} if paths else None, **more
        )
        return await self.services.update_service(request=request)

    async def finish(self, operation: AsyncOperation) -> run_v2.Service:
        """Wait for an operation's success."""
        done = await self.wait(operation)
        assert done.HasField("response"), done.error
        service = run_v2.Service.pb(run_v2.Service())
        assert done.response.Unpack(service)
        wrapped: run_v2.Service = run_v2.Service.wrap(service)
        return wrapped

    async def is_done(self, operation: AsyncOperation) -> bool:
        """Ask whether an operation is done."""
        finished: bool = await operation.done()  # type: ignore[no-untyped-call]
        return finished

    async def finish_dry(self, operation: AsyncOperation) -> run_v2.Service:
        """The service that a `validate_only` call answers."""
        service = run_v2.Service.pb(run_v2.Service())
        assert operation.operation.response.Unpack(service)
        wrapped: run_v2.Service = run_v2.Service.wrap(service)
        return wrapped

    async def wait(self, operation: AsyncOperation) -> operations_pb2.Operation:
        """Wait for an operation's end."""
        request = operations_pb2.WaitOperationRequest(name=operation.operation.name)
        raw: Any = await self.services.wait_operation(request, timeout=40)
        found = operations_pb2.Operation.FromString(raw)
        assert found.done
        return found

    async def get(self, service_id: str = "svc") -> run_v2.Service:
        """The service now."""
        found: run_v2.Service = await self.services.get_service(name=f"{LOCATION}/services/{service_id}")
        return found

    async def delete(self, service_id: str = "svc") -> None:
        """Delete a service and wait until it is gone."""
        operation = await self.services.delete_service(name=f"{LOCATION}/services/{service_id}")
        await self.finish(operation)


def template(
    *,
    env: dict[str, str] | None = None,
    instances: tuple[int, int] = (0, 5),
    concurrency: int = 1,
    timeout: int = 60,
    probe: run_v2.Probe | None = None,
    **more: Any,
) -> run_v2.Service:
    """A service that runs the scripted container."""
    container = run_v2.Container(
        image="test", env=[run_v2.EnvVar(name=name, value=value) for name, value in (env or {}).items()]
    )
    if probe is not None:
        container.startup_probe = probe
    return run_v2.Service(
        template=run_v2.RevisionTemplate(
            containers=[container],
            scaling={"min_instance_count": instances[0], "max_instance_count": instances[1]},
            max_instance_request_concurrency=concurrency,
            timeout={"seconds": timeout},
        ),
        **more,
    )


Launch = Callable[..., Awaitable[Cloud]]


@pytest.fixture
async def launch(tmp_path: Path) -> AsyncIterator[Launch]:
    """Start an emulator in this process with the given pace; what it started is stopped at the end."""
    started: list[tuple[Emulator, Cloud]] = []

    async def start(pace: Pace = QUICK, state: Path = tmp_path / "state", **options: Any) -> Cloud:
        emulator = Emulator(
            Options(state, ["127.0.0.1:0"], pace=pace, images=Images({"test": COMMAND}), **options)
        )
        await emulator.start()
        cloud = Cloud(emulator.addresses[0])
        started.append((emulator, cloud))
        return cloud

    yield start
    for emulator, cloud in started:
        await cloud.close()
        await emulator.kill()
        await emulator.stop()


@pytest.fixture
async def cloud(launch: Launch) -> Cloud:
    """An emulator with the usual pace."""
    return await launch()


async def first_bytes(response: httpx.Response) -> bytes:
    """The first part of a streamed body."""
    async for part in response.aiter_raw():
        return part
    return b""


async def leave(task: asyncio.Task[Any]) -> None:
    """Cancel a task and wait for its end."""
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task

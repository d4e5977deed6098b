"""A cloud with many services and half an hour of measurements, for benchmarks: a process of its own."""

from __future__ import annotations

import asyncio
import sys
import time
from multiprocessing.connection import Connection
from pathlib import Path

from google.cloud import run_v2

from ccconsole.cloud.connect import Connection as Cloud
from ccconsole.config import Environment
from ccconsole.emulator.emulator import Emulator, Options
from ccconsole.emulator.monitoring import metrics
from ccconsole.emulator.monitoring.store import Key, labels
from ccconsole.emulator.spec import Images

PROJECT, REGION = "acme", "us-central1"
LISTENER = """import os, socket
server = socket.create_server(("", int(os.environ["PORT"])))
while True:
    server.accept()[0].close()"""
"""All that a service's instance does."""
TOGETHER = 10
"""Services deployed at once."""


def service_name(number: int) -> str:
    """Of the service of that number."""
    return f"worker-{number:02}"


def serve(state: Path, count: int, pipe: Connection) -> None:
    """Send the address once so many services are ready, then serve until anything is received."""
    asyncio.run(_serve(state, count, pipe))


async def _serve(state: Path, count: int, pipe: Connection) -> None:
    images = Images({"listener": [sys.executable, "-S", "-E", "-c", LISTENER]})
    emulator = Emulator(Options(state, ["127.0.0.1:0"], images=images))
    await emulator.start()
    cloud = Cloud(Environment("dev", False, PROJECT, REGION), target=emulator.addresses[0])
    names = [service_name(number) for number in range(count)]
    for at in range(0, count, TOGETHER):
        await asyncio.gather(*(_deploy(cloud, name) for name in names[at : at + TOGETHER]))
    for name in names:
        _measure(emulator, name)
    await cloud.close()
    pipe.send(emulator.addresses[0])
    await asyncio.to_thread(pipe.recv)
    await emulator.kill()
    await emulator.stop()


async def _deploy(cloud: Cloud, name: str) -> None:
    client = cloud.client(run_v2.ServicesAsyncClient)
    template = run_v2.RevisionTemplate(containers=[run_v2.Container(image="listener")])
    parent = f"projects/{PROJECT}/locations/{REGION}"
    operation = await client.create_service(
        parent=parent, service=run_v2.Service(template=template), service_id=name
    )
    await operation.result()  # type: ignore[no-untyped-call]


def _measure(emulator: Emulator, name: str) -> None:
    """What a service at work says of itself every minute."""
    resource = labels(
        project_id=PROJECT, location=REGION, service_name=name, revision_name=f"{name}-00001-abc"
    )
    for ago in range(0, 1800, 60):
        for metric, value, more in (
            (metrics.REQUEST_COUNT, 2, {"response_code_class": "2xx"}),
            (metrics.INSTANCE_COUNT, 1, {"state": "active"}),
        ):
            emulator.series.add(Key(metric, labels(**more), resource), value, time.time() - ago)

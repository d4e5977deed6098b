"""An emulator without services, a writer of numbered lines, and a follower that counts them."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import grpc.aio
from google.api_core import exceptions
from google.cloud.logging_v2.services.logging_service_v2 import LoggingServiceV2AsyncClient
from google.cloud.logging_v2.types import LogEntry, WriteLogEntriesRequest
from google.protobuf import json_format

from ccconsole.cloud.connect import Connection
from ccconsole.config import Environment
from ccconsole.emulator.emulator import Emulator, Options
from ccconsole.model.logs import LogBatch, LogMode
from tests.cloud.conftest import DEADLINE, config_of

LOG = "projects/acme/logs/run.googleapis.com%2Fstdout"


def environment_at(folder: Path, target: str) -> Environment:
    """An environment whose Google is an emulator."""
    text = f'[env.dev]\nproject = "acme"\nendpoint = "{target}"\nservice = "worker"\n'
    return config_of(folder, text).environment("dev")


@contextlib.asynccontextmanager
async def emulator(state: Path, target: str = "127.0.0.1:0", **options: Any) -> AsyncIterator[Emulator]:
    """An emulator in this process."""
    made = Emulator(Options(state, [target], **options))
    await made.start()
    try:
        yield made
    finally:
        await made.stop()


@contextlib.asynccontextmanager
async def connected(environment: Environment) -> AsyncIterator[Connection]:
    connection = Connection(environment, target=environment.endpoint)
    try:
        yield connection
    finally:
        await connection.close()


def line(text: str, *, service: str = "worker", **fields: Any) -> LogEntry:
    value = {
        "logName": LOG,
        "textPayload": text,
        "resource": {
            "type": "cloud_run_revision",
            "labels": {"service_name": service, "location": "us-central1", "revision_name": f"{service}-1"},
        },
        "labels": {"instanceId": "i-1"},
    }
    if "jsonPayload" in fields or "httpRequest" in fields:
        del value["textPayload"]
    made: LogEntry = LogEntry.wrap(json_format.ParseDict(value | fields, LogEntry.pb(LogEntry())))
    return made


class Writer:
    """Writes lines numbered from 0, each until it is acknowledged; the same one again is no second one."""

    def __init__(self, target: str) -> None:
        options = [("grpc.initial_reconnect_backoff_ms", 50), ("grpc.max_reconnect_backoff_ms", 100)]
        self._channel = grpc.aio.insecure_channel(target, options=options)
        transport = LoggingServiceV2AsyncClient.get_transport_class("grpc_asyncio")
        self.client = LoggingServiceV2AsyncClient(transport=transport(channel=self._channel))
        self.count = 0

    async def write(self, *entries: LogEntry) -> None:
        """Write these."""
        await self.client.write_log_entries(WriteLogEntriesRequest(entries=entries), retry=None, timeout=5)

    async def lines(self, count: int, per_second: float = 200.0, at_once: int = 5) -> None:
        """Write so many more lines."""
        last = self.count + count
        began, first = time.monotonic(), self.count
        while self.count < last:
            numbers = range(self.count, min(self.count + at_once, last))
            now = datetime.now(UTC).isoformat().replace("+00:00", "Z")
            entries = [line(str(n), insertId=f"n{n}", timestamp=now) for n in numbers]
            while True:
                try:
                    await self.write(*entries)
                    break
                except exceptions.GoogleAPICallError:
                    await asyncio.sleep(0.02)
            self.count += len(numbers)
            await asyncio.sleep(began + (self.count - first) / per_second - time.monotonic())

    async def close(self) -> None:
        await self._channel.close(None)


@contextlib.asynccontextmanager
async def writing(target: str) -> AsyncIterator[Writer]:
    writer = Writer(target)
    try:
        yield writer
    finally:
        await writer.close()


class Follower:
    """Drains a flow in the background."""

    def __init__(self, flow: AsyncGenerator[LogBatch]) -> None:
        self.batches: list[LogBatch] = []
        self._flow = flow
        self._changed = asyncio.Event()
        self._task = asyncio.create_task(self._drain())

    @property
    def texts(self) -> list[str]:
        return [entry.text for batch in self.batches for entry in batch.entries]

    @property
    def modes(self) -> list[LogMode]:
        """The modes in the order of their beginning."""
        found: list[LogMode] = []
        for batch in self.batches:
            if found[-1:] != [batch.mode]:
                found.append(batch.mode)
        return found

    async def until(self, is_so: Callable[[], bool]) -> None:
        """Wait for it; fails when it takes too long or the flow ends."""
        async with asyncio.timeout(DEADLINE):
            while not is_so():
                self._changed.clear()
                if self._task.done():
                    self._task.result()
                    raise AssertionError("the flow has ended")
                await self._changed.wait()

    async def live(self) -> None:
        """Wait until it is live."""
        await self.until(lambda: bool(self.batches) and self.batches[-1].mode is LogMode.LIVE)

    async def close(self) -> None:
        self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._task

    async def _drain(self) -> None:
        try:
            async with contextlib.aclosing(self._flow) as flow:
                async for batch in flow:
                    self.batches.append(batch)
                    self._changed.set()
        finally:
            self._changed.set()


@contextlib.asynccontextmanager
async def following(flow: AsyncGenerator[LogBatch]) -> AsyncIterator[Follower]:
    follower = Follower(flow)
    try:
        yield follower
    finally:
        await follower.close()

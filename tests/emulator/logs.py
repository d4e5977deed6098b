"""Log entries for tests, and Google's own logging client on an emulator's channel."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Any

import grpc.aio
from google.cloud.logging_v2.services.logging_service_v2 import LoggingServiceV2AsyncClient
from google.cloud.logging_v2.types import (
    ListLogEntriesRequest,
    LogEntry,
    TailLogEntriesRequest,
    TailLogEntriesResponse,
    WriteLogEntriesRequest,
)
from google.protobuf import duration_pb2, json_format

PROJECT = "projects/demo"
LOG = f"{PROJECT}/logs/run.googleapis.com%2Fstdout"


def client(channel: grpc.aio.Channel) -> LoggingServiceV2AsyncClient:
    transport = LoggingServiceV2AsyncClient.get_transport_class("grpc_asyncio")
    return LoggingServiceV2AsyncClient(transport=transport(channel=channel))


def entry(text: str = "", *, service: str = "svc", **fields: Any) -> LogEntry:
    """An entry of a Cloud Run service; `fields` as in JSON."""
    value = {
        "logName": LOG,
        "resource": {
            "type": "cloud_run_revision",
            "labels": {"service_name": service, "location": "us-central1", "revision_name": f"{service}-1"},
        },
    } | ({"textPayload": text} if text else {})
    made: LogEntry = LogEntry.wrap(json_format.ParseDict(value | fields, LogEntry.pb(LogEntry())))
    return made


async def write(logging: LoggingServiceV2AsyncClient, entries: Iterable[LogEntry]) -> None:
    request = WriteLogEntriesRequest(entries=list(entries))
    await logging.write_log_entries(request, retry=None, timeout=10)


async def listed(logging: LoggingServiceV2AsyncClient, filter: str = "", **fields: Any) -> list[LogEntry]:
    """Every entry of every page."""
    request = ListLogEntriesRequest(resource_names=[PROJECT], filter=filter, **fields)
    pager = await logging.list_log_entries(request, retry=None, timeout=10)
    return [found async for found in pager]


class Tail:
    """An open tail session."""

    def __init__(self, call: Any) -> None:
        self.call = call
        self.responses: list[TailLogEntriesResponse] = []

    async def next(self) -> TailLogEntriesResponse:
        """The next response."""
        async with asyncio.timeout(10):
            response: TailLogEntriesResponse = await anext(aiter(self.call))
        self.responses.append(response)
        return response

    async def texts(self, count: int) -> list[str]:
        """The texts of the next `count` entries."""
        found: list[str] = []
        while len(found) < count:
            found += [entry.text_payload for entry in (await self.next()).entries]
        return found


@asynccontextmanager
async def tail(
    logging: LoggingServiceV2AsyncClient, filter: str = "", *, window: float = 0.0
) -> AsyncIterator[Tail]:
    """A tail session that the server has accepted."""
    duration = duration_pb2.Duration()
    duration.FromNanoseconds(int(window * 1e9))
    request = TailLogEntriesRequest(resource_names=[PROJECT], filter=filter, buffer_window=duration)

    async def requests() -> AsyncIterator[TailLogEntriesRequest]:
        yield request

    call: Any = await logging.tail_log_entries(requests(), retry=None, timeout=60)
    try:
        await call.initial_metadata()
        yield Tail(call)
    finally:
        call.cancel()

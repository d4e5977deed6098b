"""One tail session: read all the time, into a bounded store, so that Google never has to wait for us."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncIterator
from typing import Any

from google.api_core import exceptions
from google.cloud.logging_v2.services.logging_service_v2 import LoggingServiceV2AsyncClient
from google.cloud.logging_v2.types import TailLogEntriesRequest, TailLogEntriesResponse
from google.protobuf import duration_pb2

_ACCEPT_SECONDS = 1.0
"""How long to wait for the server's word that the session is open; Google may send it only with entries."""
_FIRST = asyncio.FIRST_COMPLETED
_MOST_UNREAD = 50_000
_NOT_CONSUMED = TailLogEntriesResponse.SuppressionInfo.Reason.NOT_CONSUMED


class TailSession:
    """What came since the last `take`; `error` says why it ended, once it has."""

    def __init__(self) -> None:
        self.changed = asyncio.Event()
        self.error: exceptions.GoogleAPICallError | None = None
        self.is_over = False
        self.has_overflowed = False
        """Whether entries were let go since the last `take`, because nobody took them: list them again."""
        self._unread: deque[Any] = deque()
        self._suppressed = 0
        self._dropped = 0
        self._call: Any = None
        self._reading: asyncio.Task[None] | None = None

    async def open(
        self, client: LoggingServiceV2AsyncClient, project: str, filter: str, window: float, lasting: float
    ) -> None:
        """Open it; seconds. A refusal shows in `error`, here or later."""
        duration = duration_pb2.Duration()
        duration.FromNanoseconds(int(window * 1e9))
        request = TailLogEntriesRequest(
            resource_names=[f"projects/{project}"], filter=filter, buffer_window=duration
        )

        async def requests() -> AsyncIterator[TailLogEntriesRequest]:
            yield request

        self._call = await client.tail_log_entries(requests(), retry=None, timeout=lasting)
        self._reading = asyncio.create_task(self._read())
        accepted = asyncio.ensure_future(self._call.initial_metadata())
        try:
            await asyncio.wait({accepted, self._reading}, timeout=_ACCEPT_SECONDS, return_when=_FIRST)
        finally:
            accepted.cancel()
            await asyncio.wait({accepted})
            if not accepted.cancelled():
                accepted.exception()  # it is the call's own, which reading tells
        if self._call.done():  # refused
            await asyncio.wait({self._reading})

    async def wait(self, timeout: float) -> None:
        """Return when something came, when it is over, or after `timeout` seconds."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self.changed.wait(), max(timeout, 0.0))
        self.changed.clear()

    def take(self) -> tuple[list[Any], int, int]:
        """Raw entries in the order of their time, and how many were suppressed and dropped."""
        found = sorted(self._unread, key=lambda raw: (raw.timestamp.seconds, raw.timestamp.nanos))
        counts = self._suppressed, self._dropped
        self._unread.clear()
        self._suppressed = self._dropped = 0
        self.has_overflowed = False
        return found, *counts

    async def close(self) -> None:
        """End it; the server knows when this returns or soon after."""
        if self._call is not None:
            self._call.cancel()
        if self._reading is not None:
            self._reading.cancel()
            await asyncio.wait({self._reading})

    async def _read(self) -> None:
        try:
            async for response in self._call:
                self._put(TailLogEntriesResponse.pb(response))
        except exceptions.GoogleAPICallError as error:
            self.error = error
        finally:
            self.is_over = True
            self.changed.set()

    def _put(self, response: Any) -> None:
        self._unread.extend(response.entries)
        for info in response.suppression_info:
            if info.reason == _NOT_CONSUMED:
                self._dropped += info.suppressed_count
            else:
                self._suppressed += info.suppressed_count
        if len(self._unread) > _MOST_UNREAD:
            self._unread.clear()
            self.has_overflowed = True
        self.changed.set()

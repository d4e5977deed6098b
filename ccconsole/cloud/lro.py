"""Long-running operations of other APIs than Cloud Run's, to their end."""

from __future__ import annotations

from typing import Any

from google.api_core.operation_async import AsyncOperation

from ccconsole.cloud.connect import Connection
from ccconsole.streams import Clock

_PAUSE, _NEAR_PAUSE = 1.0, 0.05
"""Seconds between two looks."""


async def finished(connection: Connection, operation: AsyncOperation, clock: Clock | None = None) -> Any:
    """The operation's result; raises Google's errors."""
    clock = clock or Clock()
    while not await operation.done(retry=None):  # type: ignore[no-untyped-call]
        await clock.sleep(_PAUSE if connection.target is None else _NEAR_PAUSE)
    return await operation.result()  # type: ignore[no-untyped-call]

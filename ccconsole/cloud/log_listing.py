"""Log entries that are there already, a page at a time."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Any

from google.cloud.logging_v2.services.logging_service_v2 import LoggingServiceV2AsyncClient
from google.cloud.logging_v2.types import ListLogEntriesRequest, ListLogEntriesResponse

from ccconsole.cloud.connect import Connection

PAGE = 1000
"""Google's most."""
_TIMEOUT = 30.0


async def raw_pages(
    connection: Connection, filter: str, *, is_descending: bool = False, size: int = PAGE
) -> AsyncGenerator[list[Any]]:
    """Raw entries that match, in the order of their time."""
    client = connection.client(LoggingServiceV2AsyncClient)
    request = ListLogEntriesRequest(
        resource_names=[f"projects/{connection.environment.project}"],
        filter=filter,
        order_by="timestamp desc" if is_descending else "timestamp asc",
        page_size=size,
    )
    pager = await client.list_log_entries(request, retry=None, timeout=_TIMEOUT)
    async for page in pager.pages:
        yield list(ListLogEntriesResponse.pb(page).entries)

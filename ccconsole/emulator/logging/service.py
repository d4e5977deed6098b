"""google.logging.v2.LoggingServiceV2."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
from collections.abc import AsyncGenerator, AsyncIterator, Iterable
from typing import Any

import grpc
from google.cloud.logging_v2.types.logging import (
    ListLogEntriesRequest,
    ListLogEntriesResponse,
    ListLogsRequest,
    ListLogsResponse,
    TailLogEntriesRequest,
    WriteLogEntriesRequest,
    WriteLogEntriesResponse,
)

from ccconsole.emulator.faults import Fault, invalid
from ccconsole.emulator.logging.filter import Filter, compile_filter
from ccconsole.emulator.logging.store import LogStore, parse
from ccconsole.emulator.logging.tail import Tails
from ccconsole.emulator.logging.writing import prepared
from ccconsole.emulator.names import PROJECT
from ccconsole.emulator.pages import page
from ccconsole.emulator.rpc import Method, Opened, Stream, both_ways, raw

_PREFIX = "/google.logging.v2.LoggingServiceV2/"
_DEFAULT_PAGE, _MAX_PAGE = 50, 1000
_PAGE_BYTES = 8 << 20
_SLICE = 500
"""Entries looked at before others get their turn: about 3 ms."""
_MAX_WINDOW = 60.0
_DEFAULT_WINDOW = 2.0


class Logging:
    """The RPCs on log entries."""

    def __init__(self, store: LogStore, tails: Tails) -> None:
        self._store = store
        self._tails = tails

    def methods(self) -> list[Method | Stream]:
        """The rows of google.logging.v2.LoggingServiceV2."""
        return [
            raw(f"{_PREFIX}WriteLogEntries", WriteLogEntriesRequest.pb(), self._write),
            raw(f"{_PREFIX}ListLogEntries", ListLogEntriesRequest.pb(), self._list),
            raw(f"{_PREFIX}ListLogs", ListLogsRequest.pb(), self._logs),
            both_ways(f"{_PREFIX}TailLogEntries", TailLogEntriesRequest.pb(), self._tail),
        ]

    async def _write(self, request: Any) -> Any:
        entries = prepared(request)
        if not request.dry_run:
            for entry in entries:
                self._store.append(entry)
            # What is acknowledged is kept: the client will not send it again.
            if not self._store.flush():
                raise Fault(grpc.StatusCode.UNAVAILABLE, "The entries cannot be written to disk.")
        return WriteLogEntriesResponse.pb()()

    async def _list(self, request: Any) -> Any:
        projects = _projects(request.resource_names)
        if request.page_size < 0:
            raise invalid("page_size must not be negative.")
        is_descending = _is_descending(request.order_by)
        wanted = compile_filter(request.filter)
        mark = hashlib.sha256(f"{sorted(projects)}{request.filter}{is_descending}".encode()).hexdigest()[:16]
        after: tuple[Any, ...] = (wanted.latest + 1,) if is_descending else (wanted.earliest - 1,)
        if request.page_token:
            after = _start(request.page_token, mark)
        size = min(request.page_size or _DEFAULT_PAGE, _MAX_PAGE)
        found, last = await self._search(projects, wanted, after, size, is_descending=is_descending)
        token = _token(last, mark) if last is not None else ""
        return ListLogEntriesResponse.pb()(entries=found, next_page_token=token)

    async def _search(
        self,
        projects: frozenset[str],
        wanted: Filter,
        after: tuple[Any, ...],
        size: int,
        *,
        is_descending: bool,
    ) -> tuple[list[Any], tuple[Any, ...] | None]:
        """A page of entries, and its last one's key when more may follow."""
        found: list[Any] = []
        total = 0
        while rows := self._store.page(after, _SLICE, is_descending=is_descending):
            for row in rows:
                timestamp, _, log_name, message = row
                if not wanted.earliest <= timestamp <= wanted.latest:
                    return found, None
                if len(found) == size or total > _PAGE_BYTES:
                    return found, after
                after = row[:3]
                if log_name.split("/")[1] in projects and wanted.matches(entry := parse(row)):
                    found.append(entry)
                    total += len(message)
            await asyncio.sleep(0)
        return found, None

    async def _logs(self, request: Any) -> Any:
        projects = _projects([request.parent, *request.resource_names])
        names = [name for name in self._store.log_names() if name.split("/")[1] in projects]
        rows, token = page(names, request.page_size, request.page_token, lambda name: name)
        return ListLogsResponse.pb()(log_names=rows, next_page_token=token)

    async def _tail(self, requests: AsyncIterator[Any], opened: Opened) -> AsyncGenerator[Any]:
        request = await anext(requests, None)
        if request is None:
            raise invalid("The first request of a tail session is missing.")
        wanted = compile_filter(request.filter)
        window = _DEFAULT_WINDOW
        if request.HasField("buffer_window"):
            window = request.buffer_window.ToNanoseconds() / 1e9
        if not 0 <= window <= _MAX_WINDOW:
            raise invalid("buffer_window must be between 0s and 60s.")
        session = self._tails.open(_projects(request.resource_names), wanted.matches)
        try:
            await opened()
            while True:
                yield await session.next(window)
        finally:
            self._tails.close(session)


def _projects(names: Iterable[str]) -> frozenset[str]:
    """The projects of resource names: projects/P, or one of its log views."""
    found = set()
    for name in names:
        if not name:
            continue
        kind, _, rest = name.partition("/")
        project = rest.partition("/")[0]
        if kind != "projects" or not PROJECT.fullmatch(project):
            raise invalid(f"The resource name '{name}' is not of the form projects/[PROJECT_ID].")
        found.add(project)
    if not found:
        raise invalid("resource_names must name at least one project.")
    return frozenset(found)


def _is_descending(order: str) -> bool:
    words = order.lower().split()
    if words in ([], ["timestamp"], ["timestamp", "asc"]):
        return False
    if words == ["timestamp", "desc"]:
        return True
    raise invalid(f"order_by '{order}' is neither 'timestamp asc' nor 'timestamp desc'.")


def _token(key: tuple[Any, ...], mark: str) -> str:
    return base64.urlsafe_b64encode(json.dumps([mark, *key]).encode()).decode()


def _start(token: str, mark: str) -> tuple[Any, ...]:
    try:
        given, *key = json.loads(base64.urlsafe_b64decode(token.encode()))
    except (ValueError, TypeError) as error:
        raise invalid("page_token is not one of this method's.") from error
    if given != mark:
        raise invalid("page_token belongs to a request with another filter, order or resource.")
    return tuple(key)

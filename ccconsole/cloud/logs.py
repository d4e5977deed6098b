"""A project's log entries: what there was, and from then on what comes, with nothing lost or told twice."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import replace

from ccconsole.cloud import log_filter
from ccconsole.cloud.connect import Connection
from ccconsole.cloud.errors import translated
from ccconsole.cloud.log_entries import log_entry
from ccconsole.cloud.log_flow import LOCAL_PACE, Connect, Flow, Pace
from ccconsole.cloud.log_listing import PAGE, raw_pages
from ccconsole.config import Environment
from ccconsole.model.logs import LogBatch, LogEntry, LogMode, LogQuery
from ccconsole.streams import Clock

__all__ = ["LOCAL_PACE", "Connect", "Pace", "follow", "history"]

NEWEST = 1000
"""How many entries of the past a follower starts with."""


async def history(
    connection: Connection, query: LogQuery, *, limit: int | None = None, clock: Clock | None = None
) -> AsyncGenerator[LogBatch]:
    """What there is, oldest first: one batch of the newest `limit` entries, or without one a batch a page."""
    clock = clock or Clock()
    environment = connection.environment
    shape = LogBatch(environment.name, LogMode.HISTORY, clock.now())
    matches = log_filter.matcher(query)
    with translated(environment, f"read the logs of {environment.name}"):
        if limit is not None:
            found, has_older = await _newest(connection, query, matches, limit)
            yield replace(shape, entries=tuple(found), has_older=has_older)
            return
        async with aclosing(raw_pages(connection, log_filter.build(query))) as pages:
            async for page in pages:
                entries = (log_entry(raw, environment.name) for raw in page)
                yield replace(shape, entries=tuple(entry for entry in entries if matches(entry)))


def follow(
    connect: Connect,
    environment: Environment,
    query: LogQuery,
    *,
    limit: int | None = NEWEST,
    pace: Pace | None = None,
    clock: Clock | None = None,
) -> AsyncGenerator[LogBatch]:
    """The newest `limit` entries since `query.since` (None: only what comes), then all that come, for ever.

    The history is one batch, or without a limit a batch a page. `connect` gives the connection anew for
    each try. Until the first batch it raises ConsoleError; then an outage, a lost permission or an expired
    login is a batch of LogMode.WAITING with the problem, and the flow goes on by itself from where it was.
    `query.until` means nothing here. Closing the generator ends its session.
    """
    is_near = environment.is_local or environment.endpoint is not None
    chosen = pace or (LOCAL_PACE if is_near else Pace())
    return Flow(connect, environment, query, limit, chosen, clock or Clock()).batches()


async def _newest(
    connection: Connection, query: LogQuery, matches: Callable[[LogEntry], bool], limit: int
) -> tuple[list[LogEntry], bool]:
    """The newest entries, oldest first, and whether there are older ones."""
    found: list[LogEntry] = []
    size = min(limit + 1, PAGE)
    filter = log_filter.build(query)
    async with aclosing(raw_pages(connection, filter, is_descending=True, size=size)) as pages:
        async for page in pages:
            entries = (log_entry(raw, connection.environment.name) for raw in page)
            found += [entry for entry in entries if matches(entry)]
            if len(found) > limit:
                break
    return found[:limit][::-1], len(found) > limit

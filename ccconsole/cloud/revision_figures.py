"""How the requests of one revision went, by Cloud Monitoring."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ccconsole.cloud.connect import Connection
from ccconsole.cloud.metric_queries import CORE, Query
from ccconsole.cloud.time_series import read
from ccconsole.errors import NotFound
from ccconsole.model.services import ServiceKey

_REQUESTS = next(query for query in CORE if query.metric == "request_count")
_NEAR_PERIOD, _PERIOD = 5.0, 60.0
"""Seconds; the emulator measures each 5, Google each 60."""


@dataclass(frozen=True)
class _OfRevision(Query):
    revision: str = ""

    def filter(self, services: Iterable[str] | None) -> str:
        """The service's filter, and the revision's."""
        return f'{super().filter(services)} AND resource.labels.revision_name = "{self.revision}"'


async def requests(
    connection: Connection, key: ServiceKey, revision: str, *, start: float, end: float
) -> tuple[int, int]:
    """(all, failed) requests that ended between the two times, as far as they are known by now.

    Failed is 4xx and 5xx. At Google a request is known two to four minutes after its end.
    """
    period = _PERIOD if connection.target is None else _NEAR_PERIOD
    query = _OfRevision(**{**vars(_REQUESTS), "revision": revision})
    # Whole periods only: what came before the first one is none of this.
    start, end = -(-start // period) * period, end // period * period
    if end <= start:
        return 0, 0
    try:
        answer = await read(connection, query, [key.name], start=start, end=end, period=period)
    except NotFound:
        return 0, 0  # what Google says of a metric that the project has never written
    total = failed = 0.0
    for (region, _, kind), points in answer.items():
        if region != key.region:
            continue
        count = sum(value for value in points.values() if isinstance(value, float))
        total += count
        failed += count if kind in ("4xx", "5xx") else 0
    return round(total), round(failed)

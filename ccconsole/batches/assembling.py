"""From the lines of a file to a batch: which services may run each prompt, and how many of them at once."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ccconsole.batches import naming
from ccconsole.batches.reading import Mistakes, PromptLine
from ccconsole.config import Environment
from ccconsole.errors import ConsoleError
from ccconsole.model.services import Service, ServiceKey
from worker_service.wire import RunRequest

UNBOUNDED_INSTANCES = 100
"""Cloud Run's own maximum where nobody set one: cloud.google.com/run/docs/configuring/max-instances."""


@dataclass(frozen=True)
class Lane:
    """A service that takes prompts, and how many at once."""

    environment: Environment
    service: Service

    @property
    def key(self) -> ServiceKey:
        """The service's."""
        return self.service.key

    @property
    def limit(self) -> int:
        """How many tasks its instances run at once."""
        instances = self.service.max_instances or UNBOUNDED_INSTANCES
        return instances * (self.service.concurrency or 1)

    @property
    def can_detach(self) -> bool:
        """Whether its tasks go on without whoever asked for them."""
        return self.environment.can_detach(self.service)


@dataclass(frozen=True)
class Entry:
    """One prompt of a batch: its first attempt's id, and the services of one environment that may run it."""

    line: int
    id: str
    request: RunRequest
    environment: Environment
    lanes: frozenset[ServiceKey]


@dataclass(frozen=True)
class Batch:
    """Prompts that are run together."""

    name: str
    entries: tuple[Entry, ...]
    lanes: tuple[Lane, ...]
    at_most: int
    """How many run at once, over all services."""
    is_once: bool = False
    """Whether its ids are fresh: nothing has run before, and nothing is kept for another time."""

    @property
    def environments(self) -> list[Environment]:
        """Those it runs in, each once."""
        return list({entry.environment.name: entry.environment for entry in self.entries}.values())


def assembled(
    name: str,
    lines: Sequence[PromptLine],
    target: str,
    lanes: Mapping[str, Sequence[Lane] | ConsoleError],
    defaults: Mapping[str, Any],
    *,
    at_most: int | None = None,
    source: str = "",
) -> Batch:
    """The batch that these lines are; `lanes` has all targets they name, and `target` for those without.

    Raises ConfigError with every line of the file `source` whose own target is none, and what `target` is
    if that is an error.
    """
    if isinstance(whole := lanes[target], ConsoleError):
        raise whole
    mistakes = Mistakes(source)
    entries = []
    for line, task_id in zip(lines, naming.task_ids(name, lines), strict=True):
        found = lanes[line.target or target]
        if isinstance(found, ConsoleError):
            mistakes.add(line.line, f"target: {found.title}")
            continue
        environment = found[0].environment
        keys = frozenset(lane.key for lane in found)
        entries.append(Entry(line.line, task_id, line.request(defaults), environment, keys))
    mistakes.check()
    wanted = {key for entry in entries for key in entry.lanes}
    used = {
        lane.key: lane
        for found in lanes.values()
        if not isinstance(found, ConsoleError)
        for lane in found
        if lane.key in wanted
    }
    limit = min(sum(lane.limit for lane in used.values()), at_most or math.inf)
    return Batch(name, tuple(entries), tuple(used.values()), int(limit))

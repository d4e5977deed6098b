"""Which revision a request goes to: percentages, tags and session affinity."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ccconsole.emulator.logs import RevisionLog
from ccconsole.emulator.monitoring.meter import Meter
from ccconsole.emulator.pool import Pool
from ccconsole.emulator.spec import RevisionSpec

AFFINITY_COOKIE = "GAESA"
AFFINITY_SECONDS = 30 * 24 * 3600
"""https://cloud.google.com/run/docs/configuring/session-affinity: best effort, 30 days."""


@dataclass(frozen=True)
class Backend:
    """A revision that can serve."""

    spec: RevisionSpec
    pool: Pool
    log: RevisionLog
    meter: Meter


@dataclass(frozen=True)
class Route:
    """A service's traffic at one moment."""

    shares: Sequence[tuple[Backend, int]] = ()
    """Revisions and their percent, which sum to 100."""
    tags: Mapping[str, Backend] = field(default_factory=dict)

    def choose(self, tag: str, instance_id: str | None) -> Backend | None:
        """The revision of a tag, else the one whose instance the client last met, else one by chance.

        Affinity comes before the percentages, as Google documents. None: nothing serves here.
        """
        if tag:
            return self.tags.get(tag)
        for backend, _ in self.shares:
            if backend.spec.is_affine and any(item.id == instance_id for item in backend.pool.instances):
                return backend
        weights = [percent for _, percent in self.shares]
        if not any(weights):
            return None
        return random.choices(self.shares, weights)[0][0]

    def percent(self, revision: str) -> int:
        """A revision's whole share."""
        return sum(percent for backend, percent in self.shares if backend.spec.revision == revision)

    def is_active(self, revision: str) -> bool:
        """Whether any address leads to the revision."""
        tagged = any(backend.spec.revision == revision for backend in self.tags.values())
        return tagged or self.percent(revision) > 0

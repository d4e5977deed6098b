"""How fast one service is given prompts: as many as it has instances, fewer while it says that it is full."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass

from ccconsole.batches.assembling import Lane
from ccconsole.errors import ConsoleError, Denied, NotFound, NotSignedIn
from ccconsole.model.batches import BatchShare
from ccconsole.problems import Full

CLOSING = (Denied, NotFound, NotSignedIn)
"""After one of these every further prompt would fare the same there."""
REFUSED_IN_A_ROW = 10
"""So many prompts that a service did not even begin, one after the other: it takes no more."""


@dataclass(frozen=True)
class Pace:
    """The times of a batch, seconds."""

    first_delay: float = 1.0
    longest_delay: float = 30.0
    """Full jitter: a pause is anything from 0 to `first_delay`, doubled with each refusal up to this."""
    patience: float = 600.0
    """A service that is full for so long, with nothing of ours on it, is full for good."""
    refresh: float = 0.1
    """Between two snapshots at least."""
    tick: float = 1.0
    """Between two snapshots at most: times go on where nothing else does."""
    jitter: Callable[[], float] = random.random


class Gate:
    """One service's door."""

    def __init__(self, lane: Lane, pace: Pace) -> None:
        self.lane = lane
        self.in_flight = 0
        self.ready_at = 0.0
        """On the monotonic clock."""
        self.problem: ConsoleError | None = None
        """Why nothing more is sent there."""
        self.waits_for: ConsoleError | None = None
        """Why nothing is sent there just now."""
        self.is_detaching = lane.can_detach
        """Whether tasks run on without us: until the worker refuses that."""
        self._pace = pace
        self._level = lane.limit
        """How many at once it is known to take."""
        self._failures = 0
        self._refused = 0
        self._full_since: float | None = None

    @property
    def share(self) -> BatchShare:
        """What is behind it."""
        return BatchShare(self.lane.key, self.lane.limit, self.is_detaching)

    def room(self, now: float) -> int:
        """How many more may be sent at that moment of the monotonic clock.

        What one of ours leaves free is taken at once; one more than it is known to take, after a pause.
        """
        if self.problem is not None:
            return 0
        is_trying = self._level < self.lane.limit and now >= self.ready_at
        return self._level + is_trying - self.in_flight

    def began(self) -> None:
        """A prompt has an instance."""
        self._refused = 0
        self._full_since = self.waits_for = None
        if self.in_flight > self._level:
            self._failures = 0
            self._level = min(self.lane.limit, self.in_flight)

    def put_off(self, error: ConsoleError) -> None:
        """A prompt was not started, and may be sent again."""
        now = time.monotonic()
        self.waits_for = error
        if isinstance(error, CLOSING):
            self.problem = error
            return
        if isinstance(error, Full) and not self.in_flight:
            self._full_since = self._full_since or now
            if now - self._full_since >= self._pace.patience:
                self.problem = error
        self._level = min(self._level, self.in_flight)
        if now < self.ready_at:
            return  # Those that were sent together are refused together: that is one refusal.
        longest = min(self._pace.longest_delay, self._pace.first_delay * 2.0**self._failures)
        floor = (error.retry_after or 0) if isinstance(error, Full) else 0
        self._failures = min(self._failures + 1, 30)
        self.ready_at = now + floor + longest * self._pace.jitter()

    def refused(self, error: ConsoleError) -> None:
        """A prompt was refused for good."""
        self._refused += 1
        if self._refused >= REFUSED_IN_A_ROW:
            self.problem = error

"""Sends a batch's prompts by priority, as many at once as their services' instances take."""

from __future__ import annotations

import asyncio
import heapq
import time
from collections import Counter
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass, field, replace

from ccconsole.batches.assembling import Batch
from ccconsole.batches.flights import Flight, Observer
from ccconsole.batches.pacing import CLOSING, Gate, Pace
from ccconsole.batches.records import Records
from ccconsole.errors import ConfigError, ConsoleError, Refused
from ccconsole.model.batches import BatchRow, BatchSnapshot
from ccconsole.model.problem import Problem
from ccconsole.model.services import ServiceKey
from ccconsole.model.tasks import TaskState
from ccconsole.problems import Full, Unfit

TRIES = 4
"""How often a prompt is sent that reaches nobody; one that meets a full service is sent again without end."""


@dataclass(frozen=True)
class Halt:
    """How whoever watches a batch ends it."""

    stop: asyncio.Event = field(default_factory=asyncio.Event)
    """Send nothing more, and let what runs end."""
    cancel: asyncio.Event = field(default_factory=asyncio.Event)
    """Cancel what runs as well."""

    @property
    def is_asked(self) -> bool:
        """Whether nothing more is to be sent."""
        return self.stop.is_set() or self.cancel.is_set()


@dataclass(frozen=True)
class Options:
    """What a run of a batch is told."""

    again: Collection[TaskState] = ()
    """Prompts that ended so are run once more, as another attempt."""
    actor: str = "unknown"
    """Who cancels."""
    token: str | None = None
    """The workers' bearer token."""
    is_detaching: bool = True
    """Whether tasks outlive this console, where there is a journal to find them in again."""
    pace: Pace = field(default_factory=Pace)
    observe: Observer | None = None


class Dispatcher:
    """Sends whenever there is room, by itself, however slowly its snapshots are taken."""

    def __init__(
        self, batch: Batch, rows: list[BatchRow], known: dict[str, Records], halt: Halt, options: Options
    ) -> None:
        """`rows` are one for each entry, `known` the records of each environment."""
        self.over = asyncio.Event()
        self.failure: BaseException | None = None
        """Why it ended early, if not by order."""
        self._batch = batch
        self._rows = rows
        self._known = known
        self._halt = halt
        self._options = options
        self._gates = {lane.key: Gate(lane, options.pace) for lane in batch.lanes}
        self._waiting: dict[frozenset[ServiceKey], list[tuple[int, int]]] = {}
        """By the services that may run them: heaps of (-priority, place)."""
        self._flights: dict[int, tuple[Flight, Gate | None]] = {}
        self._jobs: dict[int, asyncio.Task[None]] = {}
        self._watches: list[asyncio.Task[None]] = []
        self._leaving = 0
        """Flights whose streams were closed, and of which there is still something to say."""
        self._tries: Counter[int] = Counter()
        self._timer: asyncio.TimerHandle | None = None
        self._changed = dict.fromkeys(range(len(rows)))
        self._news = asyncio.Event()
        self._counts = Counter(row.task.state for row in rows)
        self._earlier = sum(row.is_earlier for row in rows)
        self._problems: list[Problem] = []
        self._started_at = time.time()
        self._ended_at: float | None = None

    def begin(self) -> None:
        """Watch what runs already, and send what there is room for."""
        for place, row in enumerate(self._rows):
            if not row.is_sent:
                self._wait(place)
            elif not row.is_earlier:
                keys = self._batch.entries[place].lanes
                gates = (self._gates[key] for key in keys if key.name == row.task.service)
                self._fly(place, next(gates, None), is_new=False)
        self._watches = [asyncio.create_task(watch) for watch in (self._stopped(), self._cancelled())]
        self._news.set()
        self._fill()

    async def news(self, timeout: float) -> None:
        """Wait until there is something to tell, for so many seconds at most."""
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout):
                await self._news.wait()
        self._news.clear()

    def snapshot(self) -> BatchSnapshot:
        """How it stands, with the rows that changed since the last one."""
        changed, self._changed = self._changed, {}
        costs = [row.task.cost_usd for row in self._rows if row.task.cost_usd is not None]
        shut = [_problem(gate.lane.environment.name, gate.problem) for gate in self._gates.values()]
        return BatchSnapshot(
            name=self._batch.name,
            changed=tuple(self._rows[place] for place in changed),
            counts=Counter(self._counts),
            started_at=self._started_at,
            at_most=self._batch.at_most,
            shares=tuple(gate.share for gate in self._gates.values()),
            in_flight=len(self._flights),
            earlier=self._earlier,
            cost_usd=sum(costs) if costs else None,
            ended_at=self._ended_at,
            is_stopping=self._halt.is_asked,
            waiting=self._waiting_for(),
            problems=(*self._problems, *(problem for problem in shut if problem is not None)),
        )

    async def close(self) -> None:
        """End every stream, at once."""
        if self._timer is not None:
            self._timer.cancel()
        jobs = [*self._watches, *self._jobs.values()]
        for job in jobs:
            job.cancel()
        await asyncio.gather(*jobs, return_exceptions=True)

    def _wait(self, place: int) -> None:
        entry = self._batch.entries[place]
        heapq.heappush(self._waiting.setdefault(entry.lanes, []), (-entry.request.priority, place))

    def _sought(self) -> list[Gate]:
        """The open gates that some waiting prompt could pass."""
        keys = {key for lanes, heap in self._waiting.items() if heap for key in lanes}
        return [gate for key, gate in self._gates.items() if key in keys and gate.problem is None]

    def _waiting_for(self) -> str:
        if self._ended_at is not None or self._halt.is_asked:
            return ""
        said = (f"{gate.lane.key}: {gate.waits_for.title}" for gate in self._sought() if gate.waits_for)
        return next(said, "")

    def _fill(self) -> None:
        """Send what there is room for; it is over when nothing flies and nothing more can."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        now = time.monotonic()
        while not self._halt.is_asked and (choice := self._choice(now)) is not None:
            place, gate = choice
            self._fly(place, gate, is_new=True)
        sought = [] if self._halt.is_asked else self._sought()
        if not self._flights and not self._leaving and not sought:
            self._ended_at = time.time()
            self.over.set()
            self._news.set()
        elif paused := [gate.ready_at for gate in sought if gate.ready_at > now]:
            self._timer = asyncio.get_running_loop().call_later(min(paused) - now, self._fill)

    def _choice(self, now: float) -> tuple[int, Gate] | None:
        """The most urgent prompt that some service has room for, and the emptiest such service."""
        if len(self._flights) >= self._batch.at_most:
            return None
        best: tuple[tuple[int, int], Gate, list[tuple[int, int]]] | None = None
        for lanes, heap in self._waiting.items():
            gate = max((self._gates[key] for key in lanes), key=lambda gate: gate.room(now))
            if heap and gate.room(now) > 0 and (best is None or heap[0] < best[0]):
                best = (heap[0], gate, heap)
        if best is None:
            return None
        heapq.heappop(best[2])
        return best[0][1], best[1]

    def _fly(self, place: int, gate: Gate | None, *, is_new: bool) -> None:
        entry = self._batch.entries[place]
        flight = Flight(
            entry,
            self._rows[place],
            gate.lane if gate is not None and is_new else None,
            self._known[entry.environment.name],
            tell=lambda row: self._told(place, gate, row),
            observe=self._options.observe,
            is_detaching=gate is not None and gate.is_detaching and self._options.is_detaching,
            token=self._options.token,
        )
        self._flights[place] = (flight, gate)
        if gate is not None:
            gate.in_flight += 1
        job = self._jobs[place] = asyncio.create_task(self._flown(place, flight, gate))
        job.add_done_callback(self._check)

    async def _flown(self, place: int, flight: Flight, gate: Gate | None) -> None:
        try:
            error = await flight.run()
        finally:
            del self._flights[place], self._jobs[place]
            if gate is not None:
                gate.in_flight -= 1
        if error is not None and gate is not None:
            self._come_back(place, gate, error)
        self._news.set()
        self._fill()

    def _check(self, job: asyncio.Task[None]) -> None:
        """What a flight cannot deal with ends the batch."""
        if not job.cancelled() and (error := job.exception()) is not None:
            self.failure = error
            self.over.set()
            self._news.set()

    def _come_back(self, place: int, gate: Gate, error: ConsoleError) -> None:
        """A prompt was not started: it waits for another try, or is refused for good."""
        if isinstance(error, Unfit) and "onDisconnect" in error.fields and gate.is_detaching:
            gate.is_detaching = False
            self._wait(place)
        elif isinstance(error, (Full, *CLOSING)):
            gate.put_off(error)
            self._wait(place)
        elif isinstance(error, (ConfigError, Refused)) or self._tries[place] + 1 >= TRIES:
            gate.refused(error)
            words = f"{error.title}: {error.detail}" if error.detail else error.title
            task = replace(self._rows[place].task, state=TaskState.FAILED, reason="refused", detail=words)
            self._told(place, None, replace(self._rows[place], task=task))
        else:
            self._tries[place] += 1
            gate.put_off(error)
            self._wait(place)

    def _told(self, place: int, gate: Gate | None, row: BatchRow) -> None:
        was, now = self._rows[place].task.state, row.task.state
        self._rows[place] = row
        if now is not was:
            self._counts[was] -= 1
            self._counts[now] += 1
            if gate is not None and now is TaskState.RUNNING:
                gate.began()
                self._fill()
        self._changed[place] = None
        self._news.set()

    async def _stopped(self) -> None:
        await self._halt.stop.wait()
        self._news.set()
        self._fill()

    async def _cancelled(self) -> None:
        await self._halt.cancel.wait()
        self._news.set()
        self._fill()
        places = list(self._flights)
        await asyncio.gather(*(self._cancel(place, *self._flights[place]) for place in places))

    async def _cancel(self, place: int, flight: Flight, gate: Gate | None) -> None:
        self._leaving += 1
        try:
            if not await flight.cancel(self._options.actor):
                job = self._jobs[place]
                job.cancel()
                await asyncio.wait({job})
                if await flight.closed():
                    await flight.cancel(self._options.actor)
                    self._fly(place, gate, is_new=False)
        except ConsoleError as error:
            if (problem := _problem(flight.entry.environment.name, error)) is not None:
                self._problems.append(problem)
        finally:
            self._leaving -= 1
        self._news.set()
        self._fill()


def _problem(environment: str, error: ConsoleError | None) -> Problem | None:
    if error is None:
        return None
    return Problem(environment, error.title, error.detail, error.hint, time.time(), error.exit_code)

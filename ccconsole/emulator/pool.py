"""A revision's instances and the requests that wait for one: Cloud Run's autoscaler for one revision."""

from __future__ import annotations

import asyncio
import math
import time
from collections import deque
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from ccconsole.emulator.instance import GRACE_SECONDS, Instance, StartFailed, State

NO_INSTANCE = "The request was aborted because there was no available instance."
NOT_STARTED = "The request failed because the instance could not start successfully."
"""What Cloud Run says: https://cloud.google.com/run/docs/troubleshooting."""

_FIRST_BACKOFF, _LAST_BACKOFF = 1.0, 60.0
"""Seconds before an instance that nobody waits for is started again after a failure; doubled each time."""
_LIVED_SECONDS = 10.0
"""An instance that ended sooner after its start counts as a failure."""


class Unavailable(Exception):
    """No instance will take the request; `status` is the HTTP status to answer."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status
        self.text = text


@dataclass(frozen=True)
class Pace:
    """The times of scaling, seconds."""

    idle: float = 60.0
    """An instance without a request for so long is stopped; Google keeps one up to 15 minutes."""
    pending: float = 10.0
    startup_factor: float = 3.5
    """A request waits max(factor x startup time, pending), as Google documents."""
    grace: float = GRACE_SECONDS


class Pool:
    """Starts and stops a revision's instances; `acquire` a slot on one, `release` it after."""

    def __init__(self, make: Callable[[], Instance], concurrency: int, pace: Pace) -> None:
        self._make = make
        self._concurrency = concurrency
        self._pace = pace
        self._least = 0
        self._most = 0
        self._instances: list[Instance] = []
        self._waiters: deque[asyncio.Future[Instance]] = deque()
        self._tasks: set[asyncio.Task[None]] = set()
        self._startup_seconds = 0.0
        self._backoff = 0.0
        self._retry_at = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._is_closed = False
        self._retiring: set[Instance] = set()

    @property
    def instances(self) -> tuple[Instance, ...]:
        """Those that start or serve."""
        return tuple(self._instances)

    @property
    def waiting(self) -> int:
        """How many requests wait for an instance."""
        return sum(1 for waiter in self._waiters if not waiter.done())

    def set_limits(self, least: int, most: int) -> None:
        """Keep at least and at most so many instances from now on."""
        self._least, self._most = min(least, most), most
        self._settle()

    async def start_first(self) -> None:
        """Start one instance now, as a new revision does before it is ready; raises StartFailed."""
        instance = self._make()
        self._instances.append(instance)
        await self._start(instance)

    async def acquire(self, preferred: str | None = None) -> Instance:
        """A slot on an instance, on the preferred one when it has room; raises Unavailable."""
        if self._is_closed:
            raise Unavailable(503, NO_INSTANCE)
        if not self.waiting and (chosen := self._choose(preferred)) is not None:
            return self._occupy(chosen)
        waiter: asyncio.Future[Instance] = asyncio.get_running_loop().create_future()
        self._waiters.append(waiter)
        self._settle(is_urgent=True)
        try:
            return await self._wait(waiter)
        except asyncio.CancelledError:
            if waiter.done() and not waiter.cancelled() and waiter.exception() is None:
                self.release(waiter.result())
            raise
        finally:
            waiter.cancel()
            with suppress(ValueError):
                self._waiters.remove(waiter)

    def release(self, instance: Instance) -> None:
        """Give the slot back."""
        instance.vacate()
        self._settle()

    def trim(self, idle: float) -> None:
        """Stop now what has been idle for so many seconds, as Cloud Run may at any time."""
        if not self._is_closed:
            self._scale_in(time.monotonic(), idle)

    async def stop(self, grace: float | None = None) -> None:
        """Refuse who waits, stop all instances and take no more requests."""
        self._is_closed = True
        self._least = 0
        if self._timer is not None:
            self._timer.cancel()
        self._refuse(NO_INSTANCE)
        seconds = self._pace.grace if grace is None else grace
        await asyncio.gather(*(instance.stop(seconds) for instance in self._instances))
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _choose(self, preferred: str | None) -> Instance | None:
        ready = [item for item in self._instances if self._has_room(item)]
        # The busiest, then the one used last: the others grow idle and go.
        return max(ready, key=lambda item: (item.id == preferred, item.active, item.idle_since), default=None)

    def _has_room(self, instance: Instance) -> bool:
        is_serving = instance.state is State.READY and not instance.exited.is_set()
        return is_serving and instance.active < self._concurrency

    def _occupy(self, instance: Instance) -> Instance:
        instance.occupy()
        return instance

    async def _wait(self, waiter: asyncio.Future[Instance]) -> Instance:
        began = time.monotonic()
        while not waiter.done():
            now = time.monotonic()
            starting = [now - item.started_at for item in self._instances if item.state is State.STARTING]
            startup = max([self._startup_seconds, *starting])
            left = began + max(self._pace.startup_factor * startup, self._pace.pending) - now
            if left <= 0:
                raise Unavailable(429, NO_INSTANCE)
            await asyncio.wait({waiter}, timeout=left)
        return waiter.result()

    def _settle(self, *, is_urgent: bool = False) -> None:
        if self._is_closed:
            return
        self._hand_out()
        now = time.monotonic()
        if now >= self._retry_at or (is_urgent and not self._instances):
            self._scale_out()
        self._scale_in(now, self._pace.idle)
        self._schedule(now)

    def _hand_out(self) -> None:
        while self._waiters:
            if self._waiters[0].done():
                self._waiters.popleft()
            elif (chosen := self._choose(None)) is not None:
                self._waiters.popleft().set_result(self._occupy(chosen))
            else:
                return

    def _scale_out(self) -> None:
        starting = sum(1 for item in self._instances if item.state is State.STARTING)
        wanted = len(self._instances) - starting + math.ceil(self.waiting / self._concurrency)
        wanted = min(max(wanted, self._least), self._most)
        while len(self._instances) < wanted:
            instance = self._make()
            self._instances.append(instance)
            self._spawn(self._start(instance))

    def _scale_in(self, now: float, seconds: float) -> None:
        idle = sorted((item for item in self._instances if self._is_idle(item)), key=lambda i: i.idle_since)
        surplus = len(self._instances) - len(self._retiring) - self._least
        for instance in idle[: max(surplus, 0)]:
            if now - instance.idle_since >= seconds:
                self._retiring.add(instance)
                self._spawn(self._retire(instance))

    async def _retire(self, instance: Instance) -> None:
        """Stop an idle instance, unless it works on or a request came meanwhile."""
        is_at_work = await instance.is_at_work()
        self._retiring.discard(instance)
        if instance not in self._instances or not self._is_idle(instance):
            return
        if is_at_work:
            instance.idle_since = time.monotonic()
            self._settle()
            return
        instance.say("Shutting down instance. Reason: it was idle.")
        self._instances.remove(instance)
        await instance.stop(self._pace.grace)

    def _is_idle(self, instance: Instance) -> bool:
        return instance.state is State.READY and instance.active == 0 and instance not in self._retiring

    def _schedule(self, now: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        moments = [item.idle_since + self._pace.idle for item in self._instances if self._is_idle(item)]
        if len(self._instances) <= self._least:
            moments = []
        if self._retry_at > now and (self.waiting or len(self._instances) < self._least):
            moments.append(self._retry_at)
        if moments:
            delay = max(min(moments) - now, 0.001)
            self._timer = asyncio.get_running_loop().call_later(delay, self._settle)

    async def _start(self, instance: Instance) -> None:
        try:
            await instance.start()
        except StartFailed:
            self._instances.remove(instance)
            self._back_off()
            if not self._instances:
                self._refuse(NOT_STARTED)
            self._settle()
            raise
        self._startup_seconds = instance.startup_seconds
        self._spawn(self._watch(instance))
        self._settle()

    async def _watch(self, instance: Instance) -> None:
        await instance.exited.wait()
        if instance.state is State.READY:
            instance.say("Container ended while it served.")
            self._instances.remove(instance)
            if time.monotonic() - instance.started_at < _LIVED_SECONDS:
                self._back_off()
            else:
                self._backoff = 0.0
            self._settle(is_urgent=bool(self.waiting))
            await instance.stop(0)

    def _back_off(self) -> None:
        self._backoff = min(max(self._backoff * 2, _FIRST_BACKOFF), _LAST_BACKOFF)
        self._retry_at = time.monotonic() + self._backoff

    def _refuse(self, text: str) -> None:
        for waiter in self._waiters:
            if not waiter.done():
                waiter.set_exception(Unavailable(503, text))
        self._waiters.clear()

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        async def run() -> None:
            with suppress(StartFailed):
                await work

        task = asyncio.create_task(run())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

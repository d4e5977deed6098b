"""Tail sessions: every new entry that matches, in windows, within Google's limits."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import grpc
from google.cloud.logging_v2.types.logging import TailLogEntriesResponse

from ccconsole.emulator.faults import Fault
from ccconsole.emulator.logging.fields import nanoseconds
from ccconsole.emulator.logging.filter import Test
from ccconsole.emulator.logging.store import LogStore

RawResponse: Any = TailLogEntriesResponse.pb()
RATE_LIMIT, NOT_CONSUMED = 1, 2
"""TailLogEntriesResponse.SuppressionInfo.Reason."""
_RATE_WINDOW = 60.0
_RESPONSE_BYTES = 4 << 20
_NEWS_SECONDS = 1.0
"""How soon a session is told of entries it was not sent."""


@dataclass(frozen=True)
class TailLimits:
    """https://cloud.google.com/logging/quotas; the duration of a session is not documented."""

    sessions: int = 10
    """Open at once in a project."""
    entries_per_minute: int = 60_000
    """Of all sessions of a project."""
    session_seconds: float = 3600.0
    unread_entries: int = 10_000
    """Kept for a client that reads slowly; what comes after is not kept for it."""


class Tails:
    """The open sessions, by project."""

    def __init__(self, store: LogStore, limits: TailLimits) -> None:
        self.limits = limits
        self._store = store
        self._open: dict[str, set[Session]] = {}
        self._spent: dict[str, tuple[float, int]] = {}

    def count(self, project: str) -> int:
        """How many sessions of a project are open."""
        return len(self._open.get(project, ()))

    def open(self, projects: frozenset[str], test: Test) -> Session:
        """A new session; RESOURCE_EXHAUSTED when a project has too many."""
        for project in projects:
            if self.count(project) >= self.limits.sessions:
                raise Fault(
                    grpc.StatusCode.RESOURCE_EXHAUSTED,
                    f"Too many tail sessions are open in project '{project}': {self.limits.sessions}.",
                )
        session = Session(projects, test, self.limits, self._spend)
        session.unwatch = self._store.watch(session.offer)
        for project in projects:
            self._open.setdefault(project, set()).add(session)
        return session

    def close(self, session: Session) -> None:
        """End a session."""
        session.unwatch()
        for project in session.projects:
            self._open[project].discard(session)

    def _spend(self, project: str) -> bool:
        """Whether one more entry may be sent within this minute."""
        now = asyncio.get_running_loop().time()
        began, count = self._spent.get(project, (now, 0))
        if now - began >= _RATE_WINDOW:
            began, count = now, 0
        if count >= self.limits.entries_per_minute:
            return False
        self._spent[project] = (began, count + 1)
        return True


class Session:
    """One client's; `offer` takes entries in, `next` gives responses out."""

    def __init__(
        self, projects: frozenset[str], test: Test, limits: TailLimits, spend: Callable[[str], bool]
    ) -> None:
        self.projects = projects
        self.unwatch: Callable[[], None] = lambda: None
        self._test = test
        self._limits = limits
        self._spend = spend
        self._waiting: list[Any] = []
        self._is_behind = False
        self._suppressed = {RATE_LIMIT: 0, NOT_CONSUMED: 0}
        self._has_entry = asyncio.Event()
        self._has_news = asyncio.Event()
        self._ends_at = asyncio.get_running_loop().time() + limits.session_seconds

    def offer(self, entry: Any) -> None:
        """Take a new entry if it matches."""
        project = entry.log_name.split("/")[1]
        if project not in self.projects or not self._test(entry):
            return
        if len(self._waiting) >= self._limits.unread_entries:
            self._suppressed[NOT_CONSUMED] += 1
        elif not self._spend(project):
            self._suppressed[RATE_LIMIT] += 1
        else:
            self._waiting.append(entry)
            self._has_entry.set()
        self._has_news.set()

    async def next(self, window: float) -> Any:
        """The next response: entries a `window` of seconds after the first, or news of suppressed ones.

        Raises OUT_OF_RANGE when the session has lasted as long as it may.
        """
        if not self._waiting:
            await self._within_the_session(self._has_news.wait())
        if not self._waiting:
            await self._news()
        elif not self._is_behind:  # late ones may still be sorted in
            await self._within_the_session(asyncio.sleep(window))
        return self._response()

    async def _news(self) -> None:
        """Only suppressed entries: told once a second."""
        try:
            await self._within_the_session(asyncio.wait_for(self._has_entry.wait(), _NEWS_SECONDS))
        except TimeoutError:
            return

    async def _within_the_session(self, waiting: Any) -> None:
        loop = asyncio.get_running_loop()
        work = asyncio.ensure_future(waiting)
        try:
            done, _ = await asyncio.wait({work}, timeout=max(self._ends_at - loop.time(), 0))
        finally:
            work.cancel()
        if not done:
            raise Fault(
                grpc.StatusCode.OUT_OF_RANGE,
                "The tail session has lasted as long as a session may; open another one.",
            )
        work.result()

    def _response(self) -> Any:
        taken: list[Any] = []
        size = 0
        for entry in self._waiting:
            size += entry.ByteSize()
            if taken and size > _RESPONSE_BYTES:
                break
            taken.append(entry)
        self._waiting = self._waiting[len(taken) :]
        self._is_behind = bool(self._waiting)
        if not self._waiting:
            self._has_entry.clear()
            self._has_news.clear()
        taken.sort(key=lambda entry: nanoseconds(entry.timestamp))
        response = RawResponse(entries=taken)
        for reason, count in self._suppressed.items():
            if count:
                response.suppression_info.add(reason=reason, suppressed_count=count)
                self._suppressed[reason] = 0
        return response

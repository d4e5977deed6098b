"""The agent's conversations in the store, so that another instance can go on with one."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from worker_service import layout
from worker_service.agents.base import Agent, Reader
from worker_service.redaction import Redactor

if TYPE_CHECKING:
    from worker_service.journal import Journal

MAX_SESSION_BYTES = 64 << 20
"""A conversation that is longer stays on its instance; an hour's work makes a few MiB."""
KEEP_SECONDS = 30.0
LAST_KEEP_SECONDS = 2.0
"""What the end of a task waits for the last copy: whoever sees the end may go on with it at once."""

logger = logging.getLogger(__name__)


class SessionGone(Exception):
    """A conversation is neither here nor in the store."""


class Sessions:
    """The conversations of this worker's agent, here and in the journal's store."""

    def __init__(self, agent: Agent, journal: Journal | None, redactor: Redactor) -> None:
        self._agent = agent
        self._journal = journal
        self._redactor = redactor

    async def fetch(self, session_id: str, workspace: Path) -> None:
        """Bring the conversation here, unless what is here is as long.

        Raises:
            SessionGone: there is none, and the agent could not go on with it.
        """
        path = self._agent.session_file(session_id, workspace)
        if path is None:
            return
        size = await asyncio.to_thread(_size, path)
        kept = await self._kept(session_id) if self._journal is not None else None
        if kept is not None and len(kept) > (size or 0):
            await asyncio.to_thread(_write, path, kept)
        elif size is None:
            place = "or in the store" if self._journal is not None else "and there is no store (WORKER_STORE)"
            raise SessionGone(f"session {session_id} is not on this instance {place}")

    async def keep(self, session_id: str, workspace: Path, known: int = 0) -> int:
        """Copy the conversation to the store when it is longer than `known` bytes; its length there.

        The copy is for another instance's comfort: a store in trouble is logged, and the task goes on.
        """
        path = self._agent.session_file(session_id, workspace)
        if self._journal is None or path is None:
            return known
        size = await asyncio.to_thread(_size, path)
        if size is None or size <= known:
            return known
        if size > MAX_SESSION_BYTES:
            logger.warning("session %s of %d bytes is too long for the store", session_id, size)
            return size
        try:
            body = await asyncio.to_thread(path.read_bytes)
            await self._journal.write_session(session_id, self._redactor.clean(body))
        except OSError as error:
            logger.warning("session %s is not in the store: %s", session_id, error)
            return known
        return size

    async def _kept(self, session_id: str) -> bytes | None:
        assert self._journal is not None
        try:
            return await self._journal.read_session(session_id)
        except OSError as error:
            logger.warning("session %s cannot be looked for in the store: %s", session_id, error)
            return None


class SessionCopy:
    """Keeps the store's copy of one task's conversation up to date."""

    def __init__(self, sessions: Sessions, reader: Reader, workspace: Path) -> None:
        self._sessions = sessions
        self._reader = reader
        self._workspace = workspace
        self._kept = 0
        self._lock = asyncio.Lock()

    async def keep_on(self) -> None:
        """Keep it every KEEP_SECONDS, so that a killed instance leaves one to go on with."""
        while True:
            await asyncio.sleep(KEEP_SECONDS)
            await self._keep()

    async def close(self) -> None:
        """Keep it as it ends; gives up after LAST_KEEP_SECONDS."""
        with suppress(TimeoutError):
            async with asyncio.timeout(LAST_KEEP_SECONDS):
                await self._keep()

    async def _keep(self) -> None:
        async with self._lock:
            session_id = self._reader.session_id
            # An agent names its session itself, and a name may be a path.
            if session_id is not None and layout.is_task_id(session_id):
                self._kept = await self._sessions.keep(session_id, self._workspace, self._kept)


def _size(path: Path) -> int | None:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return None


def _write(path: Path, body: bytes) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    part.touch(mode=0o600)
    part.write_bytes(body)
    part.replace(path)

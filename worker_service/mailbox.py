"""The worker's end of a task's mailbox: only the next number is ever looked for."""

from __future__ import annotations

import logging
import time

from worker_service import layout
from worker_service.store import Store
from worker_service.wire import Control

PROBE_SECONDS = 0.5
NEAR_KEYS_SECONDS = 0.025
FAR_KEYS_SECONDS = 0.1
KEYS_LINGER_SECONDS = 10.0
"""How long after its last command an interactive task's mailbox is still probed fast."""

logger = logging.getLogger(__name__)


class Mailbox:
    """One task's commands, read in order by the one worker that runs it."""

    def __init__(self, store: Store, task_id: str, *, is_interactive: bool) -> None:
        self._store = store
        self._task_id = task_id
        self._is_interactive = is_interactive
        self._next = 1
        self._hit_at = time.monotonic()

    @property
    def is_busy(self) -> bool:
        """Whether somebody is typing, as far as the last commands tell."""
        return self._is_interactive and time.monotonic() - self._hit_at < KEYS_LINGER_SECONDS

    def pause(self) -> float:
        """How long to wait behind a look that found nothing, in seconds."""
        if self._is_interactive and self._store.is_near:
            return NEAR_KEYS_SECONDS
        return FAR_KEYS_SECONDS if self.is_busy else PROBE_SECONDS

    async def next(self) -> tuple[int, Control] | None:
        """The next command and its number, or None when there is none yet; what is no command is passed over.

        Raises:
            StoreError: the mailbox could not be looked at.
        """
        while (body := await self._store.read(layout.control(self._task_id, self._next))) is not None:
            n, self._next, self._hit_at = self._next, self._next + 1, time.monotonic()
            try:
                return n, Control.model_validate_json(body)
            except ValueError:
                logger.warning("entry %d of task %s's mailbox is no command; passed over", n, self._task_id)
        return None

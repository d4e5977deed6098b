"""The worker's end of a task's mailbox: only the next number is ever looked for."""

from __future__ import annotations

import time

from pydantic_core import from_json

from worker_service import layout
from worker_service.decoding import in_a_line
from worker_service.store import ForeignObject, Store
from worker_service.wire import Control

PROBE_SECONDS = 0.5
NEAR_KEYS_SECONDS = 0.025
FAR_KEYS_SECONDS = 0.1
KEYS_LINGER_SECONDS = 10.0
"""How long after its last command an interactive task's mailbox is still probed fast."""

NONCES_KEPT = 10_000
"""What was taken is known so long, to be passed over when it is put down again under another number."""


class Mailbox:
    """One task's commands, read in order by the one worker that runs it."""

    def __init__(self, store: Store, task_id: str, *, is_interactive: bool) -> None:
        self._store = store
        self._task_id = task_id
        self._is_interactive = is_interactive
        self.position = 1
        """The number of the entry that is looked for next."""
        self._nonces: dict[str, None] = {}
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
        while True:
            path = layout.control(self._task_id, self.position)
            try:
                body = await self._store.read(path)
                if body is None:
                    return None
                control = self._checked(body)
            except ForeignObject as error:
                self._pass_over(path, str(error))
            except ValueError as error:
                self._pass_over(path, f"no command of this task: {in_a_line(error)}")
            else:
                self._step()
                return self.position - 1, control

    def _checked(self, body: bytes) -> Control:
        control = Control.model_validate_json(body, strict=True)
        fields = from_json(body)
        if fields.get("taskId", self._task_id) != self._task_id:
            raise ValueError("it is another's")
        nonce = str(fields.get("nonce", ""))
        if nonce in self._nonces:
            raise ValueError("it was taken before")
        if nonce:
            self._nonces[nonce] = None
            if len(self._nonces) > NONCES_KEPT:
                del self._nonces[next(iter(self._nonces))]
        return control

    def _pass_over(self, path: str, why: str) -> None:
        self._store.pass_over(path, why)
        self._step()

    def _step(self) -> None:
        self.position += 1
        self._hit_at = time.monotonic()

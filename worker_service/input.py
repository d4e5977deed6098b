"""Input for a process: written as it reads, without ever blocking, and bounded."""

from __future__ import annotations

import asyncio
import os

MAX_INPUT_BYTES = 2 << 20
"""Input that the process has not read yet."""
_CHUNK_BYTES = 64 * 1024


class InputWriter:
    """Writes to a non-blocking descriptor as it takes bytes, without ever blocking."""

    def __init__(self, fd: int) -> None:
        self.fd = fd
        self._loop = asyncio.get_running_loop()
        self._waiting = bytearray()
        self._closes_when_done = False
        self.is_closed = False

    def write(self, data: bytes) -> None:
        """Write now or as soon as there is room.

        Raises:
            BufferError: the process does not read its input.
        """
        if self.is_closed:
            raise BufferError("the agent's input is closed")
        if self._waiting and len(self._waiting) + len(data) > MAX_INPUT_BYTES:
            raise BufferError("the agent is not reading its input")
        was_empty = not self._waiting
        self._waiting += data
        if was_empty:
            self._flush()
            if self._waiting and not self.is_closed:
                self._loop.add_writer(self.fd, self._flush)

    def close_when_done(self) -> None:
        """Close the descriptor once everything is written."""
        self._closes_when_done = True
        if not self._waiting:
            self.close()

    def close(self, *, is_owner: bool = True) -> None:
        """Drop what waits, and close the descriptor unless somebody else owns it."""
        if self.is_closed:
            return
        self.is_closed = True
        self._loop.remove_writer(self.fd)
        self._waiting.clear()
        if is_owner:
            os.close(self.fd)

    def _flush(self) -> None:
        try:
            while self._waiting:
                del self._waiting[: os.write(self.fd, self._waiting[:_CHUNK_BYTES])]
        except BlockingIOError:
            return
        except OSError:
            # The process closed its input, or is gone: its exit tells the rest.
            self._waiting.clear()
        self._loop.remove_writer(self.fd)
        if self._closes_when_done:
            self.close()

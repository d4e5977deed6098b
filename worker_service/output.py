"""The agent's rendered bytes, cut into `output` events that are readable with curl."""

from __future__ import annotations

from base64 import b64encode
from collections import deque
from typing import Any

MAX_EVENT_BYTES = 64 * 1024
TAIL_BYTES = 64 * 1024
"""How much of the output's end a TaskResult carries."""


class OutputEncoder:
    """Bytes in, the data of `output` events out: text where the bytes are UTF-8, else base64.

    A character cut by a chunk's border waits for its rest.
    """

    def __init__(self) -> None:
        self.total = 0
        """Bytes given out so far: the next event's offset."""
        self._cut = b""
        self._tail: deque[bytes] = deque()
        self._tail_bytes = 0

    def feed(self, data: bytes) -> list[dict[str, Any]]:
        """The data of the events that can be sent now, each at most MAX_EVENT_BYTES."""
        data = self._cut + data
        self._cut = b""
        events = []
        for start in range(0, len(data), MAX_EVENT_BYTES):
            piece = self._cut + data[start : start + MAX_EVENT_BYTES]
            self._cut = b""
            if event := self._event(piece):
                events.append(event)
        return events

    def close(self) -> list[dict[str, Any]]:
        """What was cut off and never completed."""
        cut, self._cut = self._cut, b""
        return [self._binary(cut)] if cut else []

    def tail(self) -> str:
        """The last TAIL_BYTES of everything, undecodable bytes replaced."""
        return b"".join(self._tail)[-TAIL_BYTES:].decode("utf-8", "replace")

    @property
    def is_longer_than_tail(self) -> bool:
        """Whether there was more output than `tail` gives back."""
        return self.total > TAIL_BYTES

    def _event(self, piece: bytes) -> dict[str, Any] | None:
        try:
            text = piece.decode()
        except UnicodeDecodeError as error:
            if error.end != len(piece) or error.reason != "unexpected end of data":
                return self._binary(piece)
            self._cut = piece[error.start :]
            piece = piece[: error.start]
            text = piece.decode()
        return self._counted(piece, text, "utf-8") if piece else None

    def _binary(self, piece: bytes) -> dict[str, Any]:
        return self._counted(piece, b64encode(piece).decode(), "base64")

    def _counted(self, piece: bytes, data: str, encoding: str) -> dict[str, Any]:
        event = {"data": data, "encoding": encoding, "offset": self.total, "length": len(piece)}
        self.total += len(piece)
        self._tail.append(piece)
        self._tail_bytes += len(piece)
        while self._tail_bytes - len(self._tail[0]) >= TAIL_BYTES:
            self._tail_bytes -= len(self._tail.popleft())
        return event

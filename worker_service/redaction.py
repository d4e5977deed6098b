"""Secrets are taken out of everything that leaves the worker, across chunk borders too."""

from __future__ import annotations

import re
from collections.abc import Iterable

from pydantic_core import to_json

MASK = "[redacted]"
_MIN_SECRET = 8
"""A shorter value would blot out ordinary words."""
_MIN_HELD = 4
"""Held back at a chunk's end once this much of a secret is seen: less would delay a typed key's echo."""


class Redactor:
    """Replaces known secrets in whole texts; `stream` does so in a run of chunks."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        plain = {secret.encode() for secret in secrets if len(secret) >= _MIN_SECRET}
        in_json = {to_json(secret.decode())[1:-1] for secret in plain}
        self._secrets = sorted(plain | in_json, key=len, reverse=True)
        self._pattern = re.compile(b"|".join(re.escape(secret) for secret in self._secrets))

    def __bool__(self) -> bool:
        return bool(self._secrets)

    def clean(self, data: bytes) -> bytes:
        """`data` without any secret."""
        return self._pattern.sub(MASK.encode(), data) if self.has_secret(data) else data

    def clean_text(self, text: str) -> str:
        """`text` without any secret."""
        return self.clean(text.encode("utf-8", "replace")).decode() if self._secrets else text

    def has_secret(self, data: bytes) -> bool:
        """Whether any secret lies in `data`."""
        return any(secret in data for secret in self._secrets)

    def longest_start(self, data: bytes) -> int:
        """How many of the last bytes of `data` may be the beginning of a secret."""
        best = 0
        for secret in self._secrets:
            for length in range(min(len(secret) - 1, len(data)), best, -1):
                if data.endswith(secret[:length]):
                    best = length
                    break
        return best

    def stream(self) -> StreamRedactor:
        """A redactor for one run of chunks."""
        return StreamRedactor(self)

    def matches(self, data: bytes) -> list[tuple[int, int]]:
        """Where the secrets lie in `data`."""
        return [match.span() for match in self._pattern.finditer(data)] if self.has_secret(data) else []


class StreamRedactor:
    """Chunks in, chunks out; what may be a secret's beginning waits for the next chunk.

    Up to three bytes of a secret that is cut at its very beginning pass: waiting for so little would hold
    back single typed letters.
    """

    def __init__(self, redactor: Redactor) -> None:
        self._redactor = redactor
        self._passed = b""
        self._held = b""

    def feed(self, data: bytes) -> bytes:
        """What can be shown now."""
        if not self._redactor:
            return data
        work = self._passed + self._held + data
        shown_from = len(self._passed)
        out = []
        position = shown_from
        for start, end in self._redactor.matches(work):
            if end <= position:
                continue
            out.append(work[position : max(start, position)])
            out.append(MASK.encode())
            position = end
        rest_from = position if position > shown_from else 0
        unclear = self._redactor.longest_start(work[rest_from:])
        cut = max(len(work) - unclear, position) if unclear >= _MIN_HELD else len(work)
        out.append(work[position:cut])
        self._passed = work[len(work) - unclear : cut] if unclear else b""
        self._held = work[cut:]
        return b"".join(out)

    def close(self) -> bytes:
        """What was held back."""
        held, self._held = self._held, b""
        return held

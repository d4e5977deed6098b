"""The CLI's stream split into lines, and its JSON read without trusting any shape."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

MAX_LINE_BYTES = 16 << 20
"""A longer line is dropped and told: a bound on memory, far above any line seen (27 KB; images a few MB)."""
MAX_DEPTH = 64
"""Deeper JSON is cut there, so that whoever encodes it again cannot overrun the stack."""

# The CLI shows the cursor again on exit, without a newline and so also in front of a last line.
_LEADING = re.compile(rb"\A(?:\x1b\[[0-?]*[@-~]|\s)+")


class Lines:
    """Splits bytes into lines on newline alone: U+2028 and its like are data."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._held = 0
        self._is_dropping = False

    def feed(self, data: bytes) -> Iterator[bytes | None]:
        """The lines that are now complete, without their newline; None for one beyond MAX_LINE_BYTES."""
        *ends, rest = data.split(b"\n")
        for end in ends:
            self._hold(end)
            yield self._take()
        self._hold(rest)

    def close(self) -> bytes | None:
        """The last line, when it came without a newline; empty when there is none."""
        return self._take()

    def _hold(self, part: bytes) -> None:
        self._held += len(part)
        if self._held > MAX_LINE_BYTES:
            self._is_dropping = True
            self._parts.clear()
        elif part and not self._is_dropping:
            self._parts.append(part)

    def _take(self) -> bytes | None:
        line = None if self._is_dropping else b"".join(self._parts)
        self._parts.clear()
        self._held = 0
        self._is_dropping = False
        return line


def parse(line: bytes) -> dict[str, Any] | None:
    """The JSON object of a line; None when it holds none."""
    line = _LEADING.sub(b"", line)
    if not line.startswith(b"{"):
        return None
    try:
        value = json.loads(line.decode("utf-8", "replace"), parse_constant=lambda _: None)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def plain(value: Any, depth: int = MAX_DEPTH) -> Any:
    """JSON that can be encoded again: no lone surrogates, no more than `depth` levels."""
    match value:
        case str():
            return value if value.isascii() else _paired(value)
        case dict():
            return {plain(k): plain(v, depth - 1) for k, v in value.items()} if depth > 0 else None
        case list():
            return [plain(v, depth - 1) for v in value] if depth > 0 else None
        case _:
            return value


def _paired(text: str) -> str:
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def text_of(data: dict[str, Any], key: str) -> str:
    """A string member; empty when it is absent or something else."""
    value = data.get(key)
    return value if isinstance(value, str) else ""


def dict_of(data: dict[str, Any], key: str) -> dict[str, Any]:
    """An object member; empty when it is absent or something else."""
    value = data.get(key)
    return value if isinstance(value, dict) else {}


def dicts_of(data: dict[str, Any], key: str) -> list[dict[str, Any]]:
    """The objects of a list member; a bare string stands for one text block, as in the Messages API."""
    value = data.get(key)
    if isinstance(value, str):
        return [{"type": "text", "text": value}]
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def texts_of(data: dict[str, Any], key: str) -> list[str]:
    """The strings of a list member."""
    value = data.get(key)
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []


def int_of(data: dict[str, Any], key: str) -> int:
    """A whole number member; 0 when it is absent or something else."""
    value = data.get(key)
    return int(value) if isinstance(value, int | float) and abs(value) < 1e18 else 0


def float_of(data: dict[str, Any], key: str) -> float | None:
    """A number member; None when it is absent or something else."""
    value = data.get(key)
    return float(value) if isinstance(value, int | float) and abs(value) < 1e18 else None

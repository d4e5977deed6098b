"""What instances print and what the platform says of them, kept per revision: in memory and in a file."""

from __future__ import annotations

import io
import sys
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

Stream = Literal["stdout", "stderr", "requests", "varlog/system"]
"""The last part of Google's log name, run.googleapis.com/STREAM."""

MAX_LINE_BYTES = 256 << 10
"""The largest log entry Cloud Logging takes; a longer line is cut into several."""


@dataclass(frozen=True, slots=True)
class LogLine:
    """One line; `number` counts a revision's lines from 1."""

    number: int
    time: datetime
    stream: Stream
    instance: str
    text: str
    fields: Mapping[str, Any] = field(default_factory=dict)
    """Of a request: what `Exchange` knows of it."""


class RevisionLog:
    """A revision's newest lines in memory, and twice `file_bytes` at most on disk; `tell` gets each line."""

    def __init__(
        self,
        path: Path,
        *,
        tell: Callable[[LogLine], None] = lambda _: None,
        memory_bytes: int = 4 << 20,
        file_bytes: int = 10 << 20,
    ) -> None:
        self.path = path
        self._tell = tell
        self._lines: deque[LogLine] = deque()
        self._bytes = 0
        self._memory_bytes = memory_bytes
        self._file_bytes = file_bytes
        self._file: io.FileIO | None = None
        self._file_size = 0
        self._count = 0

    def write(
        self, stream: Stream, instance: str, text: str, fields: Mapping[str, Any] | None = None
    ) -> None:
        """Add one line, its newline taken off."""
        self._count += 1
        line = LogLine(self._count, datetime.now(UTC), stream, instance, text, fields or {})
        self._lines.append(line)
        self._bytes += len(text)
        while self._bytes > self._memory_bytes and len(self._lines) > 1:
            self._bytes -= len(self._lines.popleft().text)
        self._append(line)
        self._tell(line)

    def lines(self) -> tuple[LogLine, ...]:
        """The lines held in memory, oldest first."""
        return tuple(self._lines)

    def close(self) -> None:
        """Close the file; a later line opens it again."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _append(self, line: LogLine) -> None:
        row = (
            f"{line.time.isoformat(timespec='milliseconds')} {line.stream} {line.instance[:12]} {line.text}\n"
        )
        try:
            if self._file is None or self._file_size > self._file_bytes:
                self._rotate()
            if self._file is not None:
                self._file_size += self._file.write(row.encode(errors="replace"))
        except OSError as error:
            self.close()
            sys.stderr.write(f"The log file {self.path} cannot be written: {error.strerror}.\n")

    def _rotate(self) -> None:
        self.close()
        self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        if self.path.exists() and self.path.stat().st_size > self._file_bytes:
            self.path.replace(self.path.with_suffix(".log.1"))
        self._file = self.path.open("ab", buffering=0)
        self._file_size = self.path.stat().st_size


class LineSplitter:
    """Bytes into lines of at most MAX_LINE_BYTES; a character cut by a read is put together again."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> list[str]:
        """The lines that are complete with this data."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        if len(self._rest) > MAX_LINE_BYTES:
            lines.append(self._rest)
            self._rest = b""
        return [
            line[start : start + MAX_LINE_BYTES].decode(errors="replace").removesuffix("\r")
            for line in lines
            for start in range(0, max(len(line), 1), MAX_LINE_BYTES)
        ]

    def close(self) -> list[str]:
        """The last line, when it had no newline."""
        rest, self._rest = self._rest, b""
        return [rest.decode(errors="replace")] if rest else []

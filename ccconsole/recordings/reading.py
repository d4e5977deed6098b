"""A recording in a file, read piece by piece from wherever a player stands, never as a whole."""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, NamedTuple

from ccconsole.errors import ConfigError
from ccconsole.recordings.flaws import Flaw, Flaws
from ccconsole.recordings.parsing import Data, Header, header

BLOCK_BYTES = 256 << 10
"""Read at once."""
MAX_LINE = 8 << 20
"""Bytes of a line; our own have at most 64 KiB of output, which JSON makes six times as long."""
PIECE_BYTES = 16 << 10
"""Output of one event that is given out at once: 8 ms of work even for hostile bytes."""
TAIL_BYTES = 1 << 20
"""Searched for the last event's time."""


class Event(NamedTuple):
    """One event, or a part of a long one."""

    time: float
    code: str
    """`o` output, `r` resize, `m` marker, empty for any other."""
    data: Data
    offset: int
    """Where the next line begins; 0 when a part of the same event follows."""
    line: int


@dataclass(frozen=True, slots=True)
class Place:
    """Between two events: where reading goes on, and what has been."""

    offset: int
    line: int = 0
    steps: int = 0
    """Outputs and resizes before it."""
    time: float = 0.0


class Recording:
    """An asciicast of version 2 or 3, or a task's events as JSON lines, in an open file."""

    def __init__(self, file: BinaryIO, name: str) -> None:
        """Read the header. ConfigError, with the line, for what is no recording."""
        self.name = name
        self.flaws = Flaws()
        self._file = file
        lines = self._lines(0)
        first, offset, _ = next(lines, (b"", 0, True))
        if not first:
            what = "It is empty." if offset == 0 else "line 1 is longer than any recording's."
            raise _no_recording(name, what)
        self.header = _header(first, (line for line, *_ in lines if line), name, self.flaws)
        self.start = Place(offset, 1) if self.header.has_header else Place(0, 0)

    @classmethod
    def open(cls, path: Path) -> Recording:
        """The recording in a file; what comes from a pipe is kept in a temporary file. ConfigError."""
        try:
            file: BinaryIO = path.open("rb")
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                file = _spooled(file, path.name)
        except OSError as error:
            raise ConfigError(f"{path} cannot be read", error.strerror or str(error)) from error
        try:
            return cls(file, path.name)
        except ConfigError:
            file.close()
            raise

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()

    @property
    def size(self) -> int:
        """Bytes of the file."""
        return os.fstat(self._file.fileno()).st_size

    def last_time(self) -> float:
        """When the last event was, told by the file's end; 0 when only the whole file tells."""
        if self.header.is_relative:
            return 0.0
        start = max(self.size - TAIL_BYTES, 0)
        for line in reversed(os.pread(self._file.fileno(), TAIL_BYTES, start).split(b"\n")):
            try:
                parsed = self.header.parse(line, 0.0, Flaws())
            except ValueError:
                continue
            if parsed is not None:
                return parsed[0]
        return 0.0

    def events(self, place: Place, flaws: Flaws | None = None) -> Iterator[Event]:
        """The events behind a place; `flaws` are noted for who reads the whole file once."""
        parse, number, time = self.header.parse, place.line, place.time
        flaws = flaws or Flaws()
        for line, offset, is_ended in self._lines(place.offset):
            number += 1
            flaws.line = number
            if line is None:
                flaws.add(Flaw.TOO_LONG)
                continue
            if not line or line.isspace():
                continue
            try:
                parsed = parse(line, time, flaws)
            except ValueError:
                flaws.add(Flaw.NO_EVENT if is_ended else Flaw.CUT_OFF)
                continue
            if parsed is None:
                continue
            time, code, data = parsed
            if isinstance(data, bytes) and len(data) > PIECE_BYTES:
                yield from _pieces(time, data, offset, number)
            else:
                yield Event(time, code, data, offset, number)

    def _lines(self, offset: int) -> Iterator[tuple[bytes | None, int, bool]]:
        """Each line from there on (None: too long), where the next begins, and whether it was ended."""
        descriptor, rest = self._file.fileno(), b""
        while block := os.pread(descriptor, BLOCK_BYTES, offset + len(rest)):
            *lines, rest = (rest + block).split(b"\n")
            for line in lines:
                offset += len(line) + 1
                yield line, offset, True
            if len(rest) > MAX_LINE:
                offset = self._next_line(offset + len(rest))
                rest = b""
                yield None, offset, True
        if rest:
            yield rest, offset + len(rest), False

    def _next_line(self, offset: int) -> int:
        while block := os.pread(self._file.fileno(), BLOCK_BYTES, offset):
            end = block.find(b"\n")
            if end >= 0:
                return offset + end + 1
            offset += len(block)
        return offset


def _header(line: bytes, rest: Iterable[bytes], name: str, flaws: Flaws) -> Header:
    try:
        return header(line, rest, flaws)
    except ValueError as error:
        raise _no_recording(name, f"line 1: {error}") from error


def _pieces(time: float, data: bytes, offset: int, line: int) -> Iterator[Event]:
    last = (len(data) - 1) // PIECE_BYTES * PIECE_BYTES
    for at in range(0, len(data), PIECE_BYTES):
        yield Event(time, "o", data[at : at + PIECE_BYTES], offset if at == last else 0, line)


def _spooled(file: BinaryIO, name: str) -> BinaryIO:
    """All of a pipe in a file without a name, once its first line shows a recording."""
    with file:
        first = file.readline(MAX_LINE)
        _header(first, [first], name, Flaws())
        spool = tempfile.TemporaryFile()  # noqa: SIM115  it is the recording's from here on
        spool.write(first)
        shutil.copyfileobj(file, spool)
        spool.flush()
    return spool


def _no_recording(name: str, why: str) -> ConfigError:
    hint = "ccconsole export ID -f FILE.cast saves a task's recording."
    return ConfigError(f"{name} is no recording", why, hint)

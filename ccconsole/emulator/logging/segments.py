"""Log entries on disk: append-only files of checked records; the oldest file goes when there are too many."""

from __future__ import annotations

import contextlib
import os
import struct
import sys
import zlib
from collections.abc import Iterator
from pathlib import Path

_HEADER = struct.Struct("<IIqHH")
"""Checksum, length of the message, timestamp, lengths of the insert id and of the log's name."""


Stored = tuple[int, str, str, bytes]
"""One entry as lists order them: timestamp (nanoseconds), insert id, the log's name, the serialized LogEntry.

A bare tuple of atoms is nothing for the garbage collector to walk: there are tens of thousands of them.
"""


class Segments:
    """The folder of the files; what is appended is on disk after `flush`."""

    def __init__(self, folder: Path, segment_bytes: int, total_bytes: int) -> None:
        self._folder = folder
        self._segment_bytes = segment_bytes
        self._most = max(total_bytes // segment_bytes, 2)
        self._pending = bytearray()
        self._file = -1
        self._size = 0
        self._has_complained = False
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)

    def read(self) -> Iterator[Stored]:
        """All entries in the order of their writing; a record that a kill cut off is no more there."""
        for path in self._paths():
            data = path.read_bytes()
            end = 0
            for stored_end, stored in _records(data):
                end = stored_end
                yield stored
            if end < len(data):
                os.truncate(path, end)
                if not _is_cut_short(data[end:]):
                    sys.stderr.write(f"{path} was damaged; its last {len(data) - end} bytes are lost.\n")

    def append(self, stored: Stored) -> None:
        """Take one entry; it is written with the next `flush`."""
        timestamp, insert_id, log_name, message = stored
        names = insert_id.encode(), log_name.encode()
        body = b"".join((*names, message))
        sizes = (len(message), timestamp, *map(len, names))
        checksum = zlib.crc32(body, zlib.crc32(_HEADER.pack(0, *sizes)))
        self._pending += _HEADER.pack(checksum, *sizes) + body

    def flush(self) -> bool:
        """Write what is pending; False, told once on stderr, when the disk does not take it."""
        if not self._pending:
            return True
        try:
            if self._file < 0 or self._size >= self._segment_bytes:
                self._next()
            self._write()
        except OSError as error:
            self._give_way(error)
            return False
        self._has_complained = False
        return True

    def close(self) -> None:
        """Write what is pending and close the file."""
        self.flush()
        self._close_file()

    def _close_file(self) -> None:
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def _write(self) -> None:
        rest = memoryview(self._pending)
        try:
            while rest:
                rest = rest[os.write(self._file, rest) :]
        except OSError:
            rest.release()
            with contextlib.suppress(OSError):
                os.ftruncate(self._file, self._size)
            raise
        self._size += len(self._pending)
        rest.release()
        self._pending = bytearray()

    def _give_way(self, error: OSError) -> None:
        if not self._has_complained:
            self._has_complained = True
            sys.stderr.write(f"Log entries cannot be written to {self._folder}: {error.strerror}.\n")
        self._close_file()
        if len(self._pending) > self._segment_bytes:
            self._pending = bytearray()

    def _next(self) -> None:
        """Go on in the newest file, or in a new one when that is full."""
        self._close_file()
        paths = self._paths()
        number = int(paths[-1].stem) if paths else 1
        if paths and paths[-1].stat().st_size >= self._segment_bytes:
            number += 1
        path = self._folder / f"{number:08d}.log"
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        self._size = os.fstat(self._file).st_size
        for old in self._paths()[: -self._most]:
            old.unlink(missing_ok=True)

    def _paths(self) -> list[Path]:
        return sorted(path for path in self._folder.glob("*.log") if path.stem.isdigit())


def _records(data: bytes) -> Iterator[tuple[int, Stored]]:
    """Each good record with where it ends; the first bad one is the end."""
    at = 0
    while at + _HEADER.size <= len(data):
        checksum, *sizes = _HEADER.unpack_from(data, at)
        length, timestamp, id_size, name_size = sizes
        start = at + _HEADER.size
        end = start + id_size + name_size + length
        body = data[start:end]
        if end > len(data) or zlib.crc32(body, zlib.crc32(_HEADER.pack(0, *sizes))) != checksum:
            return
        name_at = id_size + name_size
        log_name = sys.intern(body[id_size:name_at].decode())
        yield end, (timestamp, body[:id_size].decode(), log_name, body[name_at:])
        at = end


def _is_cut_short(rest: bytes) -> bool:
    """Whether it is the beginning of one record, as a kill leaves it."""
    if len(rest) < _HEADER.size:
        return True
    _, length, _, id_size, name_size = _HEADER.unpack_from(rest)
    return bool(len(rest) < _HEADER.size + id_size + name_size + length)

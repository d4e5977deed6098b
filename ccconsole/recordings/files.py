"""Files of recordings: there whole or not at all, read by their owner alone."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from ccconsole.errors import ConfigError, ConsoleError, Refused

FORMATS: Final[Mapping[str, str]] = {
    ".cast": "cast",
    ".ndjson": "ndjson",
    ".jsonl": "ndjson",
    ".txt": "text",
    ".log": "text",
    ".ansi": "ansi",
}
"""A transcript's format by the ending of its file."""


def format_of(path: Path) -> str:
    """The format that the file's ending means. ConfigError for one that means none."""
    found = FORMATS.get(path.suffix.lower())
    if found is None:
        endings = ", ".join(FORMATS)
        raise ConfigError(
            f"{path.name} does not say which format",
            f"There are {endings}.",
            "Name it FILE.cast, for example.",
        )
    return found


class NewFile:
    """A file that `keep` gives its name once it is written; without that, leaving the block leaves nothing.

    Raises Refused for a name that is taken, ConsoleError where it cannot be written.
    """

    def __init__(self, path: Path, *, is_replacing: bool = False, makes_folder: bool = False) -> None:
        self.path = path.resolve() if is_replacing else path
        self.size = 0
        """Bytes so far."""
        self._is_replacing, self._makes_folder = is_replacing, makes_folder
        self._check()

    def _check(self) -> None:
        if self.path.exists() and not self.path.is_file():
            raise Refused(f"{self.path} is no file", "It is left as it is.", "Name another one.")
        if self.path.exists() and not self._is_replacing:
            raise _taken(self.path)

    def __enter__(self) -> Self:
        """Begin it, beside where it will be."""
        try:
            if self._makes_folder:
                self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._file = tempfile.NamedTemporaryFile(
                dir=self.path.parent, prefix=f".{self.path.name}.", suffix=".part", delete=False, buffering=0
            )
        except OSError as error:
            raise self._unwritable(error) from error
        return self

    async def write(self, data: bytes) -> None:
        """More of it."""
        self.size += len(data)
        try:
            self._file.write(data)
        except OSError as error:
            raise self._unwritable(error) from error

    def keep(self) -> None:
        """Give it its name, once the disk has it."""
        try:
            os.fsync(self._file.fileno())
            if self._is_replacing:
                Path(self._file.name).replace(self.path)
            else:
                self._name()
        except FileExistsError:
            raise _taken(self.path) from None
        except OSError as error:
            raise self._unwritable(error) from error

    def _name(self) -> None:
        """A link fails where somebody took the name meanwhile; not every file system has links."""
        try:
            self.path.hardlink_to(self._file.name)
        except FileExistsError:
            raise
        except OSError:
            self._check()
            Path(self._file.name).rename(self.path)

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Nothing unfinished stays behind."""
        self._file.close()
        Path(self._file.name).unlink(missing_ok=True)

    def _unwritable(self, error: OSError) -> ConsoleError:
        return ConsoleError(
            f"{self.path} cannot be written", error.strerror or str(error), "Name another file."
        )


def _taken(path: Path) -> Refused:
    hint = "Name another file; on the command line --force replaces this one."
    return Refused(f"{path} is there already", "It is left as it is.", hint)

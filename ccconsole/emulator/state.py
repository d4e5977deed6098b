"""The state directory: one emulator at a time, JSON files written whole, readable by their owner alone."""

from __future__ import annotations

import fcntl
import json
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from ccconsole.errors import Refused

_SERVICES = "services"
_OPERATIONS = "operations.json"
_INSTANCES = "instances.json"


class StateDir:
    """Holds the directory's lock while it is open; raises Refused when another emulator does."""

    def __init__(self, path: Path) -> None:
        self.path = path.resolve()
        (self.path / _SERVICES).mkdir(parents=True, exist_ok=True, mode=0o700)
        self.path.chmod(0o700)
        self._lock = os.open(self.path / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            holder = os.pread(self._lock, 32, 0).decode(errors="replace").strip() or "unknown"
            os.close(self._lock)
            raise Refused(
                f"Another emulator uses {self.path}.",
                f"Its process id is {holder}; two emulators would start and stop each other's instances.",
                "End that one, or give this one another folder with --state.",
            ) from error
        os.ftruncate(self._lock, 0)
        os.pwrite(self._lock, str(os.getpid()).encode(), 0)

    def close(self) -> None:
        """Let another emulator in."""
        os.close(self._lock)

    def services(self) -> Iterator[dict[str, Any]]:
        """The saved services."""
        for path in sorted((self.path / _SERVICES).glob("*.json")):
            found = self._read(path)
            if found is not None:
                yield found

    def save_service(self, key: str, value: dict[str, Any]) -> None:
        """Write one service."""
        self._write(self.path / _SERVICES / f"{key}.json", value)

    def remove_service(self, key: str) -> None:
        """Forget one service."""
        (self.path / _SERVICES / f"{key}.json").unlink(missing_ok=True)

    def operations(self) -> list[dict[str, Any]]:
        """The saved operations, oldest first."""
        found = self._read(self.path / _OPERATIONS)
        return list(found["operations"]) if found else []

    def save_operations(self, rows: list[dict[str, Any]]) -> None:
        """Write all operations."""
        self._write(self.path / _OPERATIONS, {"operations": rows})

    def instances(self) -> list[dict[str, Any]]:
        """The instances an emulator left when it was killed."""
        found = self._read(self.path / _INSTANCES)
        return list(found["instances"]) if found else []

    def save_instances(self, rows: list[dict[str, Any]]) -> None:
        """Write the living instances."""
        self._write(self.path / _INSTANCES, {"instances": rows})

    def room(self, name: str) -> tuple[dict[str, Any], Callable[[dict[str, Any]], None]]:
        """What a room saved, empty at first, and how it saves: policies, secrets ..."""
        path = self.path / f"{name}.json"
        return self._read(path) or {}, lambda value: self._write(path, value)

    def _write(self, path: Path, value: dict[str, Any]) -> None:
        # A rename is atomic for whoever kills this process; for the machine's own crash `_read` sets aside.
        draft = path.with_suffix(".new")
        draft.touch(mode=0o600)
        draft.write_text(json.dumps(value))
        draft.replace(path)

    def _read(self, path: Path) -> dict[str, Any] | None:
        try:
            found = json.loads(path.read_text())
        except FileNotFoundError:
            return None
        except ValueError:
            aside = path.with_suffix(".corrupt")
            path.replace(aside)
            sys.stderr.write(
                f"{path} is damaged; it was set aside as {aside.name} and its content is lost.\n"
            )
            return None
        return found if isinstance(found, dict) else None

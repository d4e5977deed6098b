"""The folders that tasks work in: a fresh private one each, or a named one that stays."""

from __future__ import annotations

import logging
import os
import shutil
import tempfile
from pathlib import Path

_PREFIX = "ccconsole-worker-"

logger = logging.getLogger(__name__)


class Workspaces:
    """The work folders under one root; without a root, under a temporary folder that `close` deletes."""

    def __init__(self, root: Path | None) -> None:
        self._is_temporary = root is None
        self._root = root if root is not None else Path(tempfile.mkdtemp(prefix=f"{_PREFIX}{os.getpid()}-"))
        self._root.mkdir(mode=0o700, parents=True, exist_ok=True)

    def open(self, task_id: str, name: str | None) -> Path:
        """The task's folder, private to this user: the kept one called `name`, else a fresh one.

        Raises:
            OSError: it cannot be made.
        """
        kind, leaf = ("tasks", task_id) if name is None else ("named", name)
        folder = self._root / kind
        folder.mkdir(mode=0o700, exist_ok=True)
        if name is not None:
            (folder / leaf).mkdir(mode=0o700, exist_ok=True)
            return folder / leaf
        return Path(tempfile.mkdtemp(prefix=f"{leaf}-", dir=folder))

    def delete(self, folder: Path) -> None:
        """Delete a task's fresh folder; what cannot be deleted is logged and left."""
        shutil.rmtree(folder, onerror=_log_undeleted)

    def delete_leftovers(self) -> None:
        """Delete the temporary roots of this user's workers that were killed."""
        for path in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*-*"):
            pid = path.name.removeprefix(_PREFIX).partition("-")[0]
            if pid.isdigit() and not _is_running(int(pid)) and _is_ours(path):
                self.delete(path)

    def close(self) -> None:
        """Delete the temporary root."""
        if self._is_temporary:
            self.delete(self._root)


def _is_ours(path: Path) -> bool:
    try:
        return path.lstat().st_uid == os.getuid()
    except FileNotFoundError:
        return False


def _is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


def _log_undeleted(function: object, path: str, error: object) -> None:
    cause = error[1] if isinstance(error, tuple) else error
    if not isinstance(cause, FileNotFoundError):
        logger.warning("a work folder could not be deleted: %s: %s", path, cause)

"""A folder that serves as a store: what lies in it counts, and nothing that a link in it leads to.

The object store's own listing follows links, and fails as a whole for one name that it cannot spell.
"""

from __future__ import annotations

import os
import re
import stat
from pathlib import Path

_STAGED = re.compile(r"#\d+$")
"""How obstore calls a file that it is still writing."""
_END_OF_TIME = 253_402_300_800
"""The year 10000 in seconds since the epoch: a file's time may be one for which there is no date."""


class NotOurs(OSError):
    """A link, a pipe, a device or the like, where a journal has folders and plain files."""


class Folder:
    """A folder's entries; every method raises NotOurs when a link, or no folder, lies on the way."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def entries(self, folder: str) -> dict[str, bool | None]:
        """What lies directly in `folder`: True is a plain file, False a folder, None neither."""
        if not self._is_way(folder):
            return {}
        with os.scandir(self._root / folder) as found:
            return {entry.name: _kind(entry) for entry in found if not _STAGED.search(entry.name)}

    def check_way(self, path: str) -> None:
        """Make sure that the folders on the way to `path` are such, as far as they are there."""
        self._is_way(path.rpartition("/")[0])

    def check(self, path: str) -> float | None:
        """Make sure of that, and that a plain file lies there, if anything: when it was written."""
        self.check_way(path)
        try:
            found = os.lstat(self._root / path)
        except FileNotFoundError:
            return None
        if not stat.S_ISREG(found.st_mode):
            raise NotOurs("it is no file of its own")
        if not 0 <= found.st_mtime < _END_OF_TIME:
            raise NotOurs("it was written at no time that there is")
        return found.st_mtime

    def _is_way(self, folder: str) -> bool:
        found = self._root
        for part in folder.split("/"):
            found = found / part
            try:
                mode = os.lstat(found).st_mode
            except FileNotFoundError:
                return False
            if not stat.S_ISDIR(mode):
                what = "a link, which is not followed" if stat.S_ISLNK(mode) else "no folder"
                raise NotOurs(f"{found.relative_to(self._root)} is {what}")
        return True


def _kind(entry: os.DirEntry[str]) -> bool | None:
    if entry.is_file(follow_symlinks=False):
        return True
    return False if entry.is_dir(follow_symlinks=False) else None

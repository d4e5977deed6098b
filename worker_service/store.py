"""The object store under the journal: a few calls that mean the same over file://, gs://, s3:// and memory://."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from obstore.exceptions import AlreadyExistsError

from worker_service.calls import Calls
from worker_service.folder import Folder, NotOurs
from worker_service.health import Health, Side
from worker_service.opening import Kind, open_objects
from worker_service.trouble import FAILURES, ForeignObject, StoreError, store_error

if TYPE_CHECKING:
    from obstore.store import ObjectStore

__all__ = ["ForeignObject", "Store", "StoreError"]

T = TypeVar("T")

MAX_OBJECT_BYTES = 32 << 20
"""What is larger is not read: a segment holds one event at least, and an agent's line may have 16 MiB."""
MAX_PASSED_OVER = 100
"""So many foreign objects are named in the log; who strews more of them fills neither it nor memory."""

_calls = Calls(FAILURES)
logger = logging.getLogger(__name__)


class Store:
    """An object store and, in `is_near`, whether a read of it costs well under a millisecond.

    Every method raises StoreError when the store is denied, full, broken or out of reach.
    """

    def __init__(self, objects: ObjectStore, kind: Kind, folder: Path | None = None) -> None:
        self._objects = objects
        self._folder = None if folder is None else Folder(folder)
        self._passed_over: set[str] = set()
        self.kind = kind
        self.is_near = kind in ("file", "memory")
        self.health = Health()

    @classmethod
    def open(cls, url: str) -> Store:
        """The store at `url`; raises what `open_objects` does."""
        return cls(*open_objects(url))

    async def read(self, path: str) -> bytes | None:
        """The object's bytes; None when there is no such object.

        Raises:
            ForeignObject: it is too large for one of a journal's, or no file.
        """

        def read() -> bytes:
            if self._folder is not None:
                self._folder.check(path)
            found = self._objects.get(path)
            if (size := found.meta["size"]) > MAX_OBJECT_BYTES:
                raise NotOurs(f"it is too large: {size:,} bytes")
            return bytes(found.bytes())

        return await self._ask("read", _unless_absent(read))

    async def put(self, path: str, data: bytes) -> None:
        """Write the object, over whatever was there."""

        def put() -> None:
            self._check_way(path)
            self._objects.put(path, data, use_multipart=False)

        await self._ask("write", put)

    async def create(self, path: str, data: bytes) -> bytes | None:
        """Write the object if it is absent: None when it now holds `data`, else what it held before.

        A store that retries a write may find its own first try there, so the bytes are compared:
        `data` must hold something that only this writer writes.
        """

        def is_new() -> bool:
            self._check_way(path)
            try:
                self._objects.put(path, data, mode="create")
            except AlreadyExistsError:
                return False
            return True

        if await self._ask("write", is_new):
            return None
        try:
            held = await self.read(path)
        except ForeignObject:
            held = None
        return None if held == data else held or b""

    async def delete(self, path: str) -> None:
        """Remove the object; it may be gone already."""

        def delete() -> None:
            self._check_way(path)
            self._objects.delete(path)

        await self._ask("write", _unless_absent(delete))

    async def names(self, folder: str, after: str = "") -> list[str]:
        """The paths of the objects directly in `folder`, sorted; only those that sort behind `after`."""

        def names() -> dict[str, bool | None]:
            if self._folder is not None:
                entries = self._folder.entries(folder).items()
                return {path: kind for name, kind in entries if (path := f"{folder}/{name}") > after}
            listed = self._objects.list(folder, offset=after or None).collect()
            return {entry["path"]: entry["path"].rpartition("/")[0] == folder for entry in listed}

        return self._those(True, await self._listed(folder, names))

    async def folders(self, folder: str) -> list[str]:
        """The paths of the folders directly in `folder`, sorted."""

        def folders() -> dict[str, bool | None]:
            if self._folder is not None:
                return {f"{folder}/{name}": kind for name, kind in self._folder.entries(folder).items()}
            listed = self._objects.list_with_delimiter(folder)
            return dict.fromkeys(listed["common_prefixes"], False)

        return self._those(False, await self._listed(folder, folders))

    async def written_at(self, path: str) -> float | None:
        """When the object was last written, seconds since the epoch; None when there is no such object."""

        def written_at() -> float | None:
            if self._folder is not None:
                return self._folder.check(path)
            return self._objects.head(path)["last_modified"].timestamp()

        try:
            return await self._ask("read", _unless_absent(written_at))
        except ForeignObject as error:
            self.pass_over(path, str(error))
            return None

    def pass_over(self, path: str, why: str) -> None:
        """Log, once for each path, that what lies there is no part of a journal."""
        if path in self._passed_over or len(self._passed_over) > MAX_PASSED_OVER:
            return
        self._passed_over.add(path)
        if len(self._passed_over) > MAX_PASSED_OVER:
            logger.warning("passed over in the store: more than %d objects", MAX_PASSED_OVER)
            return
        # As a literal: a name in a folder may hold line breaks and bytes that are no text.
        logger.warning("passed over in the store: %r: %s", path, why)

    def _check_way(self, path: str) -> None:
        if self._folder is not None:
            self._folder.check_way(path)

    async def _listed(
        self, folder: str, function: Callable[[], dict[str, bool | None]]
    ) -> dict[str, bool | None]:
        try:
            return await self._ask("read", function)
        except ForeignObject as error:
            self.pass_over(folder, str(error))
            return {}

    def _those(self, is_file: bool, listed: dict[str, bool | None]) -> list[str]:
        for path, kind in listed.items():
            if kind is not is_file:
                self.pass_over(path, "no file" if is_file else "no folder")
        return sorted(path for path, kind in listed.items() if kind is is_file)

    async def _ask(self, side: Side, function: Callable[[], T]) -> T:
        def ask() -> T:
            began = time.monotonic()
            with self.health.asked():
                try:
                    answer = function()
                except NotOurs as error:
                    if side == "write":
                        self.health.failed(side, str(error))
                    raise ForeignObject(str(error)) from error
                except FAILURES as error:
                    problem = store_error(error)
                    self.health.failed(side, str(problem))
                    raise problem from error
            self.health.answered(side, time.monotonic() - began)
            return answer

        return await _calls.run(ask)


def _unless_absent(function: Callable[[], T]) -> Callable[[], T | None]:
    """The same, with None for an object that is not there."""

    def ask() -> T | None:
        try:
            return function()
        except FileNotFoundError:
            return None

    return ask

"""The object store under the journal: a few calls that mean the same over file://, gs://, s3:// and memory://."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar
from urllib.parse import urlsplit
from urllib.request import url2pathname

from obstore.exceptions import (
    AlreadyExistsError,
    BaseError,
    PermissionDeniedError,
    UnauthenticatedError,
)
from obstore.store import LocalStore, MemoryStore, from_url

from worker_service.calls import Calls
from worker_service.health import Health, Side

if TYPE_CHECKING:
    from obstore.store import ObjectStore

CLIENT_OPTIONS: Any = {"connect_timeout": "5s", "timeout": "20s"}
RETRY_CONFIG: Any = {"max_retries": 2, "retry_timeout": timedelta(seconds=10)}
"""Short: whoever calls has its own back-off, and a person may be waiting."""

T = TypeVar("T")

FAILURES = (BaseError, OSError)
_calls = Calls(FAILURES)

MAX_WORDS = 500
"""Of a problem, in characters: a server may answer with a whole page."""
_CREDENTIALS = re.compile(r"//[^/@\s]*@")
"""In front of the host in an endpoint's address."""

Kind = Literal["file", "memory", "gs", "s3"]
Trouble = Literal["denied", "unauthenticated", "unreachable"]


class StoreError(OSError):
    """The store did not do what was asked; the text says why, in one line."""

    def __init__(self, text: str, trouble: Trouble = "unreachable") -> None:
        super().__init__(text)
        self.trouble = trouble


def _store_error(error: BaseException) -> StoreError:
    text = _CREDENTIALS.sub("//", str(error).split("\n", 1)[0].strip())[:MAX_WORDS] or type(error).__name__
    if isinstance(error, PermissionDeniedError | PermissionError):
        return StoreError(f"the store refused access: {text}", "denied")
    is_offline = "error sending request" in text
    if isinstance(error, UnauthenticatedError) or ("token request" in text and not is_offline):
        return StoreError(f"no valid credentials for the store: {text}", "unauthenticated")
    return StoreError(text)


class Store:
    """An object store and, in `is_near`, whether a read of it costs well under a millisecond.

    Every method raises StoreError when the store is denied, full, broken or out of reach.
    """

    def __init__(self, objects: ObjectStore, kind: Kind) -> None:
        self._objects = objects
        self.kind = kind
        self.is_near = kind in ("file", "memory")
        self.health = Health()

    @classmethod
    def open(cls, url: str) -> Store:
        """The store at `url`; a folder is made, private to its owner, when it is not there.

        Raises:
            ValueError: the url is not one of file:///folder, gs://bucket/prefix, s3://bucket/prefix, memory:///.
            StoreError: the folder cannot be made, or the credentials cannot be read.
        """
        scheme = urlsplit(url).scheme
        if scheme == "file":
            return cls(_folder(url), "file")
        if scheme == "memory":
            return cls(MemoryStore(), "memory")
        try:
            if scheme not in ("gs", "s3"):
                raise ValueError("no such kind of url")
            objects = from_url(url, retry_config=RETRY_CONFIG, **_reach(scheme))
            return cls(objects, "gs" if scheme == "gs" else "s3")
        except (BaseError, ValueError) as error:
            reason = str(error).split("\n", 1)[0]
            if isinstance(error, BaseError) and "URL" not in reason:
                raise StoreError(
                    f"no valid credentials for the store: {reason}", "unauthenticated"
                ) from error
            raise ValueError(
                f"{url!r} is no object store: {reason}. "
                "Give gs://bucket/prefix, s3://bucket/prefix, file:///absolute/folder or memory:///"
            ) from error

    async def read(self, path: str) -> bytes | None:
        """The object's bytes; None when there is no such object."""

        def read() -> bytes:
            return bytes(self._objects.get(path).bytes())

        return await self._ask("read", _unless_absent(read))

    async def put(self, path: str, data: bytes) -> None:
        """Write the object, over whatever was there."""
        await self._ask("write", lambda: self._objects.put(path, data, use_multipart=False))

    async def create(self, path: str, data: bytes) -> bytes | None:
        """Write the object if it is absent: None when it now holds `data`, else what it held before.

        A store that retries a write may find its own first try there, so the bytes are compared:
        `data` must hold something that only this writer writes.
        """

        def is_new() -> bool:
            try:
                self._objects.put(path, data, mode="create")
            except AlreadyExistsError:
                return False
            return True

        if await self._ask("write", is_new):
            return None
        held = await self.read(path)
        return None if held == data else held or b""

    async def delete(self, path: str) -> None:
        """Remove the object; it may be gone already."""
        await self._ask("write", _unless_absent(lambda: self._objects.delete(path)))

    async def names(self, folder: str, after: str | None = None) -> list[str]:
        """The paths of the objects under `folder`, sorted; only those that sort behind `after`, if given."""

        def names() -> list[str]:
            return sorted(entry["path"] for entry in self._objects.list(folder, offset=after).collect())

        return await self._ask("read", names)

    async def folders(self, folder: str) -> list[str]:
        """The names of the folders directly in `folder`, sorted."""

        def folders() -> list[str]:
            prefixes = self._objects.list_with_delimiter(folder)["common_prefixes"]
            return sorted(prefix.rsplit("/", 1)[-1] for prefix in prefixes)

        return await self._ask("read", folders)

    async def written_at(self, path: str) -> float | None:
        """When the object was last written, seconds since the epoch; None when there is no such object."""

        def written_at() -> float:
            return self._objects.head(path)["last_modified"].timestamp()

        return await self._ask("read", _unless_absent(written_at))

    async def _ask(self, side: Side, function: Callable[[], T]) -> T:
        def ask() -> T:
            began = time.monotonic()
            with self.health.asked():
                try:
                    answer = function()
                except FAILURES as error:
                    problem = _store_error(error)
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


def _reach(scheme: str) -> dict[str, Any]:
    """How a bucket is reached, by the variables that Amazon's and Google's own clients obey too."""
    options, variables = dict(CLIENT_OPTIONS), os.environ
    if scheme == "s3":
        # Options given here displace all those of the environment.
        options["allow_http"] = variables.get("AWS_ALLOW_HTTP", "").lower() in ("1", "true", "yes", "on")
    emulator = variables.get("STORAGE_EMULATOR_HOST") if scheme == "gs" else None
    if not emulator:
        return {"client_options": options}
    address = emulator if "://" in emulator else f"http://{emulator}"
    return {
        "client_options": options | {"allow_http": True},
        # Without a token, each write would look for Google's metadata server.
        "config": {"base_url": address.rstrip("/"), "bearer_token": "emulator"},
    }


def _folder(url: str) -> LocalStore:
    parts = urlsplit(url)
    path = Path(url2pathname(parts.path))
    if parts.netloc not in ("", "localhost") or not path.is_absolute() or path == Path("/"):
        raise ValueError(f"{url!r} is no folder: give an absolute one, as file:///var/lib/ccconsole/store")
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        return LocalStore(path)
    except FAILURES as error:
        raise StoreError(
            f"the folder {path} cannot be used as a store: {str(error).splitlines()[0]}"
        ) from error

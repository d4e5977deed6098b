"""The object store behind a url, reached as the environment says."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlsplit
from urllib.request import url2pathname

from obstore.exceptions import BaseError
from obstore.store import LocalStore, MemoryStore, from_url

from worker_service.trouble import FAILURES, StoreError, words

if TYPE_CHECKING:
    from obstore.store import ObjectStore

CLIENT_OPTIONS: Any = {"connect_timeout": "5s", "timeout": "20s"}
RETRY_CONFIG: Any = {"max_retries": 2, "retry_timeout": timedelta(seconds=10)}
"""Short: whoever calls has its own back-off, and a person may be waiting."""

Kind = Literal["file", "memory", "gs", "s3"]


def open_objects(url: str) -> tuple[ObjectStore, Kind, Path | None]:
    """The objects at `url`, of which kind their store is, and its folder when it is one.

    A folder is made, private to its owner, when it is not there.

    Raises:
        ValueError: the url is not one of file:///folder, gs://bucket/prefix, s3://bucket/prefix, memory:///.
        StoreError: the folder cannot be made, or the credentials cannot be read.
    """
    scheme = urlsplit(url).scheme
    if scheme == "file":
        folder = _folder(url)
        return LocalStore(folder), "file", folder
    if scheme == "memory":
        return MemoryStore(), "memory", None
    try:
        if scheme not in ("gs", "s3"):
            raise ValueError("no such kind of url")
        objects = from_url(url, retry_config=RETRY_CONFIG, **_reach(scheme))
        return objects, "gs" if scheme == "gs" else "s3", None
    except (BaseError, ValueError) as error:
        reason = words(error)
        if isinstance(error, BaseError) and "URL" not in reason:
            raise StoreError(f"no valid credentials for the store: {reason}", "unauthenticated") from error
        raise ValueError(
            f"{url!r} is no object store: {reason}. "
            "Give gs://bucket/prefix, s3://bucket/prefix, file:///absolute/folder or memory:///"
        ) from error


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


def _folder(url: str) -> Path:
    parts = urlsplit(url)
    path = Path(url2pathname(parts.path))
    if parts.netloc not in ("", "localhost") or not path.is_absolute() or path == Path("/"):
        raise ValueError(f"{url!r} is no folder: give an absolute one, as file:///var/lib/ccconsole/store")
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        LocalStore(path)
    except FAILURES as error:
        raise StoreError(f"the folder {path} cannot be used as a store: {words(error)}") from error
    return path

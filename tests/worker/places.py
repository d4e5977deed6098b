"""The kinds of store that the journal is tested on, each as an operator gives it: url and environment."""

from __future__ import annotations

import importlib.util
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest

from tests.worker.object_store import Bucket, bucket

KINDS = ("file", "memory", "s3", "gs")
SHARED = ("file", "s3", "gs")
"""Those that two processes see alike."""


_MOTO = """
from moto.server import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import run_simple
run_simple("127.0.0.1", 0, DomainDispatcherApplication(create_backend_app))
"""
"""One request at a time: with threads, as its own command has it, two creates of one object may both win."""


@dataclass(frozen=True)
class Place:
    """A store's url, and the variables that a process needs to reach it."""

    url: str
    env: dict[str, str] = field(default_factory=dict)


@asynccontextmanager
async def cloud_storage(listener: socket.socket | None = None) -> AsyncIterator[tuple[Place, Bucket]]:
    """A bucket in the stand-in for Cloud Storage."""
    async with bucket(listener) as found:
        yield Place("gs://bucket/prefix", {"STORAGE_EMULATOR_HOST": found.host}), found


@contextmanager
def s3(folder: Path) -> Iterator[Place]:
    """A bucket of a real server that speaks S3, moto's, with its log in `folder`."""
    if not all(importlib.util.find_spec(name) for name in ("moto", "flask", "flask_cors")):
        pytest.skip("no S3 server: moto is not installed (pip install -e '.[test]')")
    log = folder / "log"
    with log.open("wb") as sink:
        process = subprocess.Popen([sys.executable, "-c", _MOTO], stdout=sink, stderr=sink, cwd=folder)
    try:
        deadline = time.monotonic() + 30
        while "Running on " not in (said := log.read_text()):
            assert process.poll() is None, said
            assert time.monotonic() < deadline, said
            time.sleep(0.02)
        url = said.split("Running on ")[1].split()[0]
        httpx.put(f"{url}/bucket", trust_env=False, verify=False).raise_for_status()
        keys = {"AWS_ACCESS_KEY_ID": "an-access-key", "AWS_SECRET_ACCESS_KEY": "a-secret-key"}
        reach = {"AWS_ENDPOINT_URL": url, "AWS_ALLOW_HTTP": "true", "AWS_REGION": "us-east-1"}
        yield Place("s3://bucket", keys | reach)
    finally:
        process.kill()
        process.wait()

"""A container engine on this machine: an image built and pushed, with Google's token and without gcloud."""

from __future__ import annotations

import asyncio
import json
import os
import re
import tempfile
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from ccconsole.cloud.failures import RolloutFailed
from ccconsole.cloud.registry import Image

PLATFORM = "linux/amd64"
"""What Cloud Run runs; a laptop may be of another kind."""
LAST_LINES = 20
_USER = "oauth2accesstoken"
"""The registry's name for whoever comes with an access token."""
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


@dataclass(frozen=True)
class Built:
    """The end of a build: what was pushed."""

    digest: str


@dataclass(frozen=True)
class Source:
    """What an image is built from."""

    folder: Path
    dockerfile: Path


async def build(engine: str, image: Image, source: Source, token: str | None) -> AsyncGenerator[str | Built]:
    """The engine's own lines, then what was pushed; RolloutFailed with the last of them.

    The token goes in by standard input, and into a folder that is deleted: never into an argument, nor the
    user's own settings.
    """
    address = f"{image.base}:{image.tag}"
    said: list[str] = []
    with tempfile.TemporaryDirectory(prefix="ccconsole-") as folder:
        settings = _settings(Path(folder)) if token else {}
        steps: list[tuple[str, Sequence[str], bytes]] = []
        if token:
            login = ["login", "--username", _USER, "--password-stdin", image.host]
            steps.append(("Signing in to the registry", login, token.encode()))
        words = ["build", "--platform", PLATFORM, "--tag", address, "--file", str(source.dockerfile)]
        steps.append(("Building", [*words, str(source.folder)], b""))
        is_podman = Path(engine).name == "podman"
        push = ["push", *(["--digestfile", f"{folder}/digest"] if is_podman else []), address]
        steps.append(("Pushing", push, b""))
        for title, arguments, given in steps:
            yield title
            async with _started(engine, arguments, settings) as process:
                async for line in _lines(process, given):
                    said.append(line)
                    yield line
                if await process.wait():
                    raise _failed(title, Path(engine).name, said)
        written = Path(folder) / "digest"
        told = written.read_text("utf-8") if written.is_file() else "\n".join(said[-LAST_LINES:])
    found = _DIGEST.findall(told)
    if not found:
        raise _failed("Reading the digest", Path(engine).name, said)
    yield Built(found[-1])


def _settings(folder: Path) -> dict[str, str]:
    """Variables for a login apart; of the user's settings, what finds the engine and its plugins is kept."""
    own = Path(os.environ.get("DOCKER_CONFIG") or Path.home() / ".docker")
    try:
        known = json.loads((own / "config.json").read_text("utf-8"))
    except (OSError, ValueError):
        known = {}
    kept = {name: known[name] for name in ("currentContext", "cliPluginsExtraDirs") if name in known}
    (folder / "config.json").write_text(json.dumps(kept), "utf-8")
    for name in ("contexts", "cli-plugins"):
        if (own / name).is_dir():
            (folder / name).symlink_to(own / name)
    return {"DOCKER_CONFIG": str(folder), "REGISTRY_AUTH_FILE": str(folder / "auth.json")}


@asynccontextmanager
async def _started(
    engine: str, arguments: Sequence[str], settings: dict[str, str]
) -> AsyncIterator[asyncio.subprocess.Process]:
    process = await asyncio.create_subprocess_exec(
        engine,
        *arguments,
        env={**os.environ, **settings},
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        limit=1 << 20,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.terminate()
            await process.wait()


async def _lines(process: asyncio.subprocess.Process, given: bytes) -> AsyncIterator[str]:
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(given)
    process.stdin.close()
    async for line in process.stdout:
        if text := line.decode("utf-8", "replace").strip():
            yield text


def _failed(title: str, engine: str, said: Sequence[str]) -> RolloutFailed:
    return RolloutFailed(
        f"{title} failed",
        f"{engine} ended with an error.",
        "Read its last lines; --image takes an image that is there already.",
        reason="BUILD_FAILED",
        revision="",
        log_lines=tuple(said[-LAST_LINES:]),
    )

"""The container engine of this machine: the one that answers."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import Mapping

ENGINES = ("docker", "podman")
_ANSWER_SECONDS = 5.0


async def find(environ: Mapping[str, str] = os.environ) -> str | None:
    """The first engine on PATH that answers."""
    for name in ENGINES:
        found = shutil.which(name, path=environ.get("PATH"))
        if found is not None and await _answers(found, environ):
            return found
    return None


async def _answers(engine: str, environ: Mapping[str, str]) -> bool:
    nowhere = asyncio.subprocess.DEVNULL
    asked = (engine, "version", "--format", "{{.Server.Version}}")
    process = await asyncio.create_subprocess_exec(
        *asked, env=environ, stdin=nowhere, stdout=nowhere, stderr=nowhere
    )
    try:
        async with asyncio.timeout(_ANSWER_SECONDS):
            return await process.wait() == 0
    except TimeoutError:
        return False
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()

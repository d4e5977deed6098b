"""The Claude agent's stand-in CLI, run for tests: below a worker, or alone for the bytes it writes."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from tests.worker.conftest import RunningWorker, StartWorker
from worker_service.agents.base import Emission, Output
from worker_service.agents.claude_reader import StreamReader
from worker_service.agents.claude_render import Renderer

FAKE_CLAUDE = Path(__file__).parents[1] / "data" / "fake_claude.py"
FOLDER = "/folder"
STREAM_FLAGS = ("-p", "--output-format=stream-json", "--verbose", "--include-partial-messages")


async def start_claude(
    start_worker: StartWorker, home: Path, cli: Path = FAKE_CLAUDE, **chosen: Any
) -> RunningWorker:
    """A worker whose agent is this CLI, with a HOME of its own."""
    home.mkdir(exist_ok=True)  # noqa: ASYNC240
    settings = {"worker_agent": "claude", "claude_cli_path": str(cli), "home": home, **chosen}
    return await start_worker(**settings)


def written_by_fake(prompt: str, home: Path, *flags: str) -> bytes:
    """What the stand-in writes for a prompt, the same each time."""
    env = {"PATH": os.environ["PATH"], "HOME": str(home), "FAKE_CLAUDE_SEED": "7"}
    command = [str(FAKE_CLAUDE), *(flags or STREAM_FLAGS)]
    run = subprocess.run(
        command, input=prompt.encode(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=env, check=False
    )
    return run.stdout


def reader(*, columns: int = 80, is_supervised: bool = False, is_resumed: bool = False) -> StreamReader:
    """A reader of a run in FOLDER."""
    return StreamReader(Renderer(columns, FOLDER), is_supervised=is_supervised, is_resumed=is_resumed)


def read(chunks: Iterable[bytes], stream: StreamReader) -> tuple[str, list[Emission]]:
    """The rendered text of these bytes, and what came beside it."""
    emissions: list[Emission] = []
    for chunk in chunks:
        emissions += stream.feed(chunk)
    emissions += stream.close()
    rendered = b"".join(item.data for item in emissions if isinstance(item, Output))
    return rendered.decode(), [item for item in emissions if not isinstance(item, Output)]

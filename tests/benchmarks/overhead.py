"""A task of the real Claude CLI by the worker, and by `ccconsole prompt`, beside a bare `claude -p`.

All talk to a stand-in of the Messages API on loopback, which answers at once, so that what is left is the
CLI's own start and what we add to it. Rounds alternate; the median of each counts, in seconds of the clock.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from ccconsole import worker_client
from tests.benchmarks.figures import Figure, Missing
from tests.unit.workers import Real, real_worker
from tests.worker.messages_api import MessagesApi
from worker_service.wire import EventType, RunRequest

ROUNDS = 9
PROMPT = "hello"
KEPT = ("PATH", "LANG", "TMPDIR")
DEPLOY = """
[env.local]
local = true
instances = [1, 1]
env = {{ WORKER_AGENT = "claude", CLAUDE_CLI_PATH = "{cli}", ANTHROPIC_BASE_URL = "{api}" }}
secrets = {{ ANTHROPIC_API_KEY = "anthropic-key" }}
"""


def figures(scale: float) -> Iterator[Figure | Missing]:
    """One line each for the worker and for the verb."""
    cli = shutil.which(os.environ.get("CLAUDE_CLI_PATH") or "claude")
    if cli is None:
        yield Missing("a task", "no Claude CLI: neither CLAUDE_CLI_PATH nor `claude` on the PATH")
        return
    rounds = max(int(ROUNDS * scale), 3)
    with tempfile.TemporaryDirectory() as name, MessagesApi("text") as api:
        home = Path(name)
        (home / "run").mkdir(mode=0o700)
        environ = {word: os.environ[word] for word in KEPT if word in os.environ}
        environ |= {"HOME": str(home), "XDG_RUNTIME_DIR": str(home / "run")}
        claude = {"ANTHROPIC_BASE_URL": api.url, "ANTHROPIC_API_KEY": "dummy"}
        settings = claude | {"WORKER_AGENT": "claude", "CLAUDE_CLI_PATH": cli}
        (home / "deploy.toml").write_text(DEPLOY.format(cli=cli, api=api.url))
        words = ["-p", "--output-format", "stream-json", "--verbose", "--include-partial-messages", PROMPT]
        verb = [sys.executable, "-m", "ccconsole", "prompt", "local", PROMPT]
        with real_worker(home, **settings) as worker:
            ways: dict[str, Callable[[], object]] = {
                "bare": lambda: _run([cli, *words], home, environ | claude),
                "worker": lambda: asyncio.run(_task(worker)),
                "verb": lambda: _run(verb, home, environ | claude),
            }
            try:
                taken = _alternating(ways, rounds)
            finally:
                _run([sys.executable, "-m", "ccconsole", "emulate", "--stop"], home, environ)
    for name, what in (("worker", "a task by the worker"), ("verb", "the same by `ccconsole prompt local`")):
        yield Figure(what, taken[name], "s", "claude -p", taken["bare"])


def _alternating(ways: dict[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    found: dict[str, list[float]] = {name: [] for name in ways}
    for number in range(rounds + 1):
        for name, way in ways.items():
            began = time.perf_counter()
            way()
            if number:  # the first one warms the caches, and starts the emulator
                found[name].append(time.perf_counter() - began)
    return {name: statistics.median(seconds) for name, seconds in found.items()}


def _run(words: list[str], home: Path, environ: dict[str, str]) -> None:
    done = subprocess.run(words, cwd=home, env=environ, capture_output=True, text=True, check=False)
    if done.returncode:
        said = done.stdout[-300:] + done.stderr[-300:]
        raise ValueError(f"{words[0]} ended with {done.returncode}: {said}")


async def _task(worker: Real) -> None:
    async for event in worker_client.run(worker.url, RunRequest(prompt=PROMPT)):
        if event.type is EventType.COMPLETE and event.data["status"] != "completed":
            raise ValueError(f"the task failed: {event.data}")

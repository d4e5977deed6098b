"""A file of 1,000 prompts onto a local service of 5 instances.

The verb as a user runs it, as a process on a machine of its own, with the shell as a quick agent that notes
its start in a file. Measured in one go, and once more with the console killed half-way and run again.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from tests.benchmarks.figures import Figure, at_least, at_most
from tests.benchmarks.processes import resident

PROMPTS = 1000
INSTANCES = 5
DEPLOY = f"""
[env.local]
local = true
instances = [0, {INSTANCES}]
env = {{ WORKER_AGENT = "shell" }}
"""
KEPT = ("PATH", "LANG", "TMPDIR")


class Bench:
    """A new user's machine with a file of prompts."""

    def __init__(self, root: Path, count: int) -> None:
        self.root = root
        (root / "run").mkdir(mode=0o700)
        (root / "deploy.toml").write_text(DEPLOY)
        self.environ = {name: os.environ[name] for name in KEPT if name in os.environ}
        self.environ |= {"HOME": str(root), "XDG_RUNTIME_DIR": str(root / "run")}
        self.noted = root / "starts"
        shuffled = random.Random(7)
        self.urgency = [shuffled.randint(1, 10) for _ in range(count)]
        lines = [
            {"prompt": f"echo {number} >> {self.noted}", "priority": urgency}
            for number, urgency in enumerate(self.urgency)
        ]
        self.file = root / "work.ndjson"
        self.file.write_text("".join(f"{json.dumps(line)}\n" for line in lines))

    @contextmanager
    def batch(self, name: str) -> Iterator[subprocess.Popen[bytes]]:
        """`ccconsole batch` under way; its rows go to a file."""
        words = ["batch", "local", str(self.file), "--yes", "--name", name, "-o", "ndjson"]
        with (self.root / f"{name}.rows").open("wb") as rows, self.start(*words, stdout=rows) as process:
            yield process

    def start(self, *words: str, stdout: int | IO[bytes] = subprocess.DEVNULL) -> subprocess.Popen[bytes]:
        """`ccconsole WORDS` as a process."""
        command = [sys.executable, "-m", "ccconsole", *words]
        return subprocess.Popen(
            command,
            cwd=self.root,
            env=self.environ | {"PYTHONPATH": str(Path(__file__).parents[2])},
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=subprocess.DEVNULL,
        )

    def starts(self) -> list[int]:
        """The prompts in the order in which their agents began."""
        return [int(line) for line in self.noted.read_text().split()] if self.noted.exists() else []


def watched(bench: Bench, process: subprocess.Popen[bytes], upto: int) -> list[float]:
    """The console's memory in MiB at each tenth of its way, until so many prompts began or it ended."""
    memory: list[float] = []
    first = len(bench.starts())
    while process.poll() is None and (begun := len(bench.starts())) < upto:
        if begun - first > len(memory) * (upto - first) / 10:
            memory.append(resident(process.pid) / (1 << 20))
        time.sleep(0.05)
    if process.poll() is None:
        memory.append(resident(process.pid) / (1 << 20))
    return memory


def figures(scale: float) -> Iterator[Figure]:
    """How fast, how near to the order of the priorities, whether each ran once, and the console's memory."""
    with tempfile.TemporaryDirectory(prefix="batch-") as name:
        bench = Bench(Path(name), max(int(PROMPTS * scale), 2 * INSTANCES))
        try:
            with bench.start("prompt", "local", "true") as warm:
                warm.wait()
            yield from whole(bench)
            yield from killed(bench)
        finally:
            with bench.start("emulate", "--stop") as stopping:
                stopping.wait()


def whole(bench: Bench) -> Iterator[Figure]:
    """All in one go."""
    count, began = len(bench.urgency), time.monotonic()
    with bench.batch("whole") as process:
        memory = watched(bench, process, count)
    took = time.monotonic() - began
    order = bench.starts()
    ideal = sorted(range(count), key=lambda number: (-bench.urgency[number], number))
    place = {number: position for position, number in enumerate(ideal)}
    off = max(abs(place[number] - position) for position, number in enumerate(order))
    yield Figure(f"{count:,} prompts onto {INSTANCES} instances", count / took, "prompts/s")
    yield from once(bench, "whole")
    yield Figure("away from the order of priorities", off, "places", wanted=at_most(INSTANCES, "places"))
    middle = memory[len(memory) // 2]
    yield Figure("the console's memory at the end", memory[-1], "MiB", "half-way", middle, at_most(1.1))


def killed(bench: Bench) -> Iterator[Figure]:
    """Killed half-way, and run again."""
    bench.noted.unlink()
    count = len(bench.urgency)
    with bench.batch("killed") as process:
        watched(bench, process, count // 2)
        process.send_signal(signal.SIGKILL)
    yield Figure("begun when the console was killed", len(bench.starts()), "prompts")
    with bench.batch("killed") as process:
        process.wait()
    yield from once(bench, "killed")


def once(bench: Bench, name: str) -> Iterator[Figure]:
    """Whether each ran once, by the agents' own notes and by the rows."""
    begun, count = bench.starts(), len(bench.urgency)
    rows = [json.loads(line) for line in (bench.root / f"{name}.rows").read_text().splitlines()]
    ended = {row["line"] for row in rows if row["state"] == "completed"}
    yield Figure("ran", len(set(begun)), "prompts", wanted=at_least(count, "prompts"))
    yield Figure("ran twice", len(begun) - len(set(begun)), "prompts", wanted=at_most(0, "prompts"))
    yield Figure("told as completed", len(ended), "prompts", wanted=at_least(count, "prompts"))

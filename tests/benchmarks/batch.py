"""A batch file onto a local service of 5 instances: `python -m tests.benchmarks.batch [PROMPTS]`.

The verb as a user runs it, as a process on a machine of its own, with the shell as a quick agent that notes
its start in a file. Printed: how long it took, whether each prompt ran once, how far from the order of their
priorities they began, and the console's memory on the way; then the same with the console killed half-way.
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
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

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


def resident(pid: int) -> int:
    """A process's resident memory in MiB; 0 once it is gone."""
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1])
    except (OSError, IndexError):
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE") >> 20


def watched(bench: Bench, process: subprocess.Popen[bytes], upto: int) -> list[int]:
    """The console's memory at each tenth of its way, until so many prompts began or it ended."""
    memory: list[int] = []
    first = len(bench.starts())
    while process.poll() is None and (begun := len(bench.starts())) < upto:
        if begun - first > len(memory) * (upto - first) / 10:
            memory.append(resident(process.pid))
        time.sleep(0.05)
    if process.poll() is None:
        memory.append(resident(process.pid))
    return memory


def whole(bench: Bench) -> None:
    """All in one go."""
    count, began = len(bench.urgency), time.monotonic()
    with bench.batch("whole") as process:
        memory = watched(bench, process, count)
        code = process.wait()
    took = time.monotonic() - began
    print(f"one go      {count:,} prompts in {took:.0f} s, {count / took:.1f}/s; exit code {code}")
    verdict(bench, "whole")
    order = bench.starts()
    ideal = sorted(range(count), key=lambda number: (-bench.urgency[number], number))
    place = {number: position for position, number in enumerate(ideal)}
    off = [abs(place[number] - position) for position, number in enumerate(order)]
    late = sum(distance >= INSTANCES for distance in off)
    print(f"order       at most {max(off)} places from that of the priorities, {late} of {count:,} "
          f"{INSTANCES} places or more")  # fmt: skip
    print(f"memory      {' '.join(map(str, memory))} MiB, from the first prompt to the last")


def killed(bench: Bench) -> None:
    """Killed half-way, and run again."""
    bench.noted.unlink()
    count, began = len(bench.urgency), time.monotonic()
    with bench.batch("killed") as process:
        watched(bench, process, count // 2)
        process.send_signal(signal.SIGKILL)
    half = len(bench.starts())
    with bench.batch("killed") as process:
        memory = watched(bench, process, count)
        code = process.wait()
    took = time.monotonic() - began
    print(f"killed      after {half:,} of {count:,}, and run again: {took:.0f} s in all; exit code {code}")
    verdict(bench, "killed")
    print(f"memory      {' '.join(map(str, memory))} MiB of the second console")


def verdict(bench: Bench, name: str) -> None:
    """Whether each ran once, by the agents' own notes and by the rows."""
    count, begun = len(bench.urgency), Counter(bench.starts())
    rows = [json.loads(line) for line in (bench.root / f"{name}.rows").read_text().splitlines()]
    states = Counter(row["state"] for row in rows)
    twice = sum(times > 1 for times in begun.values())
    lines = len({row["line"] for row in rows})
    print(f"once        {len(begun):,} of {count:,} began, {twice} twice; {lines:,} rows, {dict(states)}")


def main(count: int = 1000) -> None:
    """Run it once."""
    with tempfile.TemporaryDirectory(prefix="batch-") as name:
        bench = Bench(Path(name), count)
        try:
            with bench.start("prompt", "local", "true") as warm:
                warm.wait()
            whole(bench)
            killed(bench)
        finally:
            with bench.start("emulate", "--stop") as stopping:
                stopping.wait()


if __name__ == "__main__":
    main(*map(int, sys.argv[1:2]))

"""libghostty's rate on one corpus, printed in MB/s, in a process of its own that it may take down.

`python -m tests.benchmarks.libghostty CORPUS BYTES`
"""

from __future__ import annotations

import importlib
import importlib.util
import subprocess
import sys
import time
from typing import Any

from tests.terminal import streams

IS_INSTALLED = importlib.util.find_spec("pyghostty") is not None
PIECE = 64 << 10
ROUNDS = 5


def rate(corpus: str, size: int) -> float | None:
    """Its best rate in MB/s; None when it died."""
    command = [sys.executable, "-m", __name__, corpus, str(size)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return float(done.stdout) if done.returncode == 0 else None


def main() -> None:
    """Measure in this process."""
    core: Any = importlib.import_module("pyghostty.core")
    corpus, size = sys.argv[1], int(sys.argv[2])
    data = streams.ALL[corpus](size, 1)
    best = 0.0
    for _ in range(ROUNDS):
        terminal = core.Terminal(streams.COLUMNS, streams.ROWS, 100_000)
        started = time.process_time()
        for at in range(0, len(data), PIECE):
            terminal.feed(data[at : at + PIECE])
        best = max(best, len(data) / (time.process_time() - started) / 1e6)
        terminal.close()
    print(best)


if __name__ == "__main__":
    main()

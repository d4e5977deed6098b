"""All benchmarks: `python -m tests.benchmarks [NAME …] [--scale 0.1] [--json FILE] [--markdown FILE]`.

Each runs in a process of its own, one after the other, so that its memory is its own. The ratios are what
counts: both sides are measured in the same run on the same machine. A target that is missed is told and is
no failure; a benchmark that cannot run to its end is one (exit code 1).
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import platform
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, cast

from tests.benchmarks.figures import (
    HEADER,
    Benchmark,
    Figure,
    Missing,
    cells,
    from_json,
    markdown,
    text,
    to_json,
)

NAMES = ("engine", "stream", "crowd", "pane", "logs", "console", "overhead", "batch")
Lines = list[Figure | Missing]


def main() -> int:
    """Run those named, or all; 1 when one failed."""
    options = parsed()
    if options.within:
        return measure(options.names[0], options.scale)
    results: dict[str, Lines] = {}
    is_whole = True
    for name in options.names or NAMES:
        print(f"\n{title(name)}\n{text(HEADER)}", flush=True)
        lines, code = run(name, options.scale)
        results[name] = lines
        if code:
            is_whole = False
            print(f"{name} ended with exit code {code}", flush=True)
    if options.json:
        options.json.write_text(json.dumps(history(results, options.scale), indent=1) + "\n")
    if options.markdown:
        options.markdown.write_text("\n".join(document(results)) + "\n")
    return 0 if is_whole else 1


def parsed() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", choices=[*NAMES, []], help=", ".join(NAMES))
    parser.add_argument("--scale", type=float, default=1.0, help="measure less: 0.1 is a tenth of the work")
    parser.add_argument("--json", type=Path, help="write all figures there, for a history")
    parser.add_argument("--markdown", type=Path, help="write the tables there")
    parser.add_argument("--within", action="store_true", help=argparse.SUPPRESS)
    return parser.parse_args()


def module(name: str) -> Any:
    """The benchmark's module."""
    return importlib.import_module(f"tests.benchmarks.{name}")


def title(name: str) -> str:
    """The first line of its docstring."""
    return str(module(name).__doc__).splitlines()[0]


def measure(name: str, scale: float) -> int:
    """In the benchmark's own process: a line of JSON for each figure."""
    for line in cast("Benchmark", module(name)).figures(scale):
        print(to_json(line), flush=True)
    return 0


def run(name: str, scale: float) -> tuple[Lines, int]:
    """The benchmark in its own process, printed as it comes; its lines and its exit code."""
    command = [sys.executable, "-m", "tests.benchmarks", name, "--within", "--scale", str(scale)]
    lines: Lines = []
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        for line in process.stdout or ():
            lines.append(from_json(line))
            print(text(cells(lines[-1])), flush=True)
    return lines, process.returncode


def history(results: dict[str, Lines], scale: float) -> dict[str, object]:
    """What a later run is compared with."""
    return {
        "version": version("ccconsole"),
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "python": platform.python_version(),
        "cores": os.cpu_count(),
        "scale": scale,
        "figures": {name: [json.loads(to_json(line)) for line in lines] for name, lines in results.items()},
    }


def document(results: dict[str, Lines]) -> Iterator[str]:
    """The tables as Markdown."""
    for name, lines in results.items():
        yield f"### {title(name).rstrip('.')}\n"
        yield markdown(HEADER)
        yield markdown(("---",) * len(HEADER))
        yield from (markdown(cells(line)) for line in lines)
        yield ""


if __name__ == "__main__":
    raise SystemExit(main())

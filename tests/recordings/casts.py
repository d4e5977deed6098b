"""Recordings made for the tests: any events as an asciicast in a file."""

from __future__ import annotations

import json
import random
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from tests.terminal import streams

COLUMNS, ROWS = 60, 12
HEADER = {"version": 2, "width": COLUMNS, "height": ROWS, "timestamp": 1_700_000_000}
Line = Iterable[Any] | str | bytes


def cast(path: Path, *lines: Line, **header: Any) -> Path:
    """A cast of these events; text and bytes are lines as they are."""
    parts = [json.dumps({**HEADER, **header}).encode()]
    for line in lines:
        text = line if isinstance(line, (str, bytes)) else json.dumps(list(line))
        parts.append(text.encode() if isinstance(text, str) else text)
    path.write_bytes(b"\n".join(parts) + b"\n")
    return path


def session(path: Path, name: str = "Ink-style UI", size: int = 30_000, seed: int = 1) -> Path:
    """A program's output in small and large pieces, with resizes, markers and silences."""
    rng = random.Random(seed)
    data = streams.ALL[name](size, seed).decode("utf-8", "replace")
    events: list[list[Any]] = [[0.0, "m", "pending"]]
    time, at = 0.0, 0
    while at < len(data):
        length = 20_000 if rng.random() < 0.01 else rng.choice((1, 7, 60, 200))
        events.append([round(time, 3), "o", data[at : at + length]])
        at += length
        time += rng.choice((0.0, 0.01, 0.2, 0.5 if rng.random() < 0.5 else 9.0))
        if rng.random() < 0.06:
            events.append([round(time, 3), "r", f"{rng.randint(10, 90)}x{rng.randint(3, 20)}"])
        if rng.random() < 0.06:
            events.append([round(time, 3), "m", f"marker {len(events)}"])
    return cast(path, *events)

"""The prompts written before, kept between sessions in a file that only their owner reads."""

from __future__ import annotations

import json
import os
from pathlib import Path

LIMIT = 500
"""Entries kept."""
LIMIT_BYTES = 1 << 20
"""Bytes kept; the largest single prompt is as large."""


class PromptHistory:
    """Oldest first, each prompt once; `None` for a path keeps them in memory."""

    def __init__(self, path: Path | None) -> None:
        self.path = path
        self.entries: list[str] = []

    def load(self) -> None:
        """Read the file; what is no entry is left out, a missing file is an empty history."""
        if self.path is None or not self.path.is_file():
            return
        found: list[str] = []
        for line in self.path.read_text(encoding="utf-8", errors="replace").splitlines():
            try:
                entry = json.loads(line)
            except ValueError:
                continue
            if isinstance(entry, str) and entry.strip():
                found.append(entry)
        self.entries = _bounded([*found, *self.entries])

    def add(self, prompt: str) -> None:
        """Put a prompt last, and take its older twin away."""
        self.entries = _bounded([*self.entries, prompt])

    def save(self) -> None:
        """Write the file anew, for the owner alone, whole or not at all. OSError where it cannot be."""
        if self.path is None:
            return
        self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        draft = self.path.with_suffix(f".{os.getpid()}.new")
        text = "".join(json.dumps(entry) + "\n" for entry in self.entries)
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
        draft.replace(self.path)


def _bounded(entries: list[str]) -> list[str]:
    unique = list(dict.fromkeys(reversed(entries)))[:LIMIT]
    kept: list[str] = []
    size = 0
    for entry in unique:
        size += len(entry.encode("utf-8", "replace"))
        if size > LIMIT_BYTES and kept:
            break
        kept.append(entry)
    return kept[::-1]

"""Something that could not be read."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Problem:
    """Something that could not be read, shown where its data would be."""

    environment: str
    title: str
    detail: str = ""
    hint: str = ""
    since: float = 0.0
    exit_code: int = 1
    """What a verb that ends with this problem alone exits with."""

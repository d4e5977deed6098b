"""What all tests share: garbage is looked for seldom, which took a quarter of their processor time."""

from __future__ import annotations

import gc

import pytest


def pytest_configure(config: pytest.Config) -> None:
    """What is loaded and collected stays to the end."""
    gc.disable()


def pytest_collection_finish(session: pytest.Session) -> None:
    """At Python's own thresholds it would be looked for all over, every other test."""
    gc.freeze()
    gc.set_threshold(10_000, 10, 50)
    gc.enable()

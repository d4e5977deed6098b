"""What all tests share."""

from __future__ import annotations

import gc

import pytest


def pytest_collection_finish(session: pytest.Session) -> None:
    """Look for garbage seldom: at Python's own thresholds it took a sixth of the tests' processor time."""
    gc.freeze()
    gc.set_threshold(10_000, 10, 50)

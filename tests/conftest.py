"""What all tests share: nothing is looked for twice, neither garbage nor bytecode.

Garbage alone took a quarter of the tests' processor time.
"""

from __future__ import annotations

import gc
import os

import pytest


def pytest_configure(config: pytest.Config) -> None:
    """What is loaded stays to the end; what one process compiles is there for all that follow."""
    gc.disable()
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)


def pytest_collection_finish(session: pytest.Session) -> None:
    """At Python's own thresholds it would be looked for all over, every other test."""
    gc.freeze()
    gc.set_threshold(10_000, 10, 50)
    gc.enable()

"""The benchmarks of the console still run: a hundredth of the work, and nothing said about how fast."""

from __future__ import annotations

from itertools import islice
from pathlib import Path
from types import ModuleType

import pytest

from tests.benchmarks import console, logs
from tests.benchmarks.figures import Figure
from tests.benchmarks.output_source import Load
from tests.benchmarks.pane import watch


@pytest.mark.parametrize(("benchmark", "count"), [(logs, 4), (console, 7)], ids=["logs", "console"])
def test_it_runs(benchmark: ModuleType, count: int) -> None:
    figures = list(islice(benchmark.figures(0.01), count))
    assert len(figures) == count
    assert all(isinstance(figure, Figure) and figure.ours >= 0 for figure in figures)


@pytest.mark.parametrize("viewer", ["pane", "Log"])
def test_a_viewer_of_output_runs(tmp_path: Path, viewer: str) -> None:
    """One of the many that the pane's benchmark starts, each a process of its own."""
    watched = watch(tmp_path, viewer, Load("plain", size=1 << 17))
    assert watched.viewer.bytes_seen >= 1 << 17
    assert watched.rate > 0

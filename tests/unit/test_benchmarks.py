"""The benchmarks still run: a little of the work of two, and nothing said about how fast."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.benchmarks.output_source import Load
from tests.benchmarks.pane import watch

ROOT = Path(__file__).parents[2]


def test_the_pane_s_viewer_measures_itself(tmp_path: Path) -> None:
    """One of the many that the pane's benchmark starts, each a process of its own."""
    watched = watch(tmp_path, "pane", Load("plain", size=1 << 17))
    assert watched.viewer.bytes_seen >= 1 << 17
    assert watched.rate > 0


def test_the_command_prints_a_table_and_writes_its_figures(tmp_path: Path) -> None:
    kept, table = tmp_path / "figures.json", tmp_path / "table.md"
    words = ["engine", "--scale", "0.002", "--json", str(kept), "--markdown", str(table)]
    command = [sys.executable, "-m", "tests.benchmarks", *words]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "vim" in done.stdout
    assert '"engine"' in kept.read_text()
    assert "| vim" in table.read_text()

"""The engine: pure Python, no user interface. Bytes in; lines, answers and events out."""

from __future__ import annotations

from ccconsole.terminal.engine.cells import CONTINUATION
from ccconsole.terminal.engine.rows import Line
from ccconsole.terminal.engine.snapshots import Snapshot
from ccconsole.terminal.engine.styles import Style
from ccconsole.terminal.engine.terminal import Cursor, Terminal

__all__ = ["CONTINUATION", "Cursor", "Line", "Snapshot", "Style", "Terminal"]

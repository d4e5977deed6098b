"""A keyboard-driven console for operators of Claude Code workers on Google Cloud Run."""

from __future__ import annotations

__version__ = "0.1.0"

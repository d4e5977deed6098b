"""The joints: screens own the Textual workers and hold no logic."""

from __future__ import annotations

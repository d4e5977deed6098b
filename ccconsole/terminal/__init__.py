"""The terminal: a pure engine (bytes in, rows out) and the Textual view that paints it."""

from __future__ import annotations

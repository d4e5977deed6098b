"""Recordings of tasks: written to files, read from files piece by piece, and played; no Textual."""

from __future__ import annotations

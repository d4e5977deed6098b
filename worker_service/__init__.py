"""The worker: a small HTTP service that runs an agent under a PTY, one task per instance, and streams it."""

from __future__ import annotations

__version__ = "0.1.0"

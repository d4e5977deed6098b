"""Log entries and batches of them for the tests of the log view."""

from __future__ import annotations

import itertools
from typing import Any

from ccconsole.model.logs import LogBatch, LogEntry, LogMode, Severity
from tests.ui.world import NOW

_numbers = itertools.count()


def entry(text: str, at: float = 0.0, where: str = "dev", name: str = "worker-dev", **rest: Any) -> LogEntry:
    """One line; `at` in seconds after the picture's NOW."""
    defaults: dict[str, Any] = {
        "revision": f"{name}-00042-kix",
        "instance_id": "00ab12cd",
        "severity": Severity.INFO,
        "received_at": NOW + at,
        "insert_id": f"{next(_numbers):08}",
        "log": "stdout",
    }
    return LogEntry(
        environment=where,
        region="us-central1",
        service=name,
        timestamp=NOW + at,
        text=text,
        **(defaults | rest),
    )


def live(*entries: LogEntry, where: str = "dev", **rest: Any) -> LogBatch:
    return LogBatch(where, LogMode.LIVE, NOW, entries, **rest)

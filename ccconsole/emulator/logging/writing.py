"""What WriteLogEntries makes of a request, and what it refuses."""

from __future__ import annotations

import re
import time
from typing import Any

from ccconsole.emulator.faults import invalid
from ccconsole.emulator.logging.fields import nanoseconds
from ccconsole.emulator.names import PROJECT

MAX_ENTRY_BYTES = 256 << 10
"""https://cloud.google.com/logging/quotas: the size of a LogEntry."""
_MAX_FUTURE = 24 * 3600 * 10**9
"""Nanoseconds: entries further ahead are refused."""
_LOG_NAME = re.compile(r"projects/([^/]+)/logs/[-A-Za-z0-9_.%]{1,511}")


def prepared(request: Any) -> list[Any]:
    """The request's entries with its defaults filled in; INVALID_ARGUMENT names the first bad one."""
    latest = time.time_ns() + _MAX_FUTURE
    for index, entry in enumerate(request.entries):
        where = f"entries[{index}]"
        entry.log_name = entry.log_name or request.log_name
        match = _LOG_NAME.fullmatch(entry.log_name)
        if match is None or not PROJECT.fullmatch(match[1]):
            raise invalid(f"{where}.log_name: '{entry.log_name}' is not a log's name.")
        if not entry.HasField("resource"):
            entry.resource.CopyFrom(request.resource)
        if not entry.resource.type:
            raise invalid(f"{where}.resource: a monitored resource is required.")
        for key, value in request.labels.items():
            if key not in entry.labels:
                entry.labels[key] = value
        if entry.ByteSize() > MAX_ENTRY_BYTES:
            raise invalid(f"{where}: the entry is larger than {MAX_ENTRY_BYTES >> 10} KiB.")
        if nanoseconds(entry.timestamp) > latest:
            raise invalid(f"{where}.timestamp: it is more than 24 hours in the future.")
    return list(request.entries)

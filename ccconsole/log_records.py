"""Log entries as records for machines, what `-o ndjson` prints, and as files that only their owner reads."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ccconsole.model.logs import HttpRequest, LogEntry


def record(entry: LogEntry) -> dict[str, Any]:
    """An entry for a machine."""
    return {
        "timestamp": moment(entry.timestamp),
        "severity": entry.severity.name,
        "environment": entry.environment,
        "region": entry.region,
        "service": entry.service,
        "revision": entry.revision,
        "instance": entry.instance_id,
        "log": entry.log,
        "text": entry.text,
        "payload": entry.payload,
        "task": entry.task_id or None,
        "trace": entry.trace or None,
        "labels": dict(entry.labels),
        "http": None if entry.http is None else _http(entry.http),
        "insert_id": entry.insert_id,
        "received_at": moment(entry.received_at),
    }


def moment(seconds: float) -> str:
    """A time in UTC to the millisecond."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _http(http: HttpRequest) -> dict[str, Any]:
    return {
        "method": http.method,
        "url": http.url,
        "status": http.status,
        "latency_seconds": http.latency,
        "request_bytes": http.request_bytes,
        "response_bytes": http.response_bytes,
        "user_agent": http.user_agent,
        "remote_ip": http.remote_ip,
        "protocol": http.protocol,
    }


def line(entry: LogEntry) -> str:
    """An entry as text, whole: time, severity, service, and what it says."""
    where = f"{entry.environment}/{entry.service}"
    return f"{moment(entry.timestamp)} {entry.severity.name} {where} {entry.text}"


def save(path: Path, entries: Iterable[LogEntry]) -> None:
    """Write entries to a new file: JSON lines where its name says so, else text. OSError where it fails."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    is_json = path.suffix in (".json", ".ndjson", ".jsonl")
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8", errors="backslashreplace") as file:
        for entry in entries:
            text = json.dumps(record(entry), ensure_ascii=False) if is_json else line(entry)
            file.write(f"{text}\n")

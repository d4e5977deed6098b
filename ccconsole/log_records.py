"""Log entries as records for machines: what `-o ndjson` prints and a saved log holds."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from ccconsole.model import HttpRequest, LogEntry


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

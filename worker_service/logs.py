"""Log lines as Cloud Logging reads them: one JSON object a line on stdout, without secrets."""

from __future__ import annotations

import json
import logging
import logging.config
import re
import sys
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any

from worker_service.redaction import Redactor
from worker_service.settings import Settings

_TRACEPARENT = re.compile(r"^[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})")
_CLOUD_TRACE = re.compile(r"^([0-9a-f]{32})(?:/(\d{1,20}))?(?:;o=(\d))?")
_SEVERITIES = {"WARN": "WARNING", "FATAL": "CRITICAL"}
_UNSET = ""

current_trace: ContextVar[str] = ContextVar("current_trace", default=_UNSET)
"""The trace id of the request being answered; tasks it starts inherit it."""
current_task: ContextVar[str] = ContextVar("current_task", default=_UNSET)
"""The id of the task that the code works for; every line it logs carries it."""


def trace_id(traceparent: str | None, cloud_trace: str | None) -> str | None:
    """The trace a request belongs to, from W3C's `traceparent`, else Google's `X-Cloud-Trace-Context`."""
    if traceparent and (match := _TRACEPARENT.match(traceparent)):
        return match.group(1)
    if cloud_trace and (match := _CLOUD_TRACE.match(cloud_trace)):
        return match.group(1)
    return None


class JsonFormatter(logging.Formatter):
    """One record as one line of JSON with the fields that Cloud Logging knows."""

    def __init__(self, redactor: Redactor, project: str | None) -> None:
        super().__init__()
        self._redactor = redactor
        self._project = project

    def format(self, record: logging.LogRecord) -> str:
        """The record's line."""
        message = record.getMessage()
        if record.exc_info:
            message = f"{message}\n{self.formatException(record.exc_info)}"
        entry: dict[str, Any] = {
            "severity": _SEVERITIES.get(record.levelname, record.levelname),
            "message": message,
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(),
            "logger": record.name,
        }
        if trace := current_trace.get():
            entry["logging.googleapis.com/trace"] = (
                f"projects/{self._project}/traces/{trace}" if self._project else trace
            )
        if task_id := getattr(record, "task_id", None) or current_task.get():
            entry["logging.googleapis.com/labels"] = {"task_id": str(task_id)}
        if reason := getattr(record, "reason", None):
            entry["reason"] = str(reason)
        if record.name == "uvicorn.access" and isinstance(record.args, tuple) and len(record.args) == 5:
            entry["httpRequest"] = _http_request(record.args)
        return self._redactor.clean_text(json.dumps(entry, ensure_ascii=False, default=str))


class ProbeFilter(logging.Filter):
    """Drops the access lines of health probes, which come every second or two."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the record is worth a line."""
        args = record.args
        return not (isinstance(args, tuple) and len(args) == 5 and str(args[2]).startswith("/health/"))


def configure(settings: Settings, redactor: Redactor) -> None:
    """Send every log of this process, uvicorn's too, to stdout as JSON lines."""
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(JsonFormatter(redactor, settings.google_cloud_project))
    level = settings.log_level.upper()
    logging.basicConfig(level=level, handlers=[handler], force=True)
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access", "asyncio"):
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = True
        logger.setLevel(level)
    logging.getLogger("uvicorn.access").addFilter(ProbeFilter())


def _http_request(args: tuple[Any, ...]) -> dict[str, Any]:
    client, method, url, version, status = args
    return {
        "requestMethod": method,
        "requestUrl": url,
        "protocol": f"HTTP/{version}",
        "status": status,
        "remoteIp": client,
    }

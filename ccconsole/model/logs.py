"""Log entries, what is asked for, and how their flow is doing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ccconsole.model.problem import Problem


class Severity(IntEnum):
    """How grave a log entry is: google.logging.type.LogSeverity, name and number."""

    DEFAULT = 0
    DEBUG = 100
    INFO = 200
    NOTICE = 300
    WARNING = 400
    ERROR = 500
    CRITICAL = 600
    ALERT = 700
    EMERGENCY = 800

    @classmethod
    def of(cls, number: int) -> Severity:
        """The named severity at or below a number: Google allows those in between."""
        if (exact := cls._value2member_map_.get(number)) is not None:
            return exact  # type: ignore[return-value]
        return max((severity for severity in cls if severity <= number), default=cls.DEFAULT)


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """What a log entry says of an HTTP request."""

    method: str = ""
    url: str = ""
    status: int = 0
    latency: float | None = None
    """Seconds."""
    request_bytes: int = 0
    response_bytes: int = 0
    user_agent: str = ""
    remote_ip: str = ""
    protocol: str = ""


@dataclass(frozen=True, slots=True)
class LogEntry:
    """One line of a service's logs; times in seconds since the epoch."""

    environment: str
    region: str
    service: str
    revision: str
    instance_id: str
    severity: Severity
    timestamp: float
    """When it happened; of a request, when it began."""
    received_at: float
    """When Cloud Logging took it in; entries arrive in about this order, a request's only with its end."""
    insert_id: str
    log: str
    """`stdout`, `stderr`, `requests`, `system`, or the last part of another log's name."""
    text: str
    """What a person reads: the text, a JSON payload's message, or a request in one line."""
    payload: Mapping[str, Any] | None = None
    """The JSON payload, whole."""
    trace: str = ""
    """The bare trace id, which joins a request's entry and the lines printed while it ran."""
    task_id: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    http: HttpRequest | None = None


@dataclass(frozen=True)
class LogQuery:
    """Which entries are wanted; empty fields ask for nothing."""

    services: tuple[str, ...] = ()
    """Names; none: every service of the project."""
    regions: tuple[str, ...] = ()
    severity: Severity = Severity.DEFAULT
    """At least this."""
    since: float | None = None
    until: float | None = None
    """Seconds since the epoch, by the entry's own time."""
    pattern: str = ""
    """A regular expression (Python's) found in the entry's text."""
    task_id: str = ""
    revision: str = ""


class LogMode(StrEnum):
    """Where a batch of log entries comes from."""

    HISTORY = "history"
    GAP_FILLING = "gap-filling"
    """Listed, because nobody was listening when they came."""
    LIVE = "live"
    POLLING = "polling"
    """Listed again and again, because the project's tail sessions are all taken."""
    WAITING = "waiting"
    """Nobody answers; it is tried again."""


@dataclass(frozen=True)
class LogBatch:
    """Entries in the order of their time, and how the flow is doing; later batches may hold older entries."""

    environment: str
    mode: LogMode
    since: float
    """When this mode began, seconds since the epoch."""
    entries: tuple[LogEntry, ...] = ()
    suppressed: int = 0
    """Withheld by Google since the last batch, because more came than its rate limit allows."""
    dropped: int = 0
    """Lost since the last batch, because we read too slowly."""
    lag: float | None = None
    """Seconds from the newest entry's reception by Cloud Logging to now."""
    has_older: bool = False
    """Whether older entries match and were left out for the limit."""
    problem: Problem | None = None
    """Why the flow is not live."""

"""What the console knows, as frozen values: made by the cloud floor, drawn by the screens."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum
from typing import Any


class ServiceState(StrEnum):
    """A service as an operator sees it, from its terminal condition."""

    READY = "ready"
    DEPLOYING = "deploying"
    FAILED = "failed"
    DELETING = "deleting"
    MISSING = "missing"
    """Declared in deploy.toml and not deployed."""
    UNKNOWN = "unknown"


@dataclass(frozen=True, order=True)
class ServiceKey:
    """What names a service: rows, cursors and targets are kept by it."""

    environment: str
    region: str
    name: str

    def __str__(self) -> str:
        return f"{self.environment}/{self.name}"


@dataclass(frozen=True)
class TrafficShare:
    """A revision's share of the requests."""

    revision: str
    percent: int
    tag: str | None = None
    is_latest: bool = False
    """Whether it follows the latest ready revision; a service without such a share is pinned."""
    uri: str | None = None
    """Of a tag: its own address."""


@dataclass(frozen=True)
class Service:
    """One worker service, live or only declared."""

    key: ServiceKey
    state: ServiceState
    message: str = ""
    """The condition's own words while it is not ready."""
    uri: str | None = None
    revision: str | None = None
    """The latest ready revision."""
    latest_created_revision: str | None = None
    image: str | None = None
    cpu: str | None = None
    memory: str | None = None
    timeout: float | None = None
    """Seconds."""
    concurrency: int | None = None
    min_instances: int = 0
    max_instances: int | None = None
    traffic: tuple[TrafficShare, ...] = ()
    is_public: bool = False
    service_account: str | None = None
    env: Mapping[str, str] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict)
    """Environment variable -> secret:version; never a value."""
    labels: Mapping[str, str] = field(default_factory=dict)
    etag: str = ""
    updated_at: float | None = None
    """Seconds since the epoch."""
    updated_by: str | None = None

    @property
    def is_pinned(self) -> bool:
        """Whether a new revision would serve nothing."""
        return bool(self.traffic) and not any(share.is_latest for share in self.traffic)


@dataclass(frozen=True)
class Revision:
    """One revision of a service."""

    name: str
    service: str
    created_at: float | None
    is_ready: bool
    message: str = ""
    image: str | None = None


class TaskState(StrEnum):
    """A task's state in words an operator reads; `lost` is said by its silent heartbeat."""

    PENDING = "pending"
    RUNNING = "running"
    WAITING_INPUT = "waiting_input"
    CANCELLING = "cancelling"
    DRAINING = "draining"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"
    LOST = "lost"

    @property
    def is_end(self) -> bool:
        """Whether nothing more will happen to it."""
        return self in (TaskState.COMPLETED, TaskState.FAILED, TaskState.CANCELLED, TaskState.LOST)


@dataclass(frozen=True)
class Task:
    """One prompt on one worker."""

    id: str
    environment: str
    service: str
    state: TaskState
    prompt: str
    agent: str = ""
    mode: str = "headless"
    priority: int = 5
    reason: str | None = None
    detail: str | None = None
    revision: str | None = None
    instance_id: str | None = None
    created_at: float = 0.0
    started_at: float | None = None
    ended_at: float | None = None
    deadline: float | None = None
    last_output_at: float | None = None
    output_bytes: int = 0
    exit_code: int | None = None
    cost_usd: float | None = None
    actor: str | None = None


@dataclass(frozen=True)
class Problem:
    """Something that could not be read, shown where its data would be."""

    environment: str
    title: str
    detail: str = ""
    hint: str = ""
    since: float = 0.0
    exit_code: int = 1
    """What a verb that ends with this problem alone exits with."""


@dataclass(frozen=True)
class FleetRow:
    """One service with what is running on it."""

    service: Service
    tasks: tuple[Task, ...] = ()
    """Those that are not at their end, oldest first; empty with no store as well: see `is_journaled`."""
    is_journaled: bool = False
    """Whether the environment has a store, so that `tasks` is the truth and not a blank."""
    is_declared: bool = True

    @property
    def busy(self) -> int:
        """How many tasks run or wait on it."""
        return sum(1 for task in self.tasks if not task.state.is_end)


@dataclass(frozen=True)
class FleetSnapshot:
    """All environments at one moment; the last good rows stay when an environment stops answering."""

    rows: tuple[FleetRow, ...] = ()
    problems: tuple[Problem, ...] = ()
    pending: frozenset[str] = frozenset()
    """Environments that have not answered yet."""
    ages: Mapping[str, float] = field(default_factory=dict)
    """Environment -> when its rows were read, seconds since the epoch."""


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

"""The worker's requests, results and events, as they travel over HTTP and lie in the journal.

Field names are the original contract's (camelCase); Python names are the usual snake_case.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from pydantic.alias_generators import to_camel

TASK_ID_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$"
TaskId = Annotated[str, StringConstraints(pattern=TASK_ID_PATTERN)]

Count = Annotated[int, Field(ge=0, le=2**53)]
"""As far as every reader of JSON counts exactly."""
Moment = Annotated[float, Field(ge=0, lt=253_402_300_800, allow_inf_nan=False)]
"""Seconds since the epoch, before the year 10000: beyond it there are no dates."""

MAX_PROMPT_BYTES = 1 << 20
"""The largest prompt, UTF-8 encoded: what the real CLI was measured to take on stdin."""


class Wire(BaseModel):
    """What all messages share: camelCase on the wire, snake_case in Python, unknown keys kept out."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="ignore")

    def to_wire(self) -> dict[str, Any]:
        """The message as JSON-ready camelCase, without what is unset."""
        return self.model_dump(mode="json", by_alias=True, exclude_none=True)


class Status(StrEnum):
    """A task's state; the last three are ends."""

    PENDING = "pending"
    RUNNING = "running"
    WAITING_INPUT = "waiting_input"
    CANCELLING = "cancelling"
    DRAINING = "draining"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def is_end(self) -> bool:
        """Whether no further event follows the `complete` that carries it."""
        return self in (Status.COMPLETED, Status.FAILED, Status.CANCELLED)


class Mode(StrEnum):
    """How the agent is run: to its end, with remote permission prompts, or with its whole terminal UI."""

    HEADLESS = "headless"
    SUPERVISED = "supervised"
    INTERACTIVE = "interactive"


class Reason(StrEnum):
    """Why a task ended as it did; a completed task has none."""

    EXIT = "exit"
    """The agent exited with a code other than 0."""
    SIGNAL = "signal"
    """A signal nobody here sent ended the agent; exit 137 of an instance at its memory limit is `oom`."""
    TIMEOUT = "timeout"
    STALLED = "stalled"
    CANCELLED = "cancelled"
    DISCONNECTED = "disconnected"
    SIGTERM = "sigterm"
    OOM = "oom"
    AUTH = "auth"
    BUDGET = "budget"
    MAX_TURNS = "max_turns"
    API_ERROR = "api_error"
    INCOMPLETE = "incomplete"
    """The agent ended without the result line that alone proves success."""
    PERMISSION_DENIED = "permission_denied"
    OUTPUT_LIMIT = "output_limit"
    SPAWN = "spawn"
    AGENT_ERROR = "agent_error"
    LOST = "lost"
    """The instance vanished: said by a reader of the journal, never by the worker itself."""


class EventType(StrEnum):
    """The `event:` names of the stream."""

    STATUS = "status"
    OUTPUT = "output"
    MESSAGE = "message"
    PERMISSION = "permission"
    USAGE = "usage"
    CONTROL = "control"
    GAP = "gap"
    ERROR = "error"
    HEARTBEAT = "heartbeat"
    COMPLETE = "complete"


class RunRequest(Wire):
    """The body of `POST /run`; unknown keys are accepted and named in the first event's `ignoredFields`."""

    prompt: Annotated[str, StringConstraints(min_length=1)]
    priority: Annotated[int, Field(ge=1, le=10, strict=True)] = 5
    worker_id: str | None = None
    metadata: dict[str, Any] | None = None
    task_id: TaskId | None = None
    mode: Mode = Mode.HEADLESS
    timeout_seconds: Annotated[float, Field(gt=0, le=3600)] | None = None
    model: str | None = None
    max_turns: Annotated[int, Field(ge=1)] | None = None
    max_budget_usd: Annotated[float, Field(gt=0)] | None = None
    permission_mode: (
        Literal["default", "manual", "acceptEdits", "auto", "bypassPermissions", "dontAsk", "plan"] | None
    ) = None
    allowed_tools: list[str] | None = None
    resume: TaskId | None = None
    """The id of an agent's session (a conversation) to go on with."""
    cols: Annotated[int, Field(ge=1, le=1000)] = 120
    rows: Annotated[int, Field(ge=1, le=1000)] = 40
    on_disconnect: Literal["cancel", "detach"] | None = None
    """None: what the worker's settings say."""
    permission_timeout_seconds: Annotated[float, Field(gt=0, le=3600)] | None = None
    """How long a permission waits for a person; None: what the worker's settings say."""
    permission_default: Literal["allow", "deny"] | None = None
    """The answer to a permission that nobody answered in time; None: what the worker's settings say."""
    workspace: Annotated[str, StringConstraints(pattern=TASK_ID_PATTERN)] | None = None
    """A named work folder kept on the instance; None: a fresh one, deleted with the task."""


class Usage(Wire):
    """Tokens and money of one task alone, at list price, as the agent reports them."""

    input_tokens: Count = 0
    output_tokens: Count = 0
    cache_read_tokens: Count = 0
    cache_creation_tokens: Count = 0
    cost_usd: Annotated[float, Field(allow_inf_nan=False)] | None = None
    turns: Count | None = None


class TaskResult(Wire):
    """How a task ended: the answer of a held `POST /run` and the data of its one `complete` event."""

    task_id: str
    status: Literal[Status.COMPLETED, Status.FAILED, Status.CANCELLED]
    reason: Reason | None = None
    detail: str | None = None
    """The reason in words, for a person."""
    exit_code: Annotated[int, Field(ge=-(2**31), lt=2**32)] | None = None
    signal: str | None = None
    """The signal's name, for example SIGKILL."""
    output: str = ""
    """The last part of the rendered output, at most 64 KiB."""
    output_truncated: bool = False
    output_bytes: Count = 0
    duration: Count
    """Milliseconds."""
    session_id: str | None = None
    usage: Usage | None = None
    permission_denials: list[str] | None = None
    actor: str | None = None
    """Who cancelled it."""
    transcript_url: str | None = None
    instance_id: str | None = None
    revision: str | None = None
    trace_id: str | None = None
    metadata: dict[str, Any] | None = None


class TaskSummary(Wire):
    """One task of `GET /tasks`, and the journal's `task.json`."""

    task_id: str
    status: Status
    prompt: str
    """At most its first 200 characters."""
    mode: Mode = Mode.HEADLESS
    agent: str
    priority: Count = 5
    service: str | None = None
    revision: str | None = None
    instance_id: str | None = None
    created_at: Moment
    started_at: Moment | None = None
    ended_at: Moment | None = None
    deadline: Moment | None = None
    cols: Annotated[int, Field(ge=1, le=1000)] = 120
    rows: Annotated[int, Field(ge=1, le=1000)] = 40
    output_bytes: Count = 0
    last_output_at: Moment | None = None
    last_seq: Count = 0
    actor: str | None = None
    session_id: str | None = None
    """The agent's own conversation, which `resume` goes on with."""
    asks: str | None = None
    """While it waits for a person: the tool that the agent wants to use."""
    driver: str | None = None
    """Whose keys an interactive task takes, as `Control.hand` writes it."""
    writer: str | None = None
    """A nonce of the instance that claimed the task: tells a retried claim from another's."""
    next_control: Annotated[int, Field(ge=1, lt=10**9)] | None = None
    """The mailbox's entry that the writer looks for next."""
    result: TaskResult | None = None


class Control(Wire):
    """One mailbox command, and the body of cancel, input, resize, answer and drive."""

    action: Literal["cancel", "input", "resize", "answer", "drive"]
    """`drive` takes the keyboard of an interactive task, from whoever has it."""
    actor: Annotated[str, StringConstraints(max_length=200)] = "unknown"
    console: Annotated[str, StringConstraints(max_length=64)] | None = None
    """Which of the actor's consoles; None: a single command."""
    mode: Literal["interrupt", "terminate", "kill"] | None = None
    """Of `cancel`: where the ladder interrupt -> SIGTERM -> SIGKILL starts; None: interrupt."""
    data: str | None = None
    """Of `input`: the bytes to type, in `encoding`."""
    encoding: Literal["utf-8", "base64"] = "utf-8"
    cols: Annotated[int, Field(ge=1, le=1000)] | None = None
    rows: Annotated[int, Field(ge=1, le=1000)] | None = None
    permission_id: str | None = None
    behavior: Literal["allow", "allow_session", "deny"] | None = None
    message: str | None = None

    @property
    def hand(self) -> str:
        """Actor and console in one: who drives."""
        return f"{self.actor} ({self.console})" if self.console else self.actor


class Problem(Wire):
    """An RFC 9457 problem that also carries the original contract's `error`, `message` and `details`."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    error: str
    """The code: invalid_request, worker_busy, task_not_found, ..."""
    message: str
    details: list[dict[str, Any]] | None = None
    code: str
    task_id: str | None = None
    retry_after: int | None = None


@dataclass(frozen=True, slots=True)
class TaskEvent:
    """One event: its per-task number from 1 (None for a heartbeat), its type, and its data.

    `data` always holds `taskId`, `seq` and `ts` (seconds since the epoch); the rest by type:
    status {status, reason?, pid?, instanceId?, revision?, deadline?, traceId?, agent?, cols?, rows?,
    ignoredFields?};
    output {data, encoding: "utf-8"|"base64", offset, length} with offset and length in output bytes;
    message {message}: one JSON object of the agent's; usage {Usage};
    permission {permissionId, tool, input, description?, suggestions?, deadline, default}: at `deadline`, in
    seconds since the epoch, `default` answers it;
    control {n?, action, actor, console?, ok, error?}; gap {from, to, reason}: event numbers, inclusive;
    error {code, message, retryable}; heartbeat {journaled?}: the store has every event up to that number;
    complete {TaskResult}.
    """

    id: int | None
    type: EventType
    data: dict[str, Any]

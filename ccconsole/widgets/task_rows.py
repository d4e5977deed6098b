"""Tasks as table rows, and how a task ended in words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from ccconsole.format import age, duration, money
from ccconsole.model.tasks import CUT_SHORT, TaskState
from ccconsole.widgets.rows import Column, Row
from ccconsole.widgets.service_cells import environment_span
from ccconsole.widgets.text import Span, Tone, plain

if TYPE_CHECKING:
    from ccconsole.config import Environment
    from ccconsole.model.tasks import Task

COLUMNS = (
    Column("state", "STATE"),
    Column("age", "AGE", is_right=True),
    Column("duration", "TOOK", is_right=True),
    Column("cost", "COST", rank=3, is_right=True, is_optional=True),
    Column("agent", "AGENT", rank=4),
    Column("mode", "MODE", rank=5),
    Column("prompt", "PROMPT", minimum=20, is_filling=True),
    Column("id", "TASK", rank=2),
)
COLUMNS_EVERYWHERE = (Column("env", "ENV"), Column("service", "SERVICE", minimum=28), *COLUMNS)
"""The same for a list over several services."""

STATES: Mapping[TaskState, tuple[str, Tone]] = {
    TaskState.PENDING: ("◔", Tone.WARN),
    TaskState.RUNNING: ("●", Tone.ACTIVE),
    TaskState.WAITING_INPUT: ("◆", Tone.ACCENT),
    TaskState.CANCELLING: ("◌", Tone.LEAVING),
    TaskState.DRAINING: ("◌", Tone.LEAVING),
    TaskState.COMPLETED: ("✓", Tone.GOOD),
    TaskState.FAILED: ("✗", Tone.BAD),
    TaskState.CANCELLED: ("⊘", Tone.DIM),
    TaskState.LOST: ("?", Tone.BAD),
    TaskState.UNKNOWN: ("?", Tone.WARN),
}
"""A state's sign and meaning; its word stands beside them."""

ID_LENGTH = 8

_MEANINGS: Mapping[str, tuple[str, str]] = {
    "exit": ("the agent ended with an error of its own", "read the last lines above"),
    "signal": ("something on the instance killed the agent", "see the service's logs for that minute"),
    "timeout": ("its time was over", "give it more with timeout=, or split the work"),
    "stalled": (
        "it wrote nothing for too long and was stopped",
        "try again; if it stalls there again, split the work",
    ),
    "cancelled": ("it was cancelled", "p sends the prompt again"),
    "disconnected": (
        "the stream that held it was closed",
        "p sends it again; with a store it would have gone on",
    ),
    "sigterm": ("its instance was shut down", "p sends it again"),
    "oom": ("its instance ran out of memory", "give the service more memory in deploy.toml"),
    "auth": (
        "Claude refused the worker's credential",
        "put a valid one into the service's secret and deploy",
    ),
    "budget": ("the money allowed for it was spent", "p sends it again with a larger budget="),
    "max_turns": ("it used all its turns", "p sends it again with more turns="),
    "api_error": ("Claude's API failed", "try again; status.claude.com tells of outages"),
    "incomplete": (
        "the agent stopped without saying that it was done",
        "read the last lines above, then try again",
    ),
    "permission_denied": ("it was not allowed what it needed", "p with mode=supervised asks you each time"),
    "output_limit": ("it wrote more than is kept", "ask for less output"),
    "spawn": ("the agent could not be started", "the image may lack the CLI: see the service's logs"),
    "agent_error": ("the agent reported a failure", "read the last lines above"),
    "lost": ("its instance vanished without a word", "p sends it again; the service's logs may say why"),
}
"""A reason in words, and what to do about it."""


def state_span(state: TaskState) -> Span:
    """A state with its sign and its word."""
    sign, tone = STATES[state]
    return Span(f"{sign} {state.replace('_', ' ')}", tone)


def first_words(prompt: str, length: int = 120) -> str:
    """A prompt on one line."""
    return " ".join(plain(prompt[: length * 4]).split())[:length]


def took(task: Task, now: float) -> float | None:
    """Seconds a task ran, or runs so far; None before its start."""
    if task.started_at is None:
        return None
    return max(0.0, (task.ended_at or now) - task.started_at)


def task_rows(
    tasks: Iterable[Task], now: float, environments: Mapping[str, Environment], *, is_everywhere: bool = False
) -> list[Row]:
    """A row for each task; with the service before it in a list over several."""
    return [_row(task, now, environments.get(task.environment), is_everywhere) for task in tasks]


def _row(task: Task, now: float, environment: Environment | None, is_everywhere: bool) -> Row:
    seconds = took(task, now)
    cells = (
        state_span(task.state),
        Span(age(task.created_at, now) if task.created_at else "", Tone.DIM),
        Span(duration(seconds) if seconds is not None else ""),
        Span(money(task.cost_usd) if task.cost_usd is not None else ""),
        Span(task.agent, Tone.DIM),
        Span(task.mode, Tone.DIM),
        Span(first_words(task.prompt), Tone.DIM if task.state.is_end else Tone.NORMAL),
        Span(task.id[:ID_LENGTH], Tone.DIM),
    )
    orders = (
        f"{task.state.is_end:d}{task.state}",
        task.created_at,
        seconds,
        task.cost_usd,
        task.agent,
        task.mode,
        cells[6].text,
        task.id,
    )
    if is_everywhere:
        where = (environment_span(environment, task.environment), Span(task.service, Tone.STRONG))
        return Row(
            (task.environment, task.id),
            (*where, *cells),
            (task.environment, task.service, *orders),
            is_guarded=environment is not None and environment.is_protected,
        )
    return Row((task.environment, task.id), cells, orders)


def outcome(task: Task) -> tuple[str, str]:
    """How the task ended, and what to do about it; both empty while it runs."""
    if not task.state.is_end:
        return "", ""
    seconds = took(task, task.ended_at or task.created_at)
    after = f" after {duration(seconds)}" if seconds is not None else ""
    cost = f" · {money(task.cost_usd)}" if task.cost_usd is not None else ""
    if task.state is TaskState.COMPLETED:
        return f"completed{after}{cost}", ""
    reason = task.reason or ("lost" if task.state is TaskState.LOST else "")
    meaning, remedy = _MEANINGS.get(reason, ("", ""))
    if reason in CUT_SHORT and task.session_id is not None:
        remedy = "R goes on with its session, on a fresh instance"
    by = f" by {task.actor}" if task.state is TaskState.CANCELLED and task.actor else ""
    said = task.detail or meaning
    if by and said.endswith(by.strip()):
        said = ""
    return plain(f"{task.state}{by}{after}{cost}" + (f": {said}" if said else "")), remedy

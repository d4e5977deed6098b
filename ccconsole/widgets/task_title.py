"""The lines around a task's terminal: what it is and how it does, its prompt, and how it ended."""

from __future__ import annotations

from textual.content import Content

from ccconsole.format import age, duration, money, size
from ccconsole.model.tasks import Task
from ccconsole.paints import MUTED
from ccconsole.widgets.service_cells import FUSE_SECONDS
from ccconsole.widgets.task_rows import first_words, outcome, state_span, took
from ccconsole.widgets.text import STYLES, Span, Tone, content, plain

QUIET_SECONDS = 60.0
"""Silence of a running task that is worth a mark."""


def title(task: Task, now: float, *, is_guarded: bool = False) -> Content:
    """State, agent, place, and the figures of a running or ended task."""
    environment = task.environment.upper() if is_guarded else task.environment
    place = Span(f"{environment}/{task.service}", Tone.BAD if is_guarded else Tone.STRONG)
    parts = [state_span(task.state), place]
    seconds = took(task, now)
    if seconds is not None:
        parts.append(Span(duration(float(int(seconds)) if seconds >= 10 else seconds)))
    parts += [*_figures(task, now), Span(size(task.output_bytes), Tone.DIM), Span(task.agent, Tone.DIM)]
    return Content("  ").join([content(part) for part in parts])


def _figures(task: Task, now: float) -> list[Span]:
    parts = [] if task.cost_usd is None else [Span(money(task.cost_usd))]
    if task.state.is_end:
        return parts
    if task.mode == "interactive" and task.driver is not None:
        parts.append(Span(f"⌨ {plain(task.driver)}", Tone.ACCENT))
    if task.deadline is not None:
        left = task.deadline - now
        is_near = left < FUSE_SECONDS
        text = f"ends in {duration(float(int(left)))}" if left > 0 else "past its deadline"
        parts.append(Span(text + ("!" if is_near else ""), Tone.WARN if is_near else Tone.DIM))
    if task.last_output_at is not None:
        is_quiet = now - task.last_output_at > QUIET_SECONDS
        quiet = f"last byte {age(task.last_output_at, now)}"
        parts.append(Span(quiet + ("!" if is_quiet else ""), Tone.WARN if is_quiet else Tone.DIM))
    return parts


def prompt_line(task: Task) -> Content:
    """The prompt's first words."""
    return content(("❯ ", "$accent"), (first_words(task.prompt, 300), MUTED))


def end_line(task: Task) -> Content:
    """How it ended, and what to do; empty while it runs."""
    words, remedy = outcome(task)
    if not words:
        return content("")
    span = state_span(task.state)
    sign = span.text.split()[0]
    parts = [content((f"{sign} {words}", f"bold {STYLES[span.tone]}".strip()))]
    if remedy:
        parts.append(content((f"→ {remedy}", MUTED)))
    return Content("\n").join(parts)

"""A planned change and a rollout under way, in words and colours."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from textual.content import Content

from ccconsole.format import duration
from ccconsole.model.rollouts import Action, Adjustment, Change, Outcome, Plan, Rollout, Stage, StageState
from ccconsole.paints import MUTED
from ccconsole.widgets.text import STYLES, Span, Tone, content, plain

STAGES: Mapping[StageState, tuple[str, Tone]] = {
    StageState.PENDING: ("·", Tone.DIM),
    StageState.RUNNING: ("◐", Tone.WARN),
    StageState.DONE: ("✓", Tone.GOOD),
    StageState.SKIPPED: ("–", Tone.DIM),
    StageState.FAILED: ("✗", Tone.BAD),
}
OUTCOMES: Mapping[Outcome, tuple[str, Tone]] = {
    Outcome.DONE: ("✓", Tone.GOOD),
    Outcome.FAILED: ("✗", Tone.BAD),
    Outcome.ROLLED_BACK: ("↶", Tone.WARN),
    Outcome.CANCELLED: ("⊘", Tone.WARN),
}
_TITLE = 16


def headline(proposal: Plan | Adjustment) -> Span:
    """What it comes to, in one line."""
    if isinstance(proposal, Adjustment):
        return Span(proposal.text, Tone.STRONG)
    if proposal.action is Action.NONE:
        return Span("no changes: deploy.toml is live", Tone.GOOD)
    count = len(proposal.changes)
    what = "a new revision" if proposal.is_new_revision or not count else "no new revision"
    fields = f"{count} field{'' if count == 1 else 's'}"
    return Span(f"{proposal.action} {fields}, {what}", Tone.STRONG)


def is_idle(proposal: Plan | Adjustment) -> bool:
    """Whether there is nothing to do."""
    return isinstance(proposal, Plan) and proposal.action is Action.NONE


def proposed(proposal: Plan | Adjustment) -> Content:
    """The changes, what to know, and the same as a gcloud command."""
    lines = [*_changes(proposal.changes)]
    for advice in proposal.advice:
        label = f" {advice.kind.replace('_', ' ')}  "
        hint = f"  → {advice.hint}" if advice.hint else ""
        lines.append(content((label, "bold $warning"), advice.text, (hint, MUTED)))
    if isinstance(proposal, Plan) and (refusal := proposal.refusal) is not None:
        said = "  ".join(part for part in (refusal.title, refusal.detail) if part)
        hint = f"  → {refusal.hint}" if refusal.hint else ""
        lines.append(content((f" ✗ {plain(said)}", "bold $error"), (hint, MUTED)))
    if proposal.command:
        lines += [content(""), content((" the same as  ", MUTED), plain(proposal.command))]
    return Content("\n").join(lines)


def _changes(changes: tuple[Change, ...]) -> Iterator[Content]:
    width = max((len(change.field) for change in changes), default=0)
    old = max((len(change.live or "") for change in changes), default=0)
    for change in changes:
        yield content(
            (f" {change.field:<{width}}  ", MUTED),
            (f"{plain(change.live or '–'):<{min(old, 40)}}", "$error"),
            ("  →  ", MUTED),
            (plain(change.declared or "–"), "bold $success"),
        )


def course(rollout: Rollout, now: float) -> Content:
    """The stages with their words and times, then how it ended."""
    lines = [_stage(stage, now) for stage in rollout.stages]
    if rollout.is_over:
        lines += [Content(""), *_end(rollout)]
    return Content("\n").join(lines)


def _stage(stage: Stage, now: float) -> Content:
    sign, tone = STAGES[stage.state]
    took = ""
    if stage.started_at is not None and stage.state is not StageState.SKIPPED:
        took = duration((stage.ended_at or now) - stage.started_at)
    style = STYLES[tone]
    title = "bold" if stage.state is StageState.RUNNING else "" if stage.state is StageState.DONE else style
    return content(
        (f" {sign} ", style),
        (f"{stage.title:<{_TITLE}}", title),
        (f"{took:>7}  ", MUTED),
        plain(stage.detail),
    )


def _end(rollout: Rollout) -> Iterator[Content]:
    assert rollout.outcome is not None
    sign, tone = OUTCOMES[rollout.outcome]
    took = duration((rollout.ended_at or rollout.started_at) - rollout.started_at)
    words = f" {sign} {rollout.verb} {str(rollout.outcome).replace('_', ' ')} after {took}"
    reason = f" ({rollout.reason})" if rollout.reason else ""
    yield content((words + reason, f"bold {STYLES[tone]}"))
    if rollout.cause:
        yield content(f"   {rollout.cause}")
    if rollout.hint:
        yield content((f"   → {rollout.hint}", MUTED))
    for line in rollout.log_lines:
        yield content(("   │ ", "$error"), plain(line))
    if rollout.outcome is Outcome.DONE:
        for label, value in (("revision", rollout.revision), ("url", rollout.url)):
            if value:
                yield content((f"   {label:<9}", MUTED), plain(value))
    for note in rollout.notes:
        yield content((f"   {plain(note)}", "$warning"))

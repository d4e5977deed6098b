"""The course of a rollout: its stages one after the other, a snapshot at each change, one end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace

from ccconsole.cloud.failures import RolloutFailed
from ccconsole.errors import ConsoleError
from ccconsole.model.rollouts import Outcome, Rollout, Stage, StageState
from ccconsole.model.services import ServiceKey
from ccconsole.streams import Clock


@dataclass(frozen=True)
class Skipped:
    """What a stage yields, as its last word, when there is nothing to do."""

    reason: str


@dataclass(frozen=True)
class Done:
    """What a stage yields, as its last word, of what it did."""

    text: str


Word = str | Skipped | Done
Work = Callable[[], AsyncGenerator[Word]]
"""Yields what is going on; its last word stays. Raises ConsoleError when it fails."""


@dataclass(frozen=True)
class Step:
    """One stage and what it does; `undone`: its failure is answered by undoing, and that is the outcome."""

    name: str
    title: str
    work: Work
    undone: Outcome | None = None


@dataclass
class Result:
    """What the stages find out on their way."""

    url: str | None = None
    revision: str | None = None
    notes: list[str] = field(default_factory=list)


class _Course:
    """The snapshots of one rollout."""

    def __init__(
        self, key: ServiceKey, verb: str, steps: Sequence[Step], result: Result, clock: Clock
    ) -> None:
        self._result = result
        self._clock = clock
        stages = tuple(Stage(step.name, step.title) for step in steps)
        self._rollout = Rollout(key, verb, stages, clock.now())

    def mark(self, name: str, state: StageState, detail: str | None = None) -> Rollout:
        """The snapshot with the stage in that state; None keeps its words."""
        stage, now = self._rollout.stage(name), self._clock.now()
        is_begun = state is StageState.RUNNING
        changed = replace(
            stage,
            state=state,
            detail=stage.detail if detail is None else detail,
            started_at=stage.started_at or (now if is_begun else None),
            ended_at=None if is_begun else now,
        )
        stages = tuple(changed if one.name == name else one for one in self._rollout.stages)
        self._rollout = replace(self._rollout, stages=stages)
        return self.now()

    def now(self) -> Rollout:
        """The snapshot."""
        found = self._result
        self._rollout = replace(
            self._rollout, url=found.url, revision=found.revision, notes=tuple(found.notes)
        )
        return self._rollout

    def end(self, outcome: Outcome, error: ConsoleError | None = None) -> Rollout:
        """The last snapshot: what was not reached is skipped."""
        for stage in self._rollout.stages:
            if stage.state is StageState.PENDING:
                self.mark(stage.name, StageState.SKIPPED, "not reached" if error else stage.detail)
        ended = replace(self.now(), outcome=outcome, ended_at=self._clock.now())
        if error is None:
            return ended
        failed = error if isinstance(error, RolloutFailed) else None
        return replace(
            ended,
            reason=(failed.reason or None) if failed else None,
            revision=(failed.revision if failed else "") or ended.revision,
            log_lines=failed.log_lines if failed else (),
            cause=". ".join(part.rstrip(".") for part in (error.title, error.detail) if part) + ".",
            hint=error.hint,
            exit_code=error.exit_code,
        )


async def course(
    key: ServiceKey,
    verb: str,
    steps: Sequence[Step],
    result: Result,
    *,
    undo: Step | None = None,
    clock: Clock | None = None,
    stop: asyncio.Event | None = None,
) -> AsyncGenerator[Rollout]:
    """Do the steps in turn; a snapshot at each change, the last with the outcome, and nothing is raised.

    A failed step ends it; one that is to be undone by doing `undo` first. Once `stop` is set it ends, in the
    same way, at the next word of the stage. What is under way at Cloud Run goes on there by itself; the
    same rollout again continues from what it finds.
    """
    steps = [*steps, *([undo] if undo else [])]
    line = _Course(key, verb, steps, result, clock or Clock())
    for step in steps:
        if step is undo:
            yield line.mark(step.name, StageState.SKIPPED, "not needed")
            continue
        failed: ConsoleError | None = None
        async with aclosing(_step(line, step, stop)) as snapshots:
            async for found in snapshots:
                if isinstance(found, ConsoleError):
                    failed = found
                else:
                    yield found
        if failed is None:
            continue
        outcome = Outcome.CANCELLED if isinstance(failed, Cancelled) else Outcome.FAILED
        if undo is not None and step.undone is not None:
            outcome = outcome if outcome is Outcome.CANCELLED else step.undone
            async with aclosing(_step(line, undo, None)) as snapshots:
                async for found in snapshots:
                    if isinstance(found, ConsoleError):
                        outcome = Outcome.FAILED
                        result.notes.append(f"{found.title}: {found.detail} {found.hint}".strip())
                    else:
                        yield found
        yield line.end(outcome, failed)
        return
    yield line.end(Outcome.DONE)


class Cancelled(ConsoleError):
    """Somebody asked for the end."""


async def _step(
    line: _Course, step: Step, stop: asyncio.Event | None
) -> AsyncGenerator[Rollout | ConsoleError]:
    """The step's snapshots, then the error it ended with, if any."""
    yield line.mark(step.name, StageState.RUNNING)
    state, last = StageState.DONE, None
    try:
        async with aclosing(step.work()) as said:
            while (word := await _next(said, stop)) is not None:
                if isinstance(word, Skipped):
                    state, last = StageState.SKIPPED, word.reason
                elif isinstance(word, Done):
                    last = word.text
                else:
                    yield line.mark(step.name, StageState.RUNNING, word)
    except ConsoleError as error:
        yield line.mark(step.name, StageState.FAILED, error.title)
        yield error
        return
    yield line.mark(step.name, state, last)


async def _next(said: AsyncGenerator[Word], stop: asyncio.Event | None) -> Word | None:
    """The next word; None: there is none. Cancelled when `stop` is set before it comes."""
    if stop is None:
        return await anext(said, None)
    word = asyncio.ensure_future(anext(said, None))
    stopped = asyncio.ensure_future(stop.wait())
    try:
        await asyncio.wait({word, stopped}, return_when=asyncio.FIRST_COMPLETED)
        if not stop.is_set():
            return await word
    finally:
        for task in (word, stopped):
            task.cancel()
        await asyncio.wait({word, stopped})
    raise Cancelled(
        "Stopped",
        "What is under way at Cloud Run goes on there by itself.",
        "The same command again continues from what it finds.",
    )

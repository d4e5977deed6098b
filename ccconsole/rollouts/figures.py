"""What is known of a canary's requests and tasks, and which threshold they break."""

from __future__ import annotations

from dataclasses import dataclass

from ccconsole import format
from ccconsole.alerts import MIN_REQUESTS
from ccconsole.model.tasks import Task, TaskState


@dataclass(frozen=True)
class Figures:
    """What is known of a canary so far."""

    requests: int
    failed: int
    ended: int
    failed_tasks: int
    slow: tuple[str, ...]
    first_byte: float
    unread: tuple[str, ...] = ()

    @classmethod
    def of(
        cls, total: int, failed: int, tasks: list[Task], first_byte: float, now: float, unread: list[str]
    ) -> Figures:
        """Count; a task is slow when it ran so long without a byte."""
        ended = [task for task in tasks if task.state.is_end]
        bad = [task for task in ended if task.state in (TaskState.FAILED, TaskState.LOST)]
        slow = [
            task.id
            for task in tasks
            if task.last_output_at is None
            and task.started_at is not None
            and (task.ended_at or now) - task.started_at > first_byte
        ]
        return cls(total, failed, len(ended), len(bad), tuple(slow), first_byte, tuple(unread))

    def breach(self, error_rate: float) -> str | None:
        """Which threshold is broken, in words."""
        for what, failed, total in (
            ("requests", self.failed, self.requests),
            ("tasks", self.failed_tasks, self.ended),
        ):
            if total >= MIN_REQUESTS and failed / total > error_rate:
                return (
                    f"{format.percent(failed / total)} of {total} {what} failed, "
                    f"more than {format.percent(error_rate)}."
                )
        if self.slow:
            after = format.duration(self.first_byte)
            count = f"{len(self.slow)} task{'s' if len(self.slow) > 1 else ''}"
            return f"{count} had no output after {after}, for example {self.slow[0]}."
        return None

    @property
    def text(self) -> str:
        """In a few words."""
        parts = [
            f"{self.requests} requests, {self.failed} failed",
            f"{self.ended} tasks, {self.failed_tasks} failed",
            *self.unread,
        ]
        return "; ".join(parts)

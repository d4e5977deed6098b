"""Every way a request is refused, as the RFC 9457 problem that its caller gets."""

from __future__ import annotations

from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

from worker_service.wire import Problem


class Refused(Exception):
    """A request that is not carried out; `problem` says why."""

    def __init__(
        self,
        status: int,
        code: str,
        detail: str,
        *,
        details: Sequence[dict[str, Any]] | None = None,
        task_id: str | None = None,
        retry_after: int | None = None,
    ) -> None:
        super().__init__(detail)
        self.problem = Problem(
            title=HTTPStatus(status).phrase,
            status=status,
            detail=detail,
            error=code,
            message=detail,
            code=code,
            details=list(details) if details else None,
            task_id=task_id,
            retry_after=retry_after,
        )


def invalid(field: str, message: str, *, status: int = 400) -> Refused:
    """One field of a request is wrong."""
    code = "too_large" if status == 413 else "invalid_request"
    return Refused(status, code, f"{field}: {message}", details=[{"field": field, "message": message}])


def unknown_task(task_id: str) -> Refused:
    """No task of that id, here or in the journal."""
    return Refused(404, "task_not_found", f"No task {task_id} is known to this worker.", task_id=task_id)


def task_exists(task_id: str) -> Refused:
    """The id is taken by another prompt."""
    detail = f"The id {task_id} belongs to a task with another prompt; use a fresh one."
    return Refused(409, "task_exists", detail, task_id=task_id)


def task_ended(task_id: str) -> Refused:
    """Nothing can be done to a task that is over."""
    return Refused(409, "task_ended", f"Task {task_id} has already ended.", task_id=task_id)


def busy(limit: int) -> Refused:
    """Every place is taken."""
    detail = (
        f"This worker is running {limit} task{'s' if limit > 1 else ''}, as many as it may; try again later."
    )
    return Refused(429, "worker_busy", detail, retry_after=5)


def draining() -> Refused:
    """The worker is about to stop."""
    return Refused(503, "draining", "This worker is shutting down and takes no new tasks.", retry_after=5)


def no_control(task_id: str) -> Refused:
    """The task runs elsewhere, and there is no mailbox to reach it through."""
    detail = (
        f"Task {task_id} does not run on this instance, and the worker has no store (WORKER_STORE) to reach "
        "others through; only the connection that started a task can control it."
    )
    return Refused(501, "control_unavailable", detail, task_id=task_id)


def store_unavailable(detail: str) -> Refused:
    """The object store does not answer."""
    return Refused(503, "store_unavailable", f"The store does not answer: {detail}", retry_after=5)


def workspace_busy(name: str) -> Refused:
    """Another task works in that folder."""
    return Refused(409, "workspace_busy", f"Another task is working in the workspace {name}.")

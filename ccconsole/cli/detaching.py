"""Tasks that are started and left running."""

from __future__ import annotations

from contextlib import aclosing
from typing import TYPE_CHECKING

from ccconsole.cli import callers, output
from ccconsole.config import Environment
from ccconsole.model.services import Service

if TYPE_CHECKING:
    from worker_service.wire import RunRequest


async def detach(environment: Environment, service: Service, request: RunRequest) -> int:
    """Print the task's id once it runs."""
    from ccconsole import runs
    from worker_service.wire import EventType

    async with aclosing(runs.start(environment, service, request, token=callers.token())) as events:
        async for event in events:
            is_running = event.type is EventType.STATUS and event.data.get("status") == "running"
            if is_running or event.type is EventType.COMPLETE:
                break
    output.emit(f"{request.task_id}\n")
    output.note(f"left running; watch it with: ccconsole attach {request.task_id}")
    return 0

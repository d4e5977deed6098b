"""The smoke prompt: run on one revision, judged by its result."""

from __future__ import annotations

from contextlib import aclosing
from uuid import uuid4

from ccconsole import runs
from ccconsole.cloud.failures import RolloutFailed
from ccconsole.config import Environment
from ccconsole.model.services import Service
from worker_service.wire import EventType, RunRequest

SMOKE_SECONDS = 300.0
"""What the smoke prompt may take."""
TAIL_LINES = 10
_KEPT_BYTES = 8192


async def prompt(environment: Environment, service: Service, text: str, revision: str) -> str:
    """Run it at the service's address, the revision's own; raises RolloutFailed with the last lines."""
    request = RunRequest(prompt=text, task_id=f"smoke-{uuid4().hex}", timeout_seconds=SMOKE_SECONDS)
    output, result = b"", {"status": "no result"}
    async with aclosing(runs.start(environment, service, request)) as events:
        async for event in events:
            if event.type is EventType.OUTPUT:
                output = (output + runs.output_bytes(event))[-_KEPT_BYTES:]
            elif event.type is EventType.COMPLETE:
                result = event.data
    if result["status"] == "completed":
        return f"completed on {revision}"
    raise RolloutFailed(
        f"The smoke prompt failed on {revision}: {result.get('reason') or result['status']}",
        str(result.get("detail") or ""),
        f"ccconsole logs {service.key} --since 15m",
        reason="SMOKE_PROMPT_FAILED",
        revision=revision,
        log_lines=tuple(output.decode("utf-8", "replace").splitlines()[-TAIL_LINES:]),
    )

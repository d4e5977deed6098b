"""The worker's log lines: whose task, whose request, and no secret in them."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.worker.conftest import WorkerProcess, until
from tests.worker.test_worker_process import logged
from worker_service import logs
from worker_service.redaction import Redactor

TRACE = "0af7651916cd43dd8448eb211c80319c"


@pytest.fixture
def lines() -> Iterator[list[dict[str, Any]]]:
    """What a logger of our own writes, read back."""
    formatter = logs.JsonFormatter(Redactor(["very-secret-value"]), "acme")
    found: list[dict[str, Any]] = []

    class Reader(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            found.append(json.loads(formatter.format(record)))

    handler = Reader()
    logger.addHandler(handler)
    yield found
    logger.removeHandler(handler)


logger = logging.getLogger("tests.worker.logs")


async def test_what_is_logged_for_a_task_carries_its_id(lines: list[dict[str, Any]]) -> None:
    async def of_a_task(name: str) -> None:
        logs.current_task.set(name)
        logs.current_trace.set(TRACE)
        await asyncio.create_task(helper())

    async def helper() -> None:
        logger.warning("the store said very-secret-value")

    await asyncio.gather(*(asyncio.create_task(of_a_task(name)) for name in ("one", "two")))
    logger.warning("outside", extra={"task_id": "named"})
    logger.warning("outside")
    labels = [line.get("logging.googleapis.com/labels") for line in lines]
    assert labels == [{"task_id": "one"}, {"task_id": "two"}, {"task_id": "named"}, None]
    assert lines[0]["logging.googleapis.com/trace"] == f"projects/acme/traces/{TRACE}"
    assert lines[0]["message"] == "the store said [redacted]"
    assert "logging.googleapis.com/trace" not in lines[-1]


async def test_a_real_tasks_lines(worker_process: WorkerProcess, tmp_path: Path) -> None:
    worker = worker_process.worker
    headers = {"traceparent": f"00-{TRACE}-b7ad6b7169203331-01"}
    await worker.http.post("/run", json={"prompt": "true", "taskId": "t"}, headers=headers)
    await until(lambda: "t completed" in (tmp_path / "log").read_text())
    mine = [
        line for line in logged(tmp_path) if line.get("logging.googleapis.com/labels") == {"task_id": "t"}
    ]
    assert [line["message"] for line in mine] == ["task t started", "task t completed"]
    assert all(str(line["logging.googleapis.com/trace"]).endswith(TRACE) for line in mine)
    assert all(line["severity"] == "INFO" for line in mine)

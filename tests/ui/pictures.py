"""The README's pictures: `python -m tests.ui.pictures FOLDER` writes an SVG of each screen, 120 by 32."""

from __future__ import annotations

import asyncio
import sys
import time
from dataclasses import replace
from pathlib import Path

from ccconsole.alerts import alerts_of
from ccconsole.config import Alerts
from ccconsole.model.fleet import FleetRow, FleetSnapshot
from ccconsole.model.logs import LogEntry, Severity
from ccconsole.model.problem import Problem
from ccconsole.model.services import ServiceKey, ServiceState, TrafficShare
from ccconsole.model.tasks import Task
from ccconsole.screens.logs import LogsScreen
from ccconsole.screens.task import TaskScreen
from ccconsole.widgets.metrics.view import ChartView
from ccconsole.widgets.pulses import Pulse
from tests.ui.lines import entry, live
from tests.ui.measures import afternoon, read
from tests.ui.world import NOW, Console, console, row, task

OUTPUT = """\
\x1b[1m● I'll run the payments suite often enough to see it fail.\x1b[0m

\x1b[36m● Bash\x1b[0m(pytest tests/payments -q --count 20)
  \x1b[2m└ 19 passed, 1 failed in 14.2s\x1b[0m

\x1b[36m● Read\x1b[0m(tests/payments/test_refund.py)
  \x1b[2m└ 148 lines\x1b[0m

The refund test compares two times that are taken a millisecond apart. On a busy machine they
fall into different seconds, so that it fails about once in twenty runs. I'll freeze the clock:

  \x1b[31m- now = datetime.now(UTC)\x1b[0m
  \x1b[32m+ now = frozen_clock()\x1b[0m

\x1b[36m● Bash\x1b[0m(pytest tests/payments -q --count 200)
  \x1b[2m└ 200 passed in 96.1s\x1b[0m

\x1b[32m✓\x1b[0m The test reads the clock once now, and passed 200 times in a row.
"""


def snapshot() -> FleetSnapshot:
    """A fleet with a little of everything."""
    now = time.time()

    def running(number: int, where: str, name: str, seconds: float) -> Task:
        return task(
            f"{number:x}",
            where,
            name,
            created_at=now - seconds,
            started_at=now - seconds,
            last_output_at=now - 4,
            deadline=now + 3600 - seconds,
        )

    def tasks(where: str, name: str, *ages: float) -> tuple[Task, ...]:
        return tuple(running(number, where, name, seconds) for number, seconds in enumerate(ages))

    pinned = (TrafficShare("worker-prod-00041-fox", 100),)
    split = (TrafficShare("worker-00042-kix", 90), TrafficShare("worker-00043-owl", 10, is_latest=True))
    rows = (
        row("local", "worker-local", *tasks("local", "worker-local", 42)),
        row("dev", "worker-dev", *tasks("dev", "worker-dev", 900, 181)),
        row(
            "dev", "docs-writer", state=ServiceState.DEPLOYING, message="Creating revision docs-writer-00043"
        ),
        row(
            "staging",
            "worker-staging",
            *tasks("staging", "worker-staging", 260),
            traffic=split,
            max_instances=10,
        ),
        row(
            "staging",
            "reviewer",
            state=ServiceState.FAILED,
            message="The container did not listen on PORT=8080",
        ),
        row(
            "prod",
            "worker-prod",
            *tasks("prod", "worker-prod", 3420, 1900, 700, 60),
            max_instances=4,
            traffic=pinned,
        ),
        row(
            "prod",
            "worker-batch",
            *tasks("prod", "worker-batch", 1300, 1290),
            min_instances=2,
            max_instances=20,
        ),
    )
    problem = Problem("prod", "Denied: run.services.list in europe-west1", "", "gcloud auth login", now - 200)
    ages = {"local": now - 1, "dev": now - 8, "staging": now - 11, "prod": now - 6}
    told = tuple(measured(row, now) if row.service.state is ServiceState.READY else row for row in rows)
    return FleetSnapshot(told, (problem,), ages=ages)


def measured(found: FleetRow, now: float) -> FleetRow:
    """With metrics, and with what is alarming about them."""
    metrics = afternoon(found.service.key, now, shift=len(found.service.key.name) / 9 + len(found.tasks) / 5)
    made = replace(found, metrics=metrics)
    return replace(made, alerts=alerts_of(made, Alerts(), now))


def said(now: float, key: ServiceKey) -> tuple[LogEntry, ...]:
    """What a worker and the platform write around a task."""
    lines = (
        (-41.2, "system", Severity.INFO, "", "Starting new instance. Reason: AUTOSCALING"),
        (-39.9, "stdout", Severity.INFO, "", "Uvicorn running on http://0.0.0.0:8080"),
        (
            -39.5,
            "system",
            Severity.INFO,
            "",
            "Default STARTUP HTTP probe succeeded on port 8080.",
        ),
        (-38.8, "stdout", Severity.INFO, "4f1c20aa", "task 4f1c20aa started"),
        (-31.0, "stdout", Severity.DEBUG, "4f1c20aa", "tool Bash: pytest tests/payments -q --count 20"),
        (-16.4, "stdout", Severity.WARNING, "4f1c20aa", "no output for 10 s"),
        (-12.1, "stdout", Severity.INFO, "4f1c20aa", "tool Read: tests/payments/test_refund.py"),
        (-9.7, "stderr", Severity.ERROR, "77e0b3d1", "task 77e0b3d1 failed: exit code 3"),
        (-9.6, "requests", Severity.INFO, "", f"POST https://{key.name}.example/run 200 84.912s"),
        (-4.3, "requests", Severity.WARNING, "", f"POST https://{key.name}.example/run 429 0.004s"),
        (-1.8, "stdout", Severity.INFO, "4f1c20aa", "tool Bash: pytest tests/payments -q --count 200"),
    )
    return tuple(
        entry(
            text,
            at=now - NOW + at,
            where=key.environment,
            name=key.name,
            log=log,
            severity=severity,
            task_id=task_id,
            payload={"message": text, "tool": "Bash"} if text.startswith("tool") else None,
        )
        for at, log, severity, task_id, text in lines
    )


async def watched(running: Console, drawn: dict[str, str]) -> None:
    """Pictures of tiles, charts and lines."""
    now = running.app.desk.now()
    await running.press("M")
    await running.until(lambda: len(running.app.screen.query(Pulse)) == len(running.app.desk.snapshot.rows))
    await running.pilot.pause()
    drawn["pulses"] = running.app.export_screenshot(title="ccconsole")
    await running.press("G", "left", "m")
    await running.until(lambda: running.world.metric_queries)
    [(_, (key,), _)] = running.world.metric_queries
    running.world.metric_snapshots.put_nowait(read(afternoon(key, now), now))
    await running.until(lambda: all(view.picture.plain for view in running.app.screen.query(ChartView)))
    drawn["metrics"] = running.app.export_screenshot(title="ccconsole")
    await running.press("l")
    await running.until(lambda: running.world.log_queries)
    screen = running.app.screen
    assert isinstance(screen, LogsScreen)
    running.world.log_batches[key.environment].put_nowait(
        live(*said(now, key), where=key.environment, lag=1.4)
    )
    await running.until(lambda: screen.book.entries)
    await running.press("slash")
    await running.write("failed|429")
    await running.press("enter")
    await running.until(lambda: screen.book.matches)
    await running.pilot.pause()
    drawn["logs"] = running.app.export_screenshot(title="ccconsole")
    await running.press("escape", "escape", "escape", "escape")
    await running.until(lambda: running.app.screen is running.fleet)


async def pictures() -> dict[str, str]:
    """Each picture's name and its SVG."""
    drawn: dict[str, str] = {}
    async with console(snapshot=snapshot()) as running:
        running.app.desk.identity = "ada@operations"
        await running.press("j", "j", "j")
        running.fleet.show_desk()
        await running.pilot.pause()
        running.app.clear_notifications()
        await running.pilot.pause()
        drawn["fleet"] = running.app.export_screenshot(title="ccconsole")
        await watched(running, drawn)
        await running.press("p")
        await running.write("Find the flaky test in the payments suite, explain why it fails, and mend it")
        await running.press("enter")
        await running.until(lambda: running.world.runs)
        start = time.time() - 141
        running.world.say("status", status="running", agent="claude", deadline=start + 3540, ts=start)
        running.world.write(OUTPUT.replace("\n", "\r\n"))
        running.world.say("usage", costUsd=0.0421)
        screen = running.app.screen
        assert isinstance(screen, TaskScreen)
        await running.until(lambda: screen.session.task.cost_usd)
        screen.set_focus(None)
        screen.show_desk()
        await running.pilot.pause()
        drawn["task"] = running.app.export_screenshot(title="ccconsole")
    return drawn


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for name, picture in asyncio.run(pictures()).items():
        (folder / f"{name}.svg").write_text(picture, encoding="utf-8")

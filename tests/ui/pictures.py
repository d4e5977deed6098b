"""The README's pictures: `python -m tests.ui.pictures FOLDER` writes fleet.svg and task.svg, 120 by 32."""

from __future__ import annotations

import asyncio
import sys
import time
from pathlib import Path

from ccconsole.model import FleetSnapshot, Problem, ServiceState, Task, TrafficShare
from ccconsole.screens.task import TaskScreen
from tests.ui.world import console, row, task

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
    return FleetSnapshot(rows, (problem,), ages=ages)


async def pictures() -> dict[str, str]:
    """Each picture's name and its SVG."""
    drawn: dict[str, str] = {}
    async with console(snapshot=snapshot()) as running:
        running.app.desk.identity = "ada@operations"
        await running.press("j", "j", "j")
        running.fleet.show_desk()
        await running.pilot.pause()
        drawn["fleet"] = running.app.export_screenshot(title="ccconsole")
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

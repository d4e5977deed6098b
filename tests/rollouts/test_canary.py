"""A new revision that proves itself, or that goes back by itself."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest

from ccconsole import rollouts
from ccconsole.cloud.gcloud import CANARY_TAG
from ccconsole.model.rollouts import Action, AdviceKind, Outcome, Rollout, StageState
from ccconsole.rollouts import Canary
from ccconsole.rollouts.figures import Figures
from tests.rollouts.conftest import Launch, Site, done, states
from worker_service.journal import Journal
from worker_service.wire import Reason, Status, TaskResult, TaskSummary

QUICK = Canary(10, watch=0.0)
LONG = Canary(10, watch=3600.0)
SHELL = 'env = {{ WORKER_AGENT = "shell", MARK = "{0}" }}\n'


async def tags(site: Site) -> list[str]:
    return [share.tag for share in (await site.service()).traffic if share.tag]


async def test_a_smoke_prompt_and_then_all_of_it(launch: Launch) -> None:
    site = await launch(is_bundled=True)
    first = done(await site.deploy(SHELL.format(1), QUICK))
    assert states(first)["smoke"] == "skipped"  # nothing to prove itself against
    last = done(await site.deploy(SHELL.format(2) + 'smoke = "echo fine"\n', QUICK))
    found = states(last)
    assert {name: found[name] for name in ("revision", "smoke", "shift", "watch", "traffic", "back")} == {
        "revision": "done", "smoke": "done", "shift": "done", "watch": "done", "traffic": "done",
        "back": "skipped",
    }  # fmt: skip
    assert "10%" in last.stage("shift").detail
    assert (await site.traffic(), await tags(site)) == ({"00002": 100}, [])
    assert not (await site.service()).is_pinned

    last = (await site.deploy(SHELL.format(3) + 'smoke = "echo oh no; exit 3"\n', QUICK))[-1]
    assert (last.outcome, last.exit_code, last.reason) == (Outcome.ROLLED_BACK, 1, "SMOKE_PROMPT_FAILED")
    assert last.log_lines == ("oh no",)
    assert "smoke prompt failed" in last.cause
    assert states(last)["smoke"] == "failed"
    assert states(last)["back"] == "done"
    assert (await site.traffic(), await tags(site)) == ({"00002": 100}, [])
    assert last.notes[0].startswith("PINNED: worker-00002")


async def test_a_breach_goes_back(site: Site, tmp_path: Path) -> None:
    store = f'store = "{(tmp_path / "store").as_uri()}"\n'
    done(await site.deploy(store))
    connection, spec = site.declared(f"{store}cpu = 2\n")
    plan = await rollouts.plan(connection, spec)
    last: Rollout | None = None
    async for last in rollouts.deploy_canary(connection, spec, plan, LONG):
        is_watched = last.stage("watch").detail.startswith("1h") and last.stage("watch").ended_at is None
        if is_watched and not any((tmp_path / "store").rglob("task.json")):
            assert await site.traffic() == {"00001": 90, "00002": 10}
            for number in range(5):
                await failed_task(connection.environment.store or "", f"t{number}", str(last.revision))
    assert last is not None
    assert (last.outcome, last.exit_code, last.reason) == (Outcome.ROLLED_BACK, 1, "CANARY_BREACH")
    assert "100% of 5 tasks failed, more than 5%" in last.cause
    assert (await site.traffic(), await tags(site)) == ({"00001": 100}, [])

    done(await site.deploy(f"{store}concurrency = 2\n", QUICK))
    assert await site.traffic() == {"00003": 100}
    back = await rollouts.rollback(connection, spec.key)  # over the one that was turned down
    assert back.traffic is not None
    assert back.traffic[0].revision.startswith("worker-00001")


async def failed_task(store: str, task_id: str, revision: str) -> None:
    """A task in the journal that ran on the revision and failed."""
    now = time.time()
    result = TaskResult(task_id=task_id, status=Status.FAILED, reason=Reason.EXIT, duration=10)
    summary = TaskSummary(
        task_id=task_id, status=Status.FAILED, prompt="p", agent="shell", service="worker", revision=revision,
        created_at=now, started_at=now, last_output_at=now, ended_at=now, result=result,
    )  # fmt: skip
    journal = Journal.open(store)
    assert await journal.claim(summary) is None
    writer = journal.writer(summary)
    writer.update(summary)
    await writer.close(summary)


@pytest.mark.parametrize("stage", ["smoke", "shift", "watch", "traffic"])
async def test_killed_on_the_way_and_run_again(site: Site, stage: str) -> None:
    done(await site.deploy())
    connection, spec = site.declared("cpu = 2\n")
    plan = await rollouts.plan(connection, spec)
    flow = rollouts.deploy_canary(connection, spec, plan, QUICK)
    async for snapshot in flow:
        if snapshot.stage(stage).state is StageState.RUNNING:
            break
    await flow.aclose()
    plan = await site.plan("cpu = 2\n")
    assert plan.action is Action.NONE
    assert AdviceKind.CANARY in {advice.kind for advice in plan.advice}
    done(await site.deploy("cpu = 2\n", QUICK))
    assert (await site.traffic(), await tags(site)) == ({"00002": 100}, [])
    assert len(await site.revisions()) == 2
    assert (await site.plan("cpu = 2\n")).advice == ()


async def test_stopped_while_it_is_watched(site: Site) -> None:
    done(await site.deploy())
    connection, spec = site.declared("cpu = 2\n")
    stop = asyncio.Event()
    found = []
    plan = await rollouts.plan(connection, spec)
    async for snapshot in rollouts.deploy_canary(connection, spec, plan, LONG, stop=stop):
        found.append(snapshot)
        if snapshot.stage("watch").detail:
            stop.set()
    assert found[-1].outcome is Outcome.CANCELLED
    assert await site.traffic() == {"00001": 100}


async def test_a_canary_that_does_not_start(site: Site, tmp_path: Path) -> None:
    done(await site.deploy())
    last = (await site.deploy(f'env = {{ FAIL = "{tmp_path}/never" }}\n', QUICK))[-1]
    assert (last.outcome, last.reason) == (Outcome.FAILED, "HEALTH_CHECK_CONTAINER_ERROR")
    service = await site.service()
    assert (await site.traffic(), service.is_pinned) == ({"00001": 100}, False)
    assert CANARY_TAG not in [target.tag for target in (await site.raw()).traffic]
    assert len(await site.revisions()) == 2


async def test_bounds_alone_need_no_canary(site: Site) -> None:
    done(await site.deploy("instances = [0, 5]\n"))
    last = done(await site.deploy("instances = [1, 5]\n", QUICK))
    assert states(last)["smoke"] == "skipped"
    assert not (await site.service()).is_pinned


@pytest.mark.parametrize(
    ("requests", "failed", "ended", "bad", "slow", "words"),
    [
        (0, 0, 0, 0, (), None),
        (4, 4, 4, 4, (), None),  # too few to say
        (100, 5, 0, 0, (), None),
        (100, 6, 0, 0, (), "6% of 100 requests failed"),
        (0, 0, 10, 1, (), "10% of 10 tasks failed"),
        (0, 0, 0, 0, ("t1",), "1 task had no output after 1m00s"),
    ],
)
def test_what_is_a_breach(
    requests: int, failed: int, ended: int, bad: int, slow: tuple[str, ...], words: str | None
) -> None:
    breach = Figures(requests, failed, ended, bad, slow, 60.0).breach(0.05)
    assert (breach is None) if words is None else (breach is not None and words in breach)

"""Deployments in a project of one's own: stages, what they leave alone, and how they fail."""

from __future__ import annotations

import asyncio
from pathlib import Path

import httpx
import pytest
from google.cloud import run_v2

from ccconsole import rollouts
from ccconsole.model.rollouts import Action, AdviceKind, Outcome, StageState
from tests.rollouts.conftest import Launch, Site, done, drained, states


async def test_from_nothing_to_a_service_that_answers(site: Site) -> None:
    await site.add_secret("key")
    text = 'instances = [0, 3]\nsecrets = { ANTHROPIC_API_KEY = "key:1" }\n'
    plan = await site.plan(text)
    assert (plan.action, plan.refusal) == (Action.CREATE, None)
    assert AdviceKind.IMAGE in {advice.kind for advice in plan.advice}
    last = done(await site.deploy(text))
    assert states(last) == {
        "apis": "skipped",
        "repository": "done",
        "image": "done",
        "secrets": "done",
        "access": "done",
        "revision": "done",
        "traffic": "done",
        "invoker": "skipped",
        "verify": "done",
    }
    service = await site.service()
    assert (last.url, last.revision) == (service.uri, service.revision)
    assert service.image is not None
    assert "@sha256:" in service.image

    plan = await site.plan(text)
    assert (plan.action, plan.changes) == (Action.NONE, ())
    again = done(await site.deploy(text))
    left = {"traffic", "verify", "secrets"}
    assert {name for name, state in states(again).items() if state != "skipped"} == left
    assert len(await site.revisions()) == 1


async def test_a_change_makes_one_revision_and_then_none(site: Site) -> None:
    done(await site.deploy())
    plan = await site.plan('env = { LOG_LEVEL = "debug" }\n')
    assert [(change.field, change.live, change.declared) for change in plan.changes] == [
        ("env.LOG_LEVEL", None, "debug")
    ]
    last = done(await site.deploy('env = { LOG_LEVEL = "debug" }\n'))
    assert await site.traffic() == {"00002": 100}
    assert last.stage("revision").detail.startswith("worker-00002")
    assert (await site.plan('env = { LOG_LEVEL = "debug" }\n')).action is Action.NONE


async def test_bounds_of_the_service_change_without_a_revision(site: Site) -> None:
    done(await site.deploy("instances = [0, 5]\n"))
    plan = await site.plan("instances = [1, 5]\n")
    assert (plan.action, plan.is_new_revision) == (Action.UPDATE, False)
    done(await site.deploy("instances = [1, 5]\n"))
    assert len(await site.revisions()) == 1
    assert (await site.plan("instances = [1, 5]\n")).action is Action.NONE


async def test_a_stale_plan_is_refused_before_anything_is_done(site: Site) -> None:
    done(await site.deploy())
    connection, spec = site.declared("concurrency = 3\n")
    plan = await rollouts.plan(connection, spec)
    done(await site.deploy("concurrency = 2\n"))
    assert (await rollouts.plan(connection, spec)).fingerprint != plan.fingerprint
    last = (await drained(rollouts.deploy(connection, spec, plan)))[-1]
    assert (last.outcome, last.exit_code) == (Outcome.FAILED, 8)
    assert "out of date" in last.cause
    assert (await site.service()).concurrency == 2

    gone = await rollouts.scale(connection, spec.key, 1, 4)
    done(await site.deploy("concurrency = 3\n"))
    last = (await drained(rollouts.adjust(connection, gone)))[-1]
    assert (last.outcome, last.exit_code) == (Outcome.FAILED, 8)


async def test_a_revision_that_does_not_start_while_a_task_runs(site: Site, tmp_path: Path) -> None:
    done(await site.deploy())
    uri = (await site.service()).uri
    released, failing = tmp_path / "released", f'env = {{ FAIL = "{tmp_path}/never" }}\n'
    async with httpx.AsyncClient(trust_env=False, verify=False, timeout=30) as http:
        held = asyncio.create_task(http.get(f"{uri}/sleep", params={"until": str(released)}))
        snapshots = await site.deploy(failing)
        last = snapshots[-1]
        assert (last.outcome, last.exit_code) == (Outcome.FAILED, 1)
        assert last.reason == "HEALTH_CHECK_CONTAINER_ERROR"
        assert last.revision is not None
        assert last.revision.startswith("worker-00002")
        assert "did not start" in last.cause
        assert "cannot start: no database" in last.log_lines
        assert last.hint
        assert states(last)["revision"] == "failed"
        assert last.stage("verify").detail == "not reached"
        assert (await http.get(f"{uri}/info")).json()["env"]["K_REVISION"].startswith("worker-00001")
        assert not held.done()
        released.touch()
        assert (await held).text == "woken"
    assert await site.traffic() == {"00001": 100}

    plan = await site.plan(failing)
    assert (plan.action, plan.changes) == (Action.UPDATE, ())
    assert AdviceKind.FAILED in {advice.kind for advice in plan.advice}
    (tmp_path / "never").touch()
    last = done(await site.deploy(failing))
    assert await site.traffic() == {"00003": 100}


async def test_what_others_set_survives(site: Site) -> None:
    done(await site.deploy())
    live = await site.raw()
    live.description, live.template.session_affinity = "by hand", True
    live.template.revision = ""
    client = site.connection(site.environment()).client(run_v2.ServicesAsyncClient)
    await client.update_service(service=live)
    plan = await site.plan("cpu = 2\n")
    drift = {advice.text.partition(" ")[0] for advice in plan.advice if advice.kind is AdviceKind.DRIFT}
    assert drift == {"description", "session_affinity"}
    assert [change.field for change in plan.changes] == ["cpu"]


async def test_a_public_policy_is_a_change_and_is_taken_back(site: Site) -> None:
    done(await site.deploy())
    client = site.connection(site.environment()).client(run_v2.ServicesAsyncClient)
    name = (await site.raw()).name
    policy = await client.get_iam_policy({"resource": name})
    policy.bindings.add(role="roles/run.invoker", members=["allUsers", "user:a@example.com"])
    await client.set_iam_policy({"resource": name, "policy": policy})
    plan = await site.plan()
    assert [(change.field, change.live, change.declared) for change in plan.changes] == [
        ("public", "yes", "no")
    ]
    last = done(await site.deploy())
    assert "allUsers" in last.stage("invoker").detail
    policy = await client.get_iam_policy({"resource": name})
    assert [list(binding.members) for binding in policy.bindings] == [["user:a@example.com"]]
    assert (await site.plan()).action is Action.NONE


async def test_a_pinned_service_says_that_the_new_revision_serves_nothing(site: Site) -> None:
    done(await site.deploy())
    done(await site.deploy("cpu = 2\n"))
    connection, spec = site.declared("cpu = 2\n")
    done(await drained(rollouts.adjust(connection, await rollouts.rollback(connection, spec.key))))
    plan = await site.plan("cpu = 4\nmemory = '4Gi'\n")
    assert AdviceKind.PINNED in {advice.kind for advice in plan.advice}
    last = done(await site.deploy("cpu = 4\nmemory = '4Gi'\n"))
    assert last.stage("traffic").state is StageState.SKIPPED
    assert last.notes[0].startswith("PINNED: worker-00001")
    assert await site.traffic() == {"00001": 100}


async def test_stopped_on_the_way(launch: Launch) -> None:
    site = await launch(fail="operation:CreateService=HANG")
    connection, spec = site.declared()
    plan = await rollouts.plan(connection, spec)
    stop = asyncio.Event()
    found = []
    async for snapshot in rollouts.deploy(connection, spec, plan, stop=stop):
        found.append(snapshot)
        if snapshot.stage("revision").state is StageState.RUNNING:
            stop.set()
    assert found[-1].outcome is Outcome.CANCELLED
    assert [snapshot.is_over for snapshot in found].count(True) == 1


@pytest.mark.parametrize("stages", [1, 2, 3, 4, 5, 6, 7, 8])
async def test_left_at_any_stage_and_run_again(site: Site, stages: int) -> None:
    await site.add_secret("key")
    text = 'secrets = { ANTHROPIC_API_KEY = "key" }\n'
    connection, spec = site.declared(text)
    flow = rollouts.deploy(connection, spec, await rollouts.plan(connection, spec))
    async for snapshot in flow:
        if sum(stage.started_at is not None for stage in snapshot.stages) > stages:
            break
    await flow.aclose()
    done(await site.deploy(text))
    assert await site.traffic() == {"00001": 100}
    assert len(await site.revisions()) == 1
    assert (await site.plan(text)).action is Action.NONE

"""What Google refuses a deployment: each in words, with the command that mends it and its own exit code."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from ccconsole import rollouts
from ccconsole.errors import ConsoleError
from ccconsole.model.rollouts import Outcome, Rollout
from tests.rollouts.conftest import Launch, Site, done, drained

SECRET = 'secrets = { ANTHROPIC_API_KEY = "key" }\n'


@dataclass(frozen=True)
class Refusal:
    """What a deployment meets, and what is said of it."""

    code: int
    words: str
    hint: str
    stage: str
    deny: str = ""
    disable: str = ""
    fail: str = ""
    text: str = ""


CASES = {
    "may not create": Refusal(
        4, "run.services.create", "--role=roles/run.admin", "revision", deny="run.services.create"
    ),
    "may not act as the account": Refusal(
        4, "actAs", "--role=roles/iam.serviceAccountUser", "revision", deny="iam.serviceAccounts.actAs"
    ),
    "may not enable an API": Refusal(
        4,
        "serviceusage.services.enable",
        "--role=roles/serviceusage.serviceUsageAdmin",
        "apis",
        deny="serviceusage.services.enable",
        disable="secretmanager.googleapis.com",
    ),
    "may not create a repository": Refusal(
        4,
        "artifactregistry.repositories.create",
        "--role=roles/artifactregistry.admin",
        "repository",
        deny="artifactregistry.repositories.create",
    ),
    "a secret is missing": Refusal(
        5,
        "ANTHROPIC_API_KEY needs version latest of key",
        "ccconsole secrets set dev key",
        "secrets",
        text=SECRET,
    ),
    "the name is taken": Refusal(
        8, "out of date", "ccconsole plan dev/worker", "revision", fail="CreateService=ALREADY_EXISTS*9"
    ),
    "no such region": Refusal(
        1,
        "nowhere",
        "gcloud run regions list",
        "revision",
        fail="CreateService=INVALID_ARGUMENT:Location nowhere is not found or access is unauthorized.",
    ),
    "a quota is used up": Refusal(
        8,
        "A quota is used up",
        "ask for more",
        "revision",
        fail="CreateService=RESOURCE_EXHAUSTED:Quota exceeded for total allowable CPU per region.",
    ),
    "the operation ends with a code": Refusal(
        1, "words of Google", "", "revision", fail="operation:CreateService=INTERNAL:words of Google"
    ),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
async def test_each_refusal(launch: Launch, case: Refusal) -> None:
    site = await launch(deny=case.deny, disable=case.disable, fail=case.fail)
    last = (await site.deploy(case.text))[-1]
    failed = [stage.name for stage in last.stages if stage.state == "failed"]
    assert (last.outcome, last.exit_code, failed) == (Outcome.FAILED, case.code, [case.stage]), last.cause
    assert case.words in last.cause
    assert case.hint in last.hint
    assert "Traceback" not in last.cause


async def test_an_api_that_is_off_is_enabled(launch: Launch) -> None:
    site = await launch(disable="run.googleapis.com secretmanager.googleapis.com")
    plan = await site.plan()
    assert plan.refusal is None
    assert "run.googleapis.com is not enabled in acme" in " ".join(advice.text for advice in plan.advice)
    last = done(await site.deploy())
    assert last.stage("apis").detail.startswith("enabled")


async def test_what_may_not_be_looked_at_stops_nothing(launch: Launch) -> None:
    site = await launch(
        deny="serviceusage.services.get serviceusage.services.list artifactregistry.repositories.get "
        "artifactregistry.tags.get secretmanager.versions.get secretmanager.secrets.getIamPolicy "
        "run.services.getIamPolicy"
    )
    await site.add_secret("key")
    last = (await site.deploy(SECRET))[-1]
    skipped = [stage.name for stage in last.stages if stage.detail.startswith("you may not look")]
    assert {"repository", "secrets", "access"} <= set(skipped), last.stages


async def test_the_server_is_asked_before(launch: Launch) -> None:
    site = await launch(deny="run.services.create")
    plan = await site.plan()
    assert plan.refusal is not None
    assert plan.refusal.exit_code == 4
    assert "roles/run.admin" in plan.refusal.hint


async def test_a_version_that_was_disabled(site: Site) -> None:
    await site.add_secret("key")
    from google.cloud import secretmanager_v1

    client = site.connection(site.environment()).client(secretmanager_v1.SecretManagerServiceAsyncClient)
    await client.disable_secret_version({"name": "projects/acme/secrets/key/versions/1"})
    last = (await site.deploy('secrets = { ANTHROPIC_API_KEY = "key:1" }\n'))[-1]
    assert (last.outcome, last.exit_code) == (Outcome.FAILED, 5)
    assert "it is disabled" in last.cause


async def test_denied_update_leaves_what_serves(launch: Launch) -> None:
    site = await launch(deny="run.services.update")
    done(await site.deploy())
    last: Rollout = (await site.deploy("cpu = 2\n"))[-1]
    assert (last.exit_code, await site.traffic()) == (4, {"00001": 100})
    connection, spec = site.declared()
    adjustment = await rollouts.scale(connection, spec.key, 1, 2)
    last = (await drained(rollouts.adjust(connection, adjustment)))[-1]
    assert (last.outcome, last.exit_code) == (Outcome.FAILED, 4)


async def test_no_value_of_a_secret_anywhere(launch: Launch, caplog: pytest.LogCaptureFixture) -> None:
    site = await launch(is_strict_on_secrets=True)
    await site.add_secret("key", b"canary-value-of-a-secret")
    snapshots = await site.deploy(SECRET)
    done(snapshots)
    plan = await site.plan(SECRET + "env = { SOME_TOKEN = 'canary-value-of-a-secret' }\n")
    told = repr(snapshots) + repr(plan) + caplog.text
    for file in site.folder.rglob("*"):
        if file.is_file() and file.name != "deploy.toml":
            told += file.read_bytes().decode("utf-8", "replace")
    assert "canary-value-of-a-secret" not in told


async def test_what_cannot_be_adjusted(site: Site) -> None:
    connection, spec = site.declared()
    with pytest.raises(ConsoleError, match="not deployed") as caught:
        await rollouts.rollback(connection, spec.key)
    assert caught.value.exit_code == 5
    done(await site.deploy())
    with pytest.raises(ConsoleError, match="no revision to go back to"):
        await rollouts.rollback(connection, spec.key)
    with pytest.raises(ConsoleError, match="no revision 'worker-00009-abc'"):
        await rollouts.rollback(connection, spec.key, "worker-00009-abc")
    with pytest.raises(ConsoleError, match="not 100 percent"):
        await rollouts.redirect(connection, spec.key, [("latest", 60)])
    with pytest.raises(ConsoleError, match="no bounds"):
        await rollouts.scale(connection, spec.key, 3, 2)

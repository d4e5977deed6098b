"""The doctor over projects that lack one thing each."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ccconsole import doctor
from ccconsole.cloud.connect import Connections
from ccconsole.cloud.permissions import LEAST_ROLES
from ccconsole.config import Config
from ccconsole.emulator.permissions import NEEDS
from ccconsole.model.checks import Check, CheckState
from tests.rollouts.conftest import Launch, Site

SECRETS = '[env.dev.secrets]\nANTHROPIC_API_KEY = "key"\n'


async def examined(site: Site, text: str = "") -> dict[str, Check]:
    """The findings by name."""
    environment = site.environment(text)
    config = Config({"dev": environment})
    async with Connections(config, environ={}) as connections:
        return {check.name: check async for check in doctor.checks(connections, environment)}


async def test_a_project_that_has_all_it_needs(site: Site) -> None:
    await site.deploy()
    await site.add_secret("key")
    found = await examined(site, f'store = "file://{site.folder}/store"\n{SECRETS}')
    failures = [check for check in found.values() if check.state is CheckState.FAILED]
    assert failures == []
    assert doctor.gravest(list(found.values())) == 0
    for name in ("project", "APIs", "permissions", "secrets", "log tail", "store"):
        assert found[name].state is CheckState.OK, found[name]
    assert "has no roles/secretmanager.secretAccessor" in found["secret key"].text
    assert "gcloud secrets add-iam-policy-binding key" in found["secret key"].hint


async def test_each_permission_is_one_the_emulator_knows_and_asks_for_once(launch: Launch) -> None:
    site = await launch(deny="run.services.update logging.logEntries.list")
    found = await examined(site)
    assert found["permission run.services.update"].state is CheckState.WARNING, "watching goes on without it"
    denied = found["permission logging.logEntries.list"]
    assert denied.state is CheckState.FAILED
    assert '--role="roles/logging.viewer"' in denied.hint
    assert doctor.gravest(list(found.values())) == 4
    calls = site.emulator.table.calls
    assert sum(count for path, count in calls.items() if path.endswith("Projects/TestIamPermissions")) == 1
    known = repr(NEEDS)
    assert [name for name in LEAST_ROLES if name.startswith("run.services.") and name not in known] == []


async def test_an_api_that_is_off_fails_with_what_turns_it_on(launch: Launch) -> None:
    site = await launch(disable="secretmanager.googleapis.com")
    found = await examined(site, SECRETS)
    off = found["API secretmanager.googleapis.com"]
    assert (off.state, off.exit_code) == (CheckState.FAILED, 4)
    assert "--enable-apis" in off.hint
    assert doctor.gravest(list(found.values())) == 4


async def test_a_secret_that_is_missing(site: Site) -> None:
    found = await examined(site, SECRETS)
    missing = found["secret ANTHROPIC_API_KEY"]
    assert (missing.state, missing.exit_code) == (CheckState.FAILED, 5)
    assert missing.hint == "ccconsole secrets set dev key"


async def test_what_may_not_be_looked_at_is_unknown_and_the_others_go_on(launch: Launch) -> None:
    site = await launch(deny="resourcemanager.projects.get")
    found = await examined(site)
    assert found["project"].state is CheckState.UNKNOWN
    assert found["APIs"].state is CheckState.OK


async def test_tail_sessions_that_are_all_taken_are_a_warning(launch: Launch) -> None:
    from ccconsole.emulator.logging.tail import TailLimits

    site = await launch(tail_limits=TailLimits(sessions=0))
    found = await examined(site)
    assert found["log tail"].state is CheckState.WARNING


async def test_an_environment_out_of_reach_says_so(site: Site, unused_tcp_port: int) -> None:
    environment = replace(site.environment(), endpoint=f"127.0.0.1:{unused_tcp_port}")
    async with Connections(Config({"dev": environment}), environ={}) as connections:
        found = {check.name: check async for check in doctor.checks(connections, environment)}
    assert doctor.gravest(list(found.values())) == 1
    for name in ("project", "API", "permission", "log tail"):
        assert found[name].state is CheckState.FAILED, name


@pytest.mark.parametrize(
    ("codes", "worst"), [((), 0), ((1,), 1), ((1, 4), 4), ((4, 3, 5), 3), ((5, 1), 5), ((6, 1), 6)]
)
def test_the_gravest_failure_gives_the_exit_code(codes: tuple[int, ...], worst: int) -> None:
    found = [Check("dev", str(code), CheckState.FAILED, exit_code=code) for code in codes]
    assert doctor.gravest([*found, Check("dev", "w", CheckState.WARNING, exit_code=9)]) == worst

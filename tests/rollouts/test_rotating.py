"""Secrets: what is listed, and a rotation that turns the old version off only when the new one runs."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import os
import sys
from asyncio.subprocess import PIPE
from pathlib import Path

import pytest

from ccconsole import rollouts
from ccconsole.cloud import secrets
from ccconsole.errors import ConfigError, NotFound
from ccconsole.model.rollouts import Outcome, Rollout
from ccconsole.model.secrets import Secret
from tests.rollouts.conftest import DEV, Launch, Site, done, drained

TEXT = '[env.dev.secrets]\nANTHROPIC_API_KEY = "key"\n'
PROCESSES = Path("/proc")
CANARY = b"sk-canary-5f2e-value"


async def listed(site: Site) -> Secret:
    connection, _ = site.declared(TEXT)
    (found,) = await secrets.listing(connection)
    return found


async def rotated(site: Site, value: bytes = CANARY) -> list[Rollout]:
    connection, _ = site.declared(TEXT)
    return await drained(rollouts.rotate(connection, "key", value))


async def test_a_secret_that_is_not_there_is_listed_as_that_and_made(site: Site) -> None:
    assert await listed(site) == Secret("dev", "key", ("ANTHROPIC_API_KEY",), is_there=False)
    connection, _ = site.declared(TEXT)
    assert await secrets.add(connection, "key", CANARY) == "1"
    assert await secrets.add(connection, "key", CANARY) == "2"
    found = await listed(site)
    assert [(version.number, version.state) for version in found.versions] == [
        ("2", "enabled"),
        ("1", "enabled"),
    ]
    assert found.newest == found.versions[0]


async def test_values_that_are_none_are_refused(site: Site) -> None:
    connection, _ = site.declared(TEXT)
    for value, words in ((b"", "would be empty"), (b"x" * 70_000, "too long")):
        with pytest.raises(ConfigError, match=words):
            await secrets.add(connection, "key", value)
    assert not (await listed(site)).is_there


async def test_names_are_those_that_are_declared(site: Site) -> None:
    connection, _ = site.declared(TEXT)
    assert secrets.declared_name(connection, "key") == "key"
    assert secrets.declared_name(connection, "ANTHROPIC_API_KEY") == "key"
    with pytest.raises(NotFound, match="declares no secret 'other'"):
        secrets.declared_name(connection, "other")


async def test_a_rotation_pins_a_revision_and_then_turns_the_old_version_off(site: Site) -> None:
    await site.add_secret("key")
    done(await site.deploy(TEXT))
    last = done(await rotated(site))
    assert [version.state for version in (await listed(site)).versions] == ["enabled", "disabled"]
    live = await site.service()
    assert live.secrets == {"ANTHROPIC_API_KEY": "key:2"}
    assert any("key:2" in note for note in last.notes)


async def test_a_revision_that_does_not_start_leaves_the_old_version_on(launch: Launch) -> None:
    site = await launch(fail="operation:UpdateService=FAILED_PRECONDITION:it does not start")
    await site.add_secret("key")
    done(await site.deploy(TEXT))
    last = (await rotated(site))[-1]
    assert last.outcome is Outcome.FAILED
    assert [version.state for version in (await listed(site)).versions] == ["enabled", "enabled"]
    assert (await site.service()).secrets == {"ANTHROPIC_API_KEY": "key:latest"}


def holders(folder: Path, pattern: str) -> list[Path]:
    """The files that hold the value; one that is gone by now holds nothing."""
    found = []
    for path in folder.glob(pattern):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            if path.is_file() and CANARY in path.read_bytes():
                found.append(path)
    return found


async def test_a_value_is_nowhere_but_in_the_instance(site: Site) -> None:
    await site.add_secret("key")
    done(await site.deploy(TEXT))
    snapshots = await rotated(site)
    assert CANARY.decode() not in repr(snapshots)
    assert CANARY.decode() not in repr(await listed(site))
    assert holders(site.folder, "**/*") == []
    assert holders(PROCESSES, "[0-9]*/cmdline") == []


async def test_a_client_that_logs_its_requests_does_not_log_values(site: Site) -> None:
    environment = os.environ | {"GOOGLE_SDK_PYTHON_LOGGING_SCOPE": "google"}
    path = site.folder / "deploy.toml"
    path.write_text(DEV.format(target=site.target) + TEXT)
    command = [sys.executable, "-m", "ccconsole", "--config", str(path), "secrets", "set", "dev", "key"]
    process = await asyncio.create_subprocess_exec(
        *command, env=environment, stdin=PIPE, stdout=PIPE, stderr=PIPE
    )
    out, told = await process.communicate(CANARY)
    assert process.returncode == 0, told
    assert b"is stored" in told
    for form in (CANARY, base64.b64encode(CANARY)):
        assert form not in out + told

"""The verbs as a person and a script run them: what they print where, what they ask, how they exit."""

from __future__ import annotations

import asyncio
import json
import os
import pty
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from ccconsole.cli import main
from tests.cloud.conftest import DEADLINE
from tests.launching import command
from tests.rollouts.conftest import DEV, Site, done

KEPT = ("PATH", "LANG", "TMPDIR")


@dataclass(frozen=True)
class Ended:
    code: int
    out: str
    err: str

    @property
    def data(self) -> Any:
        return json.loads(self.out)


Start = Callable[..., Awaitable[asyncio.subprocess.Process]]


@pytest.fixture
def start(site: Site) -> Start:
    """Start `ccconsole WORDS` as its own process in the project's folder."""

    async def begin(*words: str, stdin: int = asyncio.subprocess.DEVNULL) -> asyncio.subprocess.Process:
        environ = {name: os.environ[name] for name in KEPT if name in os.environ}
        return await asyncio.create_subprocess_exec(
            *command(*words),
            cwd=site.folder,
            env={**environ, "HOME": str(site.folder)},
            stdin=stdin,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )

    return begin


Command = Callable[..., Awaitable[Ended]]


@pytest.fixture
def ccconsole(site: Site, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """`await ccconsole("plan", "dev")` in a thread of this process: for what ends before a rollout."""
    monkeypatch.chdir(site.folder)

    async def run(*words: str) -> Ended:
        async with asyncio.timeout(DEADLINE):
            code = await asyncio.to_thread(main, list(words))
        captured = capsys.readouterr()
        return Ended(code, captured.out, captured.err)

    return run


async def ended(process: asyncio.subprocess.Process) -> Ended:
    async with asyncio.timeout(DEADLINE):
        out, err = await process.communicate()
    assert process.returncode is not None
    return Ended(process.returncode, out.decode(), err.decode())


def declare(site: Site, text: str) -> None:
    (site.folder / "deploy.toml").write_text(DEV.format(target=site.target) + text)


async def test_nothing_happens_unconfirmed(site: Site, ccconsole: Command) -> None:
    declare(site, "")
    unasked = await ccconsole("deploy", "dev")
    read_only = await ccconsole("--read-only", "deploy", "dev", "--yes")
    dry = await ccconsole("deploy", "dev", "--dry-run")
    stale = await ccconsole("deploy", "dev", "--yes", "--plan", "0123456789abcdef")
    assert (unasked.code, unasked.out) == (8, "")
    assert "Nobody confirmed: deploy dev" in unasked.err
    assert "the same as: gcloud run deploy worker" in unasked.err
    assert (read_only.code, read_only.out) == (8, "")
    assert "read-only" in read_only.err
    assert dry.code == 0, dry.err
    assert dry.out.startswith("dev/worker: create, a new revision\n")
    assert (stale.code, stale.out) == (8, "")
    assert "out of date" in stale.err
    assert not await site.has_service()


async def test_stages_on_stderr_and_the_address_on_stdout(
    site: Site, ccconsole: Command, start: Start
) -> None:
    declare(site, "")
    planned = await ccconsole("plan", "dev", "-o", "json")
    (plan,) = planned.data
    assert (planned.code, plan["action"], plan["refusal"]) == (0, "create", None)
    deployed = await ended(await start("deploy", "dev", "--yes", "--plan", plan["fingerprint"]))
    service = await site.service()
    assert (deployed.code, deployed.out) == (0, f"{service.uri}\n"), deployed.err
    lines = deployed.err.splitlines()
    assert [line for line in lines if line.startswith("    ok  Revision: worker-00001")]
    assert [line for line in lines if line.startswith("     -  Secrets: none are declared")]
    assert lines[-1].startswith("dev/worker: deploy done in ")
    again = await ccconsole("plan", "dev")
    table = await ccconsole("traffic", "dev", "x=1y", "--yes")
    assert (again.code, again.out) == (0, "dev/worker: no changes\n")
    assert table.code == 2


async def test_a_protected_service_is_typed_out(
    site: Site, ccconsole: Command, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    done(await site.deploy())
    declare(site, "protected = true\n")
    parent, child = pty.openpty()
    with os.fdopen(child) as terminal:
        monkeypatch.setattr(sys, "stdin", terminal)
        os.write(parent, b"dev\n")
        refused = await ccconsole("scale", "dev", "1", "3")
        assert (refused.code, refused.out) == (8, "")
        assert (await site.service()).min_instances == 0
        process = await start("scale", "dev", "1", "3", "-o", "json", stdin=child)
        os.write(parent, b"worker\n")
        found = await ended(process)
    os.close(parent)
    assert found.code == 0, found.err
    assert "Type worker to scale dev: " in found.err
    assert (found.data["outcome"], found.data["stages"][0]["detail"]) == ("done", "1 to 3")
    assert (await site.service()).min_instances == 1


async def test_killed_while_the_revision_starts_and_run_again(
    site: Site, start: Start, tmp_path: Path
) -> None:
    done(await site.deploy())
    go = tmp_path / "go"
    declare(site, f'env = {{ START_WHEN = "{go}" }}\n')
    process = await start("deploy", "dev", "--yes")
    assert process.stderr is not None
    async with asyncio.timeout(DEADLINE):
        while b"starting revision" not in await process.stderr.readline():
            assert process.returncode is None
    process.kill()
    await process.wait()
    assert await site.traffic() == {"00001": 100}
    go.touch()
    again = await ended(await start("deploy", "dev", "--yes"))
    assert again.code == 0, again.err
    assert await site.traffic() == {"00002": 100}
    assert len(await site.revisions()) == 2


async def test_a_failure_on_stderr_and_in_the_exit_code(site: Site, start: Start, tmp_path: Path) -> None:
    done(await site.deploy())
    declare(site, f'env = {{ FAIL = "{tmp_path}/never" }}\n[env.dev.services.second]\n')
    failed = await ended(await start("deploy", "dev", "--yes"))
    assert (failed.code, failed.out) == (1, "")
    assert "FAILED  Revision: Revision worker-00002" in failed.err
    assert "  | cannot start: no database" in failed.err
    assert "(HEALTH_CHECK_CONTAINER_ERROR)" in failed.err
    assert "hint:" in failed.err
    assert failed.err.endswith("left as they were: dev/second\n")
    assert "Traceback" not in failed.err
    assert "never retrieved" not in failed.err

"""A project of one's own for each test: an emulator in this process, a scripted container behind images."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from google.cloud import run_v2, secretmanager_v1

from ccconsole import rollouts
from ccconsole.cloud import deploy, services
from ccconsole.cloud.connect import Connection
from ccconsole.config import Environment, ServiceSpec
from ccconsole.emulator.emulator import Emulator, Options
from ccconsole.emulator.refusals import Refusals
from ccconsole.emulator.spec import Images
from ccconsole.model.rollouts import Outcome, Plan, Rollout, StageState
from ccconsole.model.services import Revision, Service, ServiceKey
from ccconsole.rollouts import Canary
from tests.cloud.conftest import config_of
from tests.emulator.conftest import COMMAND, QUICK

DEV = """
[env.dev]
project = "acme"
endpoint = "{target}"
service = "worker"
service_account = "worker@acme.iam.gserviceaccount.com"
"""


@dataclass
class Site:
    """One project, and deployments of what is declared for it."""

    folder: Path
    emulator: Emulator
    connections: list[Connection] = field(default_factory=list)

    @property
    def target(self) -> str:
        return self.emulator.addresses[0]

    def environment(self, text: str = "") -> Environment:
        """`dev` with more keys or tables behind its own."""
        folder = self.folder / "site"  # not where the verbs' own file lies
        folder.mkdir(exist_ok=True)
        return config_of(folder, DEV.format(target=self.target) + text).environments["dev"]

    def connection(self, environment: Environment) -> Connection:
        made = Connection(environment, target=self.target)
        self.connections.append(made)
        return made

    def declared(self, text: str = "") -> tuple[Connection, ServiceSpec]:
        environment = self.environment(text)
        return self.connection(environment), environment.services[0]

    async def plan(self, text: str = "") -> Plan:
        return await rollouts.plan(*self.declared(text))

    async def deploy(self, text: str = "", canary: Canary | None = None) -> list[Rollout]:
        """Plan and carry out; the snapshots."""
        connection, spec = self.declared(text)
        plan = await rollouts.plan(connection, spec)
        if canary is None:
            return await drained(rollouts.deploy(connection, spec, plan))
        return await drained(rollouts.deploy_canary(connection, spec, plan, canary))

    @property
    def key(self) -> ServiceKey:
        return self.environment().services[0].key

    async def service(self) -> Service:
        return await services.service(self.connection(self.environment()), self.key)

    async def raw(self) -> run_v2.Service:
        found = await deploy.live_service(self.connection(self.environment()), self.key)
        assert found is not None
        return found

    async def revisions(self) -> tuple[Revision, ...]:
        """Newest first."""
        return await services.revisions(self.connection(self.environment()), "worker")

    async def has_service(self) -> bool:
        connection = self.connection(self.environment())
        return await deploy.live_service(connection, self.key) is not None

    async def traffic(self) -> dict[str, int]:
        """Revision -> its percent, without the zeros; by number."""
        found: dict[str, int] = {}
        for share in (await self.service()).traffic:
            if share.percent:
                number = share.revision.removeprefix("worker-")[:5]
                found[number] = found.get(number, 0) + share.percent
        return found

    async def add_secret(self, name: str, value: bytes = b"v") -> str:
        """A secret with one more version; the version's number."""
        client = self.connection(self.environment()).client(secretmanager_v1.SecretManagerServiceAsyncClient)
        parent = "projects/acme"
        secret: dict[str, Any] = {"replication": {"automatic": {}}}
        await client.create_secret({"parent": parent, "secret_id": name, "secret": secret})
        made = await client.add_secret_version(
            {"parent": f"{parent}/secrets/{name}", "payload": {"data": value}}
        )
        return str(made.name).rsplit("/", 1)[-1]


async def drained(flow: AsyncGenerator[Rollout]) -> list[Rollout]:
    """All snapshots: one end, and it is the last; no two in a row alike; stages only go forward."""
    found = [snapshot async for snapshot in flow]
    assert [snapshot.is_over for snapshot in found] == [False] * (len(found) - 1) + [True]
    order = list(StageState)
    for before, after in pairwise(found):
        assert before != after
        for old, new in zip(before.stages, after.stages, strict=True):
            assert order.index(new.state) >= order.index(old.state) or old == new
    for stage in found[-1].stages:
        assert stage.state in (StageState.DONE, StageState.SKIPPED, StageState.FAILED)
    return found


def states(rollout: Rollout) -> dict[str, str]:
    return {stage.name: str(stage.state) for stage in rollout.stages}


def done(snapshots: list[Rollout]) -> Rollout:
    """The last snapshot of a success."""
    last = snapshots[-1]
    assert last.outcome is Outcome.DONE, (last.cause, last.hint)
    assert last.exit_code == 0
    return last


Launch = Callable[..., Awaitable[Site]]


@pytest.fixture
async def launch(tmp_path: Path) -> AsyncIterator[Launch]:
    """Start an emulator that refuses what `deny`, `disable` and `fail` say, as its options have them."""
    started: list[Site] = []

    async def start(
        *, deny: str = "", disable: str = "", fail: str = "", is_bundled: bool = False, **options: Any
    ) -> Site:
        refusals = Refusals.parse(deny.split(), disable.split(), [fail] if fail else [])
        images = Images({} if is_bundled else {"worker": COMMAND})
        state = tmp_path / f"state{len(started)}"
        emulator = Emulator(
            Options(state, ["127.0.0.1:0"], pace=QUICK, images=images, refusals=refusals, **options)
        )
        await emulator.start()
        site = Site(tmp_path, emulator)
        started.append(site)
        return site

    yield start
    for site in started:
        for connection in site.connections:
            await connection.close()
        await site.emulator.kill()
        await site.emulator.stop()


@pytest.fixture
async def site(launch: Launch) -> Site:
    """A project where everything is allowed."""
    return await launch()

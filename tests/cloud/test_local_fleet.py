"""The local environment from nothing: emulator, declared services, and what the fleet shows of them."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
import time
from pathlib import Path

import pytest
from google.cloud import run_v2

from ccconsole import local
from ccconsole.cli.targets import live_service
from ccconsole.cloud import deploy, services
from ccconsole.errors import ConfigError, NotFound
from ccconsole.fleet import read_fleet
from ccconsole.model.fleet import FleetSnapshot
from ccconsole.model.services import ServiceState
from ccconsole.model.tasks import TaskState
from tests.cloud.conftest import Emulated, config_of, quick, snapshot_where
from worker_service.journal import Journal
from worker_service.wire import Status, TaskSummary

LOCAL = '[env.local]\nlocal = true\nservice = "worker"\nenv = { WORKER_AGENT = "shell" }\n'


def is_ready(snapshot: FleetSnapshot) -> bool:
    return bool(snapshot.rows) and all(row.service.state is ServiceState.READY for row in snapshot.rows)


async def test_from_nothing_to_a_ready_service(emulated: Emulated, tmp_path: Path) -> None:
    config = config_of(tmp_path, f'{LOCAL}cpu = 2\nmemory = "2Gi"\ninstances = [0, 3]\ntimeout = "30m"\n')
    async with emulated.connections(config) as connections:
        async with contextlib.aclosing(quick(config, connections)) as flow:
            first = await anext(flow)
            assert not first.rows
            assert first.pending == {"local"}
            snapshot = await snapshot_where(flow, is_ready)
        connection = await connections.connection(config.environments["local"])
        revisions = await services.revisions(connection)
    (row,) = snapshot.rows
    service = row.service
    assert str(service.key) == "local/worker"
    assert service.uri is not None
    assert service.uri.startswith("http://127.0.0.1:")
    assert service.revision is not None
    assert service.revision.startswith("worker-00001-")
    assert (service.cpu, service.memory, service.timeout, service.concurrency) == ("2", "2Gi", 1800, 1)
    assert (service.min_instances, service.max_instances) == (0, 3)
    assert service.env["WORKER_AGENT"] == "shell"
    assert service.env["WORKER_STORE"] == config.environments["local"].store
    assert service.env["WORKER_TIMEOUT_SECONDS"] == "1740"
    assert [(share.percent, share.is_latest) for share in service.traffic] == [(100, True)]
    assert service.labels["managed-by"] == "ccconsole"
    assert (row.is_declared, row.is_journaled, row.tasks, row.busy) == (True, True, (), 0)
    assert snapshot.problems == ()
    assert abs(snapshot.ages["local"] - time.time()) < 10
    assert [(revision.name, revision.service, revision.is_ready) for revision in revisions] == [
        (service.revision, "worker", True)
    ]


async def test_only_a_changed_declaration_is_deployed_again(emulated: Emulated, tmp_path: Path) -> None:
    config = config_of(tmp_path, LOCAL)
    for text, revision in ((LOCAL, 1), (LOCAL, 1), (f"{LOCAL}concurrency = 4\n", 2)):
        config = config_of(tmp_path, text)
        async with emulated.connections(config) as connections:
            _, service = await live_service(config, connections, "local")
            assert service.revision is not None
            assert service.revision.startswith(f"worker-0000{revision}-")


async def test_services_that_are_nobodys_business_stay_out(emulated: Emulated, tmp_path: Path) -> None:
    config = config_of(tmp_path, f"{LOCAL}[env.local.services.second]\n")
    async with emulated.connections(config) as connections:
        connection = await connections.connection(config.environments["local"])
        client = connection.client(run_v2.ServicesAsyncClient)
        stranger = deploy.service(config.environments["local"].services[0], config.environments["local"])
        stranger.labels["ccconsole-environment"] = "another"
        where = deploy.parent(config.environments["local"], "us-central1")
        await client.create_service(parent=where, service=stranger, service_id="stranger")
        found = await services.services(connection)
        assert [service.key.name for service in found] == ["second", "worker"]
        with pytest.raises(ConfigError, match="several services"):
            await live_service(config, connections, "local")
        _, second = await live_service(config, connections, "local/second", is_ready_needed=False)
        assert second.key.name == "second"
        with pytest.raises(NotFound, match="No service 'third'"):
            await live_service(config, connections, "local/third")

    fewer = config_of(tmp_path, LOCAL)
    async with emulated.connections(fewer) as connections:
        snapshot = await read_fleet(fewer, connections)
    assert [(row.service.key.name, row.is_declared) for row in snapshot.rows] == [
        ("second", False),
        ("worker", True),
    ]


async def test_what_is_declared_and_not_there_is_a_row(emulated: Emulated, tmp_path: Path) -> None:
    target = await emulated.start()
    config = config_of(tmp_path, f'[env.dev]\nproject = "acme"\nendpoint = "{target}"\nservice = "worker"\n')
    async with emulated.connections(config) as connections:
        snapshot = await read_fleet(config, connections)
        with pytest.raises(NotFound, match="dev is not deployed"):
            await live_service(config, connections, "dev")
    (row,) = snapshot.rows
    assert (row.service.state, row.is_declared, row.is_journaled) == (ServiceState.MISSING, True, False)
    assert snapshot.problems == ()


async def test_the_last_good_rows_stay_when_an_environment_stops_answering(
    emulated: Emulated, tmp_path: Path
) -> None:
    target = await emulated.start()
    config = config_of(tmp_path, f'[env.dev]\nproject = "acme"\nendpoint = "{target}"\nservice = "worker"\n')
    async with (
        emulated.connections(config) as connections,
        contextlib.aclosing(quick(config, connections)) as flow,
    ):
        good = await snapshot_where(flow, lambda snapshot: bool(snapshot.rows))
        await emulated.stop(signal.SIGKILL)
        lost = await snapshot_where(flow, lambda snapshot: bool(snapshot.problems))
        assert lost.rows == good.rows
        assert lost.ages["dev"] < lost.problems[0].since
        await emulated.start()
        again = await snapshot_where(flow, lambda snapshot: not snapshot.problems)
        assert again.rows == good.rows
        assert again.ages["dev"] > lost.ages["dev"]


async def test_a_killed_emulator_is_started_again(emulated: Emulated, tmp_path: Path) -> None:
    config = config_of(tmp_path, LOCAL)
    async with (
        emulated.connections(config) as connections,
        contextlib.aclosing(quick(config, connections)) as flow,
    ):
        before = await snapshot_where(flow, is_ready)
        first = local.running_pid(emulated.place)
        await emulated.stop(signal.SIGKILL)
        after = await snapshot_where(
            flow,
            lambda snapshot: is_ready(snapshot) and local.running_pid(emulated.place) not in (None, first),
        )
    assert after.rows[0].service.revision == before.rows[0].service.revision


async def test_open_tasks_come_from_the_journal(emulated: Emulated, tmp_path: Path) -> None:
    config = config_of(tmp_path, LOCAL)
    store = config.environments["local"].store
    assert store is not None
    journal = Journal.open(store)
    summary = TaskSummary(
        task_id="t1",
        status=Status.RUNNING,
        prompt="p",
        agent="shell",
        service="worker",
        created_at=time.time(),
    )
    assert await journal.claim(summary) is None
    writer = journal.writer(summary)
    writer.update(summary)
    try:
        async with (
            emulated.connections(config) as connections,
            contextlib.aclosing(quick(config, connections)) as flow,
        ):
            snapshot = await snapshot_where(flow, lambda snapshot: any(row.busy for row in snapshot.rows))
    finally:
        await writer.close(summary.model_copy(update={"status": Status.COMPLETED}))
    (row,) = snapshot.rows
    assert [(task.id, task.state) for task in row.tasks] == [("t1", TaskState.RUNNING)]


async def test_a_store_that_does_not_answer_leaves_the_rows(emulated: Emulated, tmp_path: Path) -> None:
    (tmp_path / "blocked").touch()
    config = config_of(tmp_path, f'{LOCAL}store = "file://{tmp_path}/blocked/store"\n')
    async with emulated.connections(config) as connections:
        snapshot = await read_fleet(config, connections)
    (row,) = snapshot.rows
    assert not row.is_journaled
    assert len(snapshot.problems) == 1
    assert "local" in snapshot.ages


async def test_two_consoles_that_start_at_once_share_one_emulator(emulated: Emulated) -> None:
    code = (
        "import asyncio, sys; from pathlib import Path; from ccconsole import local; "
        "print(asyncio.run(local.start_emulator(Path(sys.argv[1]))))"
    )
    starting = [
        await asyncio.create_subprocess_exec(
            sys.executable, "-c", code, str(emulated.place.state), stdout=asyncio.subprocess.PIPE
        )
        for _ in range(3)
    ]
    printed = [await process.communicate() for process in starting]
    assert {out.decode().strip() for out, _ in printed} == {emulated.place.target}
    assert [process.returncode for process in starting] == [0, 0, 0]
    assert local.is_running(emulated.place)


async def test_environments_that_share_a_project_keep_to_their_own_services(
    emulated: Emulated, tmp_path: Path
) -> None:
    both = config_of(tmp_path, "[env.one]\nlocal = true\n[env.two]\nlocal = true\n[env.two.services.extra]\n")
    async with emulated.connections(both) as connections:
        snapshot = await read_fleet(both, connections)
    assert [str(row.service.key) for row in snapshot.rows] == [
        "one/claudecluster-worker-one",
        "two/claudecluster-worker-two",
        "two/extra",
    ]


async def test_what_the_emulator_refuses_is_told_beside_the_rest(emulated: Emulated, tmp_path: Path) -> None:
    config = config_of(tmp_path, f'{LOCAL}[env.local.services.second.env]\nBIG = "{"x" * 40_000}"\n')
    async with emulated.connections(config) as connections:
        _, worker = await live_service(config, connections, "local/worker")
        snapshot = await read_fleet(config, connections)
    assert worker.state is ServiceState.READY
    states = {row.service.key.name: row.service.state for row in snapshot.rows}
    assert states == {"second": ServiceState.MISSING, "worker": ServiceState.READY}
    (problem,) = snapshot.problems
    assert problem.title == "Cannot put local/second in place"
    assert "env" in problem.detail


async def test_what_another_client_deploys_locally_is_in_the_fleet(
    emulated: Emulated, tmp_path: Path
) -> None:
    config = config_of(tmp_path, f"{LOCAL}[env.other]\nlocal = true\nservice = 'of-other'\n")
    environment = config.environments["local"]
    async with emulated.connections(config) as connections:
        connection = await connections.connection(environment)
        client = connection.client(run_v2.ServicesAsyncClient)
        container = run_v2.Container(image="worker")
        await client.create_service(
            parent=deploy.parent(environment, environment.region),
            service=run_v2.Service(template=run_v2.RevisionTemplate(containers=[container])),
            service_id="by-gcloud",
        )
        await connections.connection(config.environments["other"])
        names = [service.key.name for service in await services.services(connection)]
        _, meant = await live_service(config, connections, "local", is_ready_needed=False)
    assert names == ["by-gcloud", "worker"], "and not what belongs to the other environment"
    assert meant.key.name == "worker", "the declared one, where no service is named"

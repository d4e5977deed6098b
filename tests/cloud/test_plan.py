"""What a plan lists: every declared field that is not so, and nothing that a server only writes otherwise."""

from __future__ import annotations

from pathlib import Path

import pytest
from google.cloud import run_v2

from ccconsole import rollouts
from ccconsole.cloud import comparison, deploy, overlay, services
from ccconsole.cloud.connect import Connection
from ccconsole.cloud.plan import wanted
from ccconsole.config import Config
from ccconsole.model.rollouts import Action, AdviceKind, Plan
from tests.cloud.conftest import Emulated, config_of

DEV = """
[env.dev]
project = "acme"
service = "worker"
cpu = 2
memory = "2Gi"
timeout = "10m"
instances = [1, 4]
store = "gs://bucket/x"
service_account = "w@acme.iam.gserviceaccount.com"
env = { LOG_LEVEL = "debug" }
secrets = { ANTHROPIC_API_KEY = "key:7" }
"""
LOCAL = '[env.local]\nlocal = true\nservice = "worker"\nenv = { WORKER_AGENT = "shell" }\n'


def declared(folder: Path, text: str = DEV) -> run_v2.Service:
    found = config_of(folder, text).environments["dev"]
    return deploy.service(found.services[0], found)


def compared(
    folder: Path, live: run_v2.Service, text: str = DEV
) -> dict[str, tuple[str | None, str | None, bool]]:
    made = overlay.over(live, declared(folder, text))
    return {
        change.field: (change.live, change.declared, change.is_revision)
        for change in comparison.changes(live, made)
    }


@pytest.mark.parametrize(
    ("old", "new", "found"),
    [
        ("cpu = 2", "cpu = 1", {"cpu": ("2", "1", True)}),
        ('"2Gi"', '"1Gi"', {"memory": ("2Gi", "1Gi", True)}),
        ('"10m"', '"20m"', {"timeout": ("600s", "1200s", True)}),
        ("[1, 4]", "[2, 4]", {"instances.min": ("1", "2", False)}),
        ("[1, 4]", "[1, 9]", {"instances.max": ("4", "9", True)}),
        ('"debug"', '"info"', {"env.LOG_LEVEL": ("debug", "info", True)}),
        ("LOG_LEVEL =", "LEVEL =", {
            "env.LEVEL": (None, "debug", True), "env.LOG_LEVEL": ("debug", None, True)}),
        ("key:7", "key", {"secrets.ANTHROPIC_API_KEY": ("key:7", "key:latest", True)}),
        ("gs://bucket/x", "gs://bucket/y", {"store": ("gs://bucket/x", "gs://bucket/y", True)}),
        ("w@acme", "v@acme", {"service_account": (
            "w@acme.iam.gserviceaccount.com", "v@acme.iam.gserviceaccount.com", True)}),
        ("cpu = 2", "cpu = 2\npublic = true", {"public": ("no", "yes", False)}),
        ("cpu = 2", "cpu = 2\nconcurrency = 3", {"concurrency": ("1", "3", True)}),
        ('service_account = "w@acme.iam.gserviceaccount.com"\n', "", {}),
    ],
)  # fmt: skip
def test_exactly_what_was_edited(
    tmp_path: Path, old: str, new: str, found: dict[str, tuple[str | None, str | None, bool]]
) -> None:
    assert old in DEV
    assert compared(tmp_path, declared(tmp_path), DEV.replace(old, new)) == found


def test_what_a_server_writes_otherwise_is_no_change(tmp_path: Path) -> None:
    live = declared(tmp_path)
    container = live.template.containers[0]
    container.resources.limits.update({"cpu": "2000m", "memory": "2048Mi"})
    container.ports[0].name = "http1"
    live.template.service_account = "w@acme.iam.gserviceaccount.com"
    live.template.revision = "worker-00001-abc"
    live.etag = '"x"'
    assert compared(tmp_path, live) == {}


def test_a_bound_that_somebody_moved_is_a_change_of_the_service_alone(tmp_path: Path) -> None:
    live = declared(tmp_path)
    live.scaling.max_instance_count = 2
    assert compared(tmp_path, live) == {"instances.max": ("2", "4", False)}
    live.template.scaling.min_instance_count = 3
    assert compared(tmp_path, live)["instances.min"] == ("3", "1", True)


def test_secrets_in_plain_variables_are_hidden(tmp_path: Path) -> None:
    live = declared(tmp_path)
    live.template.containers[0].env.append(run_v2.EnvVar(name="SOME_TOKEN", value="canary-value"))
    live.template.containers[0].env.append(run_v2.EnvVar(name="NOTE", value="sk-ant-api03-canary-value"))
    found = compared(tmp_path, live)
    assert found["env.SOME_TOKEN"] == (services.HIDDEN, None, True)
    assert found["env.NOTE"] == (services.HIDDEN, None, True)


def test_what_others_set_is_kept_and_named(tmp_path: Path) -> None:
    live = declared(tmp_path)
    live.description = "by hand"
    live.labels["team"] = "x"
    live.template.session_affinity = True
    live.template.vpc_access = run_v2.VpcAccess(connector="c")
    live.template.containers[0].resources.limits["nvidia.com/gpu"] = "1"
    live.traffic = [run_v2.TrafficTarget(type_=2, revision="worker-00001-abc", percent=100)]
    config = config_of(tmp_path, DEV.replace("cpu = 2", "cpu = 1"))
    environment = config.environments["dev"]
    made = wanted(environment.services[0], environment, live)
    assert (made.description, made.labels["team"], made.template.session_affinity) == ("by hand", "x", True)
    assert made.template.vpc_access.connector == "c"
    assert dict(made.template.containers[0].resources.limits) == {
        "cpu": "1", "memory": "2Gi", "nvidia.com/gpu": "1"
    }  # fmt: skip
    assert list(made.traffic) == list(live.traffic)
    assert set(overlay.foreign(live, deploy.OWN_KEYS)) == {
        "labels.team", "description", "vpc_access", "session_affinity", "limits.nvidia.com/gpu"
    }  # fmt: skip


async def planned(config: Config, connection: Connection, environment: str = "local") -> Plan:
    return await rollouts.plan(connection, config.environments[environment].services[0])


async def test_local_before_and_after_an_edit(emulated: Emulated, tmp_path: Path) -> None:
    config = config_of(tmp_path, LOCAL)
    async with emulated.connections(config, is_applying=False) as connections:
        connection = await connections.connection(config.environments["local"])
        first = await planned(config, connection)
        assert (first.action, first.changes, first.advice, first.refusal) == (Action.NONE, (), (), None)
    edited = config_of(tmp_path, f'{LOCAL}concurrency = 4\nmemory = "2Gi"\n')
    for _ in range(2):  # to look changes nothing
        async with emulated.connections(edited, is_applying=False) as connections:
            connection = await connections.connection(edited.environments["local"])
            found = await planned(edited, connection)
        assert [change.field for change in found.changes] == ["memory", "concurrency"]
        assert (found.action, found.is_new_revision, found.refusal) == (Action.UPDATE, True, None)
        assert found.fingerprint != first.fingerprint
    assert "--memory=2Gi" in found.command
    assert "--concurrency=4" in found.command


async def test_a_declaration_that_was_applied_undoes_nothing_later(
    emulated: Emulated, tmp_path: Path
) -> None:
    config = config_of(tmp_path, f"{LOCAL}instances = [0, 5]\n")
    environment = config.environments["local"]
    key = environment.services[0].key
    async with emulated.connections(config) as connections:
        connection = await connections.connection(environment)
        client = connection.client(run_v2.ServicesAsyncClient)
        live = await deploy.live_service(connection, key)
        assert live is not None
        live.scaling.min_instance_count = 1
        await client.update_service(request={"service": live, "update_mask": {"paths": ["scaling"]}})
    for text, low in ((f"{LOCAL}instances = [0, 5]\n", 1), (f"{LOCAL}instances = [0, 5]\ncpu = 2\n", 1),
                      (f"{LOCAL}instances = [0, 6]\ncpu = 2\n", 0)):  # fmt: skip
        config = config_of(tmp_path, text)
        async with emulated.connections(config) as connections:
            connection = await connections.connection(config.environments["local"])
            assert (await services.service(connection, key)).min_instances == low


async def test_a_new_service_and_one_that_the_server_refuses(emulated: Emulated, tmp_path: Path) -> None:
    target = await emulated.start()
    text = f'[env.dev]\nproject = "acme"\nendpoint = "{target}"\nservice = "worker"\n'
    config = config_of(tmp_path, f'{text}secrets = {{ ANTHROPIC_API_KEY = "key" }}\npublic = true\n')
    async with emulated.connections(config) as connections:
        connection = await connections.connection(config.environments["dev"])
        found = await planned(config, connection, "dev")
        assert (found.action, found.refusal, found.etag) == (Action.CREATE, None, "")
        assert {change.live for change in found.changes} == {None}
        assert {advice.kind for advice in found.advice} == {
            AdviceKind.PUBLIC, AdviceKind.LATEST_SECRET, AdviceKind.SERVICE_ACCOUNT, AdviceKind.IMAGE
        }  # fmt: skip
        huge = config_of(tmp_path, f'{text}[env.dev.env]\nBIG = "{"x" * 40_000}"\n')
        refused = await planned(huge, connection, "dev")
    assert refused.refusal is not None
    assert "env" in refused.refusal.detail

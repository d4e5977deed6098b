"""What a declaration becomes, field by field: each of these was once a deployment that went wrong."""

from __future__ import annotations

from pathlib import Path

from google.cloud import run_v2

from ccconsole.cloud import deploy
from ccconsole.config import Config
from tests.cloud.conftest import config_of

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
secrets = { ANTHROPIC_API_KEY = "key:7", CLAUDE_CLI_SESSION_TOKEN = "token" }
"""


def made(config: Config, environment: str = "dev") -> run_v2.Service:
    found = config.environments[environment]
    return deploy.service(found.services[0], found)


def test_each_field(tmp_path: Path) -> None:
    service = made(config_of(tmp_path, DEV))
    template = service.template
    (container,) = template.containers
    assert container.image == "us-central1-docker.pkg.dev/acme/claudecluster/worker:latest"
    assert dict(container.resources.limits) == {"cpu": "2", "memory": "2Gi"}
    assert container.resources.cpu_idle
    assert "cpu_idle" in {
        field.name for field, _ in type(container.resources).pb(container.resources).ListFields()
    }
    assert container.resources.startup_cpu_boost
    assert container.startup_probe.http_get.path == "/health/ready"
    assert container.startup_probe.period_seconds in (1, 2)
    assert [port.container_port for port in container.ports] == [8080]
    assert run_v2.RevisionTemplate.pb(template).timeout.seconds == 600
    assert template.max_instance_request_concurrency == 1
    assert (service.scaling.min_instance_count, template.scaling.max_instance_count) == (1, 4)
    assert template.scaling.min_instance_count == 0
    assert template.service_account == "w@acme.iam.gserviceaccount.com"
    assert template.revision == ""
    assert not service.invoker_iam_disabled
    assert service.labels["managed-by"] == "ccconsole"


def test_variables_and_secrets(tmp_path: Path) -> None:
    (container,) = made(config_of(tmp_path, DEV)).template.containers
    plain = {item.name: item.value for item in container.env if "value_source" not in item}
    assert plain == {
        "LOG_LEVEL": "debug",
        "WORKER_STORE": "gs://bucket/x",
        "WORKER_TIMEOUT_SECONDS": "540",
        "WORKER_MAX_TASKS": "1",
        "GOOGLE_CLOUD_PROJECT": "acme",
    }
    references = {
        item.name: item.value_source.secret_key_ref for item in container.env if "value_source" in item
    }
    assert {name: (reference.secret, reference.version) for name, reference in references.items()} == {
        "ANTHROPIC_API_KEY": ("key", "7"),
        "CLAUDE_CLI_SESSION_TOKEN": ("token", "latest"),
    }


def test_what_is_declared_wins_over_what_is_added(tmp_path: Path) -> None:
    text = '[env.local]\nlocal = true\nenv = { WORKER_AGENT = "shell", WORKER_TIMEOUT_SECONDS = "5" }\n'
    (container,) = made(config_of(tmp_path, text), "local").template.containers
    plain = {item.name: item.value for item in container.env}
    assert (plain["WORKER_AGENT"], plain["WORKER_TIMEOUT_SECONDS"]) == ("shell", "5")


def test_a_local_worker_takes_what_agent_there_is(tmp_path: Path) -> None:
    (container,) = made(config_of(tmp_path, "[env.local]\nlocal = true\n"), "local").template.containers
    plain = {item.name: item.value for item in container.env}
    assert plain["WORKER_AGENT"] == "auto"
    assert plain["WORKER_STORE"].startswith("file:///")


def test_the_fingerprint_changes_with_anything_declared(tmp_path: Path) -> None:
    changed = (
        DEV,
        DEV.replace("cpu = 2", "cpu = 1"),
        DEV.replace("debug", "info"),
        DEV.replace("key:7", "key:8"),
        DEV.replace("10m", "11m"),
        DEV.replace("[1, 4]", "[1, 5]"),
        DEV + "public = true\n",
    )
    prints = [made(config_of(tmp_path, text)).labels["ccconsole-declared"] for text in changed]
    assert len(set(prints)) == len(changed)
    assert made(config_of(tmp_path, DEV)).labels["ccconsole-declared"] == prints[0]

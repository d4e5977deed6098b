"""The unmodified gcloud, as `ccconsole emulate --http-port` says to point it at the emulator."""

from __future__ import annotations

import asyncio
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from google.api_core import exceptions
from google.cloud import run_v2

from ccconsole.cli.gcloud import variables
from tests.emulator.conftest import COMMAND, Cloud

pytestmark = pytest.mark.skipif(shutil.which("gcloud") is None, reason="gcloud is not installed")


@dataclass(frozen=True)
class Answer:
    """What a command left."""

    code: int
    out: str
    told: str


@dataclass(frozen=True)
class Emulated:
    """An emulator's process, and the environment of a gcloud that asks it."""

    target: str
    environ: dict[str, str]

    async def gcloud(self, words: str) -> Answer:
        """Run a command of `gcloud run`."""
        process = await asyncio.create_subprocess_exec(
            "gcloud",
            "run",
            *shlex.split(words),
            env=self.environ,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        async with asyncio.timeout(60):
            out, told = await process.communicate()
        return Answer(process.returncode or 0, out.decode(), re.sub(r"\x1b\[[0-9;]*m", "", told.decode()))

    async def done(self, words: str) -> str:
        """What a command prints that must succeed."""
        answer = await self.gcloud(words)
        assert answer.code == 0, answer.told
        return answer.out

    async def told(self, words: str) -> Any:
        """The same as JSON."""
        return json.loads(await self.done(f"{words} --format json"))


@pytest.fixture(scope="module")
def emulated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulated]:
    """One emulator for all commands: each is a second of Python's start."""
    folder = tmp_path_factory.mktemp("gcloud")
    options = ["--state", str(folder / "state"), "--listen", "127.0.0.1:0", "--http", "127.0.0.1:0"]
    images = ["--image", f"test={shlex.join(COMMAND)}", "--image", "broken=false", "--grace", "1"]
    process = subprocess.Popen(
        [sys.executable, "-m", "ccconsole.emulator", *options, *images], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    target, http = (process.stdout.readline().split()[-1] for _ in range(2))
    environ = {name: os.environ[name] for name in ("PATH", "LANG", "TMPDIR") if name in os.environ}
    environ |= variables(int(http.rpartition(":")[2]))
    environ |= {
        "HOME": str(folder),
        "CLOUDSDK_CONFIG": str(folder / "config"),
        "CLOUDSDK_CORE_PROJECT": "demo",
        "CLOUDSDK_COMPONENT_MANAGER_DISABLE_UPDATE_CHECK": "true",
    }
    yield Emulated(target, environ)
    process.terminate()
    assert process.wait(20) == 0
    process.stdout.close()


@pytest.fixture
async def cloud(emulated: Emulated) -> AsyncIterator[Cloud]:
    """Google's own clients of the same emulator."""
    found = Cloud(emulated.target)
    yield found
    await found.close()


async def test_gcloud_and_googles_clients_see_the_same(emulated: Emulated, cloud: Cloud) -> None:
    # Side by side: a command is mostly a second of one core.
    await asyncio.gather(
        _worker_from_its_deployment_to_its_end(emulated, cloud),
        _service_listed_described_updated_and_read(emulated, cloud),
    )


async def _worker_from_its_deployment_to_its_end(emulated: Emulated, cloud: Cloud) -> None:
    made = await emulated.gcloud(
        "deploy worker --image worker --allow-unauthenticated --cpu 1 --memory 1Gi --timeout 600 "
        "--concurrency 1 --max-instances 3 --min 0 --service-account a@b.iam.gserviceaccount.com "
        "--labels team=x --set-env-vars WORKER_AGENT=shell,LOG_LEVEL=info --set-secrets KEY=sec:1"
    )
    assert made.code == 0, made.told
    service = await cloud.get("worker")
    first = service.latest_ready_revision.rpartition("/")[2]
    stages = ("Setting IAM Policy", "Creating Revision", "Routing traffic")
    assert [bool(re.search(rf"{stage}\.*done", made.told)) for stage in stages] == [True] * 3
    assert f"revision [{first}] has been deployed and is serving 100 percent of traffic" in made.told
    assert f"Service URL: {service.uri}" in made.told
    assert service.template.max_instance_request_concurrency == 1
    assert service.template.containers[0].env[2].value_source.secret_key_ref.secret == "sec"
    run = {"prompt": "echo from gcloud"}
    answer = (await cloud.http.post(f"{service.uri}/run", json=run)).json()
    assert (answer["status"], answer["output"].strip()) == ("completed", "from gcloud")

    listed, policy = await asyncio.gather(
        emulated.told("revisions list --service worker"), emulated.told("services get-iam-policy worker")
    )
    assert [item["metadata"]["name"] for item in listed] == [first]
    assert policy["bindings"] == [{"members": ["allUsers"], "role": "roles/run.invoker"}]
    await emulated.done("services delete worker --quiet")
    with pytest.raises(exceptions.NotFound):
        await cloud.get("worker")


async def _service_listed_described_updated_and_read(emulated: Emulated, cloud: Cloud) -> None:
    service = await cloud.deploy("svc", env={"A": "b"}, instances=(0, 2))
    first = service.latest_ready_revision.rpartition("/")[2]
    text = "a line of text"
    assert (await cloud.http.get(f"{service.uri}/print", params={"text": text})).status_code == 200
    listed, told, printed = await asyncio.gather(
        emulated.done("services list"),
        emulated.told("services describe svc"),
        emulated.done("services logs read svc --limit 10"),
    )
    assert re.search(rf"svc\s+us-central1\s+{re.escape(service.uri)}", listed)
    assert told["status"]["url"] == service.uri
    assert told["metadata"]["resourceVersion"] == service.etag.strip('"')
    assert printed.count(text) == 2
    assert " GET 200 " in printed

    failed = await emulated.gcloud("services update svc --image broken --update-env-vars C=d")
    changed = await cloud.get("svc")
    broken = changed.latest_created_revision.rpartition("/")[2]
    assert failed.code == 1
    assert re.search(r"Creating Revision\.*failed", failed.told)
    assert f"Revision '{broken}' is not ready and cannot serve traffic." in failed.told
    assert (await cloud.http.get(service.uri)).json()["env"]["K_REVISION"] == first
    assert {item.name: item.value for item in changed.template.containers[0].env} == {"A": "b", "C": "d"}
    assert changed.template.scaling == run_v2.RevisionScaling(max_instance_count=2)

    pinned = await emulated.done(
        f"services update-traffic svc --to-revisions {first}=100 --set-tags stable={first}"
    )
    assert f"100% {first}" in pinned
    statuses = (await cloud.get("svc")).traffic_statuses
    assert [(item.revision, item.percent, item.tag) for item in statuses] == [
        (first, 100, ""),
        (first, 0, "stable"),
    ]
    assert statuses[1].uri in pinned

"""Instances as containers: a scripted engine, whose containers outlive the client that started them."""

from __future__ import annotations

import itertools
import json
import os
import signal
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from google.cloud import run_v2

from ccconsole.emulator.pool import Pace
from tests.emulator.conftest import Cloud, Launch, until

FAKE = Path(__file__).parent.parent / "data" / "fake_docker.py"
IMAGE = "registry.example/team/worker:v1"

StartCloud = Callable[..., Awaitable[Cloud]]


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    """Variables of an emulator that finds the scripted engine, and no other."""
    (tmp_path / "bin").mkdir()
    script = tmp_path / "bin" / "docker"
    script.write_text(
        f"#!{sys.executable} -S\nimport runpy\nrunpy.run_path({str(FAKE)!r}, run_name='__main__')\n"
    )
    script.chmod(0o755)
    calls = str(tmp_path / "calls")
    return {
        "PATH": str(tmp_path / "bin"),
        "HOME": str(tmp_path),
        "FAKE_DOCKER_CALLS": calls,
        "SECRET": "s3cret-value",
    }


@pytest.fixture
def start(launch: Launch, environ: dict[str, str], tmp_path: Path) -> StartCloud:
    """Starts an emulator with that engine."""

    async def begin(grace: float = 5.0, state: Path = tmp_path / "state", **more: str) -> Cloud:
        return await launch(Pace(grace=grace), state, environ=environ | more)

    return begin


def service(image: str = IMAGE, **env: str) -> run_v2.Service:
    variables = [run_v2.EnvVar(name=name, value=value) for name, value in env.items()]
    key = {"secret_key_ref": {"secret": "key", "version": "latest"}}
    variables.append(run_v2.EnvVar(name="SECRET", value_source=key))
    container = run_v2.Container(image=image, env=variables)
    container.resources.limits = {"cpu": "1", "memory": "1Gi"}
    return run_v2.Service(template={"containers": [container]})


async def deployed(cloud: Cloud, wanted: run_v2.Service) -> str:
    """Deploy it; its address."""
    return (await cloud.finish(await cloud.create("svc", wanted))).uri


def calls(environ: dict[str, str], verb: str) -> list[list[str]]:
    rows = Path(environ["FAKE_DOCKER_CALLS"]).read_text().splitlines()
    every = [json.loads(row)["argv"] for row in rows]
    return [argv for argv in every if argv[0] == verb]


def values(argv: list[str], option: str) -> list[str]:
    return [value for name, value in itertools.pairwise(argv) if name == option]


async def container(cloud: Cloud, address: str) -> dict[str, Any]:
    """What the container says of itself."""
    found: dict[str, Any] = (await cloud.http.get(address)).json()
    return found


def is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def parent_of(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


def log(tmp_path: Path) -> str:
    return "".join(path.read_text() for path in (tmp_path / "state" / "logs").rglob("*.log"))


async def test_an_image_that_the_engine_has_runs_as_a_container(
    start: StartCloud, environ: dict[str, str], tmp_path: Path
) -> None:
    cloud = await start()
    address = await deployed(cloud, service(GREETING="hi there", PATH="/opt/own/bin"))
    env = (await container(cloud, address))["env"]
    (argv,) = calls(environ, "run")

    assert (env["GREETING"], env["SECRET"], env["PATH"]) == ("hi there", "s3cret-value", "/opt/own/bin")
    assert env["K_SERVICE"] == "svc"
    assert "HOME" not in env
    assert "s3cret-value" not in str(argv)
    assert "hi there" not in str(argv)
    assert argv[-1] == IMAGE
    assert {"--rm", "--read-only"} < set(argv)
    assert values(argv, "--pull") == ["never"]
    assert values(argv, "--memory") == [f"{1 << 30}b"]
    assert values(argv, "--cpus") == ["1"]
    assert values(argv, "--cap-drop") == ["all"]
    assert values(argv, "--label") == [f"ccconsole.emulator={tmp_path / 'state'}"]
    assert f"docker runs {IMAGE}." in log(tmp_path)


async def test_a_container_is_given_the_folder_of_the_journal(
    start: StartCloud, environ: dict[str, str], tmp_path: Path
) -> None:
    folder = tmp_path / "a store"
    await deployed(await start(), service(WORKER_STORE=folder.as_uri()))
    (argv,) = calls(environ, "run")

    assert values(argv, "--volume") == [f"{folder}:{folder}"]
    owner = folder.stat()
    assert (owner.st_uid, owner.st_mode & 0o777) == (10001 if os.getuid() == 0 else os.getuid(), 0o700)


async def test_it_is_told_to_end_and_removed(start: StartCloud, tmp_path: Path) -> None:
    cloud, told = await start(), tmp_path / "told"
    pid = (await container(cloud, await deployed(cloud, service(TERM_FILE=str(told)))))["pid"]
    await cloud.delete("svc")

    assert told.exists()
    assert not is_running(pid)
    assert not list((tmp_path / "containers").iterdir())


async def test_one_that_does_not_listen_to_sigterm_is_killed_after_the_grace(
    start: StartCloud, tmp_path: Path
) -> None:
    cloud = await start(grace=0.3)
    pid = (await container(cloud, await deployed(cloud, service(IGNORE_SIGTERM="1"))))["pid"]
    await cloud.delete("svc")

    await until(lambda: not is_running(pid))
    assert not list((tmp_path / "containers").iterdir())


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
async def test_a_client_that_is_killed_takes_its_container_along(start: StartCloud, tmp_path: Path) -> None:
    cloud = await start()
    address = await deployed(cloud, service())
    first = (await container(cloud, address))["pid"]
    os.kill(parent_of(first), signal.SIGKILL)

    await until(lambda: not is_running(first))
    assert (await container(cloud, address))["pid"] != first


async def test_what_a_killed_emulator_left_is_removed(
    start: StartCloud, environ: dict[str, str], tmp_path: Path
) -> None:
    await deployed(await start(), service())
    # A container that no process belongs to, and an emulator that begins with what the first one knew.
    lost = subprocess.Popen(["/bin/sleep", "300"])  # noqa: ASYNC220
    (tmp_path / "containers" / "ccconsole-lost").write_text(str(lost.pid))
    (tmp_path / "next").mkdir()
    (tmp_path / "next" / "containers.json").write_bytes((tmp_path / "state" / "containers.json").read_bytes())
    await start(state=tmp_path / "next")

    await until(lambda: lost.poll() == -signal.SIGKILL)
    (asked,) = calls(environ, "ps")
    assert asked[-1] == f"label=ccconsole.emulator={tmp_path / 'next'}"


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"FAKE_DOCKER_FAILS": "version"}, "No container engine answers (docker, podman): "),
        ({"FAKE_DOCKER_FAILS": "image"}, f"docker has no image {IMAGE}: "),
    ],
)
async def test_without_engine_or_image_a_process_runs_and_the_log_says_so(
    start: StartCloud, environ: dict[str, str], tmp_path: Path, more: dict[str, str], said: str
) -> None:
    wanted = service()
    wanted.template.containers[0].command = [sys.executable]
    wanted.template.containers[0].args = ["-S", str(FAKE.with_name("container.py"))]
    cloud = await start(**more)

    assert (await container(cloud, await deployed(cloud, wanted)))["env"]["K_SERVICE"] == "svc"
    assert calls(environ, "run") == []
    assert f"{said}its command runs instead." in log(tmp_path)


async def test_a_secret_that_the_engine_would_heed_is_refused(start: StartCloud) -> None:
    cloud, wanted = await start(), service()
    wanted.template.containers[0].env[-1].name = "DOCKER_HOST"
    failed = await cloud.wait(await cloud.create("svc", wanted))

    assert "No container here takes a secret as DOCKER_HOST" in failed.error.message

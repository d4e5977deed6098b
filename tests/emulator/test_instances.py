"""Processes: their environment, their output, their end with all their descendants."""

from __future__ import annotations

import os
import signal
import socket
import time
from contextlib import closing
from pathlib import Path

import pytest
from google.cloud import run_v2

from ccconsole.emulator import processes
from ccconsole.emulator.logs import MAX_LINE_BYTES, LineSplitter, RevisionLog
from ccconsole.emulator.pool import Pace
from ccconsole.emulator.ports import Ports
from ccconsole.emulator.spec import Images
from tests.emulator.conftest import Cloud, Launch, template, until
from tests.emulator.test_scaling import running, starts

linux = pytest.mark.skipif(not Path("/proc").exists(), reason="needs /proc")


def secret(name: str) -> run_v2.EnvVar:
    source = run_v2.EnvVarSource(secret_key_ref=run_v2.SecretKeySelector(secret="key", version="1"))
    return run_v2.EnvVar(name=name, value_source=source)


async def test_the_environment_is_cloud_runs_and_nothing_of_ours(
    launch: Launch,
) -> None:
    own = dict(os.environ) | {"PRIVATE": "mine", "API_KEY": "s3cret", "LANG": "C.UTF-8"}
    cloud = await launch(environ=own)
    wanted = template(env={"DECLARED": "yes", "HOME": "/srv/elsewhere"})
    wanted.template.containers[0].env.extend([secret("API_KEY"), secret("UNSET")])
    service = await cloud.finish(await cloud.create("svc", wanted))
    info = (await cloud.http.get(service.uri)).json()
    env = info["env"]
    revision = service.latest_ready_revision.rsplit("/", 1)[-1]
    assert env["HOST"] == "127.0.0.1"
    assert (env["K_SERVICE"], env["K_REVISION"], env["K_CONFIGURATION"]) == ("svc", revision, "svc")
    assert env["DECLARED"] == "yes"
    assert env["HOME"] == "/srv/elsewhere"
    assert env["API_KEY"] == "s3cret"
    assert env["PATH"] == own["PATH"]
    assert not {"PRIVATE", "UNSET"} & env.keys()
    assert Path(env["TMPDIR"]).parent == Path(info["cwd"])
    expected = {"HOST", "PORT", "K_SERVICE", "K_REVISION", "K_CONFIGURATION", "DECLARED", "HOME", "API_KEY"}
    assert env.keys() - expected <= {"PATH", "LANG", "TMPDIR", processes.MARKER, "LC_CTYPE"}


async def test_state_holds_no_secret(launch: Launch, tmp_path: Path) -> None:
    cloud = await launch(environ=dict(os.environ) | {"API_KEY": "s3cret-value"})
    wanted = template()
    wanted.template.containers[0].env.append(secret("API_KEY"))
    service = await cloud.finish(await cloud.create("svc", wanted))
    assert (await cloud.http.get(service.uri)).json()["env"]["API_KEY"] == "s3cret-value"
    files = [path for path in (tmp_path / "state").rglob("*") if path.is_file()]
    assert files
    assert not [path for path in files if b"s3cret-value" in path.read_bytes()]


async def test_output_goes_line_by_line_into_the_log(cloud: Cloud, tmp_path: Path) -> None:
    service = await cloud.deploy()
    await cloud.http.get(f"{service.uri}/print?text=hello+ü")
    revision = service.latest_ready_revision.rsplit("/", 1)[-1]
    log = tmp_path / "state" / "logs" / "svc" / f"{revision}.log"
    await until(lambda: log.read_text().count("hello ü") == 2)
    streams = [line.split()[1] for line in log.read_text().splitlines()]
    assert streams.count("stdout") == 1
    assert streams.count("stderr") == 1
    assert "requests" in streams


async def test_sigterm_comes_first_and_sigkill_after_the_grace(launch: Launch, tmp_path: Path) -> None:
    cloud = await launch(Pace(grace=0.5))
    told = tmp_path / "told"
    await cloud.deploy("polite", env={"TERM_FILE": str(told)})
    await cloud.delete("polite")
    assert told.exists()
    service = await cloud.deploy("deaf", env={"IGNORE_SIGTERM": "1"})
    pid = (await cloud.http.get(service.uri)).json()["pid"]
    began = time.monotonic()
    await cloud.delete("deaf")
    assert time.monotonic() - began >= 0.5
    assert not running(pid)


@linux
async def test_descendants_in_their_own_session_end_with_the_instance(launch: Launch, tmp_path: Path) -> None:
    cloud = await launch(Pace(idle=0.3, grace=5))
    child = tmp_path / "child"
    service = await cloud.deploy(env={"FORK_FILE": str(child)})
    pid = int(child.read_text())
    assert running(pid)
    leader = (await cloud.http.get(service.uri)).json()["pid"]
    await until(lambda: not running(leader) and not running(pid))


@linux
async def test_a_crash_takes_the_descendants_along(cloud: Cloud, tmp_path: Path) -> None:
    child = tmp_path / "child"
    service = await cloud.deploy(env={"FORK_FILE": str(child)}, instances=(0, 1))
    pid = int(child.read_text())
    assert (await cloud.http.get(f"{service.uri}/die")).status_code == 503
    await until(lambda: not running(pid))


async def test_an_instance_killed_from_outside_is_replaced(cloud: Cloud, tmp_path: Path) -> None:
    log = tmp_path / "starts"
    service = await cloud.deploy(instances=(1, 1), env={"STARTS_FILE": str(log)})
    os.kill(starts(log)[0], signal.SIGKILL)
    await until(lambda: len(starts(log)) == 2)
    assert (await cloud.http.get(service.uri)).json()["pid"] == starts(log)[1]


async def test_a_command_that_does_not_exist_fails_the_deployment(launch: Launch, tmp_path: Path) -> None:
    cloud = await launch()
    given = run_v2.Service(template={"containers": [{"image": "x", "command": ["/no/such/program"]}]})
    done = await cloud.wait(await cloud.create("svc", given))
    assert done.error.code == 9
    assert "'/no/such/program' cannot run: No such file or directory" in done.error.message
    assert list((tmp_path / "state" / "instances").glob("*")) == []


def test_images_are_found_by_name_without_tag_or_by_last_part() -> None:
    images = Images.parse(["host/repo/worker=run it", "echo='a b' c"])
    for image in ("host/repo/worker", "host/repo/worker:v1", "host/repo/worker@sha256:0a"):
        assert images._entrypoint(image) == ["run", "it"]
    assert images._entrypoint("other.host/x/echo:2") == ["a b", "c"]
    assert images._entrypoint("unknown")[1:] == ["-m", "worker_service"]
    for wrong in ("x", "=y", "x=", "x='"):
        with pytest.raises(ValueError, match=r"image|quotation"):
            Images.parse([wrong])


def test_lines_are_split_cut_and_decoded_across_reads() -> None:
    splitter = LineSplitter()
    assert splitter.feed(b"one\r\ntw") == ["one"]
    assert splitter.feed("ü".encode()[:1]) == []
    assert splitter.feed("ü".encode()[1:] + b"\n\n") == ["twü", ""]
    long = splitter.feed(b"x" * (MAX_LINE_BYTES + 5) + b"\nlast")
    assert [len(line) for line in long] == [MAX_LINE_BYTES, 5]
    assert splitter.close() == ["last"]
    assert splitter.close() == []


def test_a_log_is_bounded_in_memory_and_on_disk(tmp_path: Path) -> None:
    log = RevisionLog(tmp_path / "a" / "r.log", memory_bytes=1000, file_bytes=5000)
    with closing(log):
        for number in range(500):
            log.write("stdout", "instance", f"{number:050d}")
        lines = log.lines()
        assert len(lines) == 20
        assert (lines[-1].number, lines[-1].text) == (500, f"{499:050d}")
        sizes = [path.stat().st_size for path in (tmp_path / "a").iterdir()]
        assert len(sizes) == 2
        assert max(sizes) < 5200
        assert f"{499:050d}" in log.path.read_text()


def test_ports_go_to_one_holder_and_not_where_somebody_listens() -> None:
    ports = Ports()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        wanted = taken.getsockname()[1]
        assert ports.take(wanted) != wanted
    first = ports.take()
    assert ports.take(first) != first
    ports.give_back(first)
    assert ports.take(first) == first

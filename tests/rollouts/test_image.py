"""Images: built by an engine on this machine, by Cloud Build, or taken as they are; always by digest."""

from __future__ import annotations

import asyncio
import io
import json
import os
import subprocess
import sys
import tarfile
from collections.abc import AsyncIterator
from pathlib import Path, PurePath
from typing import Any

import grpc
import pytest
from google.cloud import run_v2
from google.cloud.devtools import cloudbuild_v1
from google.cloud.logging_v2.types import ListLogEntriesRequest, ListLogEntriesResponse, LogEntry

from ccconsole import engines, rollouts
from ccconsole.cloud import cloud_build, dockerignore, engine, registry
from ccconsole.cloud.connect import Connection
from ccconsole.cloud.engine import Built, Source
from ccconsole.cloud.failures import RolloutFailed
from ccconsole.errors import Denied
from ccconsole.model.rollouts import Outcome
from ccconsole.rollouts import Build
from tests.cloud.conftest import config_of
from tests.data.fake_docker import DIGEST
from tests.rollouts.conftest import Site, done, drained

FAKE = str(Path(__file__).parent.parent / "data" / "fake_docker.py")
ADDRESS = "us-central1-docker.pkg.dev/acme/claudecluster/worker"


@pytest.fixture
def calls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A scripted engine on PATH, alone; where it writes down its calls."""
    folder = tmp_path / "bin"
    folder.mkdir()
    script = folder / "docker"
    script.write_text(f"#!{sys.executable} -S\nimport runpy\nrunpy.run_path({FAKE!r}, run_name='__main__')\n")
    script.chmod(0o755)
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.setenv("FAKE_DOCKER_CALLS", str(tmp_path / "calls"))
    return tmp_path / "calls"


@pytest.fixture
def source(tmp_path: Path) -> Source:
    folder = tmp_path / "source"
    (folder / "app").mkdir(parents=True)
    (folder / "Dockerfile.cloudrun").write_text("FROM scratch\n")
    (folder / "Dockerfile").write_text("FROM another\n")
    (folder / "app" / "main.py").write_text("print()\n")
    (folder / ".env.local").write_text("KEY=secret-value\n")
    (folder / ".git").mkdir()
    (folder / ".git" / "config").touch()
    return Source(folder, folder / "Dockerfile.cloudrun")


def written(calls: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in calls.read_text().splitlines()]


def image() -> registry.Image:
    found = registry.parse(f"{ADDRESS}:latest")
    assert found is not None
    return found


async def test_an_engine_builds_and_pushes_and_the_token_is_no_argument(calls: Path, source: Source) -> None:
    path = await engines.find()
    assert path is not None
    said = [line async for line in engine.build(path, image(), source, "secret-token")]
    assert said[-1] == Built(DIGEST)
    assert "#1 [internal] load build definition" in said
    rows = written(calls)
    assert [row["argv"][0] for row in rows] == ["version", "login", "build", "push"]
    _, login, build, push = rows
    assert login["stdin"] == "secret-token"
    assert login["argv"][-1] == "us-central1-docker.pkg.dev"
    assert "secret-token" not in json.dumps([row["argv"] for row in rows]) + str(said)
    assert build["argv"][1:3] == ["--platform", "linux/amd64"]
    assert build["argv"][-1] == str(source.folder)
    assert push["argv"] == ["push", f"{ADDRESS}:latest"]
    assert not os.path.exists(login["config"])  # noqa: ASYNC240, PTH110


async def test_a_build_that_fails(calls: Path, source: Source, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAKE_DOCKER_FAILS", "build")
    with pytest.raises(RolloutFailed) as caught:
        async for _ in engine.build("docker", image(), source, None):
            pass
    assert caught.value.reason == "BUILD_FAILED"
    assert caught.value.log_lines == ("build: no space left on device",)
    monkeypatch.setenv("FAKE_DOCKER_FAILS", "version")
    assert await engines.find() is None


async def test_deployed_by_the_digest_that_was_pushed(site: Site, calls: Path, source: Source) -> None:
    connection, spec = site.declared()
    plan = await rollouts.plan(connection, spec, is_built=True)
    last = done(
        await drained(rollouts.deploy(connection, spec, plan, build=Build(source.folder, is_forced=True)))
    )
    assert last.stage("image").detail.startswith("built and pushed sha256:abab")
    assert (await site.service()).image == f"{ADDRESS}@{DIGEST}"


async def test_an_image_that_is_named(site: Site, tmp_path: Path) -> None:
    done(await site.deploy())
    connection, spec = site.declared()
    plan = await rollouts.plan(connection, spec, image="worker:v2")
    assert plan.image.startswith(f"{ADDRESS}@sha256:")
    assert [change.field for change in plan.changes] == ["image"]
    done(await drained(rollouts.deploy(connection, spec, plan)))
    assert (await site.service()).image == plan.image
    ready = f"{ADDRESS}@{DIGEST}"
    assert (await rollouts.plan(connection, spec, image=ready)).image == ready

    plan = await rollouts.plan(connection, spec, is_built=True)
    (tmp_path / "empty").mkdir()
    build = Build(tmp_path / "empty", is_forced=True)
    last = (await drained(rollouts.deploy(connection, spec, plan, build=build)))[-1]
    assert (last.outcome, last.exit_code) == (Outcome.FAILED, 8)
    assert "--image" in last.hint


class Google(grpc.GenericRpcHandler):  # type: ignore[type-arg]
    """Google's side of a build: queued, at work, then at its end."""

    def __init__(self, end: int) -> None:
        self.submitted: list[run_v2.SubmitBuildRequest] = []
        self._states = [cloudbuild_v1.Build.Status.QUEUED, cloudbuild_v1.Build.Status.WORKING, end]
        self._said = 0

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> Any:
        name = str(handler_call_details.method).rsplit("/", 1)[-1]
        found: tuple[Any, Any, Any] | None = {
            "SubmitBuild": (self.submit, run_v2.SubmitBuildRequest, run_v2.SubmitBuildResponse),
            "GetBuild": (self.get, cloudbuild_v1.GetBuildRequest, cloudbuild_v1.Build),
            "ListLogEntries": (self.log, ListLogEntriesRequest, ListLogEntriesResponse),
        }.get(name)
        if found is None:
            return None
        work, request, answer = found
        return grpc.unary_unary_rpc_method_handler(
            work, request_deserializer=request.deserialize, response_serializer=answer.serialize
        )

    async def submit(self, request: run_v2.SubmitBuildRequest, _: Any) -> run_v2.SubmitBuildResponse:
        self.submitted.append(request)
        answer = run_v2.SubmitBuildResponse()
        metadata = cloudbuild_v1.BuildOperationMetadata(build=cloudbuild_v1.Build(id="b-1"))
        raw = run_v2.SubmitBuildResponse.pb(answer)
        raw.build_operation.metadata.Pack(cloudbuild_v1.BuildOperationMetadata.pb(metadata))
        return answer

    async def get(self, request: cloudbuild_v1.GetBuildRequest, _: Any) -> cloudbuild_v1.Build:
        assert request.name == "projects/acme/locations/us-central1/builds/b-1"
        status = self._states.pop(0)
        built = cloudbuild_v1.Build(id="b-1", status=status, status_detail="step 0 exited with 1")
        if status == cloudbuild_v1.Build.Status.SUCCESS:
            built.results.images = [cloudbuild_v1.BuiltImage(name=ADDRESS, digest=DIGEST)]
        return built

    async def log(self, request: ListLogEntriesRequest, _: Any) -> ListLogEntriesResponse:
        assert 'resource.labels.build_id="b-1"' in request.filter
        self._said += 1
        return ListLogEntriesResponse(
            entries=[LogEntry(text_payload=f"Step {number}") for number in range(self._said)]
        )


class Bucket:
    """Cloud Storage on loopback: one bucket that is made when it is asked for."""

    def __init__(self) -> None:
        self.names: set[str] = set()
        self.uploads: list[bytes] = []
        self.status = 200

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while head := await reader.readuntil(b"\r\n\r\n") if not reader.at_eof() else b"":
            method, target, _ = head.decode().split(" ", 2)
            size = [line for line in head.decode().lower().splitlines() if line.startswith("content-length:")]
            body = await reader.readexactly(int(size[0].split(":")[1]) if size else 0)
            status = self.answer(method, target, body, head.decode())
            writer.write(f"HTTP/1.1 {status} X\r\nContent-Length: 0\r\n\r\n".encode())
            await writer.drain()

    def answer(self, method: str, target: str, body: bytes, head: str) -> int:
        assert "authorization: bearer secret-token" in head.lower()
        if self.status != 200:
            return self.status
        if method == "GET":
            return 200 if target.rsplit("/", 1)[-1] in self.names else 404
        if target.startswith("/upload/"):
            self.uploads.append(body)
        else:
            self.names.add(json.loads(body)["name"])
        return 200


@pytest.fixture
async def bucket() -> AsyncIterator[tuple[Bucket, str]]:
    made = Bucket()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await made.serve(reader, writer)
        except asyncio.IncompleteReadError:
            pass
        finally:
            writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        yield made, f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


async def built(google: Google, storage: str, source: Source, folder: Path) -> list[str | Built]:
    server = grpc.aio.server()
    server.add_generic_rpc_handlers((google,))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    target = f"127.0.0.1:{port}"
    config = config_of(folder, f'[env.dev]\nproject = "acme"\nendpoint = "{target}"\n')
    connection = Connection(config.environments["dev"], target=target)
    try:
        flow = cloud_build.build(connection, image(), source, "secret-token", storage=storage)
        return [line async for line in flow]
    finally:
        await connection.close()
        await server.stop(None)


async def test_cloud_build_from_an_uploaded_source(
    bucket: tuple[Bucket, str], source: Source, tmp_path: Path
) -> None:
    google, (made, storage) = Google(cloudbuild_v1.Build.Status.SUCCESS), bucket
    said = await built(google, storage, source, tmp_path)
    assert said[-1] == Built(DIGEST)
    assert [line for line in said if str(line).startswith("Step")] == ["Step 0", "Step 1", "Step 2"]
    (request,) = google.submitted
    assert (request.image_uri, request.storage_source.bucket) == (
        f"{ADDRESS}:latest", "run-sources-acme-us-central1"
    )  # fmt: skip
    assert made.names == {"run-sources-acme-us-central1"}
    with tarfile.open(fileobj=io.BytesIO(made.uploads[0])) as archive:
        assert sorted(archive.getnames()) == ["Dockerfile", "app/main.py"]
        dockerfile = archive.extractfile("Dockerfile")
        assert dockerfile is not None
        assert dockerfile.read() == b"FROM scratch\n"


async def test_cloud_build_that_fails(bucket: tuple[Bucket, str], source: Source, tmp_path: Path) -> None:
    made, storage = bucket
    with pytest.raises(RolloutFailed) as caught:
        await built(Google(cloudbuild_v1.Build.Status.FAILURE), storage, source, tmp_path)
    assert caught.value.title == "The build ended with FAILURE"
    assert caught.value.log_lines == ("Step 0", "Step 1", "Step 2")
    made.status = 403
    with pytest.raises(Denied, match="Cannot look at gs://run-sources-acme"):
        await built(Google(cloudbuild_v1.Build.Status.SUCCESS), storage, source, tmp_path)


def test_what_a_dockerignore_leaves_out_is_not_uploaded(source: Source) -> None:
    (source.folder / "docs" / "deep").mkdir(parents=True)
    for name in ("docs/a.md", "docs/deep/b.md", "app/notes.txt", "app/main.pyc"):
        (source.folder / name).touch()
    (source.folder / ".dockerignore").write_text("# all but the app\n*\n!app\n!/docs/*.md\n**/*.py?\n")

    with tarfile.open(fileobj=io.BytesIO(cloud_build.packed(source))) as archive:
        assert sorted(archive.getnames()) == [
            ".dockerignore", "Dockerfile", "app/main.py", "app/notes.txt", "docs/a.md"
        ]  # fmt: skip


@pytest.mark.parametrize(
    ("pattern", "left_out", "kept"),
    [
        ("tmp", ("tmp", "tmp/a"), ("a/tmp", "tmpx")),
        ("*/tmp", ("a/tmp", "a/tmp/b"), ("tmp", "a/b/tmp")),
        ("**/tmp", ("tmp", "a/tmp", "a/b/tmp/c"), ("atmp",)),
        ("a/**", ("a/b", "a/b/c"), ("a", "b")),
        ("a?.[ch]", ("ab.c", "a-.h"), ("a.c", "abb.c", "ab.d")),
        ("./a/../b/", ("b", "b/c"), ("a",)),
        ("a+(b).md", ("a+(b).md",), ("aab.md",)),
    ],
)
def test_patterns_of_a_dockerignore(
    pattern: str, left_out: tuple[str, ...], kept: tuple[str, ...], tmp_path: Path
) -> None:
    (tmp_path / ".dockerignore").write_text(f"{pattern}\n")
    is_ignored = dockerignore.read(tmp_path)

    assert [name for name in left_out if not is_ignored(PurePath(name))] == []
    assert [name for name in kept if is_ignored(PurePath(name))] == []


def test_of_this_repository_only_the_worker_goes_into_an_image() -> None:
    root = Path(__file__).parents[2]
    is_ignored = dockerignore.read(root)
    tracked = subprocess.run(
        ["git", "ls-files"], cwd=root, capture_output=True, text=True, check=False
    ).stdout
    names = tracked.splitlines() or ["worker_service/app.py", "README.md", "tests/__init__.py"]

    assert {name.split("/")[0] for name in names if not is_ignored(PurePath(name))} == {"worker_service"}

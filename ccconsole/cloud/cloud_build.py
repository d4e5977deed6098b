"""An image built at Google: the source uploaded, Cloud Build at work on it, its log followed."""

from __future__ import annotations

import asyncio
import io
import tarfile
from collections.abc import AsyncGenerator
from contextlib import aclosing
from pathlib import Path
from uuid import uuid4

import httpx
from google.cloud import run_v2
from google.cloud.devtools import cloudbuild_v1

from ccconsole.cloud import dockerignore, log_filter
from ccconsole.cloud.connect import Connection
from ccconsole.cloud.engine import LAST_LINES, Built, Source
from ccconsole.cloud.errors import translated
from ccconsole.cloud.failures import RolloutFailed
from ccconsole.cloud.log_listing import raw_pages
from ccconsole.cloud.registry import Image
from ccconsole.errors import ConsoleError, Denied, Unreachable
from ccconsole.streams import Clock

STORAGE = "https://storage.googleapis.com"
LEFT_OUT = frozenset({".git", ".venv", "node_modules", "__pycache__", ".mypy_cache", ".ruff_cache"})
"""Of the source, what no image needs; and all that begins with `.env`, which may hold secrets."""
_TIMEOUT = 30.0
_UPLOAD_TIMEOUT = 300.0
_PAUSE, _NEAR_PAUSE = 3.0, 0.05
_UNDER_WAY = (
    cloudbuild_v1.Build.Status.STATUS_UNKNOWN,
    cloudbuild_v1.Build.Status.PENDING,
    cloudbuild_v1.Build.Status.QUEUED,
    cloudbuild_v1.Build.Status.WORKING,
)


async def build(
    connection: Connection,
    image: Image,
    source: Source,
    token: str | None,
    *,
    storage: str = STORAGE,
    clock: Clock | None = None,
) -> AsyncGenerator[str | Built]:
    """The build's own lines, then what it pushed; RolloutFailed with the last of them.

    The source goes to the bucket that gcloud uses for it, which is made where it is missing.
    """
    clock = clock or Clock()
    yield "packing the source"
    archive = await asyncio.to_thread(packed, source)
    bucket, name = f"run-sources-{connection.environment.project}-{image.region}", f"{uuid4().hex}.tar.gz"
    yield f"uploading {len(archive) / 1024:.0f} KiB to gs://{bucket}"
    await _upload(connection, image, storage, token, bucket, name, archive)
    build_name = await _submit(connection, image, bucket, name)
    yield f"build {build_name.rsplit('/', 1)[-1]} is queued"
    client = connection.client(cloudbuild_v1.CloudBuildAsyncClient)
    said: list[str] = []
    while True:
        with translated(connection.environment, "follow the build"):
            live = await client.get_build({"name": build_name}, retry=None, timeout=_TIMEOUT)
        for line in (lines := await _log(connection, str(live.id)))[len(said) :]:
            yield line
        said = lines or said
        if live.status not in _UNDER_WAY:
            break
        await clock.sleep(_PAUSE if connection.target is None else _NEAR_PAUSE)
    if live.status != cloudbuild_v1.Build.Status.SUCCESS or not live.results.images:
        raise RolloutFailed(
            f"The build ended with {live.status.name}",
            str(live.status_detail),
            f"Its whole log: {live.log_url}" if live.log_url else "Read its last lines.",
            reason="BUILD_FAILED",
            revision="",
            log_lines=tuple(said[-LAST_LINES:]),
        )
    yield Built(str(live.results.images[0].digest))


def packed(source: Source) -> bytes:
    """The source as a .tar.gz, its Dockerfile under the one name that Cloud Build looks for.

    What its .dockerignore names is not sent: Google's builder would leave it out, but only once it is there.
    """
    buffer = io.BytesIO()
    is_ignored = dockerignore.read(source.folder)
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for path in sorted(source.folder.rglob("*")):
            inner = path.relative_to(source.folder)
            if path == source.dockerfile or str(inner) == "Dockerfile" or _is_left_out(inner):
                continue
            if inner.name != dockerignore.NAME and is_ignored(inner):
                continue
            if path.is_file() and not path.is_symlink():
                archive.add(path, str(inner), recursive=False)
        archive.add(source.dockerfile, "Dockerfile", recursive=False)
    return buffer.getvalue()


def _is_left_out(inner: Path) -> bool:
    return any(part in LEFT_OUT or part.startswith(".env") for part in inner.parts)


async def _upload(
    connection: Connection,
    image: Image,
    storage: str,
    token: str | None,
    bucket: str,
    name: str,
    archive: bytes,
) -> None:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    project = connection.environment.project
    try:
        async with httpx.AsyncClient(base_url=storage, headers=headers, timeout=_UPLOAD_TIMEOUT) as http:
            found = await http.get(f"/storage/v1/b/{bucket}")
            if found.status_code == httpx.codes.NOT_FOUND:
                body = {"name": bucket, "location": image.region}
                made = await http.post("/storage/v1/b", params={"project": project}, json=body)
                _check(made, f"create gs://{bucket}", project)
            else:
                _check(found, f"look at gs://{bucket}", project)
            sent = await http.post(
                f"/upload/storage/v1/b/{bucket}/o",
                params={"uploadType": "media", "name": name},
                content=archive,
                headers={"Content-Type": "application/gzip"},
            )
            _check(sent, f"upload to gs://{bucket}", project)
    except httpx.RequestError as error:
        raise Unreachable("Cloud Storage does not answer", str(error), "Is the network up?") from error


def _check(response: httpx.Response, action: str, project: str) -> None:
    if response.is_success or response.status_code == httpx.codes.CONFLICT:
        return
    detail = f"Cloud Storage answered {response.status_code}."
    if response.status_code in (httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN):
        grant = (
            f"gcloud projects add-iam-policy-binding {project} --member=user:YOU --role=roles/storage.admin"
        )
        raise Denied(f"Cannot {action}", detail, f"An owner of {project} can grant it: {grant}")
    raise ConsoleError(f"Cannot {action}", detail, "Try again, or name an image that is there: --image")


async def _submit(connection: Connection, image: Image, bucket: str, name: str) -> str:
    """Begin the build; its full name."""
    client = connection.client(run_v2.BuildsAsyncClient)
    parent = f"projects/{connection.environment.project}/locations/{image.region}"
    request = run_v2.SubmitBuildRequest(
        parent=parent,
        storage_source=run_v2.StorageSource(bucket=bucket, object_=name),
        image_uri=f"{image.base}:{image.tag}",
        docker_build=run_v2.SubmitBuildRequest.DockerBuild(),
    )
    with translated(connection.environment, f"build {image.package}"):
        answer = await client.submit_build(request, retry=None, timeout=_TIMEOUT)
    metadata = cloudbuild_v1.BuildOperationMetadata()
    answer.build_operation.metadata.Unpack(cloudbuild_v1.BuildOperationMetadata.pb(metadata))
    return f"{parent}/builds/{metadata.build.id}"


async def _log(connection: Connection, build_id: str) -> list[str]:
    """What the build has said so far; nothing where the logs cannot be read."""
    filter = f'resource.type="build" AND resource.labels.build_id={log_filter.quoted(build_id)}'
    found: list[str] = []
    try:
        with translated(connection.environment, "read the build's log"):
            async with aclosing(raw_pages(connection, filter)) as pages:
                async for page in pages:
                    found += [str(raw.text_payload) for raw in page if raw.text_payload]
    except ConsoleError:
        return []
    return found

"""A store in trouble under a running worker: the task goes on, its events tell, and so does `GET /hello`."""

from __future__ import annotations

import asyncio
import socket
import subprocess
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from tests.worker import places
from tests.worker.conftest import RunningWorker, Seen, StartWorker, result, until
from tests.worker.object_store import Bucket
from tests.worker.test_journal_trouble import full_disk
from worker_service.journal import Journal


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, seconds in (("FIRST_RETRY", 0.02), ("LAST_RETRY", 0.05), ("CLOSE", 0.5)):
        monkeypatch.setattr(f"worker_service.writer.{name}_SECONDS", seconds)
    monkeypatch.setattr("worker_service.journal.CLAIM_SECONDS", 0.3)
    monkeypatch.setattr("worker_service.execution._TICK_SECONDS", 0.05)


async def told(worker: RunningWorker, holds: Callable[[dict[str, Any]], Any]) -> dict[str, Any]:
    """What `/hello` says of the store once that holds."""
    async with asyncio.timeout(20):
        while not holds(store := (await worker.http.get("/hello")).json()["store"]):  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    return store  # type: ignore[no-any-return]


async def is_in_events(worker: RunningWorker, count: int) -> None:
    """Wait until the task's events have told of the journal so often."""
    task = worker.pool.get("t")
    assert task is not None
    await until(lambda: task.log.read(0, 1 << 30)[0].count(b"event: error") >= count)


def is_well(store: dict[str, Any]) -> bool:
    return store["problem"] is None and store["since"] is not None


async def start(worker: RunningWorker, folder: Path) -> asyncio.Task[list[Seen]]:
    """A task that runs until `end` says so; its prompt prints all the while."""
    prompt = f"until [ -e {folder}/end ]; do echo x; sleep 0.05; done"
    return await worker.start(prompt, taskId="t", onDisconnect="detach")


async def end(running: asyncio.Task[list[Seen]], folder: Path) -> tuple[dict[str, Any], list[str]]:
    """The task's result, and what its events said of the journal."""
    (folder / "end").touch()
    events = await running
    said = [event.data for event in events if event.type == "error"]
    assert all((error["code"], error["retryable"]) == ("journal", True) for error in said)
    return result(events), [error["message"] for error in said]


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (None, "not answered"),
        (507, "507 Insufficient Storage"),
        (403, "refused access"),
        (500, "500 Internal"),
    ],
    ids=["slow", "full", "denied", "broken"],
)
async def test_trouble_and_its_end_are_told_and_the_task_goes_on(
    start_worker: StartWorker,
    bucket: Bucket,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    status: int | None,
    words: str,
) -> None:
    if status is None:
        monkeypatch.setattr("worker_service.health.SLOW_SECONDS", 0.3)
        monkeypatch.setattr("worker_service.writer.SLOW_SECONDS", 0.3)
    worker = await start_worker(worker_store="gs://bucket/prefix")
    running = await start(worker, tmp_path)
    well = await told(worker, is_well)
    bucket.status = status
    if status is None:
        bucket.is_open.clear()
    ill = await told(worker, lambda store: store["problem"])
    await is_in_events(worker, 1)
    bucket.status = None
    bucket.is_open.set()
    again = await told(worker, is_well)
    await is_in_events(worker, 2)
    ended, said = await end(running, tmp_path)

    assert (well["kind"], ill["kind"]) == ("gs", "gs")
    assert words in ill["problem"]
    assert well["since"] < ill["since"] < again["since"]
    assert ended["status"] == "completed"
    assert words in said[0]
    assert said[1] == "the journal is written again"
    events = Journal.open("gs://bucket/prefix").events("t", 0, False)
    assert [event.type async for event in events][-1] == "complete"


async def test_a_store_that_is_gone_from_the_start_is_told_and_is_written_once_it_is_back(
    start_worker: StartWorker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))  # and does not listen: connections are refused
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", f"127.0.0.1:{listener.getsockname()[1]}")
    worker = await start_worker(worker_store="gs://bucket/prefix")
    assert (await told(worker, lambda _: True))["since"] is None
    running = await start(worker, tmp_path)
    ill = await told(worker, lambda store: store["problem"])
    await is_in_events(worker, 1)
    async with places.cloud_storage(listener):
        await told(worker, is_well)
        ended, said = await end(running, tmp_path)
        assert (await Journal.open("gs://bucket/prefix").tasks())[0].status == "completed"

    assert "error sending request" in ill["problem"]
    assert ended["status"] == "completed"
    assert "error sending request" in said[0]


async def test_a_store_that_went_with_the_last_task_is_still_told_afterwards(
    start_worker: StartWorker, bucket: Bucket, tmp_path: Path
) -> None:
    worker = await start_worker(worker_store="gs://bucket/prefix")
    running = await start(worker, tmp_path)
    bucket.status = 503
    (tmp_path / "end").touch()
    assert result(await running)["status"] == "completed"
    assert "503" in (await told(worker, lambda store: store["problem"]))["problem"]
    bucket.status = None
    await worker.run("true")
    await told(worker, is_well)


async def test_a_full_disk_is_told(start_worker: StartWorker, tmp_path: Path) -> None:
    worker = await start_worker(worker_store=f"file://{tmp_path}/store")
    running = await start(worker, tmp_path)
    with full_disk():
        ill = await told(worker, lambda store: store["problem"])
        await is_in_events(worker, 1)
    again = await told(worker, is_well)
    ended, said = await end(running, tmp_path)

    assert (ill["kind"], again["kind"]) == ("file", "file")
    assert "too large" in ill["problem"]
    assert ended["status"] == "completed"
    assert "too large" in said[0]


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of its own, with room for a few segments."""
    folder = tmp_path / "disk"
    folder.mkdir()
    if not mount("-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)):
        pytest.skip("no file system of its own: mounting one needs root")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def mount(*arguments: str) -> bool:
    return subprocess.run(["mount", *arguments], capture_output=True).returncode == 0


@pytest.mark.parametrize(("change", "words"), [("full", "No space left"), ("ro", "Read-only")])
async def test_a_folder_that_takes_nothing_is_told(
    start_worker: StartWorker, tmp_path: Path, disk: Path, change: str, words: str
) -> None:
    worker = await start_worker(worker_store=f"file://{disk}/store")
    running = await start(worker, tmp_path)
    await told(worker, is_well)
    filler = disk / "filler"
    if change == "ro":
        assert mount("-o", "remount,ro", str(disk))
    else:
        with suppress(OSError):
            filler.write_bytes(bytes(2 << 20))
    ill = await told(worker, lambda store: store["problem"])
    await is_in_events(worker, 1)
    if change == "ro":
        assert mount("-o", "remount,rw", str(disk))
    filler.unlink(missing_ok=True)
    await told(worker, is_well)
    await is_in_events(worker, 2)
    ended, said = await end(running, tmp_path)

    assert words in ill["problem"]
    assert words in said[0]
    assert ended["status"] == "completed"


async def test_what_is_told_of_a_store_holds_no_credential(
    start_worker: StartWorker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    secrets = {"AWS_ACCESS_KEY_ID": "key-of-this-test", "AWS_SECRET_ACCESS_KEY": "secret-of-this-test"}
    reach = {"AWS_ENDPOINT_URL": "http://user:password@127.0.0.1:1", "AWS_ALLOW_HTTP": "1"}
    for name, value in {**secrets, **reach}.items():
        monkeypatch.setenv(name, value)
    worker = await start_worker(worker_store="s3://bucket/prefix")
    running = await start(worker, tmp_path)
    ill = await told(worker, lambda store: store["problem"])
    await is_in_events(worker, 1)
    _, said = await end(running, tmp_path)

    assert ill["kind"] == "s3"
    for text in (str(ill), *said):
        assert "of-this-test" not in text
        assert "password" not in text


async def test_a_worker_without_a_store_says_so(worker: RunningWorker) -> None:
    hello = (await worker.http.get("/hello")).json()
    assert (hello["store"], hello["capabilities"]["store"]) == (None, False)

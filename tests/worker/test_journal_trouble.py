"""A store that is slow, full, closed or gone: the task never notices, and the journal says what it lacks."""

from __future__ import annotations

import asyncio
import resource
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.worker.conftest import put_file_in_place_of
from tests.worker.object_store import Bucket
from tests.worker.test_journal import end, event, numbers, read, summary, until
from worker_service import journal as journal_module
from worker_service import layout, reading, segments
from worker_service import writer as writer_module
from worker_service.journal import Journal
from worker_service.store import Store, StoreError
from worker_service.wire import Control, EventType, Status


@pytest.fixture
def store(bucket: Bucket) -> Store:
    return Store.open("gs://bucket/prefix")


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer_module, "FIRST_RETRY_SECONDS", 0.02)
    monkeypatch.setattr(writer_module, "LAST_RETRY_SECONDS", 0.05)


@contextmanager
def full_disk() -> Iterator[None]:
    """No file of this process can grow, as on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


async def test_a_store_that_hangs_stops_nobody(
    bucket: Bucket, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer_module, "SLOW_SECONDS", 0.1)
    monkeypatch.setattr(writer_module, "CLOSE_SECONDS", 0.3)
    journal = Journal(store)
    await journal.claim(summary())
    bucket.is_open.clear()
    writer = journal.writer(summary())
    began = time.monotonic()
    for number in range(1, 20_001):
        writer.write(*event(number, text="x" * 900))
    assert time.monotonic() - began < 5
    await until(lambda: writer.problem)
    assert "not answered" in str(writer.problem)
    assert writer._buffer.size <= segments.BUFFER_BYTES
    began = time.monotonic()
    await writer.close(summary(status=Status.COMPLETED))
    assert time.monotonic() - began < 3
    assert "could not be written in time" in str(writer.problem)


async def test_a_store_that_comes_back_holds_a_gap_for_what_was_dropped(bucket: Bucket, store: Store) -> None:
    journal = Journal(store)
    await journal.claim(summary())
    writer = journal.writer(summary())
    bucket.status = 503
    writer.write(*event(1, EventType.STATUS))
    await until(lambda: "503" in str(writer.problem))
    for number in range(2, 12_000):
        writer.write(*event(number, text="x" * 1000))
    bucket.status = None
    await until(lambda: writer.problem is None)
    writer.write(*end(12_000))
    await writer.close(summary(status=Status.COMPLETED))
    events = await read(store)
    gap = events[1]
    assert (events[0].id, gap.type, gap.data["from"]) == (1, EventType.GAP, 2)
    assert gap.id == gap.data["to"]
    assert "did not keep up" in gap.data["reason"]
    assert numbers(events[2:]) == list(range(gap.data["to"] + 1, 12_001))
    assert 2 < gap.data["to"] < 11_000


async def test_a_closed_store_is_named_in_words_and_opens_again(bucket: Bucket, store: Store) -> None:
    journal = Journal(store)
    bucket.status = 403
    assert await journal.claim(summary()) is None
    writer = journal.writer(summary())
    writer.write(*event(1, EventType.STATUS))
    await until(lambda: "refused access" in str(writer.problem))
    with pytest.raises(StoreError) as raised:
        await journal.read_task("t")
    assert raised.value.trouble == "denied"
    bucket.status = None
    await until(lambda: writer.problem is None)
    writer.write(*end(2))
    await writer.close(summary(status=Status.COMPLETED))
    assert numbers(await read(store)) == [1, 2]


async def test_a_claim_waits_for_no_store_and_is_made_good(
    bucket: Bucket, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal_module, "CLAIM_SECONDS", 0.2)
    journal = Journal(store)
    bucket.is_open.clear()
    began = time.monotonic()
    assert await journal.claim(summary()) is None
    assert time.monotonic() - began < 2
    writer = journal.writer(summary())
    writer.write(*event(1, EventType.STATUS))
    bucket.is_open.set()
    await until(lambda: f"prefix/{layout.running('t')}" in bucket.objects)
    writer.write(*end(2))
    await writer.close(summary(status=Status.COMPLETED))
    assert numbers(await read(store)) == [1, 2]


async def test_a_late_claim_leaves_anothers_journal_alone(bucket: Bucket, store: Store) -> None:
    journal, other = Journal(store), Journal(store)
    bucket.status = 503
    assert await journal.claim(summary()) is None
    bucket.status = None
    assert await other.claim(summary()) is None
    writer = journal.writer(summary())
    writer.write(*event(1, EventType.STATUS))
    await until(lambda: "another instance" in str(writer.problem))
    writer.write(*end(2))
    assert [found async for found in writer.controls()] == []
    await writer.close(summary(status=Status.COMPLETED))
    found = await other.read_task("t")
    assert found is not None
    assert found.status is Status.RUNNING
    assert [key for key in bucket.objects if "events" in key or "running" in key] == []


async def test_a_write_that_landed_unheard_is_taken_for_done(bucket: Bucket, store: Store) -> None:
    journal = Journal(store)
    bucket.forgets_answers = 1
    assert await journal.claim(summary()) is None
    writer = journal.writer(summary())
    bucket.forgets_answers = 1
    writer.write(*event(1, EventType.STATUS))
    await until(lambda: bucket.forgets_answers == 0)
    writer.write(*end(2))
    bucket.forgets_answers = 0
    await writer.close(summary(status=Status.COMPLETED))
    assert writer.problem is None
    assert numbers(await read(store)) == [1, 2]
    bucket.forgets_answers = 1
    first = await journal.send("t", Control(action="cancel"))
    assert (first, [key for key in bucket.objects if "control" in key]) == (
        1,
        [f"prefix/{layout.control('t', 1)}"],
    )


async def test_a_full_disk_is_named_and_the_journal_goes_on_once_there_is_room(tmp_path: Path) -> None:
    store = Store.open(f"file://{tmp_path}/store")
    journal = Journal(store)
    await journal.claim(summary())
    writer = journal.writer(summary())
    with full_disk():
        writer.write(*event(1, EventType.STATUS))
        await until(lambda: "too large" in str(writer.problem))
    await until(lambda: writer.problem is None)
    writer.write(*end(2))
    await writer.close(summary(status=Status.COMPLETED))
    assert numbers(await read(store)) == [1, 2]


async def test_a_folder_that_is_gone_is_made_again(tmp_path: Path) -> None:
    store = Store.open(f"file://{tmp_path}/store")
    journal = Journal(store)
    await journal.claim(summary())
    writer = journal.writer(summary())
    writer.write(*event(1, EventType.STATUS))
    await until(lambda: list(tmp_path.glob("store/tasks/t/events/*.ndjson")))
    put_file_in_place_of(tmp_path / "store", tmp_path)
    writer.write(*event(2, EventType.STATUS))
    await until(lambda: writer.problem)
    (tmp_path / "store").unlink()
    writer.write(*end(3))
    await writer.close(summary(status=Status.COMPLETED))
    events = await read(store)
    assert [(one.id, one.type.value) for one in events] == [(1, "gap"), (2, "status"), (3, "complete")]


async def test_credentials_that_are_none_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "nothing.json"))
    with pytest.raises(StoreError, match="no valid credentials") as raised:
        Store.open("gs://bucket/prefix")
    assert raised.value.trouble == "unauthenticated"
    with pytest.raises(ValueError, match="no valid credentials"):
        Journal.open("gs://bucket/prefix")


async def test_a_slow_store_gets_larger_segments(bucket: Bucket, store: Store) -> None:
    journal = Journal(store)
    await journal.claim(summary())
    writer = journal.writer(summary())
    bucket.is_open.clear()
    for number in range(1, 3001):
        writer.write(*event(number, text="x" * 1000))
        if number % 100 == 0:
            await asyncio.sleep(0)
    bucket.is_open.set()
    writer.write(*end(3001))
    await writer.close(summary(status=Status.COMPLETED))
    bodies = [len(body) for key, body in bucket.objects.items() if "/events/" in key]
    assert len(bodies) < 10
    assert max(bodies) <= segments.SEGMENT_BYTES
    assert numbers(await read(store)) == list(range(1, 3002))


async def test_a_mailbox_that_cannot_be_read_is_tried_again(bucket: Bucket, store: Store) -> None:
    journal = Journal(store)
    await journal.claim(summary())
    writer = journal.writer(summary())
    await journal.send("t", Control(action="cancel"))
    bucket.status = 500
    controls = writer.controls()
    waiting = asyncio.ensure_future(anext(controls))
    await until(lambda: writer.problem)
    bucket.status = None
    n, control = await asyncio.wait_for(waiting, 10)
    assert (n, control.action) == (1, "cancel")
    await controls.aclose()
    await writer.close(summary(status=Status.CANCELLED))
    assert await reading.running_ids(store) == []

"""What a reader makes of a journal that is incomplete: lost tasks, holes, garbage."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from tests.worker.test_journal import end, event, numbers, read, summary, until, written
from worker_service import layout, reading
from worker_service.journal import Journal
from worker_service.store import Store, StoreError
from worker_service.wire import EventType, Status


@pytest.fixture
async def folder(tmp_path: Path) -> Store:
    return Store.open(f"file://{tmp_path}/store")


async def test_a_silent_task_ends_as_lost_for_its_followers(folder: Store, tmp_path: Path) -> None:
    await written(folder, event(1), event(2), status=Status.RUNNING)
    long_ago = time.time() - layout.STALE_SECONDS - 1
    os.utime(tmp_path / "store" / layout.task("t"), (long_ago, long_ago))
    events = await read(folder, follow=True)
    assert numbers(events) == [1, 2, None]
    assert (events[-1].type, events[-1].data["reason"]) == (EventType.COMPLETE, "lost")


async def test_a_summary_that_has_ended_speaks_for_the_events_that_were_dropped(folder: Store) -> None:
    await written(folder, event(1), event(2))
    await folder.put(
        layout.task("t"), summary(status=Status.CANCELLED, last_seq=4).model_dump_json().encode()
    )
    events = await read(folder, follow=True)
    assert [(one.id, one.data.get("status")) for one in events] == [(1, None), (2, None), (None, "cancelled")]


async def test_a_fresh_heartbeat_keeps_an_old_summary_alive(folder: Store, tmp_path: Path) -> None:
    await written(folder, event(1), status=Status.RUNNING)
    long_ago = time.time() - layout.STALE_SECONDS - 1
    os.utime(tmp_path / "store" / layout.task("t"), (long_ago, long_ago))
    found = await reading.read_task(folder, "t")
    assert found is not None
    assert await reading.is_lost(folder, found)
    await folder.put(layout.running("t"), b"{}")
    assert not await reading.is_lost(folder, found)


async def test_a_hole_in_the_journal_is_a_gap(folder: Store, tmp_path: Path) -> None:
    journal = Journal(folder)
    await journal.claim(summary())
    writer = journal.writer(summary())
    files = tmp_path / "store" / layout.events("t")
    for number in range(1, 5):
        writer.write(*event(number, EventType.STATUS))
        await until((files / f"{number:012d}-{number:012d}.ndjson").exists)
    for number in (5, 6, 7):
        writer.write(*event(number))
    writer.write(*end(8))
    await writer.close(summary(status=Status.COMPLETED))
    (files / f"{2:012d}-{2:012d}.ndjson").unlink()
    (files / f"{4:012d}-{4:012d}.ndjson").write_bytes(b"\x00garbage")
    (files / "notes.txt").write_text("somebody was here")
    last = files / f"{5:012d}-{8:012d}.ndjson"
    lines = last.read_bytes().splitlines()
    lines[1] = b'{"id": 6, "type"'
    last.write_bytes(b"\n".join(lines))
    assert [(one.id, one.type.value) for one in await read(folder)] == [
        (1, "status"),
        (2, "gap"),
        (3, "status"),
        (4, "gap"),
        (5, "output"),
        (6, "gap"),
        (7, "output"),
        (8, "complete"),
    ]


async def test_a_summary_that_is_none_is_shown_and_hides_no_other(folder: Store) -> None:
    await written(folder, end(1))
    await folder.put(layout.task("broken"), b"{}")
    tasks = {task.task_id: task for task in await Journal(folder).tasks()}
    assert tasks["t"].status is Status.COMPLETED
    assert tasks["broken"].result is not None
    assert "not a task summary" in str(tasks["broken"].result.detail)
    with pytest.raises(StoreError, match="not a task summary"):
        await reading.read_task(folder, "broken")

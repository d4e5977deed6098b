"""What a reader makes of a journal that is incomplete: lost tasks, holes, garbage."""

from __future__ import annotations

import pytest

from tests.worker.places import Place
from tests.worker.test_journal import end, event, numbers, read, summary, written
from worker_service import layout, reading
from worker_service.journal import Journal
from worker_service.store import Store
from worker_service.wire import EventType, Status


@pytest.fixture
def store(place: Place) -> Store:
    return Store.open(place.url)


async def test_a_silent_task_ends_as_lost_for_its_followers(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    await written(store, event(1), event(2), status=Status.RUNNING)
    monkeypatch.setattr(layout, "STALE_SECONDS", 0)
    events = await read(store, follow=True)
    assert numbers(events) == [1, 2, None]
    assert (events[-1].type, events[-1].data["reason"]) == (EventType.COMPLETE, "lost")


async def test_a_summary_that_has_ended_speaks_for_the_events_that_were_dropped(store: Store) -> None:
    await written(store, event(1), event(2))
    body = summary(status=Status.CANCELLED, last_seq=4).model_dump_json().encode()
    await store.put(layout.task("t"), body)
    events = await read(store, follow=True)
    assert [(one.id, one.data.get("status")) for one in events] == [(1, None), (2, None), (None, "cancelled")]


async def test_a_fresh_heartbeat_keeps_an_old_summary_alive(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    await written(store, event(1), status=Status.RUNNING)
    found = await reading.read_task(store, "t")
    assert found is not None
    claimed_at = await store.written_at(layout.task("t"))
    assert claimed_at is not None
    # The clock stands where the summary alone has just become too old.
    monkeypatch.setattr("time.time", lambda: claimed_at + layout.STALE_SECONDS + 1)
    assert await reading.is_lost(store, found)
    monkeypatch.undo()
    await store.put(layout.running("t"), b"{}")
    assert not await reading.is_lost(store, found)


async def test_a_hole_in_the_journal_is_a_gap(store: Store) -> None:
    def lines(*events: tuple[object, bytes]) -> bytes:
        return b"".join(line for _, line in events)

    await store.put(layout.task("t"), summary(status=Status.COMPLETED).model_dump_json().encode())
    for number in (1, 3):
        await store.put(layout.segment("t", number, number), lines(event(number, EventType.STATUS)))
    await store.put(layout.segment("t", 4, 4), b"\x00garbage")
    await store.put(
        layout.segment("t", 5, 8), lines(event(5)) + b'{"id": 6, "type"\n' + lines(event(7), end(8))
    )
    assert [(one.id, one.type.value) for one in await read(store)] == [
        (1, "status"),
        (2, "gap"),
        (3, "status"),
        (4, "gap"),
        (5, "output"),
        (6, "gap"),
        (7, "output"),
        (8, "complete"),
    ]


async def test_a_summary_that_is_none_is_shown_and_hides_no_other(store: Store) -> None:
    await written(store, end(1))
    await store.put(layout.task("broken"), b"{}")
    tasks = {task.task_id: task for task in await Journal(store).tasks()}
    assert tasks["t"].status is Status.COMPLETED
    assert tasks["broken"].result is not None
    assert "not a task summary" in str(tasks["broken"].result.detail)

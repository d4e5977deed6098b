"""The journal over every kind of store: claims, segments, follow, mailbox, heartbeat."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest

from tests.worker.places import Place
from worker_service import layout, reading
from worker_service.journal import Journal
from worker_service.store import Store
from worker_service.wire import Control, EventType, Mode, Status, TaskEvent, TaskSummary


def summary(task_id: str = "t", status: Status = Status.RUNNING, **more: Any) -> TaskSummary:
    return TaskSummary(
        task_id=task_id, status=status, prompt="hi", agent="shell", created_at=time.time(), **more
    )


def event(
    number: int, kind: EventType = EventType.OUTPUT, text: str = "x", **data: Any
) -> tuple[TaskEvent, bytes]:
    said = {"status": "running"} if kind is EventType.STATUS else {"data": text, "encoding": "utf-8"}
    fields = {"taskId": "t", "seq": number, "ts": time.time(), **said, **data}
    line = json.dumps({"id": number, "type": kind.value, "data": fields}).encode() + b"\n"
    return TaskEvent(number, kind, fields), line


def end(number: int) -> tuple[TaskEvent, bytes]:
    return event(number, EventType.COMPLETE, status="completed", duration=1)


async def until(holds: Callable[[], Any], deadline: float = 10) -> None:
    async with asyncio.timeout(deadline):
        while True:
            if holds():
                return
            await asyncio.sleep(0.005)


async def read(store: Store, after: int = 0, *, follow: bool = False) -> list[TaskEvent]:
    async with asyncio.timeout(15), aclosing(reading.events(store, "t", after, follow)) as events:
        return [event async for event in events]


def numbers(events: list[TaskEvent]) -> list[int | None]:
    return [event.id for event in events]


@pytest.fixture
def store(place: Place) -> Store:
    return Store.open(place.url)


@pytest.fixture
async def folder(tmp_path: Path) -> Store:
    return Store.open(f"file://{tmp_path}/store")


async def written(store: Store, *events: tuple[TaskEvent, bytes], status: Status = Status.COMPLETED) -> None:
    journal = Journal(store)
    assert await journal.claim(summary()) is None
    writer = journal.writer(summary())
    for one in events:
        writer.write(*one)
    await writer.close(summary(status=status, last_seq=events[-1][0].id or 0))
    assert writer.problem is None


async def test_one_of_many_claims_wins_and_the_others_learn_who(store: Store) -> None:
    journals = [Journal(store) for _ in range(20)]
    answers = await asyncio.gather(*(journal.claim(summary()) for journal in journals))
    assert answers.count(None) == 1
    held = await journals[0].read_task("t")
    assert held is not None
    assert {answer.writer for answer in answers if answer is not None} == {held.writer}


async def test_events_come_back_in_order_and_once(store: Store) -> None:
    await written(store, *(event(n) for n in range(1, 200)), end(200))
    events = await read(store)
    assert numbers(events) == list(range(1, 201))
    assert events[-1].type is EventType.COMPLETE
    assert events[0].data["data"] == "x"
    assert numbers(await read(store, 77)) == list(range(78, 201))
    assert numbers(await read(store, 200)) == []
    assert (await Journal(store).tasks())[0].status is Status.COMPLETED
    assert await reading.running_ids(store) == []


async def test_a_follower_sees_everything_as_it_is_written(store: Store) -> None:
    journal = Journal(store)
    await journal.claim(summary())
    writer = journal.writer(summary())
    following = asyncio.create_task(read(store, follow=True))
    for number in range(1, 100):
        kind = EventType.STATUS if number % 10 == 0 else EventType.OUTPUT
        writer.write(*event(number, kind))
        await asyncio.sleep(0.002)
    writer.write(*end(100))
    await writer.close(summary(status=Status.COMPLETED))
    assert numbers(await following) == list(range(1, 101))


async def test_the_segments_are_whole_named_by_their_events_and_never_rewritten(
    folder: Store, tmp_path: Path
) -> None:
    journal = Journal(folder)
    await journal.claim(summary())
    writer = journal.writer(summary())
    files = tmp_path / "store" / layout.events("t")
    seen: dict[str, bytes] = {}
    for number in range(1, 40):
        writer.write(*event(number, EventType.STATUS if number % 5 == 0 else EventType.OUTPUT))
        await asyncio.sleep(0.005)
        for file in files.glob("*.ndjson"):
            assert seen.setdefault(file.name, file.read_bytes()) == file.read_bytes()
    await writer.close(summary(status=Status.COMPLETED))
    names = sorted(file.name for file in files.iterdir())
    assert len(names) > 3
    last = 0
    for name in names:
        first, final = layout.segment_range(name) or (0, 0)
        assert (first, len(name)) == (last + 1, len("000000000001-000000000001.ndjson"))
        lines = (files / name).read_bytes().splitlines()
        assert [json.loads(line)["id"] for line in lines] == list(range(first, final + 1))
        last = final
    assert last == 39


@pytest.mark.parametrize(
    ("kind", "text", "soonest", "latest"),
    [
        (EventType.STATUS, "x", 0, 0.8),
        (EventType.OUTPUT, "x" * 70_000, 0, 0.8),
        (EventType.OUTPUT, "x", 0.9, 6),
    ],
)
async def test_a_flush_comes_at_a_change_at_64_kib_or_after_a_second(
    folder: Store, tmp_path: Path, kind: EventType, text: str, soonest: float, latest: float
) -> None:
    journal = Journal(folder)
    await journal.claim(summary())
    writer = journal.writer(summary())
    await until(lambda: (tmp_path / "store" / layout.running("t")).exists())
    began = time.monotonic()
    writer.write(*event(1, kind, text))
    await until(lambda: list((tmp_path / "store").glob("tasks/t/events/*.ndjson")))
    assert soonest <= time.monotonic() - began < latest
    await writer.close(summary(status=Status.FAILED))


async def test_the_summary_and_the_heartbeat_follow_the_task(folder: Store, tmp_path: Path) -> None:
    journal = Journal(folder)
    await journal.claim(summary())
    writer = journal.writer(summary())
    beat = tmp_path / "store" / layout.running("t")
    await until(beat.exists)
    assert TaskSummary.model_validate_json(beat.read_bytes()).task_id == "t"
    changed = []
    for size in range(1, 60):
        writer.update(summary(output_bytes=size))
        changed.append((tmp_path / "store" / layout.task("t")).read_bytes())
        await asyncio.sleep(0.005)
    assert len(set(changed)) <= 2
    await writer.close(summary(status=Status.COMPLETED, output_bytes=60))
    found = await journal.read_task("t")
    assert found is not None
    assert (found.status, found.output_bytes, bool(found.writer)) == (Status.COMPLETED, 60, True)
    assert not beat.exists()


async def test_commands_arrive_in_order_past_what_is_none(store: Store) -> None:
    journal = Journal(store)
    await journal.claim(summary(mode=Mode.INTERACTIVE))
    writer = journal.writer(summary(mode=Mode.INTERACTIVE))
    typed = [await journal.send("t", Control(action="input", data=key)) for key in "abc"]
    await store.put(layout.control("t", 4), b"{ this is no command")
    typed.append(await journal.send("t", Control(action="cancel")))
    found = []
    async with asyncio.timeout(10), aclosing(writer.controls()) as controls:
        async for n, control in controls:
            found.append((n, control.action, control.data))
            if control.action == "cancel":
                break
    assert found == [(1, "input", "a"), (2, "input", "b"), (3, "input", "c"), (5, "cancel", None)]
    assert typed == [1, 2, 3, 5]
    await writer.close(summary(status=Status.CANCELLED))


async def test_racing_senders_get_numbers_of_their_own(store: Store) -> None:
    journal = Journal(store)
    taken = await asyncio.gather(*(journal.send("t", Control(action="input", data="k")) for _ in range(7)))
    assert sorted(taken) == list(range(1, 8))


async def test_controls_end_with_the_writer(folder: Store) -> None:
    journal = Journal(folder)
    await journal.claim(summary())
    writer = journal.writer(summary())

    async def obeyed() -> list[Any]:
        return [found async for found in writer.controls()]

    obeying = asyncio.create_task(obeyed())
    await asyncio.sleep(0)
    await writer.close(summary(status=Status.COMPLETED))
    assert await asyncio.wait_for(obeying, 5) == []


async def test_a_task_nobody_claimed_has_no_events(store: Store) -> None:
    assert await read(store, follow=True) == []
    assert await Journal(store).read_task("t") is None


@pytest.mark.parametrize(
    "url",
    ["", "nonsense", "ftp://host/x", "gs://", "file://relative/folder", "file:///", "file:///dev/null/x"],
)
def test_a_bad_url_is_refused_in_words(url: str) -> None:
    with pytest.raises(ValueError, match=r"no object store|no folder|cannot be used as a store"):
        Journal.open(url)


def test_a_folder_with_spaces_is_made_for_its_owner_alone(tmp_path: Path) -> None:
    Journal.open(f"file://{tmp_path}/a%20b/store")
    assert (tmp_path / "a b" / "store").stat().st_mode & 0o777 == 0o700

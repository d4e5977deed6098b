"""A mailbox that others write into, and senders that could leave a hole in it."""

from __future__ import annotations

import asyncio
import json
from contextlib import aclosing

import pytest

from ccconsole.journal import JournalReader
from tests.worker.conftest import StartWorker, output, result
from tests.worker.places import KINDS, Place
from tests.worker.test_journal import summary
from worker_service import layout, reading
from worker_service.journal import Journal
from worker_service.mailbox import Mailbox
from worker_service.store import Store
from worker_service.wire import Control, Status


@pytest.fixture
def store(place: Place) -> Store:
    return Store.open(place.url)


def key(text: str) -> Control:
    return Control(action="input", data=text)


async def taken(store: Store, mailbox: Mailbox | None = None) -> list[tuple[int, str]]:
    mailbox = mailbox or Mailbox(store, "t", is_interactive=True)
    found = []
    while (entry := await mailbox.next()) is not None:
        found.append((entry[0], entry[1].data or entry[1].action))
    return found


only_folder = pytest.mark.parametrize("place", ["file"], indirect=True)
STRANGE = [
    b"",
    b"\xff",
    b"[]",
    b"7",
    b"[" * 100_000,
    b'{"action": "explode"}',
    b'{"action": "resize", "cols": true, "rows": 1.5}',
    b'{"action": "resize", "cols": 1e9, "rows": -1}',
    b'{"action": "input", "data": ["x"]}',
    json.dumps({"action": "cancel", "taskId": "other"}).encode(),
    json.dumps({"action": "cancel", "taskId": 7}).encode(),
]


@only_folder
async def test_what_is_no_command_of_this_task_is_passed_over_and_logged(
    store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    for n, body in enumerate(STRANGE, 1):
        await store.put(layout.control("t", n), body)
    assert await reading.send(store, "t", key("a")) == len(STRANGE) + 1
    assert await taken(store) == [(len(STRANGE) + 1, "a")]
    for n in range(1, len(STRANGE) + 1):
        assert f"{layout.control('t', n)}'" in caplog.text


@only_folder
async def test_what_was_taken_is_not_taken_again(store: Store, caplog: pytest.LogCaptureFixture) -> None:
    mailbox = Mailbox(store, "t", is_interactive=True)
    await reading.send(store, "t", key("a"))
    await reading.send(store, "other", key("foreign"))
    assert await taken(store, mailbox) == [(1, "a")]
    seen = await store.read(layout.control("t", 1))
    foreign = await store.read(layout.control("other", 1))
    assert seen is not None
    assert foreign is not None
    await store.put(layout.control("t", 1), foreign)
    await store.put(layout.control("t", 2), seen)
    await store.put(layout.control("t", 3), foreign)
    assert await reading.send(store, "t", key("b")) == 4
    assert await taken(store, mailbox) == [(4, "b")]
    assert "taken before" in caplog.text
    assert "another's" in caplog.text


@pytest.mark.parametrize("place", KINDS, indirect=True)
async def test_no_number_ahead_leaves_a_hole(store: Store) -> None:
    for name in ("999", "5", "abc", "-1"):
        await store.put(f"{layout.controls('t')}/{name}.json", b"{}")
    for first, given in ((None, 1), (2, 2), (7, 3), (4, 4), (5, 6), (1, 7), (10**6, 8)):
        assert await reading.send(store, "t", key(str(given)), first) == given
    assert await taken(store) == [(n, str(n)) for n in (1, 2, 3, 4, 6, 7, 8)]


@pytest.mark.parametrize("place", ["file", "gs"], indirect=True)
async def test_a_console_that_counts_on_reaches_the_worker_of_a_new_journal(
    store: Store, place: Place
) -> None:
    reader = JournalReader(place.url, "dev")
    assert [await reader.send("t", key(text)) for text in "abc"] == [1, 2, 3]
    for n in (1, 2, 3):
        await store.delete(layout.control("t", n))
    assert [await reader.send("t", key(text)) for text in "de"] == [1, 2]
    assert await taken(store) == [(1, "d"), (2, "e")]


@only_folder
async def test_senders_that_count_on_at_once_leave_no_hole(store: Store) -> None:
    sent = await asyncio.gather(*(reading.send(store, "t", key("k"), n) for n in (2, 3, 4, 5, 9, 30, 31)))
    assert sorted(sent) == list(range(1, 8))
    assert len(await taken(store)) == 7


@pytest.mark.parametrize("place", ["file", "gs"], indirect=True)
async def test_commands_reach_a_worker_whose_mailbox_was_emptied(store: Store, place: Place) -> None:
    journal, readers = Journal(store), [JournalReader(place.url, "dev") for _ in range(2)]
    await journal.claim(summary())
    writer = journal.writer(summary())
    async with asyncio.timeout(20), aclosing(writer.controls()) as controls:
        for text in "abc":
            sent = await readers[0].send("t", key(text))
            assert (await anext(controls))[0] == sent
        for n in (1, 2, 3):
            await store.delete(layout.control("t", n))
        writer.update(summary())
        while (found := await journal.read_task("t")) is None or found.next_control != 4:  # noqa: ASYNC110
            await asyncio.sleep(0.02)
        for reader, n in zip(readers, (4, 5), strict=True):
            assert await reader.send("t", key("d")) == n
            assert (await anext(controls))[0] == n
    await writer.close(summary(status=Status.COMPLETED))


@only_folder
async def test_a_worker_goes_on_behind_a_hostile_mailbox(start_worker: StartWorker, place: Place) -> None:
    store = Store.open(place.url)
    for n, body in enumerate(STRANGE, 1):
        await store.put(layout.control("t", n), body)
    worker = await start_worker(worker_store=place.url)
    running = await worker.start("read line; echo got $line; sleep 30", mode="interactive", taskId="t")
    reader = JournalReader(place.url, "dev")
    await reader.send("t", key("word\r"))
    async with aclosing(reader.events("t")) as events:
        async for event in events:
            if "got word" in str(event.data.get("data")):
                await reader.send("t", Control(action="cancel"))
                break
    seen = await running
    assert "got word" in output(seen)
    assert result(seen)["status"] == "cancelled"
    assert summary("t").task_id in [task.id for task in await reader.tasks()]

"""A worker's process on one side of a store, the console's reader on the other."""

from __future__ import annotations

import asyncio
import signal
from contextlib import aclosing

import pytest

from ccconsole.journal import JournalReader
from ccconsole.model.tasks import TaskState
from tests.worker.conftest import DEADLINE_SECONDS, StartProcess, StartWorker, until
from tests.worker.places import SHARED, Place
from worker_service import layout
from worker_service.wire import Control, EventType, TaskEvent

pytestmark = pytest.mark.parametrize("place", SHARED, indirect=True)


def text(events: list[TaskEvent]) -> str:
    return "".join(event.data["data"] for event in events if event.type is EventType.OUTPUT)


async def states(reader: JournalReader) -> list[TaskState]:
    return [task.state for task in await reader.running()]


async def test_the_console_watches_types_and_cancels(start_worker: StartWorker, place: Place) -> None:
    worker = await start_worker(worker_store=place.url)
    running = await worker.start("read line; echo got $line; sleep 30", mode="interactive", taskId="t")
    reader = JournalReader(place.url, "dev")
    seen: list[TaskEvent] = []
    sent: list[int] = []
    async with aclosing(reader.events("t")) as events:
        async for event in events:
            seen.append(event)
            if event.data.get("status") == "running":
                assert [task.id for task in await reader.running()] == ["t"]
                typed = Control(action="input", data="word\r", actor="ada")
                sent.append(await reader.send("t", typed))
            if "got word" in text(seen) and len(sent) == 1:
                sent.append(await reader.send("t", Control(action="cancel", actor="bob")))
    told = await running

    assert [(event.id, event.type) for event in seen] == [(event.id, event.type) for event in told]
    acks = [event.data for event in seen if event.type is EventType.CONTROL]
    assert [(ack["n"], ack["actor"], ack["ok"]) for ack in acks] == [(1, "ada", True), (2, "bob", True)]
    assert [(task.id, task.state) for task in await reader.tasks()] == [("t", TaskState.CANCELLED)]
    assert (await reader.ids("t"), await reader.ids("x")) == (["t"], [])
    assert await reader.last_event("t") == seen[-1].id
    await until(lambda: not worker.pool.running)
    assert await reader.running() == []


async def test_what_a_killed_worker_wrote_is_read_to_the_end_and_the_task_is_lost(
    start_process: StartProcess, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    process = await start_process(WORKER_STORE=place.url, **place.env)
    running = await process.worker.start("echo here; sleep 300", taskId="t")
    reader = JournalReader(place.url, "dev")
    seen: list[TaskEvent] = []
    async with aclosing(reader.events("t")) as events:
        async for event in events:
            seen.append(event)
            if "here" in text(seen):
                break
    # What a list shows is written beside the events, and may come a moment after them.
    async with asyncio.timeout(DEADLINE_SECONDS):
        while await states(reader) != [TaskState.RUNNING]:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    await process.end(signal.SIGKILL)
    running.cancel()
    assert await states(reader) == [TaskState.RUNNING]
    monkeypatch.setattr(layout, "STALE_SECONDS", 0)
    assert await states(reader) == [TaskState.LOST]
    async with aclosing(reader.events("t")) as events:
        again = [event async for event in events]

    assert [event.id for event in again] == [*[event.id for event in seen], None]
    assert (again[-1].type, again[-1].data["reason"]) == (EventType.COMPLETE, "lost")
    assert text(again) == "here\r\n"

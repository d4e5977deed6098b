"""Runs against workers that break: no event lost or repeated, and never an outcome that nobody told."""

from __future__ import annotations

import json
import os
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from pathlib import Path

import pytest

from ccconsole import runs
from ccconsole.errors import NotFound, Refused, Unreachable
from ccconsole.model.tasks import TaskState
from ccconsole.problems import Full
from ccconsole.runs import NoOutcome
from tests.unit.workers import Call, complete, environment, output, scripted, service, sse, until
from worker_service import layout
from worker_service.journal import Journal
from worker_service.wire import Control, EventType, RunRequest, Status, TaskEvent, TaskSummary

REQUEST = RunRequest(prompt="hi", task_id="t")


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runs, "REATTACH_SECONDS", (0.01, 0.01, 0.01))
    monkeypatch.setattr(runs, "BUSY_SECONDS", (0.01, 0.01))


@pytest.fixture
def store(tmp_path: Path) -> str:
    return f"file://{tmp_path}/store"


async def drained(events: AsyncGenerator[TaskEvent, None]) -> list[TaskEvent]:
    async with aclosing(events):
        return [event async for event in events]


def numbers(events: list[TaskEvent]) -> list[int]:
    return [event.id for event in events if event.id is not None]


def summary(status: Status = Status.RUNNING) -> TaskSummary:
    return TaskSummary(task_id="t", status=status, prompt="hi", agent="shell", created_at=time.time())


async def journaled(store: str, first: int, last: int, *, is_completed: bool = True) -> None:
    """A journal of task t that holds events `first` to `last`, the last of them `complete`."""
    journal = Journal.open(store)
    await journal.claim(summary())
    writer = journal.writer(summary())
    for number in range(first, last + 1):
        is_end = is_completed and number == last
        kind = EventType.COMPLETE if is_end else EventType.OUTPUT
        data = {"taskId": "t", "seq": number, "ts": time.time(), "data": f"{number}\n", "encoding": "utf-8"}
        if is_end:
            data |= {"status": "completed", "duration": 1}
        line = json.dumps({"id": number, "type": kind.value, "data": data}).encode() + b"\n"
        writer.write(TaskEvent(number, kind, data), line)
    ended = summary(Status.COMPLETED) if is_completed else summary()
    await writer.close(ended.model_copy(update={"last_seq": last}))


def silenced(store: str) -> None:
    """Make the task's last sign of life old enough to be lost."""
    folder = Path(store.removeprefix("file://"))
    then = time.time() - layout.STALE_SECONDS - 5
    for path in (folder / layout.task("t"), folder / layout.running("t")):
        if path.exists():
            os.utime(path, (then, then))


async def test_a_run_streams_to_its_end_under_an_id_of_its_own() -> None:
    async def script(call: Call) -> None:
        await call.start()
        await call.write(sse(1, "status", status="running") + output(2, "a") + complete(3))

    async with scripted(script) as worker:
        events = await drained(runs.start(environment(), service(worker.url), RunRequest(prompt="hi")))
        assert numbers(events) == [1, 2, 3]
        assert len(json.loads(worker.calls[0].body)["taskId"]) == 32


@pytest.mark.parametrize("way", ["end", "cut", "garbage"])
async def test_a_dropped_stream_goes_on_without_loss_or_repetition(way: str) -> None:
    async def script(call: Call) -> None:
        await call.start()
        if call.method == "GET":
            await call.write(output(2, "b") + output(3, "c") + complete(4))
            return
        await call.write(output(1, "a") + output(2, "b") + sse(None, "heartbeat"))
        if way == "cut":
            await call.cut()
        await call.write("event: output\ndata: {\n\n" if way == "garbage" else "", is_last=True)

    async with scripted(script) as worker:
        events = await drained(runs.start(environment(), service(worker.url), REQUEST))
        assert numbers(events) == [1, 2, 3, 4]
        (notice,) = [event for event in events if event.type is EventType.ERROR]
        assert notice.data["code"] == "stream_dropped"
        assert [(call.method, call.path) for call in worker.calls] == [
            ("POST", "/run"),
            ("GET", "/tasks/t/events"),
        ]
        assert worker.calls[1].headers["last-event-id"] == "2"


async def test_a_stream_that_drops_again_and_again_is_found_each_time() -> None:
    async def script(call: Call) -> None:
        await call.start()
        number = int(call.headers.get("last-event-id", 0)) + 1
        await call.write(complete(number) if number == 9 else output(number, "a"))

    async with scripted(script) as worker:
        events = await drained(runs.start(environment(), service(worker.url), REQUEST))
        assert numbers(events) == list(range(1, 10))


@pytest.mark.parametrize("status", [404, 429, 500, 501])
async def test_a_dropped_stream_goes_on_in_the_journal(store: str, status: int) -> None:
    async def script(call: Call) -> None:
        if call.method == "GET":
            return await call.answer(status, "no", "text/plain")
        await call.start()
        await call.write(output(1, "1\n") + output(2, "2\n"), is_last=True)

    await journaled(store, 1, 300)
    async with scripted(script) as worker:
        events = await drained(runs.start(environment(store), service(worker.url), REQUEST))
        assert numbers(events) == list(range(1, 301))
        assert events[-1].type is EventType.COMPLETE


async def test_a_worker_that_is_gone_leaves_its_journal(store: str) -> None:
    async def script(call: Call) -> None:
        await call.start()
        await call.write(output(1, "1\n"))
        await call.cut()

    await journaled(store, 1, 5, is_completed=False)
    silenced(store)
    async with scripted(script) as worker:
        events = await drained(runs.start(environment(store), service(worker.url), REQUEST))
        assert numbers(events) == [1, 2, 3, 4, 5]
        assert events[-1].data["status"] == "failed"
        assert events[-1].data["reason"] == "lost"


async def test_a_stream_without_an_outcome_is_an_error_in_words() -> None:
    async def script(call: Call) -> None:
        if call.method == "GET":
            return await call.answer(404, "no", "text/plain")
        await call.start()
        await call.write(output(1, "a"), is_last=True)

    async with scripted(script) as worker:
        events = runs.start(environment(), service(worker.url), REQUEST)
        assert (await anext(events)).id == 1
        assert (await anext(events)).type is EventType.ERROR
        with pytest.raises(NoOutcome, match="without an outcome") as raised:
            await anext(events)
        assert "test has no journal to ask" in raised.value.detail
        assert raised.value.hint.startswith("ccconsole logs test/worker")


async def test_a_journal_that_knows_nothing_is_no_outcome(store: str) -> None:
    async def script(call: Call) -> None:
        if call.method == "GET":
            return await call.answer(404, "no", "text/plain")
        await call.start()
        await call.cut()

    async with scripted(script) as worker:
        with pytest.raises(NoOutcome, match="before its first event"):
            await drained(runs.start(environment(store), service(worker.url), REQUEST))


async def test_a_full_fleet_is_refused_once_and_not_asked_again() -> None:
    async def script(call: Call) -> None:
        await call.answer(429, "Rate exceeded.", "text/plain")

    async with scripted(script) as worker:
        with pytest.raises(Full):
            await drained(runs.start(environment(), service(worker.url), REQUEST))
        assert len(worker.calls) == 1


@pytest.mark.parametrize("busy", [2, 3])
async def test_an_instance_that_still_ends_its_last_task_is_asked_again(busy: int) -> None:
    problem = {"title": "Busy", "detail": "1 task", "error": "worker_busy", "message": "1 task"}

    async def script(call: Call) -> None:
        if len(worker.calls) <= busy:
            return await call.answer(429, {"status": 429, "code": "worker_busy", **problem})
        await call.start()
        await call.write(complete(1))

    async with scripted(script) as worker:
        events = runs.start(environment(), service(worker.url), REQUEST)
        if busy == 3:
            with pytest.raises(Full, match="The worker said: 1 task"):
                await drained(events)
        else:
            assert numbers(await drained(events)) == [1]
        assert len(worker.calls) == 3
        assert len({call.body for call in worker.calls}) == 1


@pytest.mark.parametrize("url", [None, "http://127.0.0.1:9"])
async def test_a_service_nobody_answers_for_is_unreachable(url: str | None) -> None:
    with pytest.raises(Unreachable):
        await drained(runs.start(environment(), service(url), REQUEST))


async def test_missing_numbers_become_a_gap() -> None:
    async def script(call: Call) -> None:
        await call.start()
        gap = sse(4, "gap", **{"from": 3, "to": 4, "reason": "slow"})
        await call.write(
            output(1, "a") + output(1, "a") + output(2, "b") + gap + output(7, "g") + complete(8)
        )

    async with scripted(script) as worker:
        events = await drained(runs.start(environment(), service(worker.url), REQUEST))
        assert [(event.id, event.type.value) for event in events] == [
            (1, "output"),
            (2, "output"),
            (4, "gap"),
            (6, "gap"),
            (7, "output"),
            (8, "complete"),
        ]
        assert (events[3].data["from"], events[3].data["to"]) == (5, 6)


async def test_leaving_a_run_closes_its_stream() -> None:
    hung_up = []

    async def script(call: Call) -> None:
        await call.start()
        await call.write(output(1, "a"))
        await call.gone()
        hung_up.append(call)

    async with scripted(script) as worker:
        async with aclosing(runs.start(environment(), service(worker.url), REQUEST)) as events:
            await anext(events)
        await until(lambda: hung_up, 2)


async def test_attach_reads_from_any_event_and_ends(store: str) -> None:
    await journaled(store, 1, 300)
    place = environment(store)
    assert numbers(await drained(runs.attach(place, "t"))) == list(range(1, 301))
    assert numbers(await drained(runs.attach(place, "t", 123))) == list(range(124, 301))
    assert await drained(runs.attach(place, "t", 300)) == []
    with pytest.raises(NotFound, match="No task nobody in test"):
        await drained(runs.attach(place, "nobody"))


async def test_tasks_are_listed_and_a_silent_one_is_lost(store: str) -> None:
    place = environment(store)
    assert await runs.tasks(place) == []
    await journaled(store, 1, 5, is_completed=False)
    assert [task.state for task in await runs.tasks(place)] == [TaskState.RUNNING]
    silenced(store)
    task = await runs.task(place, "t")
    assert (task.state, task.reason) == (TaskState.LOST, "lost")
    assert [one.id for one in await runs.journal(place).running()] == []


async def test_an_outcome_outlives_a_summary_that_was_never_written(store: str) -> None:
    await journaled(store, 1, 5)
    folder = Path(store.removeprefix("file://"))
    (folder / layout.task("t")).write_text(summary().model_dump_json(by_alias=True))
    silenced(store)
    assert (await runs.task(environment(store), "t")).state is TaskState.COMPLETED


async def test_commands_lie_in_the_mailbox_in_order(store: str) -> None:
    await journaled(store, 1, 5, is_completed=False)
    place = environment(store)
    assert [await runs.send(place, "t", Control(action="cancel", actor=name)) for name in "abc"] == [1, 2, 3]
    folder = Path(store.removeprefix("file://"))
    assert [json.loads((folder / layout.control("t", n)).read_text())["actor"] for n in (1, 2, 3)] == list(
        "abc"
    )


async def test_an_environment_without_a_store_says_what_that_means() -> None:
    with pytest.raises(Refused, match="test has no store") as raised:
        await runs.tasks(environment())
    assert "store = " in raised.value.hint
    with pytest.raises(Refused, match="test has no store"):
        await runs.send(environment(), "t", Control(action="cancel"))
    with pytest.raises(Refused, match="test has no store"):
        await drained(runs.attach(environment(), "t"))


@pytest.mark.parametrize(
    ("uri", "wanted"),
    [
        ("https://worker-abc-uc.a.run.app", "https://worker-abc-uc.a.run.app"),
        ("https://canary---worker-abc-uc.a.run.app", "https://worker-abc-uc.a.run.app"),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
    ],
)
def test_an_id_token_is_for_the_service_and_never_for_a_tag(uri: str, wanted: str) -> None:
    assert runs.audience(uri) == wanted

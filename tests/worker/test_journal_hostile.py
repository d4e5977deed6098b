"""A store that others write into: what is not the journal's own is passed over, logged, and hides nothing."""

from __future__ import annotations

import json
import logging
import os
import time
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from ccconsole.errors import NotFound, Unreachable
from ccconsole.journal import JournalReader
from ccconsole.model.tasks import TaskState
from tests.worker import places
from tests.worker.conftest import StartWorker, output
from tests.worker.test_journal import end, event, summary, written
from worker_service import layout
from worker_service.store import Store
from worker_service.wire import Control, Status, TaskEvent


@dataclass(frozen=True)
class Ground:
    """A store where the test may put anything under any name."""

    url: str
    plant: Callable[[str, bytes], object]
    folder: Path

    @property
    def store(self) -> Store:
        return Store.open(self.url)

    @property
    def reader(self) -> JournalReader:
        return JournalReader(self.url, "dev")


@pytest.fixture(params=["file", "gs"])
async def ground(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Ground]:
    if request.param == "gs":
        async with places.cloud_storage() as (place, bucket):
            monkeypatch.setenv(*next(iter(place.env.items())))
            yield Ground(place.url, lambda path, body: bucket.plant(f"prefix/{path}", body), tmp_path)
        return

    def plant(path: str, body: bytes) -> None:
        file = tmp_path / "store" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(body)

    yield Ground(f"file://{tmp_path}/store", plant, tmp_path)


only_folder = pytest.mark.parametrize("ground", ["file"], indirect=True)


async def read(reader: JournalReader, task_id: str = "t") -> list[TaskEvent]:
    async with aclosing(reader.events(task_id, follow=False)) as events:
        return [event async for event in events]


def body(task_id: str = "t", status: Status = Status.COMPLETED, **more: Any) -> bytes:
    return summary(task_id, status, **more).model_dump_json(by_alias=True).encode()


FOREIGN = [
    *(f"tasks/{name}/task.json" for name in (".hidden", "a b", "%2e%2e", "é", "x" * 129, "~", "-x")),
    *(f"tasks/t/events/{name}" for name in ("x.ndjson", "9-3.ndjson", "notes.txt", "zzz")),
    f"tasks/t/events/{9:012d}-{3:012d}.ndjson",
    f"tasks/t/events/{9:012d}-{1e13:012.0f}.ndjson",
    f"tasks/t/events/sub/{5:012d}-{6:012d}.ndjson",
    *(f"tasks/t/control/{name}.json" for name in ("abc", "-1", "0", "007", "9" * 20, "1e3", "٣")),
    "tasks/t/control/1.json.bak",
    "running/a b",
    "running/.tmp",
    "running/sub/t",
    "tasks/loose.txt",
]


async def test_foreign_names_hide_nothing_and_are_logged_once(
    ground: Ground, caplog: pytest.LogCaptureFixture
) -> None:
    await written(ground.store, event(1), event(2), end(3))
    for path in FOREIGN:
        ground.plant(path, b'{"not": "ours"}')
    ground.plant("running/ghost", b"{}")
    reader = ground.reader
    caplog.set_level(logging.WARNING)
    for n in (1, 2):
        assert await reader.send("t", Control(action="cancel")) == n
        assert [(task.id, task.state) for task in await reader.tasks()] == [("t", TaskState.COMPLETED)]
        assert await reader.ids() == ["t"]
        assert await reader.running() == []
        assert [event.id for event in await read(reader)] == [1, 2, 3]
        assert await reader.last_event("t") == 3
        logged = [record.getMessage() for record in caplog.records]
    assert len(logged) == len(set(logged))
    for path in (*FOREIGN, "tasks/ghost/task.json"):
        name = path.partition("/sub/")[0].removesuffix("/task.json")
        assert any(name in line for line in logged) or path == "tasks/loose.txt", name


async def test_an_outcome_is_found_behind_foreign_files(
    ground: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    await written(ground.store, event(1), end(2))
    ground.plant("tasks/t/task.json", body(status=Status.RUNNING))
    ground.plant("tasks/t/events/zzz", b"")
    monkeypatch.setattr(layout, "STALE_SECONDS", 0)
    assert [task.state for task in await ground.reader.tasks()] == [TaskState.COMPLETED]


def crooked(**fields: Any) -> bytes:
    return json.dumps(json.loads(body("odd")) | fields).encode()


ODD = {
    "not JSON": b"\x00\xff",
    "empty": b"",
    "a list": b"[]",
    "nested": b"[" * 100_000,
    "no time": crooked(createdAt=float("nan")),
    "the end of time": crooked(createdAt=1e300),
    "a negative time": crooked(startedAt=-1e18),
    "no number": crooked(createdAt=True),
    "a huge number": crooked(outputBytes=10**400),
    "a negative number": crooked(lastSeq=-7),
    "no screen": crooked(cols=0, rows=10**9),
    "another task": body("t"),
    "a way out": crooked(taskId="../../etc"),
    "an odd result": crooked(result={"taskId": "odd", "status": "completed", "duration": 10**400}),
    "another's result": crooked(result={"taskId": "t", "status": "completed", "duration": 1}),
}


@pytest.mark.parametrize("text", ODD.values(), ids=ODD.keys())
@only_folder
async def test_a_task_json_that_is_none_is_a_failed_task_among_the_others(
    ground: Ground, text: bytes, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    await written(ground.store, event(1), end(2))
    ground.plant("tasks/odd/task.json", text)
    ground.plant("running/odd", text)
    reader = ground.reader
    tasks = {task.id: task for task in await reader.tasks()}
    assert tasks["t"].state is TaskState.COMPLETED
    assert (tasks["odd"].state, tasks["odd"].reason) == (TaskState.FAILED, "lost")
    assert time.time() - tasks["odd"].created_at < 60
    assert "not a task summary" in str(tasks["odd"].detail)
    assert await reader.running() == []
    assert [event.data["reason"] for event in await read(reader, "odd")] == ["lost"]
    assert "tasks/odd/task.json" in caplog.text


async def test_what_is_too_large_is_not_read(ground: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("worker_service.store.MAX_OBJECT_BYTES", 10_000)
    await written(ground.store, event(1), end(2))
    huge = bytes(20_000)
    for path in ("tasks/odd/task.json", "tasks/t/control/1.json", layout.segment("t", 3, 4)):
        ground.plant(path, huge)
    reader = ground.reader
    tasks = {task.id: task for task in await reader.tasks()}
    assert "too large" in str(tasks["odd"].detail)
    assert tasks["t"].state is TaskState.COMPLETED
    assert [(event.id, event.type) for event in await read(reader)] == [(1, "output"), (2, "complete")]


@only_folder
async def test_a_task_json_of_100_mb_costs_no_memory(ground: Ground) -> None:
    ground.plant("tasks/odd/task.json", b"{")
    os.truncate(ground.folder / "store/tasks/odd/task.json", 100 << 20)
    began = time.monotonic()
    assert "too large" in str((await ground.reader.task("odd")).detail)
    assert time.monotonic() - began < 5


HARMLESS = {"taskId": "t", "seq": 2, "ts": 0}
LINES: list[Any] = [
    b"",
    b"\xff\xfe",
    b"[" * 100_000,
    b'{"id": 2, "type": "output"',
    b"1" * 5000,
    [2, "output", HARMLESS],
    {"id": 2, "type": "output"},
    {"id": 2, "type": "output", "data": [["data", "x"]]},
    {"id": 2, "type": "output", "data": {}},
    {"id": 2, "type": "output", "data": HARMLESS | {"data": 7, "encoding": "utf-8"}},
    {"id": 2, "type": "output", "data": HARMLESS | {"data": "x", "encoding": "rot13"}},
    {"id": 2, "type": "output", "data": HARMLESS | {"data": "x", "encoding": "base64"}},
    {"id": 2, "type": "output", "data": HARMLESS | {"data": "x", "encoding": "utf-8", "offset": "no"}},
    {"id": 2, "type": "output", "data": HARMLESS | {"data": "x", "encoding": "utf-8", "ts": "now"}},
    {"id": 2, "type": "output", "data": HARMLESS | {"data": "x", "encoding": "utf-8", "taskId": "other"}},
    {"id": 2, "type": "output", "data": HARMLESS | {"data": "\ud800", "encoding": "utf-8"}},
    {"id": True, "type": "error", "data": HARMLESS | {"message": "x", "code": "x"}},
    {"id": -2, "type": "error", "data": HARMLESS | {"message": "x", "code": "x"}},
    {"id": 10**30, "type": "error", "data": HARMLESS | {"message": "x", "code": "x"}},
    {"id": float("inf"), "type": "error", "data": HARMLESS | {"message": "x", "code": "x"}},
    {"id": None, "type": "heartbeat", "data": HARMLESS},
    {"id": 2, "type": "heartbeat", "data": HARMLESS},
    {"id": 2, "type": "nonsense", "data": HARMLESS},
    {"id": 2, "type": ["status"], "data": HARMLESS},
    {"id": 2, "type": "status", "data": HARMLESS},
    {"id": 2, "type": "status", "data": HARMLESS | {"status": "sleeping"}},
    {"id": 2, "type": "status", "data": HARMLESS | {"status": "running", "deadline": "soon"}},
    {"id": 2, "type": "gap", "data": HARMLESS},
    {"id": 2, "type": "gap", "data": HARMLESS | {"from": "a", "to": "b"}},
    {"id": 2, "type": "gap", "data": HARMLESS | {"from": 2, "to": 10**9}},
    {"id": 2, "type": "permission", "data": HARMLESS},
    {"id": 2, "type": "control", "data": HARMLESS | {"action": "resize", "ok": True}},
    {"id": 2, "type": "usage", "data": HARMLESS | {"costUsd": "free"}},
    {"id": 2, "type": "complete", "data": HARMLESS},
    {"id": 2, "type": "complete", "data": HARMLESS | {"status": "running", "duration": 1}},
    {"id": 2, "type": "complete", "data": HARMLESS | {"status": "failed", "duration": 1, "reason": 7}},
]


@only_folder
async def test_lines_that_are_no_events_become_gaps(ground: Ground, start_worker: StartWorker) -> None:
    ground.plant("tasks/t/task.json", body(last_seq=3))
    worker = await start_worker(worker_store=ground.url)
    for line in LINES:
        text = line if isinstance(line, bytes) else json.dumps(line).encode()
        ground.plant(layout.segment("t", 1, 3), event(1)[1] + text + b"\n" + end(3)[1])
        seen = [(event.id, event.type.value) for event in await read(ground.reader)]
        assert seen == [(1, "output"), (2, "gap"), (3, "complete")], line
        for form in ("text", "ansi", "ndjson", "cast"):
            answer = await worker.http.get("/tasks/t/transcript", params={"format": form})
            assert answer.status_code == 200


def tree(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@only_folder
async def test_no_link_leads_out_of_the_folder(
    ground: Ground, start_worker: StartWorker, caplog: pytest.LogCaptureFixture
) -> None:
    store, outside = ground.folder / "store", ground.folder / "outside"
    await written(Store.open(f"file://{outside}"), event(1, text="a secret"), end(2))
    (outside / "tasks/t/control").mkdir()
    await written(ground.store, event(1), end(2))
    before = tree(outside)
    for name in ("ok", "piped", "mailless"):
        ground.plant(f"tasks/{name}/task.json", body(name, Status.RUNNING))
    links: dict[str, str | Path] = {
        "tasks/link": outside / "tasks/t",
        "tasks/loop": store / "tasks",
        "tasks/gone": "/nowhere/at/all",
        "tasks/ok/events": outside / "tasks/t/events",
        "tasks/mailless/control": outside / "tasks/t/control",
        "tasks/t/events/deep": "/",
        "running/link": outside / "running",
    }
    (store / "running").mkdir(exist_ok=True)
    for link, target in links.items():
        (store / link).symlink_to(target)
    (store / "tasks/linked").mkdir()
    (store / "tasks/linked/task.json").symlink_to(outside / "tasks/t/task.json")
    (store / "tasks/piped/task.json").unlink()
    os.mkfifo(store / "tasks/piped/task.json")
    reader = ground.reader
    tasks = {task.id: task for task in await reader.tasks()}
    assert set(tasks) == {"t", "ok", "linked", "piped", "mailless"}
    assert "no file of its own" in str(tasks["linked"].detail)
    assert "no file of its own" in str(tasks["piped"].detail)
    assert [event.id for event in await read(reader)] == [1, 2]
    assert [event.data.get("data") for event in await read(reader, "ok")] == []
    worker = await start_worker(worker_store=ground.url)
    assert (await worker.http.get("/tasks")).status_code == 200
    assert "is a link" in (await worker.http.get("/tasks/link")).text
    assert (await worker.http.get("/tasks/linked/transcript")).status_code == 200
    assert (await worker.http.post("/tasks/mailless/cancel")).status_code == 503
    assert output(await worker.run("echo fine", taskId="link")) == "fine\r\n"

    assert tree(outside) == before
    for name in ("tasks/link", "tasks/ok/events", "tasks/linked/task.json", "tasks/piped/task.json"):
        assert name in caplog.text


@only_folder
async def test_names_that_no_path_can_have_hide_no_task(ground: Ground) -> None:
    await written(ground.store, end(1))
    for name in (b"line\nbreak", b"\xff\xfe", b"#1", b"..."):
        ground.plant(f"tasks/{os.fsdecode(name)}/task.json", body("t"))
        ground.plant(f"running/{os.fsdecode(name)}", b"")
    assert [task.id for task in await ground.reader.tasks()] == ["t"]
    assert await ground.reader.running() == []


@pytest.mark.parametrize("ground", ["gs"], indirect=True)
@pytest.mark.parametrize("name", ["tasks//x", "tasks/../x", "tasks/a\x01b/task.json"])
async def test_a_name_that_hides_the_tasks_of_a_bucket_is_told_and_hides_no_single_one(
    ground: Ground, name: str
) -> None:
    await written(ground.store, event(1), end(2))
    ground.plant(name, b"")
    reader = ground.reader
    with pytest.raises(Unreachable) as raised:
        await reader.tasks()
    assert "an impossible name, and hides others; delete it" in raised.value.detail
    assert "tasks/" in raised.value.detail
    assert await reader.ids("t") == ["t"]
    assert (await reader.task("t")).state is TaskState.COMPLETED
    assert [event.id for event in await read(reader)] == [1, 2]
    assert await reader.running() == []


@only_folder
async def test_a_file_of_no_time_is_passed_over(ground: Ground) -> None:
    await written(ground.store, end(1))
    for name, at in (("past", -1e9), ("dawn", -1e11), ("future", 4e11), ("end", 9e12)):
        ground.plant(f"tasks/{name}/task.json", body(name))
        for path in (f"tasks/{name}/task.json", f"running/{name}"):
            ground.plant(path, body(name))
            os.utime(ground.folder / "store" / path, (at, at))
    tasks = {task.id: task.state for task in await ground.reader.tasks()}
    assert tasks["t"] is TaskState.COMPLETED
    assert tasks["past"] is TaskState.FAILED
    assert len(tasks) == 5


IDS = ["", ".", "..", "../x", "a/b", "a\nb", "a\x00b", "é", "-x", ".x", "x" * 129, "a b", "%2e%2e"]


async def test_ids_that_are_none_reach_no_store(ground: Ground) -> None:
    reader = ground.reader
    for task_id in IDS:
        for wanted in (reader.task(task_id), reader.last_event(task_id), read(reader, task_id)):
            with pytest.raises(NotFound):
                await wanted
        with pytest.raises(ValueError, match="no task id"):
            layout.task(task_id)

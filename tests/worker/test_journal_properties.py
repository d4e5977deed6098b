"""Whatever lies in a store: the console reads it without an exception, and each task's events in one row."""

from __future__ import annotations

import asyncio
import functools
import json
import tempfile
from contextlib import aclosing, suppress
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from ccconsole.config import Environment
from ccconsole.errors import ConsoleError
from ccconsole.journal import JournalReader
from ccconsole.screens.session import Session
from tests.worker.test_journal import event, summary
from tests.worker.test_journal_hostile import LINES, ODD
from worker_service import layout
from worker_service.decoding import event_range
from worker_service.wire import Control, EventType, Status, TaskEvent

SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
JSON = st.recursive(
    SCALARS, lambda some: st.lists(some, max_size=3) | st.dictionaries(st.text(max_size=4), some, max_size=3)
)
ENVIRONMENT = Environment("dev", is_local=True, project="p", region="r")
KINDS = [kind for kind in EventType if kind is not EventType.HEARTBEAT]
DATA: dict[EventType, dict[str, Any]] = {
    EventType.PERMISSION: {"permissionId": "p", "tool": "Bash"},
    EventType.CONTROL: {"action": "cancel", "actor": "ada", "ok": True},
    EventType.GAP: {"from": 1, "to": 1, "reason": "x"},
    EventType.ERROR: {"code": "x", "message": "x"},
    EventType.COMPLETE: {"status": "completed", "duration": 1},
    EventType.MESSAGE: {"message": {}},
}


@st.composite
def bent(draw: st.DrawFn, fields: dict[str, Any]) -> dict[str, Any]:
    """The fields, some of them with another value, some gone."""
    bent = dict(fields)
    for name in draw(st.lists(st.sampled_from(sorted(fields)), max_size=2)):
        bent[name] = draw(JSON)
    return {name: value for name, value in bent.items() if value is not None}


@st.composite
def lines(draw: st.DrawFn) -> bytes:
    found = []
    for number in draw(st.lists(st.integers(1, 12), max_size=6)):
        kind = draw(st.sampled_from(KINDS))
        fields = json.loads(event(number, kind, **DATA.get(kind, {}))[1])
        data = draw(bent(fields["data"]))
        found.append(json.dumps(draw(bent(fields | {"data": data}))).encode())
    found.extend(draw(st.lists(st.binary(max_size=8) | st.sampled_from(ODD_LINES), max_size=2)))
    return b"\n".join(found)


ODD_LINES = [line if isinstance(line, bytes) else json.dumps(line).encode() for line in LINES]
SUMMARY = json.loads(summary("t", Status.RUNNING, last_seq=3).model_dump_json(by_alias=True))
BODIES = st.one_of(
    bent(SUMMARY).map(lambda fields: json.dumps(fields).encode()),
    bent(SUMMARY | {"status": "completed"}).map(lambda fields: json.dumps(fields).encode()),
    st.sampled_from(list(ODD.values())),
    st.binary(max_size=20),
    lines(),
)
IDS = st.sampled_from(["t", "t", "t", "u", ".x", "a b", "x" * 129]) | st.text(max_size=5)
NAMES = st.one_of(
    st.builds(lambda first, last: f"{first:012d}-{last:012d}.ndjson", st.integers(0, 12), st.integers(0, 12)),
    st.sampled_from(["notes.txt", "1.json", "2.json", "9.json", "-1.json", "x.ndjson", "9-3.ndjson"]),
    st.text(max_size=6),
)
PATHS = st.one_of(
    IDS.map(lambda task_id: f"tasks/{task_id}/task.json"),
    st.builds(lambda task_id, name: f"tasks/{task_id}/events/{name}", IDS, NAMES),
    st.builds(lambda task_id, name: f"tasks/{task_id}/control/{name}", IDS, NAMES),
    IDS.map(lambda task_id: f"running/{task_id}"),
    st.lists(IDS | NAMES, min_size=1, max_size=4).map("/".join),
)


def plant(folder: Path, objects: list[tuple[str, bytes]]) -> None:
    for path, body in objects:
        file = folder / path.lstrip("/")
        if ".." in file.parts:
            continue
        with suppress(OSError, ValueError):  # a name that no file can have, or one that is taken
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(body)


async def read(reader: JournalReader, task_id: str) -> list[TaskEvent]:
    async with aclosing(reader.events(task_id, follow=False)) as events:
        return [event async for event in events]


async def check(url: str) -> None:
    reader = JournalReader(url, "dev")
    tasks = {task.id: task for task in await reader.tasks()}
    for task in await reader.running():
        assert layout.is_task_id(task.id)
    for task_id in await reader.ids():
        events = await read(reader, task_id)
        last = 0
        for found in events:
            if found.id is not None:
                begins, last = (last + 1, found.id)
                assert event_range(found) == (begins, last)
        assert await reader.last_event(task_id) >= last
        with suppress(ConsoleError):  # where no mailbox can be made
            first = await reader.send(task_id, Control(action="cancel"))
            assert await reader.send(task_id, Control(action="cancel")) > first
        if task_id in tasks:
            opened = functools.partial(reader.events, task_id, follow=False)
            async with aclosing(Session(tasks[task_id], ENVIRONMENT, opened).follow()) as followed:
                async for _ in followed:
                    pass


@settings(max_examples=50, deadline=None, derandomize=True)
@given(st.lists(st.tuples(PATHS, BODIES), max_size=12))
def test_the_console_reads_any_store(objects: list[tuple[str, bytes]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        plant(Path(folder), objects)
        asyncio.run(check(f"file://{folder}"))

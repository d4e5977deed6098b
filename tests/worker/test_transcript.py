"""The four formats of a transcript, over events that were written by hand and over those of a real task."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from tests.worker.conftest import RunningWorker, until
from worker_service.reading import gap_event
from worker_service.transcript import Format, transcript
from worker_service.wire import EventType, TaskEvent

BEGAN = 1_700_000_000.25


def event(number: int | None, kind: str, at: float = 0.0, **data: Any) -> TaskEvent:
    return TaskEvent(number, EventType(kind), {"taskId": "t", "seq": number, "ts": BEGAN + at, **data})


def output(number: int, at: float, data: bytes) -> TaskEvent:
    try:
        return event(number, "output", at, data=data.decode(), encoding="utf-8")
    except UnicodeDecodeError:
        return event(number, "output", at, data=base64.b64encode(data).decode(), encoding="base64")


def written(format_: Format, *events: TaskEvent) -> bytes:
    writer = transcript(format_, task_id="t", began=BEGAN, columns=90, rows=30)
    return b"".join([piece for one in events for piece in writer.write(one)] + [writer.close()])


def cast(*events: TaskEvent) -> tuple[dict[str, Any], list[list[Any]]]:
    header, *rest = [json.loads(line) for line in written("cast", *events).splitlines()]
    return header, rest


LIFE = (
    event(1, "status", 0.001, status="pending", cols=77, rows=22),
    event(2, "status", 0.5, status="running"),
    output(3, 1.25, "héllo\r\n".encode()),
    event(4, "permission", 2.0, permissionId="p", tool="Bash"),
    event(5, "status", 2.0, status="waiting_input"),
    event(6, "control", 3.0, action="answer", behavior="allow", actor="ada", ok=True),
    event(7, "control", 3.5, action="input", actor="ada", ok=True),
    event(8, "control", 4.0, action="resize", cols=100, rows=31, actor="ada", ok=True),
    event(9, "control", 4.5, action="resize", actor="ada", ok=False, error="a resize needs cols and rows"),
    event(10, "message", 5.0, message={}),
    event(11, "error", 5.0, code="timeout", message="took\x1b[31m too long"),
    event(12, "control", 6.0, action="cancel", actor="bob", ok=True),
    event(13, "complete", 7.125, status="failed", reason="timeout", detail="took too long"),
)


def test_a_cast_has_all_that_happened_at_its_time() -> None:
    header, lines = cast(*LIFE)
    assert header == {
        "version": 2,
        "width": 77,
        "height": 22,
        "timestamp": 1_700_000_000,
        "title": "t",
        "env": {"TERM": "xterm-256color"},
    }
    assert lines == [
        [0.001, "m", "pending"],
        [0.5, "m", "running"],
        [1.25, "o", "héllo\r\n"],
        [2.0, "m", "asks to use Bash"],
        [2.0, "m", "waiting_input"],
        [3.0, "m", "allow by ada"],
        [4.0, "r", "100x31"],
        [4.5, "m", "resize by ada was refused: a resize needs cols and rows"],
        [5.0, "m", "timeout: took [31m too long"],
        [6.0, "m", "cancel by bob"],
        [7.125, "m", "failed: timeout: took too long"],
    ]


def test_a_cast_of_a_task_without_events_is_a_header() -> None:
    header, lines = cast()
    assert (header["width"], header["height"], lines) == (90, 30, [])


def test_characters_cut_by_events_come_whole_and_broken_ones_are_replaced() -> None:
    text = "日本".encode()
    _, lines = cast(
        output(1, 1, b"a\xff" + text[:1]),
        output(2, 2, text[1:4]),
        output(3, 3, text[4:] + b"\xe2"),
        event(4, "complete", 4, status="completed"),
    )
    assert lines == [
        [1, "o", "a\ufffd"],
        [2, "o", "日"],
        [3, "o", "本"],
        [4, "o", "\ufffd"],
        [4, "m", "completed"],
    ]


def test_times_never_go_back_and_what_a_reader_says_has_the_time_before_it() -> None:
    gap = gap_event("t", 3, 8, "missing from the journal")
    lost = TaskEvent(None, EventType.COMPLETE, {"ts": 2e9, "status": "failed", "reason": "lost"})
    _, lines = cast(output(1, 5, b"a"), output(2, 4, b"b"), gap, output(9, 6, b"c"), lost)
    assert lines == [
        [5, "o", "a"],
        [5, "o", "b"],
        [5, "m", "events 3 to 8 are missing: missing from the journal"],
        [6, "o", "c"],
        [6, "m", "failed: lost"],
    ]
    _, lines = cast(event(1, "error", ts=float("nan"), code="c", message="m"))
    assert lines == [[0, "m", "c: m"]]


def test_missing_events_and_a_lost_end_are_told_in_each_format() -> None:
    gap = gap_event("t", 2, 3, "unreadable")
    lost = event(None, "complete", status="failed", reason="lost", detail="fell silent")
    events = (output(1, 1, b"one \x1b[31mred\x1b[m"), gap, output(4, 2, b"two\r\n"), lost)
    told = "[events 2 to 3 are missing: unreadable]"
    end = "[failed: lost: fell silent]"
    assert written("text", *events).decode() == f"one red\n{told}\ntwo\n{end}\n"
    assert written("ansi", *events).decode() == f"one \x1b[31mred\x1b[m\r\n{told}\r\ntwo\r\n\r\n{end}\r\n"
    kinds = [json.loads(line)["type"] for line in written("ndjson", *events).splitlines()]
    assert kinds == ["output", "gap", "output", "complete"]


def test_text_follows_the_size_of_the_terminal() -> None:
    draw = b"\x1b[1;30Hx\x1b[1;60Hy"
    small = written("text", event(1, "status", status="pending", cols=40, rows=5), output(2, 1, draw))
    large = written(
        "text", event(1, "control", action="resize", ok=True, cols=200, rows=5), output(2, 1, draw)
    )
    assert (len(small), len(large)) == (41, 61)


def test_output_that_cannot_be_decoded_is_no_silent_hole() -> None:
    with pytest.raises(ValueError, match="Event 7 holds output"):
        written("ansi", event(7, "output", data="a", encoding="base64"))
    assert written("ansi", event(7, "output", data="\ud800")) == b"?"


async def test_a_real_task_with_a_resize(worker: RunningWorker) -> None:
    prompt = (
        "printf '\\033[32mready\\033[m\\n'; for n in 1 2 3; do printf '\\r%s/3' $n; done; echo; read go; "
    )
    running = await worker.start(
        f"{prompt} printf 'd\\303'; sleep 0.05; printf '\\251j\\n'; exit 3",
        mode="interactive",
        taskId="t",
        cols=70,
        rows=20,
    )
    await until(lambda: worker.pool.tasks[0].record.output_bytes > 20)
    await worker.http.post("/tasks/t/resize", json={"cols": 101, "rows": 31})
    await worker.http.post("/tasks/t/input", json={"data": "go\r"})
    await running

    async def read(format_: str) -> str:
        return (await worker.http.get("/tasks/t/transcript", params={"format": format_})).text

    header, *lines = [json.loads(line) for line in (await read("cast")).splitlines()]
    assert (header["width"], header["height"]) == (70, 20)
    assert [[code, data] for _, code, data in lines if code != "o"] == [
        ["m", "pending"],
        ["m", "running"],
        ["r", "101x31"],
        ["m", "failed: exit: exit code 3"],
    ]
    assert [line[0] for line in lines] == sorted(line[0] for line in lines)
    text = "".join(data for _, code, data in lines if code == "o")
    assert text == await read("ansi")
    assert "déj" in text
    assert await read("text") == "ready\n3/3\ngo\ndéj\n"

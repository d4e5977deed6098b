"""The parts that need no server: redaction, encoding, the ring, transcripts, templates, log lines."""

from __future__ import annotations

import asyncio
import base64
import json
import logging
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker_service.agents.command import CommandAgent, parse_template
from worker_service.agents.select import select_agent
from worker_service.agents.shell import ShellAgent
from worker_service.events import EventLog
from worker_service.logs import JsonFormatter, trace_id
from worker_service.output import MAX_EVENT_BYTES, TAIL_BYTES, OutputEncoder
from worker_service.processes import base_environ
from worker_service.redaction import MASK, Redactor
from worker_service.settings import Settings, SettingsError
from worker_service.wire import EventType, TaskEvent

SECRETS = ("sk-ant-0123456789", "sk-ant-0123456789-longer", "tok tok tok!")


def cut(data: bytes, sizes: list[int]) -> list[bytes]:
    """`data` in pieces of these sizes, the last holding the rest."""
    pieces = []
    for size in sizes:
        pieces.append(data[:size])
        data = data[size:]
    return [*pieces, data]


words = st.sampled_from([*SECRETS, "sk-ant", "sk-", "s", " ", "é", "tok tok tok", "0123456789"])


@given(st.lists(words, max_size=12), st.lists(st.integers(1, 12), max_size=40))
def test_no_cut_lets_a_secret_through(said: list[str], sizes: list[int]) -> None:
    redactor = Redactor(SECRETS)
    data = "".join(said).encode()
    stream = redactor.stream()
    shown = b"".join([*(stream.feed(piece) for piece in cut(data, sizes)), stream.close()])

    assert not redactor.has_secret(shown)
    if not redactor.has_secret(data):
        assert shown == data


def test_a_typed_letter_is_never_held_back() -> None:
    stream = Redactor(SECRETS).stream()

    assert [stream.feed(key) for key in (b"s", b"k", b"-", b"x")] == [b"s", b"k", b"-", b"x"]
    assert [stream.feed(key) for key in (b"s", b"k", b"-", b"a")] == [b"s", b"k", b"-", b""]
    assert stream.feed(b"x") == b"ax"


def test_short_values_are_no_secrets_and_json_forms_are() -> None:
    assert not Redactor(["short", ""])
    assert Redactor(['quo"te-secret']).clean(b'{"a":"quo\\"te-secret"}') == f'{{"a":"{MASK}"}}'.encode()


@given(st.binary(max_size=400), st.lists(st.integers(1, 40), max_size=30))
def test_output_events_give_back_every_byte_in_order(data: bytes, sizes: list[int]) -> None:
    encoder = OutputEncoder()
    events = [event for piece in cut(data, sizes) for event in encoder.feed(piece)] + encoder.close()

    back = b""
    for event in events:
        assert event["offset"] == len(back)
        piece = base64.b64decode(event["data"]) if event["encoding"] == "base64" else event["data"].encode()
        assert event["length"] == len(piece) > 0
        back += piece
    assert back == data
    assert encoder.total == len(data)
    assert encoder.tail() == data.decode("utf-8", "replace")


@given(st.text(max_size=200), st.lists(st.integers(1, 7), max_size=40))
def test_text_stays_text_however_it_is_cut(text: str, sizes: list[int]) -> None:
    encoder = OutputEncoder()
    events = [event for piece in cut(text.encode(), sizes) for event in encoder.feed(piece)]

    assert "".join(event["data"] for event in events) == text
    assert {event["encoding"] for event in events} <= {"utf-8"}


def test_large_output_is_cut_and_its_tail_kept() -> None:
    encoder = OutputEncoder()
    events = encoder.feed(("é" * 100_000).encode())

    assert [event["length"] <= MAX_EVENT_BYTES + 3 for event in events] == [True] * 4
    assert encoder.is_longer_than_tail
    assert len(encoder.tail().encode()) == TAIL_BYTES


async def test_the_ring_is_bounded_and_says_what_it_dropped() -> None:
    sunk: list[tuple[TaskEvent, bytes]] = []
    log = EventLog("t", 2000, Redactor(), lambda event, line: sunk.append((event, line)))
    for n in range(100):
        log.append(EventType.OUTPUT, {"data": str(n)})

    frames, last = log.read(0, 1 << 20)
    assert log.size <= 2000
    assert last == 100
    assert frames.startswith(b"id: %d\nevent: gap\n" % (log.first - 1))
    assert frames.count(b"event: output") == 100 - log.first + 1
    assert [json.loads(line)["id"] for _, line in sunk] == list(range(1, 101))
    assert json.loads(sunk[-1][1]) == {"id": 100, "type": "output", "data": sunk[-1][0].data}
    assert log.read(100, 1) == (b"", 100)


async def test_one_event_larger_than_the_ring_is_still_told() -> None:
    log = EventLog("t", 100, Redactor())
    log.append(EventType.OUTPUT, {"data": "x" * 1000})

    assert b"x" * 1000 in log.read(0, 1)[0]


async def test_waiting_ends_with_an_event_a_close_or_the_time() -> None:
    log = EventLog("t", 1000, Redactor())
    assert await log.wait(0, 0.01) is False
    waiting = [asyncio.create_task(log.wait(0, 20)) for _ in range(3)]
    await asyncio.sleep(0)
    log.append(EventType.STATUS, {})
    assert await asyncio.gather(*waiting) == [True] * 3
    later = asyncio.create_task(log.wait(1, 20))
    await asyncio.sleep(0)
    log.close()
    assert await later is True


def test_the_words_of_a_command() -> None:
    assert parse_template("my-agent --ask '{prompt} please'") == ("my-agent", "--ask", "{prompt} please")
    assert parse_template('["a b", "{prompt}"]') == ("a b", "{prompt}")
    for wrong in ("", "  ", "'open", "[1]", "[", "[]"):
        with pytest.raises(ValueError, match=r"."):
            parse_template(wrong)


def test_which_agent() -> None:
    def select(**chosen: Any) -> Any:
        return select_agent(Settings(**chosen))

    assert isinstance(select(worker_agent="shell"), ShellAgent)
    assert isinstance(select(worker_agent="auto", claude_cli_path="/nowhere/claude"), ShellAgent)
    assert isinstance(select(worker_agent="command", worker_command="cat"), CommandAgent)
    assert select(worker_agent="claude", claude_cli_path="/nowhere/claude").kind == "claude"
    assert select(worker_agent="auto", claude_cli_path="/bin/sh").kind == "claude"
    with pytest.raises(SettingsError, match="WORKER_COMMAND"):
        select(worker_agent="command", worker_command="'open")


def test_the_child_s_environment_is_an_allow_list() -> None:
    given_ = {
        "PATH": "/bin",
        "LC_ALL": "C",
        "https_proxy": "p",
        "WORKER_TOKEN": "t",
        "X": "y",
        "TERM": "dumb",
    }

    assert base_environ(given_) == {
        "PATH": "/bin",
        "LC_ALL": "C",
        "https_proxy": "p",
        "TERM": "xterm-256color",
        "COLORTERM": "truecolor",
    }
    assert base_environ({})["PATH"]


def test_log_lines_are_cloud_logging_s_and_hold_no_secret() -> None:
    formatter = JsonFormatter(Redactor(["very-secret-value"]), "p")
    record = logging.LogRecord("n", logging.WARNING, "", 0, "said %s\n", ("very-secret-value",), None)
    record.task_id = "t1"
    line = formatter.format(record)

    assert "\n" not in line
    assert "very-secret" not in line
    entry = json.loads(line)
    assert (entry["severity"], entry["message"]) == ("WARNING", f"said {MASK}\n")
    assert entry["logging.googleapis.com/labels"] == {"task_id": "t1"}


def test_traces() -> None:
    trace = "0af7651916cd43dd8448eb211c80319c"
    assert trace_id(f"00-{trace}-b7ad6b7169203331-01", None) == trace
    assert trace_id(None, f"{trace}/123;o=1") == trace
    assert trace_id("garbage", "garbage/;") is None
    assert trace_id(None, None) is None

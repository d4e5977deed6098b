"""The worker's HTTP face against a server that behaves, and against one that does not."""

from __future__ import annotations

import base64
from contextlib import aclosing
from typing import Any

import httpx
import pytest

from ccconsole import worker_client
from ccconsole.errors import (
    ConfigError,
    ConsoleError,
    Denied,
    NotFound,
    NotSignedIn,
    Refused,
    TimedOut,
    Unreachable,
)
from ccconsole.problems import Full, NoAnswer, WorkerBusy
from ccconsole.worker_client import StreamEnded, output_bytes
from tests.unit.workers import Call, complete, output, scripted, sse, until
from worker_service.wire import EventType, RunRequest, TaskEvent

REQUEST = RunRequest(prompt="hi")


async def drained(url: str, **options: Any) -> list[TaskEvent]:
    async with aclosing(worker_client.run(url, REQUEST, **options)) as events:
        return [event async for event in events]


def problem(status: int, code: str, **more: Any) -> dict[str, Any]:
    words = {
        "title": "Title",
        "detail": "what happened",
        "error": code,
        "message": "what happened",
        "code": code,
    }
    return {"type": "about:blank", "status": status, **words, **more}


async def test_hello_answers_what_the_worker_says() -> None:
    async def script(call: Call) -> None:
        await call.answer(200, {"status": "available", "workerId": "w"})

    async with scripted(script) as worker:
        assert (await worker_client.hello(worker.url))["workerId"] == "w"
        assert worker.calls[0].path == "/hello"


@pytest.mark.parametrize("body", ["<html>welcome</html>", "[1]"])
async def test_hello_of_something_else_is_no_worker(body: str) -> None:
    async def script(call: Call) -> None:
        await call.answer(200, body, "text/html")

    async with scripted(script) as worker:
        with pytest.raises(ConsoleError, match="not a worker"):
            await worker_client.hello(worker.url)


async def test_run_yields_the_events_with_their_numbers() -> None:
    async def script(call: Call) -> None:
        await call.start()
        await call.write(sse(1, "status", status="running") + output(2, "a\u2028b"))
        await call.write(": a comment\n\n" + sse(None, "heartbeat"))
        await call.write(complete(3) + output(4, "never seen"))

    async with scripted(script) as worker:
        events = await drained(worker.url, token="secret")
        assert [(event.id, event.type) for event in events] == [
            (1, EventType.STATUS),
            (2, EventType.OUTPUT),
            (None, EventType.HEARTBEAT),
            (3, EventType.COMPLETE),
        ]
        assert output_bytes(events[1]) == "a\u2028b".encode()
        headers = worker.calls[0].headers
        assert headers["accept"] == "text/event-stream"
        assert headers["authorization"] == "Bearer secret"
        assert b'"prompt":"hi"' in worker.calls[0].body


async def test_events_go_on_behind_a_number_with_the_cookie_of_the_run() -> None:
    async def script(call: Call) -> None:
        await call.start(headers={"set-cookie": "affinity=one; Path=/"} if call.method == "POST" else {})
        await call.write(complete(9))

    async with scripted(script) as worker:
        cookies = httpx.Cookies()
        await drained(worker.url, cookies=cookies)
        async with aclosing(worker_client.events(worker.url, "abc", 7, cookies=cookies)) as events:
            assert [event.id async for event in events] == [9]
        again = worker.calls[1]
        assert (again.method, again.path) == ("GET", "/tasks/abc/events")
        assert again.headers["last-event-id"] == "7"
        assert again.headers["cookie"] == "affinity=one"


async def test_events_of_a_task_that_has_ended_and_was_seen_are_none() -> None:
    async def script(call: Call) -> None:
        await call.start(204)
        await call.write("", is_last=True)

    async with scripted(script) as worker, aclosing(worker_client.events(worker.url, "abc", 9)) as events:
        assert [event async for event in events] == []


async def test_a_loopback_worker_is_reached_past_a_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    async def script(call: Call) -> None:
        await call.answer(200, {"workerId": "w"})

    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    async with scripted(script) as worker:
        assert await worker_client.hello(worker.url) == {"workerId": "w"}


@pytest.mark.parametrize(
    ("status", "code", "error", "exit_code"),
    [
        (400, "invalid_request", ConfigError, 2),
        (401, "unauthorized", NotSignedIn, 3),
        (403, "forbidden", Denied, 4),
        (404, "task_not_found", NotFound, 5),
        (409, "task_exists", ConfigError, 2),
        (413, "too_large", ConfigError, 2),
        (429, "worker_busy", WorkerBusy, 8),
        (500, "broken", ConsoleError, 1),
        (501, "control_unavailable", Refused, 8),
        (503, "draining", Unreachable, 1),
    ],
)
async def test_a_problem_of_the_worker_keeps_its_words(
    status: int, code: str, error: type[ConsoleError], exit_code: int
) -> None:
    async def script(call: Call) -> None:
        await call.answer(status, problem(status, code, retryAfter=7), "application/problem+json")

    async with scripted(script) as worker:
        with pytest.raises(ConsoleError) as raised:
            await drained(worker.url)
        assert isinstance(raised.value, error)
        assert raised.value.exit_code == exit_code
        assert "what happened" in raised.value.detail


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (302, Unreachable),
        (401, NotSignedIn),
        (403, Denied),
        (404, NotFound),
        (413, ConfigError),
        (429, Full),
        (500, NoAnswer),
        (502, NoAnswer),
        (503, NoAnswer),
        (504, TimedOut),
        (418, ConsoleError),
    ],
)
async def test_an_answer_of_the_platform_is_explained(status: int, error: type[ConsoleError]) -> None:
    async def script(call: Call) -> None:
        await call.answer(status, "<html>Rate exceeded.</html>", "text/html", {"location": "/sign-in"})

    async with scripted(script) as worker:
        with pytest.raises(ConsoleError) as raised:
            await drained(worker.url)
        assert isinstance(raised.value, error)
        assert str(status) in raised.value.detail


async def test_a_full_fleet_says_who_is_full_and_when_to_come_back() -> None:
    answers: list[Any] = [problem(429, "worker_busy", retryAfter=7), "Rate exceeded."]

    async def script(call: Call) -> None:
        await call.answer(429, answers.pop(0), headers={"retry-after": "30"})

    async with scripted(script) as worker:
        with pytest.raises(Full, match="7 s") as by_worker:
            await drained(worker.url)
        with pytest.raises(Full, match="30 s") as by_platform:
            await drained(worker.url)
        assert isinstance(by_worker.value, WorkerBusy)
        assert not isinstance(by_platform.value, WorkerBusy)
        assert (by_worker.value.retry_after, by_platform.value.retry_after) == (7, 30)


async def test_nobody_there_means_that_nothing_was_started() -> None:
    with pytest.raises(Unreachable, match="Nothing was started") as raised:
        await drained("http://127.0.0.1:9")
    assert not isinstance(raised.value, StreamEnded)


@pytest.mark.parametrize("url", ["not a url", "ftp://127.0.0.1/"])
async def test_an_address_that_is_none_is_said(url: str) -> None:
    with pytest.raises(ConsoleError):
        await drained(url)


@pytest.mark.parametrize("way", ["end", "cut", "half", "json", "name", "list"])
async def test_a_stream_without_complete_is_never_taken_for_done(way: str) -> None:
    async def script(call: Call) -> None:
        await call.start()
        await call.write(output(1, "a"))
        if way == "cut":
            await call.cut()
        broken = {
            "half": "event: complete\ndata: {",
            "json": "event: output\ndata: {]\n\n",
            "name": "event: surprise\ndata: {}\n\n",
            "list": "event: output\ndata: [1]\n\n",
        }
        await call.write(broken.get(way, ""), is_last=True)

    async with scripted(script) as worker, aclosing(worker_client.run(worker.url, REQUEST)) as events:
        assert (await anext(events)).id == 1
        with pytest.raises(StreamEnded):
            await anext(events)


async def test_a_silent_stream_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker_client, "SILENCE_SECONDS", 0.2)

    async def script(call: Call) -> None:
        await call.start()
        await call.write(output(1, "a"))
        await call.gone()

    async with scripted(script) as worker:
        with pytest.raises(StreamEnded, match="silent"):
            await drained(worker.url)


async def test_a_page_in_place_of_a_stream_is_no_worker() -> None:
    async def script(call: Call) -> None:
        await call.answer(200, "<html>", "text/html")

    async with scripted(script) as worker:
        with pytest.raises(ConsoleError, match="not a worker"):
            await drained(worker.url)


async def test_leaving_the_stream_hangs_up_at_once() -> None:
    hung_up = []

    async def script(call: Call) -> None:
        await call.start()
        await call.write(output(1, "a"))
        await call.gone()
        hung_up.append(call)

    async with scripted(script) as worker:
        async with aclosing(worker_client.run(worker.url, REQUEST)) as events:
            async for _ in events:
                break
        await until(lambda: hung_up, 2)


def event(data: Any, encoding: str) -> TaskEvent:
    return TaskEvent(1, EventType.OUTPUT, {"data": data, "encoding": encoding})


def test_output_bytes_reads_both_encodings() -> None:
    assert output_bytes(event("é\x1b[0m", "utf-8")) == "é\x1b[0m".encode()
    assert output_bytes(event(base64.b64encode(b"\xff\x00").decode(), "base64")) == b"\xff\x00"
    assert output_bytes(event("\ud800", "utf-8")) == b"?"
    with pytest.raises(ConsoleError, match="cannot be decoded"):
        output_bytes(event("a", "base64"))

"""LoggingServiceV2 by Google's own async client: written, listed in pages, tailed within limits."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path

import pytest
from google.api_core import exceptions
from google.cloud.logging_v2.services.logging_service_v2 import LoggingServiceV2AsyncClient
from google.cloud.logging_v2.types import (
    ListLogEntriesRequest,
    LogEntry,
    TailLogEntriesResponse,
    WriteLogEntriesRequest,
)

from ccconsole.emulator.logging.tail import TailLimits
from tests.emulator.conftest import Cloud, Launch, until
from tests.emulator.logs import LOG, PROJECT, client, entry, listed, tail, write

Reason = TailLogEntriesResponse.SuppressionInfo.Reason


async def test_entries_are_listed_in_the_order_of_their_time_by_pages(cloud: Cloud) -> None:
    logging = client(cloud.channel)
    times = [f"2026-05-04T09:{minute:02d}:00Z" for minute in range(25)]
    await write(logging, [entry(time, timestamp=time) for time in reversed(times)])
    found = await listed(logging, page_size=10)
    assert [item.text_payload for item in found] == times
    assert [item.text_payload for item in await listed(logging, order_by="timestamp desc")] == times[::-1]
    some = await listed(logging, 'timestamp>="2026-05-04T09:20:00Z"', page_size=2)
    assert [item.text_payload for item in some] == times[20:]
    assert all(item.insert_id and item.receive_timestamp for item in found)
    assert len({item.insert_id for item in found}) == 25


async def test_a_page_token_outlives_new_entries_and_belongs_to_its_request(cloud: Cloud) -> None:
    logging = client(cloud.channel)
    await write(logging, [entry(str(n), timestamp=f"2026-05-04T09:00:0{n}Z") for n in range(6)])
    request = ListLogEntriesRequest(resource_names=[PROJECT], page_size=3)
    first = (await logging.list_log_entries(request, retry=None)).next_page_token
    await write(logging, [entry("early", timestamp="2026-05-04T08:00:00Z")])
    rest = await listed(logging, page_token=first)
    assert [item.text_payload for item in rest] == ["3", "4", "5"]
    for wrong in ({"page_token": first, "filter": "x"}, {"page_token": "?"}):
        with pytest.raises(exceptions.InvalidArgument, match="page_token"):
            await listed(logging, **wrong)


async def test_the_same_entry_twice_is_one(cloud: Cloud) -> None:
    logging = client(cloud.channel)
    same = entry("x", insertId="one", timestamp="2026-05-04T09:00:00Z")
    for _ in range(2):
        await write(logging, [same])
    await write(logging, [entry("y", insertId="one", timestamp="2026-05-04T09:00:01Z")])
    assert [item.text_payload for item in await listed(logging)] == ["x", "y"]


async def test_projects_see_their_own(cloud: Cloud) -> None:
    logging = client(cloud.channel)
    other = entry("theirs", logName="projects/other/logs/x")
    await write(logging, [entry("mine"), other])
    assert [item.text_payload for item in await listed(logging)] == ["mine"]
    logs = await logging.list_logs(parent=PROJECT, retry=None)
    assert [name async for name in logs] == [LOG]


@pytest.mark.parametrize(
    ("request_", "words"),
    [
        (ListLogEntriesRequest(resource_names=["x"]), "projects/"),
        (ListLogEntriesRequest(), "at least one project"),
        (ListLogEntriesRequest(resource_names=[PROJECT], order_by="severity"), "order_by"),
        (ListLogEntriesRequest(resource_names=[PROJECT], page_size=-1), "page_size"),
        (ListLogEntriesRequest(resource_names=[PROJECT], filter="a="), "Unparseable"),
    ],
)
async def test_what_a_list_refuses(cloud: Cloud, request_: ListLogEntriesRequest, words: str) -> None:
    with pytest.raises(exceptions.InvalidArgument, match=words):
        await client(cloud.channel).list_log_entries(request_, retry=None)


async def test_what_writing_refuses(cloud: Cloud) -> None:
    logging = client(cloud.channel)
    for wrong, words in (
        (entry("x", logName="nowhere"), "log_name"),
        (entry("x", resource={}), "monitored resource"),
        (entry("x" * (300 << 10)), "larger than"),
        (entry("x", timestamp="2999-01-01T00:00:00Z"), "future"),
    ):
        with pytest.raises(exceptions.InvalidArgument, match=words):
            await write(logging, [entry("good"), wrong])
    await logging.write_log_entries(WriteLogEntriesRequest(entries=[entry("x")], dry_run=True), retry=None)
    assert await listed(logging) == []


async def test_a_session_brings_what_matches_from_its_opening_on(cloud: Cloud) -> None:
    logging = client(cloud.channel)
    await write(logging, [entry("before")])
    async with tail(logging, 'resource.labels.service_name="a" severity>=WARNING') as session:
        await write(
            logging,
            [
                entry("one", service="a", severity="ERROR"),
                entry("no", service="b", severity="ERROR"),
                entry("no", service="a", severity="INFO"),
                entry("two", service="a", severity="WARNING"),
            ],
        )
        assert await session.texts(2) == ["one", "two"]


async def test_a_window_sorts_late_entries_in(cloud: Cloud) -> None:
    logging = client(cloud.channel)
    async with tail(logging, window=0.3) as session:
        await write(logging, [entry("later", timestamp="2026-05-04T09:00:01Z")])
        await write(logging, [entry("earlier", timestamp="2026-05-04T09:00:00Z")])
        response = await session.next()
    assert [item.text_payload for item in response.entries] == ["earlier", "later"]


async def test_ten_sessions_and_no_more(cloud: Cloud) -> None:
    logging = client(cloud.channel)
    async with contextlib.AsyncExitStack() as stack:
        sessions = [await stack.enter_async_context(tail(logging)) for _ in range(10)]
        with pytest.raises(exceptions.ResourceExhausted, match="Too many tail sessions"):
            async with tail(logging) as eleventh:
                await eleventh.next()
        await write(logging, [entry("all")])
        for session in sessions:
            assert await session.texts(1) == ["all"]

    async def opens() -> bool:
        try:
            async with tail(logging) as again:
                await write(logging, [entry("again")])
                return await again.texts(1) == ["again"]
        except exceptions.ResourceExhausted:
            return False

    await until(opens)


async def test_a_session_ends_after_its_time(launch: Launch) -> None:
    cloud = await launch(tail_limits=TailLimits(session_seconds=0.2))
    async with tail(client(cloud.channel)) as session:
        with pytest.raises(exceptions.OutOfRange, match="as long as a session may"):
            await session.next()


async def test_entries_over_the_rate_are_counted(launch: Launch) -> None:
    cloud = await launch(tail_limits=TailLimits(entries_per_minute=5))
    logging = client(cloud.channel)
    async with tail(logging) as session:
        await write(logging, [entry(str(n)) for n in range(12)])
        await session.texts(5)
        while not any(response.suppression_info for response in session.responses):
            await session.next()
        told = [info for response in session.responses for info in response.suppression_info]
        assert [(info.reason, info.suppressed_count) for info in told] == [(Reason.RATE_LIMIT, 7)]
        await write(logging, [entry("only news")])
        news = await session.next()
    assert list(news.entries) == []
    assert news.suppression_info[0].suppressed_count == 1
    assert len(await listed(logging)) == 13


async def test_what_a_slow_reader_misses_is_counted(launch: Launch) -> None:
    cloud = await launch(tail_limits=TailLimits(unread_entries=50))
    logging = client(cloud.channel)
    async with tail(logging) as session:
        for start in range(0, 600, 50):
            await write(logging, [entry(f"{n} {'x' * 50_000}") for n in range(start, start + 50)])
        seen = missed = 0
        while seen + missed < 600:
            response = await session.next()
            seen += len(response.entries)
            for info in response.suppression_info:
                assert info.reason == Reason.NOT_CONSUMED
                missed += info.suppressed_count
    assert missed > 0
    assert seen + missed == 600


async def test_what_instances_print_and_the_platform_says(cloud: Cloud, tmp_path: Path) -> None:
    logging = client(cloud.channel)
    service = await cloud.deploy()
    line = {
        "severity": "warning",
        "message": "hello",
        "time": "2026-05-04T09:00:00.25Z",
        "count": 3,
        "logging.googleapis.com/labels": {"task_id": "t-1"},
        "logging.googleapis.com/trace": "projects/demo/traces/abc",
        "httpRequest": {"requestMethod": "GET", "status": 200},
    }
    trace = "0af7651916cd43dd8448eb211c80319c"
    header = {"traceparent": f"00-{trace}-b7ad6b7169203331-01", "user-agent": "me"}
    for text in ("plain", json.dumps(line), '{"huge": 1e999, "n": NaN}', '{"lone": "\\ud800"}'):
        await cloud.http.get(f"{service.uri}/print", params={"text": text}, headers=header)
    await until(lambda: _count(logging, 14))
    revision = service.latest_ready_revision.rsplit("/", 1)[-1]
    printed = await listed(logging, 'log_id("run.googleapis.com/stdout")')
    plain = next(item for item in printed if item.text_payload == "plain")
    assert dict(plain.resource.labels) == {
        "project_id": "demo",
        "location": "us-central1",
        "service_name": "svc",
        "revision_name": revision,
        "configuration_name": "svc",
    }
    assert len(plain.labels["instanceId"]) == 32
    (structured,) = [item for item in printed if item.json_payload]
    assert dict(structured.json_payload) == {"message": "hello", "count": 3}
    assert structured.severity == 400
    assert LogEntry.pb(structured).timestamp.ToJsonString() == "2026-05-04T09:00:00.250Z"
    assert dict(structured.labels) == {"instanceId": plain.labels["instanceId"], "task_id": "t-1"}
    assert structured.trace == "projects/demo/traces/abc"
    assert (structured.http_request.request_method, structured.http_request.status) == ("GET", 200)
    assert len(await listed(logging, 'log_id("run.googleapis.com/stderr")')) == 4
    requests = await listed(logging, 'httpRequest.status=200 log_id("run.googleapis.com/requests")')
    assert {item.trace for item in requests} == {f"projects/demo/traces/{trace}"}
    assert {item.http_request.user_agent for item in requests} == {"me"}
    assert all(item.http_request.request_url.startswith(f"{service.uri}/print") for item in requests)
    assert all(item.http_request.latency for item in requests)
    said = await listed(logging, 'log_id("run.googleapis.com/varlog/system")')
    assert said[0].text_payload == "Starting new instance."


async def _count(logging: LoggingServiceV2AsyncClient, count: int) -> bool:
    return len(await listed(logging)) >= count


async def test_what_was_acknowledged_is_there_after_a_new_start(launch: Launch, tmp_path: Path) -> None:
    cloud = await launch(state=tmp_path / "one")
    await write(client(cloud.channel), [entry(str(n)) for n in range(10)])
    # A second folder with the files as a kill would leave them: nothing was closed or flushed since.
    (tmp_path / "two").mkdir()
    (tmp_path / "two" / "log-entries").mkdir()
    for path in (tmp_path / "one" / "log-entries").iterdir():
        assert path.stat().st_mode & 0o777 == 0o600
        (tmp_path / "two" / "log-entries" / path.name).write_bytes(path.read_bytes() + b"\x01\x02")
    again = await launch(state=tmp_path / "two")
    found = await listed(client(again.channel))
    assert [item.text_payload for item in found] == [str(n) for n in range(10)]

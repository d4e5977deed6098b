"""Log history and the hub against the real emulator, and queries as filters that it understands."""

from __future__ import annotations

import time
from contextlib import AsyncExitStack, aclosing
from pathlib import Path

import pytest
from google.api_core import exceptions

from ccconsole.cloud import log_filter
from ccconsole.cloud.connect import Connections
from ccconsole.cloud.errors import console_error
from ccconsole.cloud.log_flow import Pace
from ccconsole.cloud.log_hub import LogHub
from ccconsole.cloud.logs import history
from ccconsole.emulator.logging.filter import compile_filter
from ccconsole.errors import ConfigError, Denied, Unreachable
from ccconsole.model.logs import HttpRequest, LogBatch, LogMode, LogQuery, Severity
from tests.cloud.conftest import config_of
from tests.cloud.following import connected, emulator, environment_at, following, line, writing

QUICK = Pace(window=0.05, overlap=1.0, poll=0.1, retry=0.4, longest_wait=0.3)


@pytest.fixture
async def past(tmp_path: Path) -> list[LogBatch]:
    """Three entries of every kind, read back."""
    async with emulator(tmp_path / "state") as running, writing(running.addresses[0]) as writer:
        trace = "projects/acme/traces/0af7651916cd43dd8448eb211c80319c"
        request = {"requestMethod": "POST", "requestUrl": "http://h/run", "status": 503, "latency": "1.25s"}
        name = "projects/acme/logs/run.googleapis.com%2Frequests"
        await writer.write(
            line("plain\n", timestamp="2026-05-04T09:00:00Z"),
            line(
                "",
                timestamp="2026-05-04T09:00:01.5Z",
                severity="ERROR",
                trace=trace,
                jsonPayload={"message": "structured", "count": 3, "ratio": 0.5, "list": [None, True]},
                labels={"task_id": "t-1", "instanceId": "i-1", "other": "x"},
            ),
            line("", timestamp="2026-05-04T09:00:02Z", logName=name, httpRequest=request, trace=trace),
        )
        environment = environment_at(tmp_path, running.addresses[0])
        async with connected(environment) as connection:
            return [batch async for batch in history(connection, LogQuery(services=("worker",)))]


async def test_entries_as_values(past: list[LogBatch]) -> None:
    (batch,) = past
    plain, structured, request = batch.entries
    assert (plain.text, plain.payload, plain.severity) == ("plain", None, Severity.DEFAULT)
    assert (plain.environment, plain.region, plain.service) == ("dev", "us-central1", "worker")
    assert (plain.revision, plain.instance_id, plain.log) == ("worker-1", "i-1", "stdout")
    assert structured.text == "structured"
    assert structured.payload == {"message": "structured", "count": 3, "ratio": 0.5, "list": [None, True]}
    assert (structured.severity, structured.timestamp - plain.timestamp) == (Severity.ERROR, 1.5)
    assert (structured.task_id, structured.labels) == ("t-1", {"other": "x"})
    assert structured.trace == request.trace == "0af7651916cd43dd8448eb211c80319c"
    assert request.text == "POST http://h/run 503 1.250s"
    assert request.log == "requests"
    assert request.http == HttpRequest("POST", "http://h/run", 503, 1.25)
    assert structured.received_at > structured.timestamp


async def test_pages_and_limits(tmp_path: Path) -> None:
    async with emulator(tmp_path / "state") as running, writing(running.addresses[0]) as writer:
        await writer.lines(2500, per_second=1e7, at_once=500)
        environment = environment_at(tmp_path, running.addresses[0])
        async with connected(environment) as connection:
            query = LogQuery(services=("worker",), since=time.time() - 60)
            pages = [batch async for batch in history(connection, query)]
            assert [len(batch.entries) for batch in pages] == [1000, 1000, 500]
            assert {entry.text for batch in pages for entry in batch.entries} == set(map(str, range(2500)))
            (newest,) = [batch async for batch in history(connection, query, limit=1200)]
            assert [int(entry.text) for entry in newest.entries] == [
                int(entry.text) for batch in pages for entry in batch.entries
            ][-1200:]
            assert newest.has_older
            # \d is not for the server to try; the newest ten are found all the same.
            nines = LogQuery(services=("worker",), pattern=r"\d99$")
            (found,) = [batch async for batch in history(connection, nines, limit=10)]
            assert {entry.text for entry in found.entries} == {f"{n}99" for n in range(15, 25)}
            none = LogQuery(services=("worker",), until=time.time() - 60)
            assert [batch.entries async for batch in history(connection, none)] == [()]


async def test_watchers_share_one_session(tmp_path: Path) -> None:
    async with emulator(tmp_path / "state") as running, writing(running.addresses[0]) as writer:
        await writer.write(line("old"), line("old", service="second"))
        text = f"""
        [env.dev]
        project = "acme"
        endpoint = "{running.addresses[0]}"
        service = "worker"
        [env.dev.services.second]
        """
        config = config_of(tmp_path, text)
        environment = config.environment("dev")
        async with Connections(config, environ={}) as connections, AsyncExitStack() as stack:
            hub = LogHub(connections.connection, pace=QUICK)
            since = time.time() - 60
            queries = [
                LogQuery(services=("worker",), since=since),
                LogQuery(services=("second",), since=since),
                LogQuery(severity=Severity.ERROR),
                LogQuery(pattern="^n"),
            ]
            watchers = [
                await stack.enter_async_context(following(hub.follow(environment, query)))
                for query in queries
            ]
            for watcher in watchers:
                await watcher.live()
            assert running.tails.count("acme") == 1
            await writer.write(
                line("new"),
                line("new", service="second"),
                line("bad", severity="ERROR"),
                line("no", service="third", severity="ERROR"),
                line("end", severity="ERROR"),
                line("n-end", service="second"),
            )
            wanted = [["old", "new", "bad", "end"], ["old", "new", "n-end"], ["bad", "end"], ["new"] * 2]
            for watcher, texts in zip(watchers, wanted, strict=True):
                expected = [*texts, "n-end"] if texts == ["new"] * 2 else texts
                await watcher.until(lambda w=watcher, e=expected: len(w.texts) >= len(e))  # type: ignore[misc]
                assert watcher.texts == expected
            for watcher in watchers[1:]:
                await watcher.close()
            assert running.tails.count("acme") == 1
            await watchers[0].close()
            while running.tails.count("acme"):
                await writer.write(line("x"))


async def test_a_hub_tells_why_there_is_nothing_and_tries_again(tmp_path: Path, unused_port: int) -> None:
    text = f'[env.dev]\nproject = "acme"\nendpoint = "127.0.0.1:{unused_port}"\nservice = "worker"\n'
    config = config_of(tmp_path, text)
    async with Connections(config, environ={}) as connections:
        hub = LogHub(connections.connection, pace=QUICK)
        for _ in range(2):
            flow = hub.follow(config.environment("dev"), LogQuery())
            with pytest.raises(Unreachable, match="Cannot read the logs of dev"):
                await anext(flow)


async def test_a_screen_that_watches_is_told_why_and_goes_on_by_itself(
    tmp_path: Path, unused_port: int
) -> None:
    target = f"127.0.0.1:{unused_port}"
    text = f'[env.dev]\nproject = "acme"\nendpoint = "{target}"\nservice = "worker"\n'
    config = config_of(tmp_path, text)
    async with Connections(config, environ={}) as connections:
        hub = LogHub(connections.connection, pace=QUICK)
        async with aclosing(hub.watch(config.environment("dev"), LogQuery())) as flow:
            failed = [await anext(flow) for _ in range(2)]
            assert [batch.mode for batch in failed] == [LogMode.WAITING] * 2
            problems = {batch.problem.title for batch in failed if batch.problem is not None}
            assert problems == {"Cannot read the logs of dev"}
            assert failed[0].since == failed[1].since
            async with (
                emulator(tmp_path / "state", target) as running,
                writing(running.addresses[0]) as writer,
            ):
                while (await anext(flow)).mode is not LogMode.LIVE:
                    pass
                await writer.write(line("here"))
                while not (batch := await anext(flow)).entries:
                    pass
                assert [entry.text for entry in batch.entries] == ["here"]


async def test_a_watcher_that_takes_nothing_is_told_what_it_missed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ccconsole.cloud.log_hub.MOST_WAITING", 50)
    text = '[env.dev]\nproject = "acme"\nendpoint = "{}"\nservice = "worker"\n'
    async with emulator(tmp_path / "state") as running, writing(running.addresses[0]) as writer:
        config = config_of(tmp_path, text.format(running.addresses[0]))
        async with Connections(config, environ={}) as connections:
            hub = LogHub(connections.connection, pace=QUICK)
            environment = config.environment("dev")
            async with aclosing(hub.follow(environment, LogQuery())) as slow:
                first = await anext(slow)
                async with following(hub.follow(environment, LogQuery())) as quick:
                    await quick.live()
                    await writer.lines(400, per_second=4000)
                    await quick.until(lambda: len(quick.texts) == 400)
                seen = len(first.entries)
                dropped = first.dropped
                while seen + dropped < 400:
                    batch = await anext(slow)
                    seen += len(batch.entries)
                    dropped += batch.dropped
                    assert batch.mode in (LogMode.LIVE, LogMode.HISTORY)
            assert dropped > 0
            assert seen + dropped == 400


def test_filters_are_ones_that_the_language_knows() -> None:
    nasty = 'a"b\\c\n(x) OR severity=ERROR'
    query = LogQuery(
        services=(nasty, "worker"),
        regions=("r1",),
        severity=Severity.WARNING,
        since=0.0,
        until=2e9,
        pattern='say "(hi|ho)" [a-c]+\\.',
        task_id=nasty,
        revision="rev-1",
    )
    text = log_filter.build(query)
    found = compile_filter(text)
    assert found.earliest == 0
    assert found.latest == 2_000_000_000 * 10**9
    assert "timestamp" not in log_filter.build(query, has_times=False)
    raw = type(line("x")).pb(
        line(
            'Say: say "ho" abc.',
            service=nasty,
            severity="ERROR",
            labels={"task_id": nasty},
            timestamp="2026-01-01T00:00:00Z",
        )
    )
    raw.resource.labels["location"] = "r1"
    raw.resource.labels["revision_name"] = "rev-1"
    assert found.matches(raw)
    for change in ({"location": "r2"}, {"service_name": "a"}, {"revision_name": "rev-2"}):
        other = type(raw)()
        other.CopyFrom(raw)
        other.resource.labels.update(change)
        assert not found.matches(other)
    raw.text_payload = "nothing"
    assert not found.matches(raw)


@pytest.mark.parametrize(
    "pattern", [r"\d+", "a$", "^a", "(?=a)", "a{2}", r"\bword", "[[:alpha:]]", "(?P<x>a)"]
)
def test_patterns_that_google_might_read_differently_are_tested_here(pattern: str) -> None:
    assert "textPayload" not in log_filter.build(LogQuery(pattern=pattern))


def test_a_long_pattern_does_not_break_the_filters_limit() -> None:
    assert len(log_filter.build(LogQuery(pattern="x" * 15_000))) < log_filter.MAX_FILTER


def test_what_is_no_pattern_is_told() -> None:
    with pytest.raises(ConfigError, match="no regular expression"):
        log_filter.matcher(LogQuery(pattern="("))


@pytest.mark.parametrize(
    "words", ["Permission denied for all log views", "Permission 'logging.logEntries.list' denied"]
)
def test_a_denial_names_the_role_that_reads_logs(tmp_path: Path, words: str) -> None:
    environment = environment_at(tmp_path, "127.0.0.1:9")
    denied = exceptions.PermissionDenied(words)  # type: ignore[no-untyped-call]
    found = console_error(denied, environment, "read the logs of dev")
    assert isinstance(found, Denied)
    assert "--role=roles/logging.viewer" in found.hint

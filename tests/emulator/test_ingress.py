"""The front end: bytes both ways, ends, refusals, headers."""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from google.cloud import run_v2

from ccconsole.emulator.pool import Pace
from tests.emulator.conftest import Cloud, Launch, first_bytes, leave, template, until

LATEST = run_v2.TrafficTargetAllocationType.TRAFFIC_TARGET_ALLOCATION_TYPE_LATEST
BY_NAME = run_v2.TrafficTargetAllocationType.TRAFFIC_TARGET_ALLOCATION_TYPE_REVISION


async def speak(uri: str, request: bytes) -> bytes:
    """Send raw bytes and read until the other side closes."""
    parts = urlsplit(uri)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    writer.write(request)
    answer = b""
    async with asyncio.timeout(10):
        while data := await reader.read(65536):
            answer += data
    writer.close()
    with suppress(OSError):
        await writer.wait_closed()
    return answer


async def test_a_stream_passes_event_by_event(cloud: Cloud, tmp_path: Path) -> None:
    service = await cloud.deploy()
    gate = tmp_path / "gate"
    async with cloud.http.stream("GET", f"{service.uri}/hold?until={gate}") as response:
        assert response.headers["content-type"] == "text/event-stream"
        parts = response.aiter_raw()
        assert (await anext(parts)).startswith(b"data: ")
        gate.touch()
        assert await anext(parts) == b"data: end\n\n"


async def test_uploads_stream_up_while_the_answer_streams_down(cloud: Cloud) -> None:
    service = await cloud.deploy()
    echoed: asyncio.Queue[bytes] = asyncio.Queue()

    parts = urlsplit(service.uri)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    writer.write(b"POST /echo HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n")
    for word in (b"one", b"two", b"three"):
        writer.write(b"%x\r\n%b\r\n" % (len(word), word))
        async with asyncio.timeout(10):
            received = b""
            while word not in received:
                received += await reader.read(4096)
        echoed.put_nowait(word)
    writer.write(b"0\r\n\r\n")
    async with asyncio.timeout(10):
        assert (await reader.readuntil(b"0\r\n\r\n")).endswith(b"0\r\n\r\n")
    writer.close()
    await writer.wait_closed()
    assert echoed.qsize() == 3


async def test_a_large_upload_and_a_large_download_arrive_whole(cloud: Cloud) -> None:
    service = await cloud.deploy()
    body = b"x" * (20 << 20)
    counted = await cloud.http.post(f"{service.uri}/count", content=body)
    assert counted.text == str(len(body))

    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(200):
            yield b"y" * 50_000

    counted = await cloud.http.post(f"{service.uri}/count", content=pieces())
    assert counted.text == str(200 * 50_000)
    async with cloud.http.stream("GET", f"{service.uri}/flood?chunks=300") as response:
        assert sum([len(part) async for part in response.aiter_raw()]) == 300 << 16


async def test_expect_continue_is_asked_for_once_an_instance_is_there(cloud: Cloud) -> None:
    service = await cloud.deploy()
    parts = urlsplit(service.uri)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    writer.write(
        b"POST /count HTTP/1.1\r\nHost: x.localhost\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n"
    )
    async with asyncio.timeout(10):
        assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        writer.write(b"body")
        assert (await reader.readuntil(b"\r\n\r\n4")).startswith(b"HTTP/1.1 200 OK")
    writer.close()
    await writer.wait_closed()


async def test_keep_alive_pipelining_head_and_old_http(cloud: Cloud) -> None:
    service = await cloud.deploy()
    one = b"HEAD /info HTTP/1.1\r\nHost: localhost\r\n\r\n"
    last = b"GET /raw HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    answer = await speak(service.uri, one + one + last)
    assert answer.count(b"HTTP/1.1 200 OK") == 3
    assert b'"pid"' not in answer
    assert answer.endswith(b"d\r\nuntil the end\r\n0\r\n\r\n")
    old = await speak(service.uri, b"GET /raw HTTP/1.0\r\n\r\n")
    assert old.endswith(b"\r\n\r\nuntil the end")
    assert b"chunked" not in old


async def test_the_container_sees_the_front_ends_headers(cloud: Cloud) -> None:
    service = await cloud.deploy()
    sent = {"Connection": "x-secret", "X-Secret": "1", "TE": "trailers", "X-Forwarded-For": "10.0.0.9"}
    response = await cloud.http.get(f"{service.uri}/info?a=%20b", headers=sent)
    seen = {name.lower(): value for name, value in response.json()["headers"]}
    assert response.json()["path"] == "/info?a=%20b"
    assert not {"x-secret", "te", "connection"} & seen.keys()
    assert seen["x-forwarded-for"] == "10.0.0.9, 127.0.0.1"
    assert seen["x-forwarded-proto"] == "http"
    trace, span = seen["traceparent"].split("-")[1:3]
    assert seen["x-cloud-trace-context"] == f"{trace}/{int(span, 16)};o=1"
    assert response.headers["x-cloud-trace-context"] == seen["x-cloud-trace-context"]

    given = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00"
    seen = dict((await cloud.http.get(service.uri, headers={"traceparent": given})).json()["headers"])
    assert seen["traceparent"] == given
    assert seen["X-Cloud-Trace-Context"] == f"0af7651916cd43dd8448eb211c80319c/{0xB7AD6B7169203331};o=0"
    old = "0af7651916cd43dd8448eb211c80319c/17;o=1"
    seen = dict((await cloud.http.get(service.uri, headers={"X-Cloud-Trace-Context": old})).json()["headers"])
    assert seen["traceparent"] == "00-0af7651916cd43dd8448eb211c80319c-0000000000000011-01"


REFUSED: list[tuple[dict[str, str], int, str]] = [
    ({"Host": "evil.example"}, 403, "own names"),
    ({"Host": "127.0.0.1.evil.example"}, 403, "own names"),
    ({"Host": "127.0.0.1@evil.example"}, 403, "own names"),
    ({"Host": "192.168.1.4"}, 403, "own names"),
    ({"Origin": "https://evil.example"}, 403, "another origin"),
    ({"Origin": "null"}, 403, "another origin"),
    ({"Sec-Fetch-Site": "cross-site"}, 403, "another site"),
    ({"Upgrade": "websocket", "Connection": "Upgrade"}, 501, "WebSockets"),
    ({"Content-Length": str(33 << 20)}, 413, "32 MiB"),
    ({"X-Huge": "h" * 70_000}, 431, "64 KiB"),
]
STRANGE = [
    (b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n", 404),
    (b"GET http://localhost/ HTTP/1.1\r\nHost: localhost\r\n\r\n", 400),
    (b"GET / HTTP/1.1\r\n\r\n", 400),
    (b"GET / HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\n\r\n", 400),
    (b"rubbish\r\n\r\n", 400),
    (b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
    (b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"y" * 400_000, 431),
]
OWN_NAMES = ["localhost", "LOCALHOST:80", "127.0.0.1", "[::1]:8080", "a.localhost"]


async def test_the_front_end_refuses_in_words_and_takes_this_machines_names(cloud: Cloud) -> None:
    service = await cloud.deploy()
    for headers, status, words in REFUSED:
        lines = [f"{name}: {value}" for name, value in ({"Host": "localhost"} | headers).items()]
        answer = await speak(service.uri, "\r\n".join(["GET /info HTTP/1.1", *lines, "", ""]).encode())
        assert answer.startswith(b"HTTP/1.1 %d " % status), headers
        assert words in answer.decode()
        assert b'"pid"' not in answer
    for request, status in STRANGE:
        assert (await speak(service.uri, request)).startswith(b"HTTP/1.1 %d " % status), request[:80]
    for host in OWN_NAMES:
        given = {"Host": host, "Origin": "http://localhost:3000", "Sec-Fetch-Site": "same-site"}
        assert (await cloud.http.get(service.uri, headers=given)).status_code == 200, host


async def test_a_chunked_upload_above_the_limit_is_cut(cloud: Cloud) -> None:
    service = await cloud.deploy()

    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(33):
            yield b"z" * (1 << 20)

    # The connection may be cut before a client that still sends has read the answer.
    with suppress(httpx.TransportError):
        assert (await cloud.http.post(f"{service.uri}/count", content=pieces())).status_code == 413
    assert (await cloud.http.get(service.uri)).status_code == 200


async def test_a_container_that_answers_before_it_read_the_body_is_heard(cloud: Cloud) -> None:
    service = await cloud.deploy()
    head = b"POST /refuse HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000\r\n\r\n"
    answer = await speak(service.uri, head)
    assert answer.startswith(b"HTTP/1.1 403 ")
    assert answer.endswith(b"not read")


async def test_a_bad_response_becomes_the_front_ends_own(cloud: Cloud) -> None:
    service = await cloud.deploy()
    malformed = "either the HTTP response was malformed or connection"
    bad = [
        ("/garbage", 503, malformed),
        ("/large", 500, "Response size was too large"),
        ("/die", 503, malformed),
    ]
    for path, status, words in bad:
        response = await cloud.http.get(service.uri + path)
        assert response.status_code == status
        assert words in response.text


async def test_an_instance_that_dies_ends_its_streams_and_is_replaced(cloud: Cloud) -> None:
    service = await cloud.deploy(instances=(1, 2))
    before = (await cloud.http.get(service.uri)).json()["pid"]
    with pytest.raises(httpx.RemoteProtocolError):
        await cloud.http.get(f"{service.uri}/half")

    async def is_replaced() -> bool:
        # A request that reaches the dying process's socket ends with 503, as it does on Cloud Run.
        answer = await cloud.http.get(service.uri)
        return answer.status_code == 200 and answer.json()["pid"] != before

    await until(is_replaced)


async def test_a_client_that_leaves_is_told_to_the_instance_at_once(cloud: Cloud, tmp_path: Path) -> None:
    service = await cloud.deploy(instances=(0, 1))
    left = tmp_path / "left"
    async with cloud.http.stream("GET", f"{service.uri}/tick?left={left}") as response:
        assert await first_bytes(response)
    await until(left.exists, 5)
    # The only slot is free again.
    assert (await cloud.http.get(service.uri)).status_code == 200


async def test_the_request_timeout_ends_the_stream_and_not_the_instance(cloud: Cloud, tmp_path: Path) -> None:
    service = await cloud.deploy(timeout=1, instances=(0, 1))
    pid = (await cloud.http.get(service.uri)).json()["pid"]
    late = await cloud.http.get(f"{service.uri}/sleep?until={tmp_path / 'never'}")
    assert (late.status_code, late.text) == (504, "upstream request timeout\n")
    left = tmp_path / "left"
    with pytest.raises(httpx.RemoteProtocolError):
        await cloud.http.get(f"{service.uri}/tick?left={left}")
    await until(left.exists, 5)
    assert (await cloud.http.get(service.uri)).json()["pid"] == pid


async def test_a_slow_reader_stops_the_instance_and_not_the_emulator(cloud: Cloud) -> None:
    service = await cloud.deploy(concurrency=10)
    parts = urlsplit(service.uri)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port, limit=4096)
    writer.write(b"GET /flood?chunks=2000 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    await reader.readuntil(b"\r\n\r\n")
    for _ in range(5):
        assert (await cloud.http.get(service.uri)).status_code == 200
    size = 0
    async with asyncio.timeout(30):
        while data := await reader.read(1 << 20):
            size += len(data)
    assert size > 2000 << 16
    writer.close()
    await writer.wait_closed()


async def split(cloud: Cloud) -> tuple[run_v2.Service, str, str]:
    first = await cloud.deploy(concurrency=10)
    wanted = template(concurrency=10, env={"SECOND": "1"})
    wanted.name = first.name
    second = await cloud.finish(await cloud.update(wanted))
    return (
        second,
        first.latest_ready_revision.rsplit("/", 1)[-1],
        second.latest_ready_revision.rsplit("/", 1)[-1],
    )


async def revision_at(cloud: Cloud, uri: str) -> str:
    return str((await cloud.http.get(uri)).json()["env"]["K_REVISION"])


async def test_traffic_is_split_by_percent_and_by_tag(cloud: Cloud) -> None:
    service, one, two = await split(cloud)
    assert await revision_at(cloud, service.uri) == two
    service.traffic = [
        run_v2.TrafficTarget(type_=BY_NAME, revision=one, percent=50, tag="old"),
        run_v2.TrafficTarget(type_=LATEST, percent=50),
        run_v2.TrafficTarget(type_=LATEST, tag="new"),
    ]
    service = await cloud.finish(await cloud.update(service, "traffic"))
    uris = {status.tag: status.uri for status in service.traffic_statuses if status.tag}
    assert len({service.uri, *uris.values()}) == 3
    assert all(re.fullmatch(r"http://127\.0\.0\.1:\d+", uri) for uri in uris.values())
    for _ in range(3):
        assert await revision_at(cloud, uris["old"]) == one
        assert await revision_at(cloud, uris["new"]) == two
    counts = Counter([await revision_at(cloud, service.uri) for _ in range(80)])
    # 80 fair throws: fewer than 15 of one side has a probability below 1e-8.
    assert set(counts) == {one, two}
    assert min(counts.values()) >= 15

    # A rollback is traffic alone.
    service.traffic = [run_v2.TrafficTarget(type_=BY_NAME, revision=one, percent=100)]
    back = await cloud.finish(await cloud.update(service, "traffic"))
    assert back.latest_created_revision == service.latest_created_revision
    assert {await revision_at(cloud, back.uri) for _ in range(20)} == {one}
    with pytest.raises(httpx.ConnectError):
        await cloud.http.get(uris["old"])


async def test_affinity_keeps_a_client_on_its_instance(cloud: Cloud, tmp_path: Path) -> None:
    wanted = template(concurrency=1, instances=(0, 4))
    wanted.template.session_affinity = True
    service = await cloud.finish(await cloud.create("svc", wanted))
    gate = tmp_path / "gate"
    async with cloud.http.stream("GET", f"{service.uri}/hold?until={gate}") as held:
        parts = held.aiter_raw()
        busy = int((await anext(parts)).split()[1])
        other = await cloud.http.get(service.uri)
        assert other.json()["pid"] != busy
        assert "Max-Age=2592000" in other.headers["set-cookie"]
        gate.touch()
    mine, jar = other.json()["pid"], {"Cookie": other.headers["set-cookie"].split(";")[0]}
    for _ in range(3):
        assert (await cloud.http.get(service.uri, headers=jar)).json()["pid"] == mine
    assert "set-cookie" not in (await cloud.http.get((await cloud.deploy("plain")).uri)).headers


async def test_an_update_during_traffic_loses_no_request(cloud: Cloud, tmp_path: Path) -> None:
    service = await cloud.deploy(concurrency=20)
    statuses: Counter[int] = Counter()

    async def ask() -> None:
        while True:
            statuses[(await cloud.http.get(service.uri)).status_code] += 1

    gate = tmp_path / "gate"
    async with cloud.http.stream("GET", f"{service.uri}/hold?until={gate}") as held:
        parts = held.aiter_raw()
        await anext(parts)
        asking = [asyncio.create_task(ask()) for _ in range(4)]
        wanted = template(concurrency=20, env={"SECOND": "1"})
        wanted.name = service.name
        updated = await cloud.finish(await cloud.update(wanted))
        before = statuses[200]
        await until(lambda: statuses[200] > before + 20)
        for task in asking:
            await leave(task)
        assert set(statuses) == {200}
        assert "SECOND" in (await cloud.http.get(updated.uri)).json()["env"]
        gate.touch()
        assert await anext(parts) == b"data: end\n\n"


async def test_deleting_a_service_ends_its_streams(launch: Launch, tmp_path: Path) -> None:
    cloud = await launch(Pace(grace=0.5))
    service = await cloud.deploy(env={"IGNORE_SIGTERM": "1"})
    async with cloud.http.stream("GET", f"{service.uri}/hold?until={tmp_path / 'never'}") as held:
        parts = held.aiter_raw()
        await anext(parts)
        await cloud.delete()
        with pytest.raises(httpx.RemoteProtocolError):
            await anext(parts)


async def test_many_requests_at_once(cloud: Cloud) -> None:
    service = await cloud.deploy(concurrency=25, instances=(0, 4))
    limits = httpx.Limits(max_connections=None)
    async with httpx.AsyncClient(trust_env=False, timeout=30, limits=limits, verify=False) as http:
        answers = await asyncio.gather(*(http.get(service.uri) for _ in range(100)))
    assert Counter(answer.status_code for answer in answers) == {200: 100}
    assert len({answer.json()["pid"] for answer in answers}) <= 4

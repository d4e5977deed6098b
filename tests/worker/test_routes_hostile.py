"""What no client of ours sends: refused with a 4xx that says why, and nothing read, written or run by it."""

from __future__ import annotations

import asyncio
import base64
import json
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.worker.conftest import RunningWorker, StartWorker, result, until
from tests.worker.test_journal import end, event, written
from worker_service.store import Store
from worker_service.wire import Control, Problem, RunRequest

IDS = [
    ".", "..", "...", "../x", "../../etc/passwd", "a/b", "a\\b", "a\x00b", "a\nb", "good\n", "\ngood", "a\rb",
    "é", "\u202egood", "💥", "-x", ".x", "_x", "x" * 129, "x" * 5000, "a b", "%2e%2e", "~", "*", "a:b", "a?b",
    "a#b", "<script>", "{}", "good\u0085",
]  # fmt: skip
ROUTES = [
    ("PUT", ""),
    ("GET", ""),
    ("GET", "/events"),
    ("GET", "/transcript"),
    *(("POST", f"/{action}") for action in ("cancel", "input", "resize", "answer")),
]


def spelled(task_id: str) -> str:
    """Every byte of it as %xx, so that no client makes a path of it."""
    return "".join(f"%{byte:02x}" for byte in task_id.encode())


def tree(*folders: Path) -> set[str]:
    return {str(path) for folder in folders for path in folder.rglob("*")}


@pytest.fixture
async def kept(start_worker: StartWorker, tmp_path: Path) -> RunningWorker:
    """A worker with a store, in which the task `good` has ended."""
    store = f"file://{tmp_path}/store"
    await written(Store.open(store), event(1), end(2))
    return await start_worker(worker_store=store, worker_agent="command", worker_command="true")


def assert_refused(answer: Any, *codes: int) -> None:
    assert answer.status_code in (codes or (400, 404, 405)), answer.text
    problem = Problem.model_validate(answer.json())
    assert problem.status == answer.status_code
    assert answer.headers["content-type"] == "application/problem+json"
    assert all(name.isprintable() for name in answer.headers.values())


async def test_ids_that_are_none_are_refused_everywhere(kept: RunningWorker, tmp_path: Path) -> None:
    before = tree(tmp_path)
    for task_id in IDS:
        for method, action in ROUTES:
            path = f"/tasks/{spelled(task_id)}{action}"
            body = {"prompt": "true", "data": "x", "cols": 80, "rows": 24}
            assert_refused(await kept.http.request(method, path, json=body))
        named = {"prompt": "true", "taskId": task_id}
        assert_refused(await kept.http.post("/run", json=named), 400)
        assert_refused(await kept.http.post("/run", json={"prompt": "true", "workspace": task_id}), 400)
    assert tree(tmp_path) == before
    assert kept.pool.tasks == []


async def test_an_idempotency_key_of_any_bytes_names_one_task(kept: RunningWorker, tmp_path: Path) -> None:
    for key in (b"../../x", b"\xff\xfe", b"a\tb", b"x" * 9000, b'"', b"..", b"%00", "é".encode()):
        headers = {b"Idempotency-Key": key}
        answer = await kept.http.post("/run", json={"prompt": "true"}, headers=headers)
        assert answer.status_code == 200
        assert answer.json()["status"] == "completed"
    ids = {path.name for path in (tmp_path / "store" / "tasks").iterdir()}
    assert ids == {"t", *(task.id for task in kept.pool.tasks)}


RAW = [
    b"GET /tasks/\xff\xfe HTTP/1.1\r\nHost: localhost\r\n\r\n",
    b"GET /tasks/%ff%fe HTTP/1.1\r\nHost: localhost\r\n\r\n",
    b"GET /tasks/%c3%28/events HTTP/1.1\r\nHost: localhost\r\n\r\n",
    b"GET /tasks/t/../../../etc/passwd HTTP/1.1\r\nHost: localhost\r\n\r\n",
    b"GET //tasks/t HTTP/1.1\r\nHost: localhost\r\n\r\n",
    b"GET http://elsewhere/tasks/x HTTP/1.1\r\nHost: localhost\r\n\r\n",
    b"GET /tasks/%zz%1 HTTP/1.1\r\nHost: localhost\r\n\r\n",
    b"GET /tasks/x?after=%ff&follow=%00 HTTP/1.1\r\nHost: localhost\r\n\r\n",
    b"GET /tasks/x/events?\xff=\xfe HTTP/1.1\r\nHost: localhost\r\n\r\n",
    b"POST /run HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n",
    b"POST /run HTTP/1.1\r\nHost: localhost\r\nContent-Length: \xb2\r\n\r\n",
    b"POST /run HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999999999999999999\r\n\r\n",
    b"POST /run HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\nTransfer-Encoding: chunked\r\n\r\n",
    b"POST /run HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    b"POST /run HTTP/1.1\r\nHost: \xff\r\nContent-Length: 2\r\n\r\n{}",
    b"GET /tasks HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer \xff\xfe.\xff.\xff\r\n\r\n",
    b"\x16\x03\x01\x02\x00\x01\x00",
    b"NONSENSE\r\n\r\n",
]


async def test_raw_bytes_are_answered_or_hung_up_on(
    kept: RunningWorker, caplog: pytest.LogCaptureFixture
) -> None:
    host, port = kept.url.removeprefix("http://").split(":")
    for raw in RAW:
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(raw)
        writer.write_eof()
        async with asyncio.timeout(10):
            answer = await reader.read()
        writer.close()
        status = answer.split(b" ", 2)[1:2]
        assert status in ([], [b"400"], [b"403"], [b"404"], [b"413"]) or raw.startswith(b"GET /tasks HTTP"), (
            raw
        )
    assert [record for record in caplog.records if record.levelname == "ERROR"] == []
    assert (await kept.http.get("/tasks")).status_code == 200


NUMBERS: list[Any] = [True, False, 1.5, "1", -1, 0, 10**30, -(10**30), float("inf"), None, [], {}, "x"]
WHOLE = ["priority", "cols", "rows", "maxTurns"]
REAL = ["timeoutSeconds", "maxBudgetUsd"]


async def test_what_is_no_number_is_refused(kept: RunningWorker) -> None:
    for name in WHOLE + REAL:
        for value in NUMBERS:
            is_right = (value == 1.5 and name in REAL) or (value == 10**30 and name.startswith("max"))
            is_unset = value is None and name not in ("priority", "cols", "rows")
            if is_right or is_unset:
                continue
            body = json.dumps({"prompt": "true", name: value}).replace("Infinity", "1e999")
            answer = await kept.http.post("/run", content=body)
            assert answer.status_code == 400, (name, value)
            assert answer.json()["details"][0]["field"] == name
    for name in ("cols", "rows"):
        for value in NUMBERS:
            body = json.dumps({"cols": 80, "rows": 24, name: value})
            answer = await kept.http.post("/tasks/t/resize", content=body)
            assert answer.status_code in (400, 409), (name, value)
            assert answer.status_code == 400 or value is None
    for text in ("-1", "x", "1.5", "1e3", "", "0x1", "9" * 5000, "\u0663x", "true"):
        for header, query in (({b"Last-Event-ID": text.encode()}, {}), ({}, {"after": text})):
            answer = await kept.http.get("/tasks/t/events", headers=header, params=query)
            assert answer.status_code == 400, text
    for text in ("9" * 4000, str(2**63)):
        answer = await kept.http.get("/tasks/t/events", params={"after": text})
        assert answer.status_code == 204
    assert kept.pool.tasks == []


def nested(depth: int) -> str:
    return '{"a":' * depth + "1" + "}" * depth


BODIES: list[tuple[bytes, int]] = [
    (b'{"prompt": "\xff"}', 400),
    (b'\xef\xbb\xbf{"prompt": "x"}', 400),
    ('{"prompt": "x"}'.encode("utf-16"), 400),
    (b'{"prompt": "x", "metadata": {"a": "\\ud800"}}', 400),
    (b'{"prompt": "x", "metadata": {"a": NaN}}', 400),
    (f'{{"prompt": "x", "metadata": {nested(5000)}}}'.encode(), 400),
    (b'{"prompt": "x", "metadata": ' + b"9" * 5000 + b"}", 400),
    (b'{"prompt": "x", "allowedTools": [1, true, null]}', 400),
    (b'{"prompt": "x", "metadata": []}', 400),
    (b'{"prompt": ["x"]}', 400),
    (b"{" + b'"a":1,' * 1_700_000 + b'"prompt":"x"}', 413),
    (b" " * (10 << 20), 413),
    (b"\x00", 400),
    (b"null", 400),
    (b'"prompt"', 400),
]


async def test_bodies_that_are_none_are_refused(kept: RunningWorker) -> None:
    for body, status in BODIES:
        assert_refused(await kept.http.post("/run", content=body), status)
        assert_refused(await kept.http.put("/tasks/fresh", content=body), status)
        if b"prompt" not in body:
            for action in ("cancel", "input", "resize", "answer"):
                assert_refused(await kept.http.post(f"/tasks/t/{action}", content=body), status)
    assert kept.pool.tasks == []


METADATA = [
    *(nested(depth) for depth in range(194, 202)),
    '{"a": 1e999}',
    '{"a": -1e999, "b": [1e999]}',
    '{"a": ' + "9" * 4000 + "}",
    '{"\\u0000": "\\u0000\\u001b[2J"}',
    '{"a": "' + "é" * 1_000_000 + '"}',
    json.dumps({str(n): n for n in range(20_000)}),
]


@pytest.mark.parametrize("has_store", [True, False], ids=["kept", "forgotten"])
async def test_metadata_of_any_shape_stops_no_listing(
    start_worker: StartWorker, tmp_path: Path, has_store: bool
) -> None:
    store = f"file://{tmp_path}/store" if has_store else None
    worker = await start_worker(worker_store=store, worker_token="a-token-of-this-test")
    other = await start_worker(worker_store=store, worker_token="a-token-of-this-test")
    for one in (worker, other):
        one.http.headers["Authorization"] = "Bearer a-token-of-this-test"
    for n, metadata in enumerate(METADATA):
        listed = await other.http.get("/tasks")
        assert all(task["status"] == "completed" for task in listed.json()["tasks"])
        body = f'{{"prompt": "true", "taskId": "t{n}", "metadata": {metadata}}}'
        answer = await worker.http.post("/run", content=body)
        assert answer.status_code in (200, 400), answer.text[:200]
        for one in (worker, other):
            for path in ("", "/events", "/transcript?format=ndjson"):
                assert (await one.http.get(f"/tasks/t{n}{path}")).status_code in (200, 404)


async def test_an_actor_of_any_shape_is_named_or_left_out(kept: RunningWorker) -> None:
    emails: list[Any] = ["\ud800", "a\x1b[2J\nb", "x" * 9000, 7, ["a"], None, "", True, {"email": "x"}]
    for n, email in enumerate(emails):
        claims = base64.urlsafe_b64encode(json.dumps({"email": email}).encode()).decode().rstrip("=")
        headers = {"X-Serverless-Authorization": f"Bearer h.{claims}.s"}
        answer = await kept.http.post("/run", json={"prompt": "true", "taskId": f"a{n}"}, headers=headers)
        assert answer.status_code == 200, (email, answer.text)
        actor = (await kept.http.get(f"/tasks/a{n}")).json().get("actor") or ""
        assert len(actor) <= 200
        assert actor.isprintable()


async def test_another_s_token_opens_nothing(start_worker: StartWorker, tmp_path: Path) -> None:
    worker = await start_worker(
        worker_token="the-token-of-this-test", worker_store=f"file://{tmp_path}/store"
    )
    before = tree(tmp_path)
    for token in (
        "another-task-s-token",
        "the-token-of-this-tes",
        "the-token-of-this-test2",
        "\xff" * 20,
    ):
        headers = {b"Authorization": b"Bearer " + token.encode("latin-1")}
        for method, path in (*ROUTES, ("GET", "")):
            answer = await worker.http.request(
                method, f"/tasks/t{path}", json={"prompt": "x"}, headers=headers
            )
            assert_refused(answer, 401)
        for path in ("/run", "/hello", "/tasks", "/metrics", "/pty/status", "/openapi.json"):
            assert_refused(
                await worker.http.request("POST", path, json={"prompt": "x"}, headers=headers), 401
            )
    assert tree(tmp_path) == before
    assert worker.pool.tasks == []


async def test_controls_of_any_shape_stop_no_task(worker: RunningWorker) -> None:
    running = await worker.start("sleep 60", taskId="t", mode="interactive")
    for action in ("input", "resize", "answer"):
        for body in (
            {},
            {"data": "x" * (3 << 20)},
            {"data": "=", "encoding": "base64"},
            {"data": "\x00", "encoding": "base64"},
            {"cols": 1000, "rows": 1000},
            {"cols": 1001, "rows": 1},
            {"action": "cancel"},
            {"permissionId": "x" * 100_000, "behavior": "allow"},
            {"permissionId": "p", "behavior": "maybe"},
            {"taskId": "other", "nonce": "n"},
        ):
            answer = await worker.http.post(f"/tasks/t/{action}", json=body)
            assert answer.status_code in (200, 400, 409), answer.text
    task = worker.pool.get("t")
    assert task is not None
    assert not task.is_ended
    await worker.http.post("/tasks/t/cancel", json={"mode": "kill"})
    assert result(await running)["status"] == "cancelled"
    await until(lambda: not worker.pool.running)


SEGMENTS = st.sampled_from(
    ["tasks", "run", "hello", "t", "good", "events", "..", "%2e%2e", "%00", ""]
) | st.text(max_size=6).map(lambda text: quote(text, safe=""))
HEADERS = st.dictionaries(
    st.sampled_from(
        [
            "Last-Event-ID",
            "Idempotency-Key",
            "Accept",
            "traceparent",
            "X-Cloud-Trace-Context",
            "Origin",
            "Range",
        ]
    ),
    st.text(st.characters(min_codepoint=0x20, max_codepoint=0xFF), max_size=12),
    max_size=3,
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda some: st.lists(some, max_size=3) | st.dictionaries(st.text(max_size=3), some, max_size=3),
)
FIELDS = st.sampled_from(
    [info.alias or name for model in (RunRequest, Control) for name, info in model.model_fields.items()]
)
CONTENT = st.binary(max_size=20) | st.dictionaries(FIELDS, JSON, max_size=5).map(
    lambda fields: json.dumps(fields).encode()
)


@settings(
    max_examples=80,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    method=st.sampled_from(["GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH"]),
    path=st.lists(SEGMENTS, max_size=4).map("/".join)
    | st.builds(lambda task_id, route: f"tasks/{task_id}{route[1]}", SEGMENTS, st.sampled_from(ROUTES)),
    query=st.dictionaries(st.sampled_from(["after", "follow", "format"]), st.text(max_size=5), max_size=2),
    headers=HEADERS,
    content=CONTENT,
)
async def test_no_request_is_an_error_inside(
    kept: RunningWorker,
    method: str,
    path: str,
    query: dict[str, str],
    headers: dict[str, str],
    content: bytes,
) -> None:
    # Blanks around a value are no part of it, and the client sends none.
    sent = {name.encode(): value.strip().encode("latin-1") for name, value in headers.items()}
    if sent.get(b"Accept") is None:
        sent[b"Accept"] = b"*/*"
    request = kept.http.build_request(
        method, f"{kept.url}/{path}", params=query, headers=sent, content=content
    )
    answer = await kept.http.send(request)
    assert answer.status_code < 500
    if answer.status_code >= 400 and method != "HEAD" and answer.content:
        is_ours = answer.headers["content-type"] == "application/problem+json"
        assert is_ours or answer.text == "Invalid HTTP request received."

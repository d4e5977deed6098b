from __future__ import annotations

import base64
import json

import pytest

from tests.worker.conftest import RunningWorker, StartWorker
from worker_service.guard import caller
from worker_service.settings import SettingsError, load

PAGES = [
    {"Origin": "https://evil.example"},
    {"Origin": "null"},
    {"Origin": "http://localhost:3000"},
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
    {"Host": "evil.example"},
    {"Host": "evil.example:8080"},
    {"Host": "127.0.0.1.evil.example"},
    {"Host": "127.0.0.1@evil.example"},
    {"Host": ""},
]


async def test_a_web_page_can_do_nothing_on_a_loopback_worker(worker: RunningWorker) -> None:
    paths = [("POST", "/run"), ("PUT", "/tasks/t"), ("GET", "/tasks"), ("GET", "/hello")]
    paths += [("POST", f"/tasks/t/{action}") for action in ("cancel", "input", "resize", "answer")]
    for headers in PAGES:
        for method, path in paths:
            answer = await worker.http.request(method, path, json={"prompt": "true"}, headers=headers)
            assert answer.status_code in (400, 403), (headers, path)
            assert answer.headers["content-type"].startswith(("application/problem+json", "text/plain"))
    assert worker.pool.tasks == []


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "localhost:9"},
        {"Host": "[::1]:9"},
        {"Host": "worker.localhost"},
        {"Host": "127.0.0.1:9", "Origin": "http://127.0.0.1:9", "Sec-Fetch-Site": "same-origin"},
        {"Sec-Fetch-Site": "none"},
    ],
)
async def test_programs_on_this_machine_are_let_in(worker: RunningWorker, headers: dict[str, str]) -> None:
    assert (await worker.http.get("/hello", headers=headers)).status_code == 200


async def test_a_token_is_asked_for_everywhere_but_by_the_probes(start_worker: StartWorker) -> None:
    worker = await start_worker(worker_token="a-secret-token")

    for given in ("", "Bearer wrong", "Basic a-secret-token", "a-secret-token", "Bearer", "Bearer é"):
        headers = {b"Authorization": given.encode()}
        answer = await worker.http.get("/hello", headers=headers)
        assert answer.status_code == 401
        assert "a-secret-token" not in answer.text
    assert (await worker.http.get("/health/ready")).status_code == 200
    granted = {"Authorization": "Bearer a-secret-token", "Host": "any.example"}
    assert (await worker.http.get("/hello", headers=granted)).status_code == 200


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.1", "::", "worker.example"])
def test_an_open_address_needs_a_token_or_cloud_run(monkeypatch: pytest.MonkeyPatch, host: str) -> None:
    monkeypatch.delenv("K_SERVICE", raising=False)
    monkeypatch.delenv("WORKER_TOKEN", raising=False)
    monkeypatch.setenv("HOST", host)
    with pytest.raises(SettingsError, match="WORKER_TOKEN"):
        load()

    monkeypatch.setenv("WORKER_TOKEN", "t")
    assert load().host == host
    monkeypatch.delenv("WORKER_TOKEN")
    monkeypatch.setenv("K_SERVICE", "s")
    assert load().host == host


def test_wrong_settings_are_all_named_without_their_values(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORT", "eighty")
    monkeypatch.setenv("WORKER_MAX_TASKS", "0")
    with pytest.raises(SettingsError) as caught:
        load()

    assert "PORT" in str(caught.value)
    assert "WORKER_MAX_TASKS" in str(caught.value)
    assert "eighty" not in str(caught.value)


def test_the_caller_is_the_token_s_address() -> None:
    claims = base64.urlsafe_b64encode(json.dumps({"email": "ada@example.com"}).encode()).decode().rstrip("=")

    assert caller({"authorization": f"Bearer h.{claims}.SIGNATURE_REMOVED_BY_GOOGLE"}) == "ada@example.com"
    assert caller({"x-serverless-authorization": f"bearer h.{claims}.s"}) == "ada@example.com"
    for nonsense in ("Bearer x", "Bearer a.b.c", "Bearer ..", "Bearer a.W10.c", "", "Bearer a.é.c"):
        assert caller({"authorization": nonsense}) is None

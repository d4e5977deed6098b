"""ID tokens for private services: whose they are, for how long they are kept, and what mends a refusal."""

from __future__ import annotations

import asyncio
import os
import stat
from collections.abc import Iterator
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path

import pytest

from ccconsole import runs, worker_client
from ccconsole.cloud import identity
from ccconsole.config import Environment
from ccconsole.errors import ConsoleError, Denied, NotFound, NotSignedIn
from tests.cloud.logins import ACCOUNT, LoginServer, jwt, login_server
from tests.unit.workers import Call, complete, scripted, service
from worker_service.wire import RunRequest

URL = "https://worker-abc.a.run.app"
DEV = Environment("dev", is_local=False, project="acme", region="us-central1")
CALLER = "caller@acme.iam.gserviceaccount.com"


@pytest.fixture
def login(no_account: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[LoginServer]:
    monkeypatch.setenv("NO_GCE_CHECK", "true")
    identity.forget()
    with login_server() as server:
        yield server
    identity.forget()


def put_gcloud(monkeypatch: pytest.MonkeyPatch, folder: Path, script: str) -> None:
    """Let `gcloud` be this shell script."""
    (folder / "bin").mkdir()
    path = folder / "bin" / "gcloud"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{folder / 'bin'}:{os.environ['PATH']}")


async def source(environment: Environment = DEV) -> str:
    found = await identity.identity(environment, URL)
    assert found is not None
    return found.source


async def test_an_emulator_asks_nobody(login: LoginServer, monkeypatch: pytest.MonkeyPatch) -> None:
    assert await identity.id_token(replace(DEV, is_local=True), URL) is None
    assert await identity.id_token(replace(DEV, endpoint="127.0.0.1:1"), URL) is None
    monkeypatch.setenv("CLOUD_RUN_EMULATOR_HOST", "127.0.0.1:1")
    assert await identity.id_token(DEV, URL) is None
    assert not login.asked


async def test_a_service_accounts_key(
    login: LoginServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    login.sign_in(monkeypatch, tmp_path)
    assert await source() == ACCOUNT
    ((path, fields),) = login.asked
    assert (path, "assertion" in fields) == ("/token", True)


async def test_a_users_login(login: LoginServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    login.sign_in(monkeypatch, tmp_path, is_user=True)
    found = await identity.identity(DEV, URL)
    assert found is not None
    assert found.source == "your login"
    assert found.token not in repr(found)


async def test_the_metadata_server(login: LoginServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_GCE_CHECK")
    monkeypatch.setenv("PATH", "")
    login.be_metadata(monkeypatch)
    assert await source() == "this machine's service account"
    assert any(fields.get("audience") == URL for path, fields in login.asked if path.endswith("/identity"))


async def test_impersonation_goes_first(
    login: LoginServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    login.sign_in(monkeypatch, tmp_path, is_user=True)
    assert await source(replace(DEV, impersonate=CALLER)) == CALLER
    path, fields = login.asked[-1]
    assert path == f"/v1/accounts/{CALLER}:generateIdToken"
    assert (fields["audience"], fields["includeEmail"]) == (URL, True)


async def test_one_request_for_many_callers_and_then_none_until_the_end_is_near(
    login: LoginServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    login.sign_in(monkeypatch, tmp_path)
    found = await asyncio.gather(*(identity.id_token(DEV, URL) for _ in range(5)))
    assert len(set(found)) == 1
    assert await identity.id_token(DEV, URL) == found[0]
    assert len(login.asked) == 1
    identity.forget()
    login.seconds = identity.RENEW_SECONDS - 1
    await identity.id_token(DEV, URL)
    await identity.id_token(DEV, URL)
    assert len(login.asked) == 3


@pytest.mark.parametrize(
    ("status", "message", "kind", "hint"),
    [
        (
            403,
            "Permission 'iam.serviceAccounts.getOpenIdToken' denied",
            Denied,
            f"--role={identity.TOKEN_ROLE}",
        ),
        (404, "NOT_FOUND; Gaia id not found", NotFound, "impersonate"),
        (403, "The API has not been used in project 1 before", ConsoleError, "gcloud services enable"),
    ],
)
async def test_an_impersonation_that_is_refused(
    login: LoginServer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    status: int,
    message: str,
    kind: type[ConsoleError],
    hint: str,
) -> None:
    login.sign_in(monkeypatch, tmp_path, is_user=True)
    login.refusal = (status, {"error": {"code": status, "message": message}})
    with pytest.raises(ConsoleError) as caught:
        await identity.id_token(replace(DEV, impersonate=CALLER), URL)
    assert type(caught.value) is kind
    assert hint in caught.value.hint


async def test_gcloud_where_the_login_has_no_id_token(
    login: LoginServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    login.sign_in(monkeypatch, tmp_path, is_user=True)
    login.has_user_id_tokens = False
    put_gcloud(monkeypatch, tmp_path, f"echo {jwt()}")
    assert await source() == "gcloud's login"


async def test_gcloud_impersonates_where_there_are_no_credentials(
    login: LoginServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_gcloud(monkeypatch, tmp_path, f'echo "$@" > "{tmp_path}/words"; echo {jwt()}')
    assert await source(replace(DEV, impersonate=CALLER)) == CALLER
    words = (tmp_path / "words").read_text()
    assert f"--impersonate-service-account={CALLER} --audiences={URL}" in words


@pytest.mark.parametrize("script", ["echo You are not logged in >&2; exit 1", "echo no token at all"])
async def test_gcloud_that_gives_none(
    login: LoginServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str
) -> None:
    put_gcloud(monkeypatch, tmp_path, script)
    with pytest.raises(NotSignedIn) as caught:
        await identity.id_token(DEV, URL)
    assert caught.value.hint == "gcloud auth application-default login"
    assert "no token at all" not in str(caught.value)


async def test_nobody_signed_in_and_no_gcloud(login: LoginServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(NotSignedIn) as caught:
        await identity.id_token(DEV, URL)
    assert caught.value.hint == "gcloud auth application-default login"


async def _answer(call: Call) -> None:
    await call.start()
    await call.write(complete(1), is_last=True)


async def test_a_private_service_is_called_with_the_token(
    login: LoginServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    login.sign_in(monkeypatch, tmp_path)
    async with scripted(_answer) as worker:
        live = service(worker.url)
        token = await identity.id_token(DEV, worker.url)
        for called, own in ((live, None), (live, "own"), (replace(live, is_public=True), None)):
            async with aclosing(runs.start(DEV, called, RunRequest(prompt="hi"), token=own)) as events:
                assert [event.type.value async for event in events] == ["complete"]
    plain, both, public = (call.headers for call in worker.calls)
    assert plain["authorization"] == f"Bearer {token}"
    assert both["authorization"] == "Bearer own"
    assert both["x-serverless-authorization"] == f"Bearer {token}"
    assert "authorization" not in public


async def test_hello_takes_the_token_too() -> None:
    async def answer(call: Call) -> None:
        await call.answer(200, {"workerId": "w"})

    async with scripted(answer) as worker:
        await worker_client.hello(worker.url, identity="id")
    assert worker.calls[0].headers["authorization"] == "Bearer id"

"""Signing in: expired logins and a login server that does not answer, with a key of our own on loopback."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from ccconsole.cloud.connect import Connections
from ccconsole.errors import NotSignedIn, Unreachable
from ccconsole.fleet import read_fleet
from tests.cloud.conftest import config_of

DEV = '[env.dev]\nproject = "acme"\n'


class Revoked(BaseHTTPRequestHandler):
    """A login server that knows nobody any more."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        body = b'{"error": "invalid_grant", "error_description": "Token has been expired or revoked."}'
        self.send_response(400)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *arguments: object) -> None:
        """Say nothing."""


@pytest.fixture
def revoked() -> Iterator[str]:
    with HTTPServer(("127.0.0.1", 0), Revoked) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/token"
        server.shutdown()
        thread.join()


def sign_in_with(monkeypatch: pytest.MonkeyPatch, folder: Path, token_uri: str) -> None:
    """Let the machine's credentials be a service account's key."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path = folder / "key.json"
    path.write_text(
        json.dumps(
            {
                "type": "service_account",
                "project_id": "acme",
                "private_key_id": "1",
                "private_key": key.decode(),
                "client_email": "worker@acme.iam.gserviceaccount.com",
                "token_uri": token_uri,
            }
        )
    )
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(path))


@pytest.mark.usefixtures("no_account")
async def test_an_expired_login(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, revoked: str) -> None:
    sign_in_with(monkeypatch, tmp_path, revoked)
    config = config_of(tmp_path, DEV)
    async with Connections(config, environ={}) as connections:
        (problem,) = (await read_fleet(config, connections)).problems
    assert problem.exit_code == NotSignedIn.exit_code
    assert "expired or was revoked" in problem.detail
    assert problem.hint == "gcloud auth application-default login"


@pytest.mark.usefixtures("no_account")
async def test_a_login_server_out_of_reach(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sign_in_with(monkeypatch, tmp_path, "http://127.0.0.1:9/token")
    config = config_of(tmp_path, DEV)
    began = time.monotonic()
    async with Connections(config, environ={}) as connections:
        (problem,) = (await read_fleet(config, connections)).problems
    assert time.monotonic() - began < 3
    assert problem.exit_code == Unreachable.exit_code
    assert "network" in problem.hint


@pytest.mark.usefixtures("no_account")
async def test_a_broken_key_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "key.json").write_text('{"type": "service_account"}')
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "key.json"))
    config = config_of(tmp_path, DEV)
    async with Connections(config, environ={}) as connections:
        (problem,) = (await read_fleet(config, connections)).problems
    assert problem.exit_code == NotSignedIn.exit_code

"""A login server on loopback that gives ID tokens as Google's do, and credentials that know it."""

from __future__ import annotations

import base64
import functools
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import google.auth.iam
import google.oauth2.credentials
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from google.auth.compute_engine import _metadata

ACCOUNT = "worker@acme.iam.gserviceaccount.com"


def jwt(seconds: float = 3600, **claims: Any) -> str:
    """A token that ends in so many seconds; nobody verifies its signature here."""
    parts = ({"alg": "RS256", "typ": "JWT"}, {"exp": int(time.time() + seconds), **claims}, {"signed": "not"})
    return ".".join(
        base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode() for part in parts
    )


@dataclass
class LoginServer:
    """What it answers, and what it was asked: (path, fields)."""

    url: str
    asked: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    seconds: float = 3600
    """How long its tokens last."""
    refusal: tuple[int, dict[str, Any]] | None = None
    """The answer to generateIdToken in place of a token."""
    has_user_id_tokens: bool = True

    def answer(self, path: str, fields: dict[str, Any]) -> tuple[int, Any]:
        """Status and body."""
        self.asked.append((path, fields))
        if path.endswith(":generateIdToken"):
            return self.refusal or (
                200,
                {"token": jwt(self.seconds, aud=fields["audience"], sub="impersonated")},
            )
        if path.endswith("/identity"):
            return 200, jwt(self.seconds, aud=fields["audience"], sub="metadata")
        if path.startswith("/computeMetadata"):
            return 200, {"access_token": "access", "expires_in": 3600, "email": ACCOUNT, "scopes": []}
        if "assertion" in fields:
            return 200, {"id_token": jwt(self.seconds, sub="service account"), "access_token": "access"}
        made = {"access_token": "access", "expires_in": 3600}
        return 200, made | ({"id_token": jwt(self.seconds, sub="user")} if self.has_user_id_tokens else {})

    def sign_in(self, monkeypatch: pytest.MonkeyPatch, folder: Path, *, is_user: bool = False) -> None:
        """Let the machine's credentials be a service account's key, or a user's login."""
        fields = {"type": "authorized_user", "client_id": "1", "client_secret": "2", "refresh_token": "3"}
        if not is_user:
            fields = {
                "type": "service_account",
                "project_id": "acme",
                "private_key_id": "1",
                "private_key": _key(),
                "client_email": ACCOUNT,
                "token_uri": f"{self.url}/token",
            }
        path = folder / "login.json"
        path.write_text(json.dumps(fields))
        monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(path))
        monkeypatch.setattr(google.oauth2.credentials, "_GOOGLE_OAUTH2_TOKEN_ENDPOINT", f"{self.url}/token")
        monkeypatch.setattr(
            google.auth.iam, "_IAM_IDTOKEN_ENDPOINT", f"{self.url}/v1/accounts/{{}}:generateIdToken"
        )

    def be_metadata(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Be the metadata server of the machine, which then is one of Google's."""
        host = urlsplit(self.url).netloc
        monkeypatch.setattr(_metadata, "_GCE_METADATA_HOST", host)
        monkeypatch.setenv("GCE_METADATA_IP", host)


@functools.cache
def _key() -> str:
    return (
        rsa.generate_private_key(public_exponent=65537, key_size=2048)
        .private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        .decode()
    )


@contextmanager
def login_server() -> Iterator[LoginServer]:
    """The server, until the block ends."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            split = urlsplit(self.path)
            self._send(*found.answer(split.path, {k: v[0] for k, v in parse_qs(split.query).items()}))

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            fields = (
                json.loads(body) if body.startswith("{") else {k: v[0] for k, v in parse_qs(body).items()}
            )
            self._send(*found.answer(urlsplit(self.path).path, fields))

        def _send(self, status: int, answer: Any) -> None:
            is_text = isinstance(answer, str)
            body = (answer if is_text else json.dumps(answer)).encode()
            self.send_response(status)
            self.send_header("Content-Type", "text/plain" if is_text else "application/json")
            self.send_header("Metadata-Flavor", "Google")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *arguments: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        found = LoginServer(f"http://127.0.0.1:{server.server_port}")
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield found
        server.shutdown()
        thread.join()

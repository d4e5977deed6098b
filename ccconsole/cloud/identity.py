"""ID tokens, which say who calls a private service: fetched off the loop, kept until nearly their end."""

from __future__ import annotations

import asyncio
import functools
import os
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import google.auth
import google.auth.exceptions
import google.auth.transport.requests
import requests
from google.auth import compute_engine, impersonated_credentials, jwt
from google.oauth2 import credentials as user
from google.oauth2 import id_token as tokens
from google.oauth2 import service_account

from ccconsole.cloud.connect import SCOPE
from ccconsole.cloud.errors import EMULATOR_VARIABLE, LOGIN, console_error
from ccconsole.cloud.threads import in_thread
from ccconsole.config import Environment
from ccconsole.errors import ConsoleError, Denied, NotFound, NotSignedIn, TimedOut

TOKEN_ROLE = "roles/iam.serviceAccountTokenCreator"
"""The least role with iam.serviceAccounts.getOpenIdToken, which impersonation needs."""
RENEW_SECONDS = 300.0
"""Before its end a token is fetched anew; Google's last an hour."""
ANSWER_SECONDS = 30.0
_TRY_SECONDS = 10.0
"""One request to a login server; `gcloud` takes under a second without a network and a few with one."""

Request = Callable[..., object]


@dataclass(frozen=True)
class IdToken:
    """One token; `source` says in words who it stands for."""

    token: str = field(repr=False)
    expires_at: float
    """Seconds since the epoch."""
    source: str


_kept: dict[tuple[str | None, str], IdToken] = {}
_pending: dict[tuple[asyncio.AbstractEventLoop, str | None, str], asyncio.Future[IdToken]] = {}


async def id_token(environment: Environment, audience: str) -> str | None:
    """The token to call the service at `audience`, its own address without a tag; None for an emulator's.

    Raises:
        NotSignedIn, Denied, NotFound (no such service account), Unreachable, TimedOut: with what mends it.
    """
    found = await identity(environment, audience)
    return None if found is None else found.token


async def identity(environment: Environment, audience: str) -> IdToken | None:
    """As `id_token`, with who it stands for and until when."""
    if environment.is_local or environment.endpoint or os.environ.get(EMULATOR_VARIABLE):
        return None
    kept = _kept.get((environment.impersonate, audience))
    if kept is not None and time.time() < kept.expires_at - RENEW_SECONDS:
        return kept
    key = (asyncio.get_running_loop(), environment.impersonate, audience)
    if (pending := _pending.get(key)) is None:
        pending = _pending[key] = in_thread(
            functools.partial(_fetched, environment.impersonate, audience), "google-id-token"
        )
        pending.add_done_callback(lambda _: _pending.pop(key, None))
    try:
        async with asyncio.timeout(ANSWER_SECONDS):
            found = await asyncio.shield(pending)
    except (google.auth.exceptions.GoogleAuthError, TimeoutError) as error:
        raise _said(error, environment) from error
    _kept[environment.impersonate, audience] = found
    return found


def forget() -> None:
    """Drop the tokens that are kept, for a doctor and after a new login."""
    _kept.clear()


def _fetched(impersonate: str | None, audience: str) -> IdToken:
    """In the order of google.md: the account to impersonate, the machine's own, the user's login, gcloud."""
    with requests.Session() as session:
        request = functools.partial(
            google.auth.transport.requests.Request(session=session), timeout=_TRY_SECONDS
        )
        try:
            found, _ = google.auth.default(scopes=[SCOPE])
        except google.auth.exceptions.DefaultCredentialsError:
            if os.environ.get("GOOGLE_APPLICATION_CREDENTIALS"):
                raise  # a key file that cannot be read is not to be passed over
            return _of_gcloud(impersonate, audience)
        token, source = _of(found, impersonate, audience, request)
    return _of_gcloud(impersonate, audience) if token is None else _read(token, source)


def _of(found: object, impersonate: str | None, audience: str, request: Request) -> tuple[str | None, str]:
    """The token that these credentials can have, with who it stands for; None when they can have none."""
    if impersonate is not None:
        target = impersonated_credentials.Credentials(
            source_credentials=found, target_principal=impersonate, target_scopes=[SCOPE]
        )
        return _impersonated(target, audience, request), impersonate
    match found:
        case impersonated_credentials.Credentials():
            return _impersonated(found, audience, request), str(found.service_account_email)
        case service_account.Credentials():
            made = tokens.fetch_id_token_credentials(audience, request)
            made.refresh(request)
            return made.token, str(found.service_account_email)
        case compute_engine.Credentials():
            made = compute_engine.IDTokenCredentials(request, audience, use_metadata_identity_endpoint=True)
            made.refresh(request)
            return made.token, "this machine's service account"
        case user.Credentials():
            # Its audience is Google's login client, which Cloud Run takes from people.
            found.refresh(request)
            return found.id_token, "your login"
    return None, ""


def _impersonated(
    target: impersonated_credentials.Credentials, audience: str, request: Request
) -> str | None:
    made = impersonated_credentials.IDTokenCredentials(target, target_audience=audience, include_email=True)
    made.refresh(request)
    token: str | None = made.token
    return token


def _of_gcloud(impersonate: str | None, audience: str) -> IdToken:
    """What gcloud's own login gives; its words never hold the token."""
    command = ["gcloud", "auth", "print-identity-token", "--quiet"]
    if impersonate is not None:
        command += [f"--impersonate-service-account={impersonate}", f"--audiences={audience}"]
        command += ["--include-email"]
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_TRY_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise TimedOut("gcloud gave no ID token in time", hint="gcloud auth print-identity-token") from None
    except OSError:
        raise NotSignedIn(
            "No ID token for a private service",
            "No Google credentials on this machine, and no gcloud.",
            LOGIN,
        ) from None
    if done.returncode:
        words = " ".join(done.stderr.split())[:300]
        raise google.auth.exceptions.RefreshError(f"gcloud auth print-identity-token: {words}")
    return _read(done.stdout.strip(), impersonate or "gcloud's login")


def _read(token: str, source: str) -> IdToken:
    try:
        return IdToken(token, float(jwt.decode(token, verify=False)["exp"]), source)
    except (ValueError, KeyError, google.auth.exceptions.GoogleAuthError):
        # Without its words: they would quote the token.
        raise google.auth.exceptions.RefreshError(f"What {source} gave is no ID token") from None


def _said(error: Exception, environment: Environment) -> ConsoleError:
    """What went wrong, for whoever wants to call a private service of the environment."""
    text = " ".join(str(error).split())[:500]
    if "Error getting ID token" not in text:
        return console_error(error, environment, f"get an ID token for {environment.name}")
    title = f"No ID token for the private services of {environment.name}"
    account = environment.impersonate or "the service account that this machine's login impersonates"
    if "has not been used in project" in text or "SERVICE_DISABLED" in text:
        command = f"gcloud services enable iamcredentials.googleapis.com --project={environment.project}"
        return ConsoleError(title, "The IAM Service Account Credentials API is off.", command)
    if "NOT_FOUND" in text or "'code': 404" in text:
        return NotFound(title, f"There is no {account}.", "Correct `impersonate` in deploy.toml.")
    return Denied(
        title,
        f"You may not act as {account}: {text}",
        f"gcloud iam service-accounts add-iam-policy-binding {environment.impersonate or 'ACCOUNT'} "
        f"--member=user:YOU --role={TOKEN_ROLE}",
    )

"""Google's errors in an operator's words."""

from __future__ import annotations

from typing import Any

import pytest
from google.api_core import exceptions as api_exceptions
from google.auth import exceptions as auth_exceptions
from google.rpc import status_pb2

from ccconsole.cloud.errors import ApiDisabled, translated
from ccconsole.config import Environment
from ccconsole.errors import ConsoleError, Denied, NotFound, NotSignedIn, Refused, TimedOut, Unreachable

exceptions: Any = api_exceptions
auth: Any = auth_exceptions
DEV = Environment("dev", is_local=False, project="acme-dev", region="us-central1")
LOGIN = "gcloud auth application-default login"


def failed_operation(code: int) -> Exception:
    """What the async client raises of a failed operation: no code of its own."""
    error: Exception = exceptions.GoogleAPICallError(
        "went wrong", errors=[status_pb2.Status(code=code, message="went wrong")]
    )
    assert getattr(error, "code", 0) is None
    return error


@pytest.mark.parametrize(
    ("raised", "kind", "code", "hint"),
    [
        (auth.DefaultCredentialsError("none"), NotSignedIn, 3, LOGIN),
        (auth.RefreshError("invalid_grant"), NotSignedIn, 3, LOGIN),
        (auth.TransportError("no route"), Unreachable, 1, "network"),
        (exceptions.Unauthenticated("expired"), NotSignedIn, 3, LOGIN),
        (exceptions.PermissionDenied("run.services.list denied"), Denied, 4, "--role=roles/run.viewer"),
        (exceptions.PermissionDenied("run.services.update denied"), Denied, 4, "--role=roles/run.admin"),
        (
            exceptions.PermissionDenied(
                "Cloud Run API has not been used in project 1 before or it is disabled"
            ),
            ApiDisabled,
            1,
            "gcloud services enable run.googleapis.com --project=acme-dev",
        ),
        (exceptions.NotFound("gone"), NotFound, 5, "ccconsole ls dev"),
        (exceptions.DeadlineExceeded("slow"), TimedOut, 6, "--timeout"),
        (exceptions.RetryError("slow", None), TimedOut, 6, "--timeout"),
        (TimeoutError(), TimedOut, 6, "--timeout"),
        (exceptions.ServiceUnavailable("refused"), Unreachable, 1, "status.cloud.google.com"),
        (
            exceptions.ServiceUnavailable("Getting metadata from plugin failed with error"),
            NotSignedIn,
            3,
            LOGIN,
        ),
        (exceptions.ResourceExhausted("quota"), Refused, 8, "Wait"),
        (exceptions.Aborted("etag"), ConsoleError, 1, "again"),
        (exceptions.InvalidArgument("cpu"), ConsoleError, 1, ""),
        (failed_operation(7), Denied, 4, "roles/run.viewer"),
        (failed_operation(5), NotFound, 5, "ccconsole ls"),
        (failed_operation(9), ConsoleError, 1, ""),
    ],
)
def test_each_kind(raised: Exception, kind: type[ConsoleError], code: int, hint: str) -> None:
    with pytest.raises(ConsoleError) as caught, translated(DEV, "list the services of dev"):
        raise raised
    assert type(caught.value) is kind
    assert caught.value.exit_code == code
    assert caught.value.title == "Cannot list the services of dev"
    assert hint in caught.value.hint


def test_what_is_not_googles_passes() -> None:
    with pytest.raises(ZeroDivisionError), translated(DEV, "divide"):
        raise ZeroDivisionError


def test_an_outage_names_the_endpoint_that_was_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLOUD_RUN_EMULATOR_HOST", "127.0.0.1:8085")
    with pytest.raises(Unreachable) as caught, translated(DEV, "list"):
        raise exceptions.ServiceUnavailable("refused")
    assert "127.0.0.1:8085" in caught.value.hint

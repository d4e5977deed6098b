"""Google's errors in an operator's words; the one place where they are translated."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterator

from google.api_core import exceptions
from google.auth import exceptions as auth

from ccconsole.config import Environment
from ccconsole.errors import ConsoleError, Denied, NotFound, NotSignedIn, Refused, TimedOut, Unreachable

EMULATOR_VARIABLE = "CLOUD_RUN_EMULATOR_HOST"
"""Sends every Google client to an emulator, as Google's own variables of that kind do."""
LOGIN = "gcloud auth application-default login"
_LRO_CODES: dict[int, type[exceptions.GoogleAPICallError]] = {
    3: exceptions.InvalidArgument,
    4: exceptions.DeadlineExceeded,
    5: exceptions.NotFound,
    7: exceptions.PermissionDenied,
    8: exceptions.ResourceExhausted,
    9: exceptions.FailedPrecondition,
    10: exceptions.Aborted,
    14: exceptions.ServiceUnavailable,
    16: exceptions.Unauthenticated,
}
"""google.rpc.Code; a failed operation of the async client carries no other sign of its kind."""
_ROLE_OF = {
    "run.services": "roles/run.viewer",
    "run.services.create": "roles/run.admin",
    "run.services.update": "roles/run.admin",
    "run.services.delete": "roles/run.admin",
    "run.services.setIamPolicy": "roles/run.admin",
    "serviceusage.services.enable": "roles/serviceusage.serviceUsageAdmin",
    "artifactregistry.repositories": "roles/artifactregistry.admin",
    "secretmanager.": "roles/secretmanager.admin",
    "resourcemanager.projects.get": "roles/browser",
    "iam.serviceAccounts.actAs": "roles/iam.serviceAccountUser",
    "monitoring.timeSeries.list": "roles/monitoring.viewer",
    "logging.logEntries": "roles/logging.viewer",
    "log view": "roles/logging.viewer",  # what Cloud Logging says, without the permission's name
}


class ApiDisabled(ConsoleError):
    """One of Google's APIs is off in the project."""


@contextlib.contextmanager
def translated(environment: Environment, action: str) -> Iterator[None]:
    """What Google raises inside comes out as a ConsoleError; `action` as in "list the services of dev"."""
    try:
        yield
    except (
        exceptions.GoogleAPICallError,
        exceptions.RetryError,
        auth.GoogleAuthError,
        TimeoutError,
    ) as error:
        raise console_error(error, environment, action) from error


def console_error(error: Exception, environment: Environment, action: str) -> ConsoleError:
    """The leaf for an error of Google's libraries, with the command that mends it."""
    title = f"Cannot {action}"
    text = _text(error)
    if isinstance(error, auth.GoogleAuthError):
        return _of_auth(error, title, text)
    if isinstance(error, TimeoutError | exceptions.RetryError):
        return TimedOut(title, "No answer in time.", "Try again, or give it longer: --timeout 60")
    kind = _kind(error)
    if issubclass(kind, exceptions.Unauthenticated):
        return NotSignedIn(title, "The login is missing or has expired.", LOGIN)
    if issubclass(kind, exceptions.Forbidden):
        return _of_denial(error, environment, title, text)
    if issubclass(kind, exceptions.NotFound):
        return NotFound(title, text, f"What there is: ccconsole ls {environment.name}")
    if issubclass(kind, exceptions.GatewayTimeout):
        return TimedOut(title, f"No answer in time: {text}", "Try again, or give it longer: --timeout 60")
    if issubclass(kind, exceptions.ServiceUnavailable):
        return _of_outage(environment, title, text)
    if issubclass(kind, exceptions.ResourceExhausted | exceptions.TooManyRequests):
        return Refused(
            title, f"A quota is used up: {text}", "Wait a minute, or ask for more: ccconsole polls on."
        )
    if issubclass(kind, exceptions.Conflict):
        return ConsoleError(
            title, f"Somebody else changed it meanwhile: {text}", "Look at it again, then repeat."
        )
    if issubclass(kind, exceptions.InvalidArgument) and re.search(r"\b[Ll]ocation\b", text):
        return ConsoleError(title, text, "Check `region` in deploy.toml: gcloud run regions list")
    return ConsoleError(title, text)


def _kind(error: Exception) -> type[Exception]:
    """The error's class; of a failed operation, the class its code stands for."""
    if isinstance(error, exceptions.GoogleAPICallError) and error.code is None:
        for inner in error.errors:
            if (found := _LRO_CODES.get(getattr(inner, "code", 0))) is not None:
                return found
    return type(error)


def _of_auth(error: auth.GoogleAuthError, title: str, text: str) -> ConsoleError:
    if isinstance(error, auth.DefaultCredentialsError):
        return NotSignedIn(title, "No Google credentials on this machine.", LOGIN)
    if isinstance(error, auth.TransportError):
        return Unreachable(title, f"Google's login server does not answer: {text}", "Is the network up?")
    return NotSignedIn(title, f"The login has expired or was revoked: {text}", LOGIN)


def _of_denial(error: Exception, environment: Environment, title: str, text: str) -> ConsoleError:
    project = environment.project
    if getattr(error, "reason", None) == "SERVICE_DISABLED" or "has not been used in project" in text:
        metadata = getattr(error, "metadata", None) or {}
        service = metadata.get("service", "run.googleapis.com")
        command = f"gcloud services enable {service} --project={project}"
        return ApiDisabled(title, f"{service} is not enabled in {project}.", command)
    role = next(
        (role for name, role in sorted(_ROLE_OF.items(), reverse=True) if name in text), "roles/run.viewer"
    )
    grant = f"gcloud projects add-iam-policy-binding {project} --member=user:YOU --role={role}"
    return Denied(title, text, f"An owner of {project} can grant it: {grant}")


def _of_outage(environment: Environment, title: str, text: str) -> ConsoleError:
    if "metadata from plugin failed" in text:
        return NotSignedIn(title, f"The login could not be refreshed: {text}", LOGIN)
    if environment.is_local:
        hint = "The emulator is started again by itself; what it said is in its log: ccconsole emulate"
    elif endpoint := environment.endpoint or os.environ.get(EMULATOR_VARIABLE):
        hint = f"Does anything listen on {endpoint}? For an emulator: ccconsole emulate --port PORT"
    else:
        hint = "Is the network up? https://status.cloud.google.com shows Google's outages."
    return Unreachable(title, f"No answer: {text}", hint)


def _text(error: Exception) -> str:
    """One line of the error's own words."""
    message = getattr(error, "message", None) or str(error)
    return " ".join(str(message).split())[:500]

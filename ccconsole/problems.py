"""What an HTTP answer that is no success means, in words: the worker's own problems and the platform's."""

from __future__ import annotations

import httpx

from ccconsole.errors import (
    ConfigError,
    ConsoleError,
    Denied,
    NotFound,
    NotSignedIn,
    Refused,
    TimedOut,
    Unreachable,
)
from worker_service.wire import Problem


class Full(Refused):
    """No instance is free for another task; `retry_after` is in seconds, where the answer names it."""

    def __init__(self, detail: str, retry_after: int | None) -> None:
        wait = f"Try again in {retry_after} s" if retry_after is not None else "Try again in a moment"
        super().__init__(
            "The fleet is full", detail, f"{wait}, or raise the maximum: ccconsole scale TARGET MIN MAX."
        )
        self.retry_after = retry_after


class WorkerBusy(Full):
    """An instance answered, and runs as many tasks as it may: said by the worker, not by the platform."""


class NoAnswer(Unreachable):
    """The platform answered in place of an instance: whether the request began there is not known."""


class Unfit(ConfigError):
    """The worker would not take the request; `fields` are those it named, as they are on the wire."""

    def __init__(self, title: str, detail: str, fields: tuple[str, ...]) -> None:
        super().__init__(title, f"{detail} ({', '.join(fields)})" if fields else detail)
        self.fields = fields


def problem_of(response: httpx.Response, body: bytes, url: str) -> ConsoleError:
    """The error that a 3xx, 4xx or 5xx answer stands for."""
    try:
        problem = Problem.model_validate_json(body)
    except ValueError:
        return _from_platform(response, url)
    return _from_worker(response, problem)


def _from_worker(response: httpx.Response, problem: Problem) -> ConsoleError:
    detail = problem.detail or problem.message
    match response.status_code:
        case 400 | 409 | 413 | 422:
            fields = tuple(str(entry.get("field") or entry) for entry in problem.details or ())
            return Unfit(problem.title, detail, fields)
        case 401:
            return NotSignedIn(problem.title, detail, "The worker wants its bearer token: set WORKER_TOKEN.")
        case 403:
            return Denied(problem.title, detail)
        case 404 | 410:
            return NotFound(problem.title, detail)
        case 429:
            retry_after = problem.retry_after if problem.retry_after is not None else _retry_after(response)
            return WorkerBusy(f"The worker said: {detail}", retry_after)
        case 501:
            return Refused(problem.title, detail, "Set `store` in deploy.toml and deploy again.")
        case 503:
            return Unreachable(problem.title, detail, "Start it again: another instance takes it.")
        case _:
            return ConsoleError(problem.title, detail, "ccconsole logs TARGET shows the worker's own words.")


def _from_platform(response: httpx.Response, url: str) -> ConsoleError:
    status = response.status_code
    said = f"{url} answered {status} {response.reason_phrase}"
    match status:
        case 401:
            return NotSignedIn(
                "The service wants to know who you are", f"{said}.", "gcloud auth application-default login"
            )
        case 403:
            return Denied(
                "You may not call this service",
                f"{said}: it is private, and the caller lacks roles/run.invoker.",
                "gcloud run services add-iam-policy-binding NAME --member=user:YOU --role=roles/run.invoker",
            )
        case 404:
            return NotFound(
                "There is no worker at that address", f"{said}.", "ccconsole ls shows the services there are."
            )
        case 413:
            return ConfigError("The prompt is too large", f"{said}: Cloud Run takes at most 32 MiB.")
        case 429:
            detail = f"{said} on the platform's behalf: every instance is busy and the maximum is reached."
            return Full(detail, _retry_after(response))
        case 504:
            return TimedOut("The request took longer than the service allows", f"{said}.")
        case 500 | 502 | 503:
            return NoAnswer(
                "No instance answered",
                f"{said}: it failed to start, crashed, or ran out of memory.",
                "ccconsole logs TARGET --severity warning",
            )
        case _ if response.is_redirect:
            where = response.headers.get("location", "elsewhere")
            return Unreachable("Something else answers in the worker's place", f"{said}, to {where}.")
        case _:
            return ConsoleError("The service gave an answer that no worker gives", f"{said}.")


def _retry_after(response: httpx.Response) -> int | None:
    value = response.headers.get("retry-after", "")
    return int(value) if value.isdecimal() else None

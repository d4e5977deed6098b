"""One worker's HTTP face: hello, run, and a task's events over server-sent events."""

from __future__ import annotations

import asyncio
import functools
import ipaddress
import ssl
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import aclosing, asynccontextmanager
from typing import Any

import httpx
from httpx_sse import EventSource, SSEError
from pydantic_core import from_json

from ccconsole.errors import ConfigError, ConsoleError, Unreachable
from ccconsole.problems import problem_of
from worker_service import transcript
from worker_service.wire import EventType, RunRequest, TaskEvent

CONNECT_SECONDS = 10.0
ANSWER_SECONDS = 300.0
"""Until a stream's headers: Cloud Run holds a request while an instance starts (for 240 s at most)."""
SILENCE_SECONDS = 50.0
"""A stream without a byte for this long is broken: the worker sends a heartbeat every 15 s."""
HELLO_SECONDS = 30.0
PROBLEM_BYTES = 64 << 10


class StreamEnded(Unreachable):
    """The stream broke or ended before `complete`: the task may still run."""


async def hello(
    url: str, *, token: str | None = None, identity: str | None = None, timeout: float = HELLO_SECONDS
) -> dict[str, Any]:
    """What the worker says of itself; a service without an instance starts one to answer.

    Raises:
        ConsoleError: it did not answer, or not as a worker does.
    """
    async with _client(url, _authorization(token, identity), None, timeout) as client:
        try:
            response = await client.get("/hello")
        except httpx.RequestError as error:
            raise _unreachable(url, error) from error
    if not response.is_success:
        raise problem_of(response, response.content, url)
    try:
        fields = response.json()
    except ValueError:
        fields = None
    if not isinstance(fields, dict):
        raise _not_a_worker(url, response)
    return fields


def run(
    url: str,
    request: RunRequest,
    *,
    token: str | None = None,
    identity: str | None = None,
    cookies: httpx.Cookies | None = None,
) -> AsyncGenerator[TaskEvent, None]:
    """Start a task and stream its events; closing the generator closes the stream at once.

    `token` is the worker's own, `identity` the ID token that a private service of Cloud Run wants.
    `cookies` is filled with the service's session affinity cookie, for `events`.

    Raises:
        StreamEnded: the stream was lost before `complete`; Unreachable: nothing was started;
        ConsoleError: the request was refused.
    """
    headers = _authorization(token, identity)
    return _stream(url, "POST", "/run", request.to_wire(), headers, cookies)


def events(
    url: str,
    task_id: str,
    after: int = 0,
    *,
    token: str | None = None,
    identity: str | None = None,
    cookies: httpx.Cookies | None = None,
) -> AsyncGenerator[TaskEvent, None]:
    """The events of a task behind number `after`, live; raises as `run` does, and NotFound."""
    headers = {"Last-Event-ID": str(after), **_authorization(token, identity)}
    return _stream(url, "GET", f"/tasks/{task_id}/events", None, headers, cookies)


async def cancel(
    url: str,
    task_id: str,
    *,
    actor: str | None = None,
    token: str | None = None,
    identity: str | None = None,
    cookies: httpx.Cookies | None = None,
) -> None:
    """Cancel a task whose stream was just closed here: the affinity cookie leads to its instance, now free.

    Raises ConsoleError when the worker did not take it.
    """
    async with _client(url, _authorization(token, identity), cookies, ANSWER_SECONDS) as client:
        try:
            response = await client.post(f"/tasks/{task_id}/cancel", json={"actor": actor or "unknown"})
        except httpx.RequestError as error:
            raise _unreachable(url, error) from error
        if not response.is_success:
            raise problem_of(response, response.content, url)


def output_bytes(event: TaskEvent) -> bytes:
    """The terminal bytes of an `output` event; ConsoleError where they cannot be decoded."""
    try:
        return transcript.output_bytes(event)
    except ValueError as error:
        raise ConsoleError("The worker's output cannot be decoded", str(error)) from error


def _authorization(token: str | None, identity: str | None) -> dict[str, str]:
    """Both want the same header; Cloud Run takes its own in another one and leaves the first to the worker.

    https://cloud.google.com/run/docs/authenticating/service-to-service
    """
    if not token or not identity:
        found = token or identity
        return {"Authorization": f"Bearer {found}"} if found else {}
    return {"Authorization": f"Bearer {token}", "X-Serverless-Authorization": f"Bearer {identity}"}


def _is_loopback(url: str) -> bool:
    host = httpx.URL(url).host
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


@functools.cache
def _tls() -> ssl.SSLContext:
    """One for all streams: reading the certificates anew holds the loop up for 40 ms each time (measured)."""
    return httpx.create_ssl_context()


@asynccontextmanager
async def _client(
    url: str, headers: Mapping[str, str], cookies: httpx.Cookies | None, answer_seconds: float
) -> AsyncIterator[httpx.AsyncClient]:
    try:
        client = httpx.AsyncClient(
            base_url=url,
            headers={"User-Agent": "ccconsole", **headers},
            cookies=cookies,
            timeout=httpx.Timeout(answer_seconds, connect=CONNECT_SECONDS),
            trust_env=not _is_loopback(url),
            verify=await asyncio.to_thread(_tls),
        )
    except httpx.InvalidURL as error:
        raise ConfigError(f"{url!r} is no address", str(error)) from error
    async with client:
        yield client


async def _stream(
    url: str,
    method: str,
    path: str,
    body: dict[str, Any] | None,
    extra: Mapping[str, str],
    cookies: httpx.Cookies | None,
) -> AsyncGenerator[TaskEvent, None]:
    headers = {"Accept": "text/event-stream", "Cache-Control": "no-store", **extra}
    async with _client(url, {}, cookies, ANSWER_SECONDS) as client:
        try:
            async with client.stream(method, path, json=body, headers=headers) as response:
                if cookies is not None:
                    cookies.update(client.cookies)
                if not response.is_success:
                    raise problem_of(response, await _start_of(response), url)
                if response.status_code == httpx.codes.NO_CONTENT:
                    return
                async with aclosing(_events_in(response, url)) as found:
                    async for event in found:
                        yield event
                        if event.type is EventType.COMPLETE:
                            return
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.UnsupportedProtocol) as error:
            raise _unreachable(url, error) from error
        except httpx.RequestError as error:
            raise StreamEnded("The connection to the worker was lost", _words(error)) from error
    raise StreamEnded("The stream ended without an outcome", f"{url} closed it before `complete`.")


async def _events_in(response: httpx.Response, url: str) -> AsyncGenerator[TaskEvent, None]:
    async with aclosing(EventSource(response).aiter_sse()) as messages:
        while True:
            try:
                async with asyncio.timeout(SILENCE_SECONDS):
                    message = await anext(messages)
            except StopAsyncIteration:
                return
            except TimeoutError:
                raise StreamEnded(
                    "The worker fell silent", f"Not even a heartbeat came for {SILENCE_SECONDS:.0f} s."
                ) from None
            except SSEError as error:
                raise _not_a_worker(url, response) from error
            if message.data:
                yield _event(message.event, message.data, url)


def _event(name: str, text: str, url: str) -> TaskEvent:
    try:
        kind, data = EventType(name), from_json(text)
        number = None if kind is EventType.HEARTBEAT else data.get("seq")
        if number is not None:
            number = int(number)
    except (ValueError, AttributeError, TypeError) as error:
        raise StreamEnded(
            "The worker's stream is garbled",
            f"{url} sent a {name!r} event of {len(text)} characters that cannot be read.",
        ) from error
    return TaskEvent(number, kind, data)


async def _start_of(response: httpx.Response) -> bytes:
    body = b""
    async for chunk in response.aiter_bytes():
        body += chunk
        if len(body) >= PROBLEM_BYTES:
            break
    return body


def _words(error: Exception) -> str:
    return str(error) or type(error).__name__


def _unreachable(url: str, error: httpx.RequestError) -> Unreachable:
    return Unreachable(
        "The worker cannot be reached",
        f"{url}: {_words(error)}. Nothing was started.",
        "Check the service with `ccconsole ls`, and the network from here to it.",
    )


def _not_a_worker(url: str, response: httpx.Response) -> ConsoleError:
    kind = response.headers.get("content-type", "no content type")
    return ConsoleError(
        "That service is not a worker",
        f"{url} answered {response.status_code} with {kind} where a worker streams its events.",
        "Check the image that the service runs: `ccconsole get TARGET`.",
    )

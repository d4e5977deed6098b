"""Prompts and their tasks: start one and stream it, watch one from elsewhere, list them, command them."""

from __future__ import annotations

import asyncio
import functools
import importlib
import re
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing, suppress
from uuid import uuid4

import httpx

from ccconsole import streams, worker_client
from ccconsole.config import Environment
from ccconsole.errors import ConsoleError, Refused, Unreachable
from ccconsole.journal import JournalReader
from ccconsole.model.services import Service
from ccconsole.model.tasks import Task
from ccconsole.problems import Full, WorkerBusy
from ccconsole.worker_client import StreamEnded, output_bytes
from worker_service.decoding import event_range
from worker_service.reading import gap_event
from worker_service.wire import Control, EventType, RunRequest, TaskEvent

__all__ = ["NoOutcome", "attach", "command", "journal", "output_bytes", "send", "start", "task", "tasks"]

REATTACH_SECONDS = (0.5, 1.0, 2.0)
"""Between the tries to find a dropped stream at its own worker; the journal comes after them."""
OUTAGE_SECONDS = 90.0
"""How long a network that is gone is waited for; a worker cancels a task that nobody detached after 45 s."""
OUTAGE_PAUSE_SECONDS = 1.0
CANCEL_SECONDS = 1.0
"""What leaving a task waits for its cancel to be taken; the worker's own time of grace makes up for it."""
BUSY_SECONDS = (0.5, 1.0, 2.0, 4.0)
"""Between the tries at a worker that is busy by its own words: the instance was handed to us because its last
caller has cancelled, and the task of that caller is being ended, down the cancel ladder."""


class NoOutcome(ConsoleError):
    """The stream of a task ended before `complete`, and nobody knows how the task ended."""


def journal(environment: Environment) -> JournalReader:
    """The environment's journal, the same reader each time; Refused when it has no store."""
    if environment.store is None:
        raise Refused(
            f"{environment.name} has no store",
            "Without a journal only the connection that started a task sees and controls it.",
            f'Set store = "gs://bucket/prefix" for {environment.name} in deploy.toml, and deploy again.',
        )
    return _reader(environment.store, environment.name)


@functools.lru_cache(maxsize=64)
def _reader(url: str, environment: str) -> JournalReader:
    return JournalReader(url, environment)


async def start(
    environment: Environment, service: Service, request: RunRequest, *, token: str | None = None
) -> AsyncGenerator[TaskEvent, None]:
    """Run a prompt on the service: the task's events in order, each once, to `complete`.

    A dropped stream is found again at its worker, then in the journal; an `error` event without a number
    says so. Where the request does not say what a lost connection does, a task is detached if there is a
    store and its instance's CPU stays when no request is open. Closing the generator cancels any other task.

    Raises:
        Full: every instance is busy; NoOutcome: the stream ended and nobody knows the outcome;
        ConsoleError: the request was refused or reached nobody.
    """
    if service.uri is None:
        raise Unreachable(
            f"{service.key} has no address yet",
            service.message,
            f"ccconsole get {service.key} shows its state.",
        )
    line = _Line(
        service.uri,
        request.task_id or uuid4().hex,
        token,
        functools.partial(caller, environment, service),
    )
    request = request.model_copy(update={"task_id": line.task_id})
    if request.on_disconnect is None and environment.can_detach(service):
        request = request.model_copy(update={"on_disconnect": "detach"})
    try:
        async with aclosing(_events(environment, service, line, request)) as events:
            async for event in events:
                yield event
    except (GeneratorExit, asyncio.CancelledError):
        if request.on_disconnect != "detach" and not line.is_complete:
            await line.cancel((request.metadata or {}).get("actor"))
        raise


async def _events(
    environment: Environment, service: Service, line: _Line, request: RunRequest
) -> AsyncGenerator[TaskEvent, None]:
    try:
        async with aclosing(line.run(request)) as events:
            async for event in events:
                yield event
        return
    except StreamEnded as error:
        drop = error
    yield line.notice(drop)
    sources = [line.again] if environment.store is None else [line.again, line.journaled]
    gives_up_at = time.monotonic() + OUTAGE_SECONDS
    while True:
        last, failures = line.last, list[ConsoleError]()
        for source in sources:
            try:
                async with aclosing(source(environment)) as events:
                    async for event in events:
                        yield event
            except ConsoleError as error:
                failures.append(error)
            if line.is_complete:
                return
        if line.last > last:
            gives_up_at = time.monotonic() + OUTAGE_SECONDS
        is_outage = len(failures) == len(sources) and all(isinstance(one, Unreachable) for one in failures)
        if not is_outage or time.monotonic() > gives_up_at:
            raise _no_outcome(environment, service, line, [drop, *failures])
        await asyncio.sleep(OUTAGE_PAUSE_SECONDS)


_TAG = re.compile(r"^https://[a-z0-9-]+?---")


async def caller(environment: Environment, service: Service) -> str | None:
    """The ID token that the service wants of whoever calls it; None where it asks nobody.

    Raises what `ccconsole.cloud.identity.id_token` does.
    """
    if environment.is_local or environment.endpoint or service.is_public or service.uri is None:
        return None
    # Google's libraries take longer to import than a key may wait for its answer.
    identity = await asyncio.to_thread(importlib.import_module, "ccconsole.cloud.identity")
    found: str | None = await identity.id_token(environment, audience(service.uri))
    return found


def audience(uri: str) -> str:
    """Whom a service's ID tokens are for: its own address, of a tagged revision's without the tag.

    https://cloud.google.com/run/docs/authenticating/service-to-service: not an address with a traffic tag.
    """
    return _TAG.sub("https://", uri)


class _Line:
    """One task's events as they reach this console, by whatever way, each once."""

    def __init__(
        self, url: str, task_id: str, token: str | None, identity: Callable[[], Awaitable[str | None]]
    ) -> None:
        self.task_id = task_id
        self.is_complete = False
        self.last = 0
        self._url = url
        self._token = token
        self._identity = identity
        self._cookies = httpx.Cookies()

    async def run(self, request: RunRequest) -> AsyncGenerator[TaskEvent, None]:
        """The stream of the request that starts it."""

        def streamed(identity: str | None) -> AsyncGenerator[TaskEvent, None]:
            return worker_client.run(
                self._url, request, token=self._token, identity=identity, cookies=self._cookies
            )

        opened = functools.partial(self._called, streamed)
        tries = streams.with_backoff(opened, WorkerBusy, delays=BUSY_SECONDS)
        async with aclosing(tries) as events:
            async for event in events:
                yield event

    async def again(self, environment: Environment) -> AsyncGenerator[TaskEvent, None]:
        """What its own worker, or another that reads the journal, streams of it from here on."""

        def streamed(identity: str | None) -> AsyncGenerator[TaskEvent, None]:
            return worker_client.events(
                self._url,
                self.task_id,
                self.last,
                token=self._token,
                identity=identity,
                cookies=self._cookies,
            )

        opened = functools.partial(self._called, streamed)
        tries = streams.with_backoff(opened, (Unreachable, Full), delays=REATTACH_SECONDS)
        async with aclosing(tries) as events:
            async for event in events:
                yield event

    async def journaled(self, environment: Environment) -> AsyncGenerator[TaskEvent, None]:
        """What the environment's journal holds of it from here on."""
        async with aclosing(self._new(attach(environment, self.task_id, self.last))) as events:
            async for event in events:
                yield event

    async def cancel(self, actor: str | None) -> None:
        """Ask the worker to end it now; within its time of grace it does so by itself."""
        with suppress(ConsoleError, TimeoutError):
            async with asyncio.timeout(CANCEL_SECONDS):
                await worker_client.cancel(
                    self._url,
                    self.task_id,
                    actor=actor,
                    token=self._token,
                    identity=await self._identity(),
                    cookies=self._cookies,
                )

    async def _called(
        self, streamed: Callable[[str | None], AsyncGenerator[TaskEvent, None]]
    ) -> AsyncGenerator[TaskEvent, None]:
        """The stream of one call, in the caller's name: after an hour's task the first token has expired."""
        async with aclosing(self._new(streamed(await self._identity()))) as events:
            async for event in events:
                yield event

    async def _new(self, stream: AsyncGenerator[TaskEvent, None]) -> AsyncGenerator[TaskEvent, None]:
        async with aclosing(stream) as events:
            async for event in events:
                first, last = event_range(event)
                if event.type is EventType.COMPLETE:
                    self.is_complete = True
                elif last <= self.last and event.id is not None:
                    continue
                if first > self.last + 1:
                    yield gap_event(self.task_id, self.last + 1, first - 1, "missing from the stream")
                self.last = max(self.last, last)
                yield event

    def notice(self, drop: StreamEnded) -> TaskEvent:
        """The event that says the stream was lost and is looked for."""
        fields = {"taskId": self.task_id, "seq": None, "ts": time.time(), "code": "stream_dropped"}
        message = f"{drop.title}; looking for the task again"
        return TaskEvent(None, EventType.ERROR, fields | {"message": message, "retryable": True})


def _no_outcome(
    environment: Environment, service: Service, line: _Line, failures: list[ConsoleError]
) -> NoOutcome:
    said = [f"{error.title}: {error.detail}" if error.detail else error.title for error in failures]
    seen = f"after event {line.last}" if line.last else "before its first event"
    meaning = "The task may have been killed with its instance, or it may run on unseen."
    unjournaled = "" if environment.store else f" {environment.name} has no journal to ask."
    return NoOutcome(
        f"The stream of task {line.task_id} ended {seen}, without an outcome",
        f"{meaning}{unjournaled}\n" + "\n".join(said),
        f"ccconsole logs {service.key} --since 15m shows why an instance ended.",
    )


async def attach(
    environment: Environment, task_id: str, after: int = 0, *, follow: bool = True
) -> AsyncGenerator[TaskEvent, None]:
    """The task's events behind number `after` from the journal, live, to `complete`.

    Without `follow` it ends behind what is there.

    Raises:
        NotFound: the journal does not know it; Refused: the environment has no store;
        ConsoleError: the journal cannot be read.
    """
    reader = journal(environment)
    await reader.task(task_id)
    async with aclosing(reader.events(task_id, after, follow=follow)) as events:
        async for event in events:
            yield event


async def tasks(environment: Environment) -> list[Task]:
    """Every task in the environment's journal, newest first; a silent heartbeat makes one LOST."""
    return await journal(environment).tasks()


async def task(environment: Environment, task_id: str) -> Task:
    """One task; NotFound when the journal does not know it."""
    return await journal(environment).task(task_id)


async def send(environment: Environment, task_id: str, control: Control) -> int:
    """Put a command into the task's mailbox; its number `n`, which the worker's `control` event repeats."""
    return await journal(environment).send(task_id, control)


async def command(
    environment: Environment, task_id: str, control: Control
) -> AsyncGenerator[TaskEvent, None]:
    """Send a command, and the task's events from its `control` event on, which says how it went."""
    reader = journal(environment)
    seen = await reader.last_event(task_id)
    n = await reader.send(task_id, control)
    is_answered = False
    async with aclosing(reader.events(task_id, seen)) as events:
        async for event in events:
            is_answer = event.type is EventType.CONTROL and event.data.get("n") == n
            is_answered = is_answered or is_answer or event.type is EventType.COMPLETE
            if is_answered:
                yield event

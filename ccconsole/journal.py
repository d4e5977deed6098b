"""Reads the journal of an environment and writes its mailboxes, straight in the object store."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing, contextmanager

from ccconsole import streams
from ccconsole.errors import ConfigError, ConsoleError, Denied, NotFound, NotSignedIn, Unreachable
from ccconsole.model.tasks import Task, TaskState
from worker_service import layout, reading
from worker_service.decoding import event_range
from worker_service.store import Store, StoreError
from worker_service.wire import Control, Reason, TaskEvent, TaskSummary

__all__ = ["JournalReader"]


class JournalReader:
    """The journal at a store's url, as the console reads it; keeps what can no longer change.

    Every method raises Denied, NotSignedIn or Unreachable when the store does not do what is asked, and
    NotFound for what can be no task's id.
    """

    def __init__(self, url: str, environment: str) -> None:
        """Raises ConfigError for a url that is no store."""
        self.url = url
        self.environment = environment
        self._ended: dict[str, Task] = {}
        self._next_control: dict[str, int] = {}
        try:
            with self._explained():
                self._store = Store.open(url)
        except ValueError as error:
            raise ConfigError(
                f"The store of {environment} is unusable", str(error), "Correct `store` in deploy.toml."
            ) from error

    async def tasks(self) -> list[Task]:
        """Every task the journal knows, newest first."""
        with self._explained():
            return await self._read(await reading.task_ids(self._store))

    async def running(self) -> list[Task]:
        """The tasks with a heartbeat, newest first: those that run, and those that are lost."""
        with self._explained():
            found = await self._read(await reading.running_ids(self._store))
        return [task for task in found if task.state is TaskState.LOST or not task.state.is_end]

    async def task(self, task_id: str) -> Task:
        """One task; NotFound when the journal does not know it."""
        with self._explained():
            found = await self._read([self._checked(task_id)])
        if not found:
            raise self._unknown(task_id)
        return found[0]

    async def some(self, ids: list[str]) -> list[Task]:
        """Those of these tasks that the journal knows, newest first."""
        with self._explained():
            return await self._read(ids)

    async def ids(self, prefix: str = "") -> list[str]:
        """The ids that begin with `prefix`, sorted; a whole one is found even where nothing can be listed."""
        with self._explained():
            try:
                return [found for found in await reading.task_ids(self._store) if found.startswith(prefix)]
            except StoreError:
                if await reading.read_task(self._store, prefix) is None:
                    raise
                return [prefix]

    async def events(
        self, task_id: str, after: int = 0, *, follow: bool = True
    ) -> AsyncGenerator[TaskEvent, None]:
        """The task's events behind number `after`, as `reading.events` has them; sits short outages out."""
        last = after
        self._checked(task_id)

        async def opened() -> AsyncGenerator[TaskEvent, None]:
            nonlocal last
            with self._explained():
                async with aclosing(reading.events(self._store, task_id, last, follow)) as found:
                    async for event in found:
                        last = max(last, event_range(event)[1])
                        yield event

        async with aclosing(streams.with_backoff(opened, Unreachable)) as events:
            async for event in events:
                yield event

    async def last_event(self, task_id: str) -> int:
        """The number of the last event in the journal; 0 when there is none."""
        with self._explained():
            return await reading.last_event(self._store, self._checked(task_id))

    async def send(self, task_id: str, control: Control) -> int:
        """Put a command into the task's mailbox; its number there."""
        self._checked(task_id)
        with self._explained():
            n = await reading.send(self._store, task_id, control, self._next_control.get(task_id))
        self._next_control[task_id] = n + 1
        return n

    def _checked(self, task_id: str) -> str:
        if not layout.is_task_id(task_id):
            raise self._unknown(task_id)
        return task_id

    def _unknown(self, task_id: str) -> NotFound:
        return NotFound(
            f"No task {task_id} in {self.environment}",
            f"The journal at {self.url} does not know it.",
            f"ccconsole tasks {self.environment} lists those there are.",
        )

    async def _read(self, ids: list[str]) -> list[Task]:
        summaries = await reading.read_tasks(self._store, [one for one in ids if one not in self._ended])
        found = [self._ended[one] for one in ids if one in self._ended]
        for summary in summaries:
            task = await self._as_task(summary)
            if task.state.is_end:
                self._ended[task.id] = task
            found.append(task)
        return sorted(found, key=lambda task: task.created_at, reverse=True)

    async def _as_task(self, summary: TaskSummary) -> Task:
        if not await reading.is_lost(self._store, summary):
            return as_task(summary, self.environment)
        result = await reading.outcome(self._store, summary.task_id)
        if result is not None:
            ended = summary.model_copy(update={"status": result.status, "result": result})
            return as_task(ended, self.environment)
        return as_task(summary, self.environment, is_lost=True)

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except StoreError as error:
            raise self._problem(error) from error

    def _problem(self, error: StoreError) -> ConsoleError:
        is_bucket = self.url.startswith("gs://")
        bucket = "/".join(self.url.split("/")[:3])
        if error.trouble == "denied":
            grant = f"gcloud storage buckets add-iam-policy-binding {bucket} --role=roles/storage.objectUser"
            hint = f"{grant} --member=user:YOU" if is_bucket else "Check who may read and write it."
            return Denied(f"The journal of {self.environment} is closed to you", f"{self.url}: {error}", hint)
        if error.trouble == "unauthenticated":
            hint = "gcloud auth application-default login" if is_bucket else "Sign in to the store."
            return NotSignedIn(f"Not signed in to the journal of {self.environment}", str(error), hint)
        return Unreachable(
            f"The journal of {self.environment} does not answer",
            f"{self.url}: {error}",
            "Check `store` in deploy.toml, and that the store can be reached from here.",
        )


def as_task(summary: TaskSummary, environment: str, *, is_lost: bool = False) -> Task:
    """The summary in the console's words."""
    result = summary.result
    reason = result.reason if result is not None else Reason.LOST if is_lost else None
    return Task(
        id=summary.task_id,
        environment=environment,
        service=summary.service or "",
        state=TaskState.LOST if is_lost else TaskState(summary.status),
        prompt=summary.prompt,
        agent=summary.agent,
        mode=summary.mode,
        priority=summary.priority,
        reason=reason,
        detail=reading.LOST if is_lost else result.detail if result is not None else None,
        revision=summary.revision,
        instance_id=summary.instance_id,
        created_at=summary.created_at,
        started_at=summary.started_at,
        ended_at=summary.ended_at,
        deadline=summary.deadline,
        last_output_at=summary.last_output_at,
        output_bytes=summary.output_bytes,
        columns=summary.cols,
        rows=summary.rows,
        exit_code=result.exit_code if result is not None else None,
        cost_usd=result.usage.cost_usd if result is not None and result.usage is not None else None,
        actor=summary.actor,
        session_id=(result.session_id if result is not None else None) or summary.session_id,
        asks=summary.asks,
        driver=summary.driver,
    )

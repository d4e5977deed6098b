"""The flow of a batch: what has run before is told, what runs is watched, the rest is sent."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Collection
from contextlib import AsyncExitStack, suppress
from dataclasses import replace

from ccconsole.batches import naming
from ccconsole.batches.assembling import Batch, Entry
from ccconsole.batches.dispatcher import Dispatcher, Halt, Options
from ccconsole.batches.flights import PROMPT_CHARACTERS
from ccconsole.batches.records import Records, records
from ccconsole.model.batches import BatchRow, BatchSnapshot
from ccconsole.model.tasks import Task, TaskState


async def survey(batch: Batch, again: Collection[TaskState] = ()) -> list[BatchRow]:
    """Every prompt as it stands before anything is sent; what is PENDING and not sent would be.

    Raises ConsoleError when a journal cannot be read: then nobody knows what has run.
    """
    async with AsyncExitStack() as stack:
        return await _rows(batch, await _opened(batch, stack, is_writing=False), again)


async def dispatched(
    batch: Batch, halt: Halt, options: Options | None = None
) -> AsyncGenerator[BatchSnapshot, None]:
    """Run what has not been run yet: snapshots with the rows that changed, to the one that is over.

    Urgent prompts first, then in the order of the file. One that fails leaves the others alone. Nothing of
    the tasks' output is kept. Closing the generator closes the streams: tasks that detach run on.

    Raises:
        Refused: another console runs this batch; ConsoleError: a journal cannot be read, or what is done
        cannot be noted.
    """
    options = options or Options()
    async with AsyncExitStack() as stack:
        known = await _opened(batch, stack, is_writing=True)
        rows = await _rows(batch, known, options.again)
        dispatcher = Dispatcher(batch, rows, known, halt, options)
        stack.push_async_callback(dispatcher.close)
        dispatcher.begin()
        while not dispatcher.over.is_set():
            await dispatcher.news(options.pace.tick)
            if not dispatcher.over.is_set():
                yield dispatcher.snapshot()
                with suppress(TimeoutError):
                    async with asyncio.timeout(options.pace.refresh):
                        await dispatcher.over.wait()
        if dispatcher.failure is not None:
            raise dispatcher.failure
        yield dispatcher.snapshot()


async def _opened(batch: Batch, stack: AsyncExitStack, *, is_writing: bool) -> dict[str, Records]:
    return {
        environment.name: await stack.enter_async_context(records(environment, batch, is_writing=is_writing))
        for environment in batch.environments
    }


async def _rows(batch: Batch, known: dict[str, Records], again: Collection[TaskState]) -> list[BatchRow]:
    newest: dict[tuple[str, str], tuple[int, Task]] = {}
    for name, memory in known.items():
        ids = [entry.id for entry in batch.entries if entry.environment.name == name]
        newest |= {(name, base): found for base, found in (await memory.newest(ids)).items()}
    rows = []
    for entry in batch.entries:
        attempt, task = newest.get((entry.environment.name, entry.id), (0, None))
        if task is None or (task.state.is_end and task.state in again):
            rows.append(_fresh(entry, attempt + 1))
        else:
            told = replace(task, prompt=_short(entry), priority=entry.request.priority)
            rows.append(BatchRow(entry.line, told, attempt, is_sent=True, is_earlier=task.state.is_end))
    return rows


def _fresh(entry: Entry, attempt: int) -> BatchRow:
    task = Task(
        id=naming.attempt_id(entry.id, attempt),
        environment=entry.environment.name,
        service="",
        state=TaskState.PENDING,
        prompt=_short(entry),
        mode=entry.request.mode.value,
        priority=entry.request.priority,
    )
    return BatchRow(entry.line, task, attempt)


def _short(entry: Entry) -> str:
    return entry.request.prompt[:PROMPT_CHARACTERS]

"""What is known of a batch's prompts from before, and what is noted of them for the next time."""

from __future__ import annotations

import asyncio
import errno
import fcntl
import json
import os
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Protocol

import platformdirs

from ccconsole import runs
from ccconsole.batches import naming
from ccconsole.batches.assembling import Batch
from ccconsole.config import Environment
from ccconsole.errors import ConsoleError, Refused
from ccconsole.model.tasks import Task, TaskState


class Records(Protocol):
    """The memory of one environment's part of a batch."""

    async def newest(self, ids: Collection[str]) -> dict[str, tuple[int, Task]]:
        """Of those ids that were tried before: the number of the newest attempt, and its task."""
        ...

    async def note(self, task: Task) -> None:
        """How a task stands: about to be sent (PENDING), taken back unsent, or ended."""
        ...

    async def forget(self, task_id: str) -> None:
        """Nothing was started under this id."""
        ...


@asynccontextmanager
async def records(environment: Environment, batch: Batch, *, is_writing: bool) -> AsyncIterator[Records]:
    """The journal, where the environment has a store; else a file of this console's own.

    Raises Refused when another console writes that file: it runs the batch.
    """
    if batch.is_once:
        yield NoRecords()
        return
    if environment.store is not None:
        yield JournalRecords(environment)
        return
    ledger = Ledger(environment.name, ledger_path(environment.name, batch.name))
    await asyncio.to_thread(ledger.open, is_writing=is_writing)
    try:
        yield ledger
    finally:
        ledger.close()


class NoRecords:
    """Of a batch that is run once."""

    async def newest(self, ids: Collection[str]) -> dict[str, tuple[int, Task]]:
        """Nothing was tried before."""
        return {}

    async def note(self, task: Task) -> None:
        """Nothing is kept."""

    async def forget(self, task_id: str) -> None:
        """Nothing was kept."""


class JournalRecords:
    """The journal: the workers write it themselves, so nothing is noted here."""

    def __init__(self, environment: Environment) -> None:
        self._environment = environment

    async def newest(self, ids: Collection[str]) -> dict[str, tuple[int, Task]]:
        """One listing of the journal, and a read of each task that is found there."""
        reader = runs.journal(self._environment)
        found = naming.newest(await reader.ids(), ids)
        tasks = {task.id: task for task in await reader.some([task_id for _, task_id in found.values()])}
        return {
            base: (number, tasks[task_id]) for base, (number, task_id) in found.items() if task_id in tasks
        }

    async def note(self, task: Task) -> None:
        """Nothing: the worker's claim says it."""

    async def forget(self, task_id: str) -> None:
        """Nothing: there is no claim."""


def ledger_path(environment: str, batch: str) -> Path:
    """The file of a batch in an environment without a store."""
    return platformdirs.user_state_path("ccconsole") / "batches" / f"{environment}.{batch}.ndjson"


class Ledger:
    """Ids and outcomes in a file of this console, one line each, only ever added to.

    It cannot say how a prompt ended that was in flight when its console was killed: that is UNKNOWN. The
    file is locked while a batch runs, and the kernel frees the lock of a console that dies.
    """

    def __init__(self, environment: str, path: Path) -> None:
        self._environment = environment
        self._path = path
        self._tasks: dict[str, Task] = {}
        self._file: int | None = None

    def open(self, *, is_writing: bool) -> None:
        """Read what is there; with `is_writing` keep others from writing.

        Raises Refused when somebody else writes it, ConsoleError when the file cannot be had.
        """
        try:
            if is_writing:
                self._lock()
            if self._path.is_file():
                self._read(self._path.read_bytes())
        except OSError as error:
            raise ConsoleError(
                "The batch's outcomes have nowhere to be kept",
                f"{self._path}: {error.strerror}",
                "Make its folder writable, or set XDG_STATE_HOME to one of your own.",
            ) from None

    def _lock(self) -> None:
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self.close()
            raise Refused(
                "Another console runs this batch",
                f"{self._environment} has no store, so only that console knows what it has started.",
                "Wait for it, or give this batch another --name.",
            ) from None

    def _read(self, data: bytes) -> None:
        for line in data.split(b"\n"):
            try:
                fields = json.loads(line)
                self._take(fields)
            except (ValueError, KeyError, TypeError):
                continue  # A line that a killed console left half written says nothing.
        if self._file is not None and data and not data.endswith(b"\n"):
            os.write(self._file, b"\n")

    def _take(self, fields: dict[str, object]) -> None:
        task_id, state = str(fields["id"]), str(fields["state"])
        if state == "unsent":
            self._tasks.pop(task_id, None)
            return
        known = TaskState(state)
        self._tasks[task_id] = Task(
            id=task_id,
            environment=self._environment,
            service=str(fields.get("service", "")),
            state=known if known.is_end else TaskState.UNKNOWN,
            prompt="",
            reason=_text(fields.get("reason")),
            started_at=_number(fields.get("started_at")),
            ended_at=_number(fields.get("ended_at")),
            exit_code=int(code) if (code := _number(fields.get("exit_code"))) is not None else None,
            cost_usd=_number(fields.get("cost_usd")),
        )

    async def newest(self, ids: Collection[str]) -> dict[str, tuple[int, Task]]:
        """As the file has them."""
        found = naming.newest(self._tasks, ids)
        return {base: (number, self._tasks[task_id]) for base, (number, task_id) in found.items()}

    async def note(self, task: Task) -> None:
        """Add a line, which is on the disk when this returns."""
        fields: dict[str, object] = {
            "id": task.id,
            "state": str(task.state),
            "service": task.service,
            "reason": task.reason,
        }
        fields |= {"started_at": task.started_at, "ended_at": task.ended_at}
        fields |= {"exit_code": task.exit_code, "cost_usd": task.cost_usd}
        await self._add({key: value for key, value in fields.items() if value is not None})

    async def forget(self, task_id: str) -> None:
        """Add a line that takes the one before back."""
        await self._add({"id": task_id, "state": "unsent"})

    async def _add(self, fields: dict[str, object]) -> None:
        self._take(fields)
        await asyncio.to_thread(self._write, f"{json.dumps(fields)}\n".encode())

    def _write(self, line: bytes) -> None:
        if self._file is None:
            raise ConsoleError(f"{self._path} is not open to be written")
        try:
            if os.write(self._file, line) < len(line):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            os.fsync(self._file)
        except OSError as error:
            raise ConsoleError(
                "The batch's outcomes cannot be kept",
                f"{self._path}: {error.strerror}",
                "Make room there; the batch goes on where it is when it is run again.",
            ) from None

    def close(self) -> None:
        """Free the lock."""
        if self._file is not None:
            os.close(self._file)
            self._file = None


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) else None

"""One run of an agent's process: started, read, watched, stopped step by step, and cleaned up after."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Sequence
from pathlib import Path
from uuid import uuid4

from worker_service.agents.base import Emission, Launch, Reader, TurnEnded
from worker_service.ending import Ended, Ending, Limits, Rung, exit_of
from worker_service.processes import MARK, Family, base_environ, kill, oom_kills
from worker_service.pty import PtyProcess
from worker_service.redaction import Redactor
from worker_service.wire import Reason, Status

_TICK_SECONDS = 1.0
_UNKILLABLE_SECONDS = 5.0
"""A process that outlives SIGKILL this long sits in the kernel; the task ends without it."""


class Execution:
    """Runs one agent; `run` returns when nothing of it is left.

    `on_emissions` takes what the agent said, `on_tick` is called every second, `on_ending` when a limit
    decides the end.
    """

    def __init__(
        self,
        launch: Launch,
        reader: Reader,
        limits: Limits,
        redactor: Redactor,
        family: Family,
        *,
        on_emissions: Callable[[Sequence[Emission]], None],
        on_tick: Callable[[], None],
        on_ending: Callable[[Ending], None],
    ) -> None:
        self._launch = launch
        self._reader = reader
        self._limits = limits
        self._redactor = redactor.stream()
        self._on_emissions = on_emissions
        self._on_tick = on_tick
        self._on_ending = on_ending
        self._family = family
        self._process: PtyProcess | None = None
        self._mark = uuid4().hex
        self._rung = Rung.INTERRUPT
        self._step = limits.step
        self._harder = asyncio.Event()
        self._ladder: asyncio.Task[None] | None = None
        self._outcome: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._deadline = 0.0
        self._active_at = 0.0
        self._lingers_at: float | None = None
        self._is_cleared = False
        self.is_waiting = False
        """Whether the agent waits for a person, so that its silence is no stall."""

    @property
    def pid(self) -> int | None:
        """The agent's process, once started."""
        return self._process.pid if self._process else None

    @property
    def is_over(self) -> bool:
        """Whether the agent has ended, so that nothing can change how."""
        return self._outcome.done()

    def start(self, cwd: Path, task_id: str, cols: int, rows: int) -> None:
        """Start the process.

        Raises:
            OSError, ValueError: it cannot be started.
        """
        launch = self._launch
        env = {**base_environ(), **launch.env, MARK: self._mark, "WORKER_TASK_ID": task_id}
        with self._family.lock:
            self._process = PtyProcess.start(
                launch.argv,
                env=env,
                cwd=cwd,
                stdin=launch.stdin,
                keeps_stdin_open=launch.keeps_stdin_open,
                is_raw=launch.is_raw,
                cols=cols,
                rows=rows,
            )
            self._family.agents.add(self._process.pid)

    async def run(self) -> Ended:
        """Read the started process to its end and clear away whatever it left behind."""
        assert self._process is not None
        process, loop = self._process, asyncio.get_running_loop()
        kills_before = oom_kills()
        self._active_at = loop.time()
        self._deadline = self._active_at + self._limits.timeout
        jobs = [asyncio.create_task(job) for job in (self._pump(), self._watch(), self._bury())]
        for job in jobs:
            job.add_done_callback(self._fail)
        try:
            code = await self._outcome
            await self._clear(jobs[2])
            process.finish()
            await jobs[0]
            return Ended(exit_of(code), self._was_oom(code, kills_before))
        finally:
            await self._clear(jobs[2])
            for job in jobs:
                job.cancel()
            process.close()
            await asyncio.gather(*jobs, return_exceptions=True)

    def stop(self, rung: Rung = Rung.INTERRUPT, step: float | None = None) -> None:
        """Begin to end the agent at `rung`, or go on from there when a softer rung is being tried.

        A `step` shortens what is left of the ladder, and moves on from the rung being tried.
        """
        if self._process is None or self._outcome.done():
            return
        if step is not None:
            self._step = min(step, self._step)
        if self._ladder is None:
            self._rung = rung
            self._ladder = asyncio.create_task(self._descend())
            self._ladder.add_done_callback(self._fail)
        elif rung > self._rung or step is not None:
            self._rung = max(rung, Rung(min(self._rung + 1, Rung.KILL)))
            self._harder.set()

    def type(self, data: bytes) -> None:
        """Type on the agent's terminal.

        Raises:
            BufferError: it does not read; ValueError: its input is no terminal.
        """
        self.check_input()
        assert self._process is not None
        self._process.write(data)
        self._touch()

    def check_input(self) -> None:
        """Raises ValueError when the agent's input is no terminal, so that nobody can type on it."""
        if self._process is None or self._launch.stdin is not None:
            raise ValueError("this task takes no input; start it in interactive mode")

    def resize(self, cols: int, rows: int) -> None:
        """Resize the agent's terminal."""
        if self._process is not None:
            self._process.resize(cols, rows)

    def answer(self, permission_id: str, behavior: str, message: str | None) -> None:
        """Answer a permission the agent waits for.

        Raises:
            BufferError: the agent does not read; ValueError: no such permission waits.
        """
        reply = self._reader.answer(permission_id, behavior, message)
        if reply is None or self._process is None:
            raise ValueError(f"no permission {permission_id} is waiting for an answer")
        self._process.write_stdin(reply)
        self._touch()
        # What the agent has to say of the answer is not kept until its process speaks.
        asyncio.get_running_loop().call_soon(self._take, self._reader.feed(b""))

    async def _pump(self) -> None:
        assert self._process is not None
        while data := await self._process.read():
            self._touch()
            self._take(self._reader.feed(self._redactor.feed(data)))
        self._take(self._reader.feed(self._redactor.close()))
        self._take(self._reader.close())

    def _take(self, emissions: Sequence[Emission]) -> None:
        if not emissions:
            return
        self._on_emissions(emissions)
        if self._lingers_at is None and any(isinstance(item, TurnEnded) for item in emissions):
            self._lingers_at = asyncio.get_running_loop().time() + self._limits.step
            if self._process is not None:
                self._process.close_stdin()

    async def _watch(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            now = loop.time()
            if now >= self._deadline:
                self._deadline = float("inf")
                detail = f"the task took longer than {self._limits.timeout:g} s"
                self._on_ending(Ending(Status.FAILED, Reason.TIMEOUT, detail))
            stalls_at = float("inf") if self.is_waiting else self._active_at + self._limits.stall
            if now >= stalls_at:
                self._active_at = stalls_at = float("inf")
                detail = f"the agent printed nothing for {self._limits.stall:g} s"
                self._on_ending(Ending(Status.FAILED, Reason.STALLED, detail))
            if self._lingers_at is not None and now >= self._lingers_at:
                self.stop(Rung.TERMINATE)
            self._family.bury_orphans()
            self._on_tick()
            due = min(self._deadline, stalls_at, now + _TICK_SECONDS)
            await asyncio.sleep(max(due - loop.time(), 0.01))

    async def _clear(self, burial: asyncio.Task[None]) -> None:
        """End whatever is left of the run; nothing the second time."""
        if self._is_cleared:
            return
        self._is_cleared = True
        if self._ladder is not None:
            self._ladder.cancel()
        assert self._process is not None
        self._process.signal(signal.SIGKILL)
        await asyncio.wait({burial}, timeout=_UNKILLABLE_SECONDS)
        await asyncio.to_thread(self._family.sweep, self._process.pid, self._mark)

    async def _descend(self) -> None:
        while True:
            self._push()
            if self._rung is Rung.KILL:
                await asyncio.sleep(_UNKILLABLE_SECONDS)
                if not self._outcome.done():
                    self._outcome.set_result(-signal.SIGKILL)
                return
            self._harder.clear()
            try:
                async with asyncio.timeout(self._step):
                    await self._harder.wait()
            except TimeoutError:
                self._rung = Rung(self._rung + 1)

    def _push(self) -> None:
        process = self._process
        assert process is not None
        if self._rung is Rung.INTERRUPT:
            keys = self._reader.interrupt()
            if keys is None:
                process.signal(signal.SIGINT)
                return
            try:
                process.write_stdin(keys)
            except BufferError:
                process.signal(signal.SIGINT)
        elif self._rung is Rung.TERMINATE:
            process.signal(signal.SIGTERM)
        else:
            left = self._family.members(process.pid, self._mark)
            process.signal(signal.SIGKILL)
            kill(left)

    async def _bury(self) -> None:
        assert self._process is not None
        code = await self._process.exited()
        self._family.agents.discard(self._process.pid)
        if not self._outcome.done():
            self._outcome.set_result(code)

    def _fail(self, job: asyncio.Task[None]) -> None:
        """A part of the run that broke breaks the run."""
        if not job.cancelled() and (error := job.exception()) and not self._outcome.done():
            self._outcome.set_exception(error)

    def _touch(self) -> None:
        if self._active_at != float("inf"):
            self._active_at = asyncio.get_running_loop().time()

    def _was_oom(self, code: int, kills_before: int | None) -> bool:
        is_killed = code in (-signal.SIGKILL, 128 + signal.SIGKILL)
        kills = oom_kills()
        return is_killed and kills is not None and kills_before is not None and kills > kills_before

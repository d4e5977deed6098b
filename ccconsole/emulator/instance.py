"""One container instance: a real process from its start to the end of its whole family."""

from __future__ import annotations

import asyncio
import os
import secrets
import shutil
import signal
import sys
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from ccconsole.emulator import processes, work
from ccconsole.emulator.logs import LineSplitter, RevisionLog
from ccconsole.emulator.ports import Ports
from ccconsole.emulator.probes import StartupProbe, passes

GRACE_SECONDS = 10.0
"""Between SIGTERM and SIGKILL: https://cloud.google.com/run/docs/container-contract#instance-shutdown."""
_KILL_SECONDS = 2.0
"""How long a process that was sent SIGKILL may take to be gone."""


class StartFailed(Exception):
    """The container did not start; the text is Google's."""


class State(StrEnum):
    """An instance's life."""

    STARTING = "starting"
    READY = "ready"
    STOPPING = "stopping"
    ENDED = "ended"


@dataclass(frozen=True)
class Command:
    """A process to start: `env` lacks nothing but TMPDIR and the marker."""

    argv: Sequence[str]
    env: Mapping[str, str]
    remove: Callable[[], Awaitable[None]] | None = None
    """Ends what outlives the process: a container, of which it is but the engine's client."""


@dataclass(frozen=True)
class Launch:
    """What is started and where."""

    command: Callable[[Instance], Awaitable[Command]]
    port: int
    probe: StartupProbe
    folder: Path
    """Private to the instance: its working directory, deleted with it."""
    marker: str
    """The marker's value up to the instance id."""
    is_cpu_always: bool = False
    """Whether it may work while no request is open on it."""


class _Output(asyncio.SubprocessProtocol):
    """Carries a process's output into the log, line by line, and tells of its exit."""

    def __init__(self, instance: Instance) -> None:
        self._instance = instance
        self._splitters = {1: LineSplitter(), 2: LineSplitter()}

    def pipe_data_received(self, fd: int, data: bytes | str) -> None:
        if isinstance(data, bytes):
            self._write(fd, self._splitters[fd].feed(data))

    def pipe_connection_lost(self, fd: int, exc: Exception | None) -> None:
        if fd in self._splitters:
            self._write(fd, self._splitters[fd].close())

    def process_exited(self) -> None:
        self._instance.exited.set()

    def _write(self, fd: int, lines: list[str]) -> None:
        for line in lines:
            self._instance.log.write("stdout" if fd == 1 else "stderr", self._instance.id, line)


class Instance:
    """A process that serves requests on `port`; its pool counts them in `active`."""

    def __init__(
        self, launch: Launch, log: RevisionLog, ports: Ports, on_change: Callable[[], None] = lambda: None
    ) -> None:
        self.id = secrets.token_hex(16)
        self.launch = launch
        self.log = log
        self.port = launch.port
        self.state = State.STARTING
        self.active = 0
        self.idle_since = 0.0
        self.started_at = time.monotonic()
        self.startup_seconds = 0.0
        self._peak = 0
        self._busy_seconds = 0.0
        self._busy_since = 0.0
        self.exited = asyncio.Event()
        """Set when the leader has ended."""
        self.ended = asyncio.Event()
        """Set when its whole family is gone and its folder deleted."""
        self.identity: processes.Process | None = None
        self.measured: processes.Process | None = None
        """Whose family uses what the container uses: the leader, or the container's own first process."""
        self._command: Command | None = None
        self._ports = ports
        self._on_change = on_change
        self._spawned: asyncio.Event | None = None
        self._transport: asyncio.SubprocessTransport | None = None
        self._ending: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Start the process and probe it; raises StartFailed, the family then already ended."""
        self._spawned = asyncio.Event()
        try:
            await self._spawn()
        except OSError as error:
            self._spawned.set()
            await self.stop(0)
            command = self._command.argv[0] if self._command else error.filename
            raise StartFailed(f"The container's command '{command}' cannot run: {error.strerror}.") from error
        except StartFailed:
            self._spawned.set()
            await self.stop(0)
            raise
        finally:
            self._spawned.set()
        probing = asyncio.create_task(passes(self.launch.probe, self.port))
        exiting = asyncio.create_task(self.exited.wait())
        try:
            await asyncio.wait({probing, exiting}, return_when=asyncio.FIRST_COMPLETED)
            is_ready = probing.done() and probing.result() and not self.exited.is_set()
        finally:
            probing.cancel()
            exiting.cancel()
            await asyncio.gather(probing, exiting, return_exceptions=True)
        if not is_ready or self.state is not State.STARTING:
            self._explain()
            await self.stop(0)
            raise StartFailed(self._failure())
        if self._command is not None and self._command.remove is not None:
            self.measured = await asyncio.to_thread(self._inside) or self.identity
        self.state = State.READY
        self.startup_seconds = time.monotonic() - self.started_at
        self.idle_since = time.monotonic()
        kind = self.launch.probe.kind
        self.say(f"Default STARTUP {kind} probe succeeded for container on port {self.port}.")

    async def is_at_work(self) -> bool:
        """Whether it works on although no request is open on it, as it may with its CPU always allocated."""
        return self.launch.is_cpu_always and self.state is State.READY and await work.is_at_work(self.port)

    def occupy(self) -> None:
        """Begin one more request."""
        if self.active == 0:
            self._busy_since = time.monotonic()
        self.active += 1
        self._peak = max(self._peak, self.active)

    def vacate(self) -> None:
        """End one of its requests."""
        self.active -= 1
        self.idle_since = time.monotonic()
        if self.active == 0:
            self._busy_seconds += self.idle_since - self._busy_since

    @property
    def busy_seconds(self) -> float:
        """How long it had any request since its start."""
        return self._busy_seconds + (time.monotonic() - self._busy_since if self.active else 0.0)

    def take_peak(self) -> int:
        """The most requests at once since it was last asked."""
        peak, self._peak = self._peak, self.active
        return peak

    def say(self, text: str) -> None:
        """Write to the system log."""
        self.log.write("varlog/system", self.id, text)

    async def stop(self, grace: float = GRACE_SECONDS) -> None:
        """SIGTERM to the process group, `grace` seconds later SIGKILL to the whole family; waits for its end.

        A later call with a shorter grace does not shorten an earlier one's, except 0, which kills at once.
        """
        self.state = State.STOPPING if self.state is not State.ENDED else State.ENDED
        if self._ending is None:
            self._ending = asyncio.create_task(self._end(grace))
        elif grace == 0 and self.identity is not None and not self.exited.is_set():
            processes.signal_group(self.identity.pid, signal.SIGKILL)
        await asyncio.shield(self._ending)

    async def _spawn(self) -> None:
        folder = self.launch.folder
        (folder / "tmp").mkdir(parents=True, mode=0o700)
        self._command = await self.launch.command(self)
        env = dict(self._command.env) | {
            "TMPDIR": os.fspath(folder / "tmp"),
            processes.MARKER: f"{self.launch.marker}{self.id}",
        }
        self._transport, _ = await asyncio.get_running_loop().subprocess_exec(
            lambda: _Output(self),
            *self._command.argv,
            stdin=asyncio.subprocess.DEVNULL,
            env=env,
            cwd=folder,
            start_new_session=True,
            umask=0o022,
        )
        pid = self._transport.get_pid()
        self.identity = processes.find(pid) or processes.Process(pid, os.getpid(), pid, "")
        self.measured = self.identity
        self._on_change()

    def _explain(self) -> None:
        code = self._transport.get_returncode() if self._transport else None
        if code is None:
            probe = self.launch.probe
            self.say(f"STARTUP {probe.kind} probe failed: no good answer within {probe.window:g}s.")
        elif code < 0:
            self.say(f"Container terminated on signal {-code}.")
        else:
            self.say(f"Container called exit({code}).")

    def _failure(self) -> str:
        return (
            "The user-provided container failed to start and listen on the port defined provided by the "
            f"PORT={self.port} environment variable within the allocated timeout. This can happen when the "
            "container port is misconfigured or if the timeout is too short. The health check timeout can be "
            "extended. Logs for this revision might contain more information."
        )

    async def _end(self, grace: float) -> None:
        if self._spawned is not None:
            await self._spawned.wait()
        if self._transport is not None and self.identity is not None:
            leader = self.identity.pid
            family = await asyncio.to_thread(self._family)
            if not self.exited.is_set() and grace > 0:
                processes.signal_group(leader, signal.SIGTERM)
                try:
                    await asyncio.wait_for(self.exited.wait(), grace)
                except TimeoutError:
                    self.say(f"Container did not end within {grace:g}s of SIGTERM and was killed.")
            processes.signal_group(leader, signal.SIGKILL)
            if self._command is not None and self._command.remove is not None:
                await self._command.remove()
            await self._sweep(family)
            self._transport.close()
        await asyncio.to_thread(shutil.rmtree, self.launch.folder, ignore_errors=True)
        self._ports.give_back(self.port)
        self.state = State.ENDED
        self.ended.set()
        self._on_change()

    def _inside(self) -> processes.Process | None:
        """The container's first process, where the engine runs it on this machine."""
        table = processes.table()
        found = processes.marked(f"{self.launch.marker}{self.id}", table) - {self.identity}
        pids = {process.pid for process in found}
        return next((process for process in found if process.parent not in pids), None)

    def _family(self) -> set[processes.Process]:
        table = processes.table()
        family = processes.marked(f"{self.launch.marker}{self.id}", table)
        leader = self.identity
        if leader is not None and table.get(leader.pid, leader).started == leader.started:
            family |= processes.descendants(leader.pid, table)
        return family

    async def _sweep(self, family: set[processes.Process]) -> None:
        deadline = time.monotonic() + _KILL_SECONDS
        while True:
            family |= await asyncio.to_thread(self._family)
            left = processes.alive(family)
            if not left and self.exited.is_set():
                return
            processes.send(left, signal.SIGKILL)
            if time.monotonic() > deadline:
                sys.stderr.write(f"Processes outlive SIGKILL: {sorted(process.pid for process in left)}.\n")
                return
            await asyncio.sleep(0.01)

"""The emulator on this machine: where it listens, whether it runs, and starting it."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import hashlib
import os
import socket
import stat
import struct
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from ccconsole.errors import ConsoleError, TimedOut

IDLE_EXIT_SECONDS = 600
"""How long the emulator waits after its last console and its last task, then ends by itself."""
MAX_SOCKET_PATH = 100
"""Bytes; the kernel's limit is 108 on Linux and 104 on macOS."""
SOCKET = "emulator.sock"
_LOG_LIMIT = 4 << 20
_POLL_SECONDS = 0.02


@dataclass(frozen=True)
class Place:
    """One state folder with what belongs to it."""

    state: Path
    socket: Path
    log: Path

    @property
    def target(self) -> str:
        """The address as gRPC writes it."""
        return f"unix:{self.socket}"

    def command(self, *listen: str, http: str = "", idle_exit: float | None = IDLE_EXIT_SECONDS) -> list[str]:
        """The emulator's argv; `listen` are addresses beside the socket, `http` is the one for gcloud."""
        words = [sys.executable, "-m", "ccconsole.emulator", "--state", str(self.state)]
        for address in (self.target, *listen):
            words += ["--listen", address]
        if http:
            words += ["--http", http]
        return words if idle_exit is None else [*words, "--idle-exit", f"{idle_exit:g}"]


def place(state: Path | None = None) -> Place:
    """The emulator's place for this user's state folder, or for the one given; its folders are made."""
    state = state or platformdirs.user_state_path("ccconsole") / "emulator"
    name = hashlib.sha256(os.fsencode(state.absolute())).hexdigest()[:16]
    try:
        state.mkdir(parents=True, exist_ok=True, mode=0o700)
        folder = _socket_folder(state / "socket", name)
    except OSError as error:
        raise ConsoleError(
            "The emulator has no folder to live in",
            f"{error.filename}: {error.strerror}",
            "Make it writable, or set XDG_STATE_HOME and XDG_RUNTIME_DIR to folders of your own.",
        ) from None
    return Place(state, folder / SOCKET, state / "emulator.log")


def _socket_folder(memory: Path, name: str) -> Path:
    """Our private folder for the socket: the one in `memory`, else the first that can be had.

    It is remembered because XDG_RUNTIME_DIR is not the same in every session of one user.
    """
    folders = [base / name for base in _runtime_folders()]
    remembered = memory.read_text("utf-8") if memory.is_file() else ""
    if remembered:
        folders.insert(0, Path(remembered))
    failure = OSError(36, "its path is too long for a socket", str(folders[-1]))
    for folder in folders:
        if len(os.fsencode(folder / SOCKET)) > MAX_SOCKET_PATH:
            continue
        try:
            _make_private(folder.parent)
            _make_private(folder)
        except OSError as error:
            failure = error
            continue
        if str(folder) != remembered:
            memory.write_text(str(folder), "utf-8")
        return folder
    raise failure


def is_running(where: Place) -> bool:
    """Whether something answers on the socket."""
    return running_pid(where) is not None


def running_pid(where: Place) -> int | None:
    """The process id behind the socket, as the kernel knows it (0 where it does not); None: no answer."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
        client.settimeout(1)
        try:
            client.connect(os.fspath(where.socket))
        except OSError:
            return None
        if not hasattr(socket, "SO_PEERCRED"):
            return 0
        credentials = client.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
        return int(struct.unpack("3i", credentials)[0])


def holder_pid(where: Place) -> int | None:
    """The emulator that holds the state folder's lock, even one whose socket was deleted under it."""
    try:
        with (where.state / "lock").open("rb") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return int(lock.read(32))
    except (OSError, ValueError):
        return None
    return None


async def start_emulator(state: Path | None = None, *, timeout: float = 20.0) -> str:
    """The gRPC target of this user's emulator, which is started on its own when none answers.

    It outlives this process. Raises ConsoleError with the log's last line when it does not come up.
    """
    where = place(state)
    if is_running(where):
        return where.target
    deadline = time.monotonic() + timeout
    async with _spawn_lock(where, deadline):
        if not is_running(where):
            process = _spawn(where)
            await _ready(where, process, deadline)
    return where.target


@contextlib.asynccontextmanager
async def _spawn_lock(where: Place, deadline: float) -> AsyncIterator[None]:
    """One console at a time starts it; the kernel frees the lock of a console that dies."""
    descriptor = os.open(where.state / "spawn.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise _not_ready(where, "another console is still starting it") from None
                await asyncio.sleep(_POLL_SECONDS)
        yield
    finally:
        os.close(descriptor)


def _spawn(where: Place) -> subprocess.Popen[bytes]:
    """Start it detached: its own session, no terminal, its words to the log."""
    if where.log.exists() and where.log.stat().st_size > _LOG_LIMIT:
        where.log.replace(where.log.with_suffix(".log.1"))
    descriptor = os.open(where.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    try:
        process = subprocess.Popen(
            where.command(),
            stdin=subprocess.DEVNULL,
            stdout=descriptor,
            stderr=descriptor,
            cwd=where.state,
            start_new_session=True,
        )
    finally:
        os.close(descriptor)
    # Nobody else waits for it: without this it would stay a zombie of a long-running console.
    threading.Thread(target=process.wait, name="emulator-reaper", daemon=True).start()
    return process


async def _ready(where: Place, process: subprocess.Popen[bytes], deadline: float) -> None:
    while not is_running(where):
        if process.poll() is not None:
            raise _not_ready(where, f"it ended with exit code {process.returncode}")
        if time.monotonic() > deadline:
            process.terminate()
            raise _not_ready(where, "it did not answer in time", is_late=True)
        await asyncio.sleep(_POLL_SECONDS)


def _not_ready(where: Place, why: str, *, is_late: bool = False) -> ConsoleError:
    detail = f"{why[0].upper()}{why[1:]}."
    if last := _last_line(where.log):
        detail += f" Its last words: {last}"
    hint = f"Read {where.log}, or see it start: ccconsole emulate"
    if (pid := holder_pid(where)) is not None:
        detail = f"Process {pid} holds {where.state} and does not answer on {where.socket}."
        hint = "End it: ccconsole emulate --stop"
    return (TimedOut if is_late else ConsoleError)("The emulator did not start", detail, hint)


def _last_line(log: Path) -> str:
    with contextlib.suppress(OSError):
        lines: Sequence[str] = log.read_text("utf-8", "replace")[-4096:].strip().splitlines()
        return lines[-1][:300] if lines else ""
    return ""


def _runtime_folders() -> list[Path]:
    """Where sockets may lie, the best first."""
    named = os.environ.get("XDG_RUNTIME_DIR")
    own = f"ccconsole-{os.getuid()}"
    places = [Path(named) / "ccconsole"] if named and Path(named).is_dir() else []
    return [*places, Path(tempfile.gettempdir()) / own, Path("/tmp") / own]


def _make_private(folder: Path) -> None:
    """Make the folder ours alone; OSError when somebody else's stands there."""
    folder.mkdir(mode=0o700, exist_ok=True)
    status = folder.lstat()
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.getuid():
        raise PermissionError(1, "belongs to somebody else", str(folder))
    if stat.S_IMODE(status.st_mode) != 0o700:
        folder.chmod(0o700)

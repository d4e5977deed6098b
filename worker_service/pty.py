"""One process under a pseudo-terminal: started, read in batches, written to, resized, signalled."""

from __future__ import annotations

import asyncio
import fcntl
import os
import pty
import shutil
import signal
import struct
import subprocess
import termios
import tty
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from worker_service.input import InputWriter

CHUNK_BYTES = 48 * 1024
WINDOW_SECONDS = 0.008
"""Output that follows other output waits this long for more; what follows a silence waits for nothing."""

# A session leader that opens a terminal gets it as its controlling one. The shell does so between setsid
# and exec; the other way, code of ours in the forked child, is unsafe beside the store client's threads.
_TAKE_TERMINAL = 'exec 3<>"$0" 3>&- && exec "$@"'


class PtyProcess:
    """A running process and its terminal; made by `start`, given back by `close`."""

    def __init__(self, popen: subprocess.Popen[bytes], master: int, stdin: int | None) -> None:
        self._popen = popen
        self._master = master
        self._loop = asyncio.get_running_loop()
        self.pid = popen.pid
        self.returncode: int | None = None
        self._keys = InputWriter(master)
        self._stdin = None if stdin is None else InputWriter(stdin)
        self._chunks: list[bytes] = []
        self._size = 0
        self._ready_at = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._reader: asyncio.Future[None] | None = None
        self._is_reading = True
        self._is_ended = False
        self._loop.add_reader(master, self._on_readable)

    @classmethod
    def start(
        cls,
        argv: Sequence[str],
        *,
        env: Mapping[str, str],
        cwd: Path,
        stdin: bytes | None,
        keeps_stdin_open: bool = False,
        is_raw: bool = True,
        cols: int = 120,
        rows: int = 40,
    ) -> PtyProcess:
        """Start `argv` in its own session with a terminal of this size; `stdin` None: the terminal is it too.

        Raises:
            OSError: it cannot be started; FileNotFoundError when there is no such program.
        """
        program = shutil.which(argv[0], path=env.get("PATH"))
        if program is None:
            raise FileNotFoundError(f"{argv[0]} is not installed or not executable")
        master, slave = pty.openpty()
        pipe: tuple[int, int] | None = None
        try:
            if is_raw:
                tty.setraw(slave)
            _set_size(slave, cols, rows)
            os.set_blocking(master, False)
            pipe = os.pipe() if stdin is not None else None
            popen = subprocess.Popen(
                ["/bin/sh", "-c", _TAKE_TERMINAL, os.ttyname(slave), program, *argv[1:]],
                stdin=pipe[0] if pipe else slave,
                stdout=slave,
                stderr=slave,
                env=dict(env),
                cwd=cwd,
                start_new_session=True,
            )
        except (OSError, ValueError):
            for fd in (master, *(pipe[1:] if pipe else ())):
                os.close(fd)
            raise
        finally:
            os.close(slave)
            if pipe:
                os.close(pipe[0])
        if pipe:
            os.set_blocking(pipe[1], False)
        process = cls(popen, master, pipe[1] if pipe else None)
        if stdin:
            process.write_stdin(stdin)
        if pipe and not keeps_stdin_open:
            process.close_stdin()
        return process

    async def read(self) -> bytes:
        """The next output, about CHUNK_BYTES at most; empty at the end."""
        while True:
            now = self._loop.time()
            if self._size and (self._is_ended or self._size >= CHUNK_BYTES or now >= self._ready_at):
                return self._take(now)
            if self._is_ended:
                return b""
            self._reader = self._loop.create_future()
            if self._size and self._timer is None:
                self._timer = self._loop.call_at(self._ready_at, self._wake)
            await self._reader

    def write(self, data: bytes) -> None:
        """Type `data` on the terminal.

        Raises:
            BufferError: the process does not read its input.
        """
        self._keys.write(data)

    def write_stdin(self, data: bytes) -> None:
        """Write to the stdin pipe, or to the terminal where that is stdin.

        Raises:
            BufferError: the pipe is closed, or the process does not read it.
        """
        (self._stdin or self._keys).write(data)

    def close_stdin(self) -> None:
        """Send the end of input, after everything written so far; nothing where the terminal is stdin."""
        if self._stdin is not None:
            self._stdin.close_when_done()

    @property
    def takes_input(self) -> bool:
        """Whether `write_stdin` can still reach the process."""
        return not (self._stdin or self._keys).is_closed

    def resize(self, cols: int, rows: int) -> None:
        """Give the terminal another size; the kernel tells the process by SIGWINCH."""
        _set_size(self._master, cols, rows)

    def signal(self, number: signal.Signals) -> None:
        """Signal the process and its group; nothing when it has ended."""
        if self.returncode is None:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self.pid, number)

    async def exited(self) -> int:
        """Wait for the end: the return code, negative for a signal's number.

        What is left of the process group is killed before the process is buried, while its number cannot
        yet belong to another.
        """
        await self._wait()
        self.signal(signal.SIGKILL)
        self.returncode = self._popen.wait()
        return self.returncode

    async def _wait(self) -> None:
        if not hasattr(os, "pidfd_open"):
            await asyncio.to_thread(os.waitid, os.P_PID, self.pid, os.WEXITED | os.WNOWAIT)
            return
        handle = os.pidfd_open(self.pid)
        ended = asyncio.Event()
        self._loop.add_reader(handle, ended.set)
        try:
            await ended.wait()
        finally:
            self._loop.remove_reader(handle)
            os.close(handle)

    def finish(self) -> None:
        """Take what the terminal still holds, then let `read` come to its end; for after the exit."""
        if not self._is_ended:
            self._drain(None)
            self._end()

    def close(self) -> None:
        """Give back every descriptor; a process that still runs gets SIGHUP from the kernel."""
        self._end()
        if self._stdin is not None:
            self._stdin.close()
        if not self._keys.is_closed:
            self._keys.close(is_owner=False)
            os.close(self._master)

    def _on_readable(self) -> None:
        self._drain(CHUNK_BYTES - self._size)
        if self._size >= CHUNK_BYTES or self._is_ended or self._loop.time() >= self._ready_at:
            self._wake()
        elif self._timer is None:
            self._timer = self._loop.call_at(self._ready_at, self._wake)
        if self._size >= CHUNK_BYTES and not self._is_ended:
            # What nobody has taken yet waits in the kernel, which then blocks the process.
            self._is_reading = False
            self._loop.remove_reader(self._master)

    def _drain(self, limit: int | None) -> None:
        """Read until the terminal is empty, or `limit` bytes were read."""
        taken = 0
        while limit is None or taken < limit:
            try:
                chunk = os.read(self._master, CHUNK_BYTES if limit is None else limit - taken)
            except BlockingIOError:
                return
            except OSError:
                # Linux says EIO once nobody has the terminal open.
                chunk = b""
            if not chunk:
                self._end()
                return
            self._chunks.append(chunk)
            self._size += len(chunk)
            taken += len(chunk)

    def _take(self, now: float) -> bytes:
        data = self._chunks[0] if len(self._chunks) == 1 else b"".join(self._chunks)
        self._chunks.clear()
        self._size = 0
        self._ready_at = now + WINDOW_SECONDS
        if not self._is_reading and not self._is_ended:
            self._is_reading = True
            self._loop.add_reader(self._master, self._on_readable)
        return data

    def _end(self) -> None:
        if not self._is_ended:
            self._is_ended = True
            self._loop.remove_reader(self._master)
            self._wake()

    def _wake(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._reader is not None and not self._reader.done():
            self._reader.set_result(None)


def _set_size(fd: int, cols: int, rows: int) -> None:
    fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, cols, 0, 0))

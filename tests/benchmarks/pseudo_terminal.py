"""A process on a terminal of its own, read as fast as it writes: what a benchmark sees of a program."""

from __future__ import annotations

import fcntl
import os
import select
import struct
import subprocess
import termios
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

DEADLINE = 120.0
"""Seconds after which a process that shows nothing more is taken for stuck."""


class PseudoTerminal:
    """The process, and the end of its terminal that a person looks at and types into."""

    def __init__(self, process: subprocess.Popen[bytes], master: int) -> None:
        self.process = process
        self._master = master

    def press(self, keys: bytes) -> float:
        """Type; the monotonic second just before."""
        now = time.monotonic()
        os.write(self._master, keys)
        return now

    def resize(self, columns: int, rows: int) -> None:
        """Another size, as a window's."""
        fcntl.ioctl(self._master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def read(self, seconds: float) -> bytes | None:
        """What it has written, empty when nothing came for so long; None once it has closed its terminal."""
        ready, _, _ = select.select([self._master], [], [], max(seconds, 0))
        if not ready:
            return b""
        try:
            return os.read(self._master, 1 << 16) or None
        except OSError:
            return None

    def until(self, wanted: bytes) -> float:
        """The monotonic second at which these bytes were there. TimeoutError when they never come."""
        kept = b""
        deadline = time.monotonic() + DEADLINE
        while time.monotonic() < deadline:
            data = self.read(1.0)
            if data is None:
                break
            kept = kept[-len(wanted) :] + data
            if wanted in kept:
                return time.monotonic()
        raise TimeoutError(f"{wanted!r} never came, but {kept[-2000:]!r}")


@contextmanager
def terminal(
    command: Sequence[str],
    *,
    size: tuple[int, int],
    environ: Mapping[str, str],
    folder: Path | None = None,
    inherited: Sequence[int] = (),
) -> Iterator[PseudoTerminal]:
    """The command on a new terminal; killed at the end if it still runs."""
    master, slave = os.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", size[1], size[0], 0, 0))
    process = subprocess.Popen(
        command,
        cwd=folder,
        env=environ,
        stdin=slave,
        stdout=slave,
        stderr=slave,
        start_new_session=True,
        pass_fds=inherited,
    )
    os.close(slave)
    try:
        yield PseudoTerminal(process, master)
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()
        os.close(master)


KEPT = ("PATH", "LANG", "LC_ALL", "TMPDIR", "PYTHONPATH")


def environ(home: Path) -> dict[str, str]:
    """A new user's environment on a terminal with all colours; nothing of the tester's leaks in."""
    kept = {name: os.environ[name] for name in KEPT if name in os.environ}
    return kept | {
        "HOME": str(home),
        "XDG_RUNTIME_DIR": str(home / "run"),
        "TERM": "xterm-256color",
        "COLORTERM": "truecolor",
    }

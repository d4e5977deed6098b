"""The console in a PTY of its own, read through our terminal engine as a person reads the screen."""

from __future__ import annotations

import fcntl
import os
import re
import select
import struct
import subprocess
import sys
import termios
import time
from types import TracebackType
from typing import Self

import pytest

from ccconsole.terminal.engine import Terminal
from tests.e2e.conftest import Machine

COLUMNS, ROWS = 120, 32
DEADLINE = 30.0


class ConsoleScreen:
    """`ccconsole` on a PTY of COLUMNS x ROWS; a context manager that ends the process it started."""

    def __init__(self, machine: Machine, *words: str) -> None:
        self.terminal = Terminal(COLUMNS, ROWS)
        self._master, slave = os.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
        self.process = subprocess.Popen(
            [sys.executable, "-m", "ccconsole", *words],
            cwd=machine.project,
            env=machine.environ,
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
        )
        os.close(slave)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.hang_up()

    def hang_up(self) -> None:
        """Close the terminal, as a lost connection does."""
        if self._master >= 0:
            os.close(self._master)
            self._master = -1

    @property
    def text(self) -> str:
        """What the screen shows now."""
        return self.terminal.text()

    def press(self, keys: str) -> None:
        """Type these characters."""
        os.write(self._master, keys.encode())

    def wait_for(self, pattern: str) -> str:
        """The screen, once it matches; fails with the last screen at the deadline."""
        return self._wait(pattern, is_wanted=True)

    def wait_until_gone(self, pattern: str) -> str:
        """The screen, once nothing on it matches."""
        return self._wait(pattern, is_wanted=False)

    def _wait(self, pattern: str, *, is_wanted: bool) -> str:
        deadline = time.monotonic() + DEADLINE
        while (re.search(pattern, self.text) is not None) is not is_wanted:
            if time.monotonic() > deadline or not self._read(deadline):
                pytest.fail(
                    f"waited for {'' if is_wanted else 'no '}{pattern!r}; the screen shows:\n{self.text}"
                )
        return self.text

    def wait_for_exit(self) -> int:
        """The exit code, once the console has left; what it still writes is read."""
        deadline = time.monotonic() + DEADLINE
        while self._read(deadline):
            pass
        return self.process.wait(timeout=DEADLINE)

    def _read(self, deadline: float) -> bool:
        ready, _, _ = select.select([self._master], [], [], max(deadline - time.monotonic(), 0))
        if not ready:
            return False
        try:
            data = os.read(self._master, 1 << 16)
        except OSError:
            return False
        self.terminal.feed(data)
        if replies := self.terminal.take_replies():
            os.write(self._master, replies)
        return bool(data)

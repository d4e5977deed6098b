"""Real programs in a PTY: what they print while keys are typed at them."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import termios
import time
from dataclasses import dataclass
from pathlib import Path

from ccconsole.terminal.engine import Terminal

_QUIET = 0.1
"""Seconds without output after which a program gets the next key; one that comes early does no harm."""

_SOURCE = "\n".join(
    f"def function_{n}(value: int) -> str:\n    # número {n}, 日本語\n    return 'x' * (value + {n})\n"
    for n in range(80)
)


@dataclass(frozen=True)
class Program:
    """A program, its arguments and the keys typed at it."""

    name: str
    arguments: tuple[str, ...]
    keys: tuple[bytes, ...]
    ending: tuple[str, ...] = ()
    """What ends the process that it leaves behind."""

    def record(self, folder: Path, columns: int, rows: int) -> bytes:
        """All that it prints until the keys are used up; then it is ended. Its queries are answered."""
        (folder / "source.py").write_text(_SOURCE)
        environ = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "TERM": "xterm-256color",
            "LC_ALL": "C.UTF-8",
        }
        master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        process = subprocess.Popen(
            [self.name, *self.arguments],
            cwd=folder,
            env=environ,
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0) and None,
        )
        os.close(slave)
        terminal = Terminal(columns, rows)
        output = bytearray()
        try:
            for key in (b"", *self.keys):
                os.write(master, key)
                output += _read(master, terminal)
        finally:
            process.send_signal(signal.SIGKILL)
            process.wait()
            os.close(master)
            if self.ending:
                subprocess.run(self.ending, cwd=folder, env=environ, check=False, capture_output=True)
        return bytes(output)


def _read(master: int, terminal: Terminal) -> bytes:
    """What comes until it is quiet."""
    output = bytearray()
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline and select.select([master], [], [], _QUIET)[0]:
        try:
            data = os.read(master, 65536)
        except OSError:
            break
        terminal.feed(data)
        os.write(master, terminal.take_replies())
        output += data
    return bytes(output)


ALL = (
    Program(
        "vim",
        ("-N", "-u", "NONE", "-i", "NONE", "-n", "--cmd", "syntax on", "source.py"),
        (
            b"\x06",
            b"\x06",
            b"10j",
            b"ihello w\xc3\xb6rld \xe6\x97\xa5\x1b",
            b"dd",
            b"3p",
            b":vsplit\r",
            b"G",
            b"/value\r",
            b"n",
        ),
    ),
    Program("less", ("source.py",), (b" ", b" ", b"b", b"/value\r", b"n", b"G", b"g")),
    Program("htop", ("--delay=10",), (b"\x1b[B", b"\x1b[B", b"\x1b[6~", b"t")),
    Program(
        "tmux",
        ("-S", "inner.sock", "-f", "/dev/null", "new-session", "sh"),
        (
            b"cat source.py\r",
            b"\x02%",
            b"seq 60\r",
            b'\x02"',
            b"printf '\\033[41mred\\n'\r",
            b"\x02[\x1b[5~",
            b"q",
        ),
        ending=("tmux", "-S", "inner.sock", "kill-server"),
    ),
    Program(
        "git",
        ("--no-pager", "diff", "--no-index", "--color=always", "--stat", "-p", "/dev/null", "source.py"),
        (),
    ),
)

"""tmux as an oracle: the screen that it shows after a stream of bytes."""

from __future__ import annotations

import itertools
import os
import subprocess
from pathlib import Path

from ccconsole.terminal.engine import Terminal
from tests.terminal.states import LinkedCell, linked_cells

_SCRIPT = (
    "stty raw -echo; cat '{stream}'; printf '\\033[5n'; dd bs=1 count=1 of=/dev/null 2>/dev/null; "
    "exec tmux -S '{socket}' wait-for -S {channel}"
)
"""tmux answers the status query once it has interpreted all that was printed before it."""


class Tmux:
    """A tmux server of its own, ended by `close`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._socket = folder / "tmux.sock"
        self._numbers = itertools.count()

    def _run(self, *words: str) -> bytes:
        environ = {key: value for key, value in os.environ.items() if key != "TMUX"} | {"LC_ALL": "C.UTF-8"}
        command = ["tmux", "-S", str(self._socket), "-f", "/dev/null", *words]
        return subprocess.run(command, check=True, capture_output=True, timeout=30, env=environ).stdout

    def screen(self, data: bytes, columns: int, rows: int) -> tuple[list[list[LinkedCell]], tuple[int, int]]:
        """The rows, without blanks at their ends that it never wrote, and the cursor's column and row."""
        number = next(self._numbers)
        stream = self._folder / f"stream-{number}"
        stream.write_bytes(data)
        name, channel = f"s{number}", f"c{number}"
        script = _SCRIPT.format(stream=stream, socket=self._socket, channel=channel)
        hold = f"sh -c {_quoted(script)}; exec sleep 60"
        size = ("-x", str(columns), "-y", str(rows))
        self._run("new-session", "-d", "-s", name, *size, hold, ";", "set", "-t", name, "status", "off")
        self._run("resize-window", "-t", name, *size)
        self._run("wait-for", channel)
        captured = self._run("capture-pane", "-p", "-e", "-N", "-t", name)
        place = self._run("display-message", "-p", "-t", name, "#{cursor_x} #{cursor_y}").split()
        self._run("kill-session", "-t", name) if number else None
        return _cells(captured.split(b"\n")[:rows], columns), (min(int(place[0]), columns - 1), int(place[1]))

    def close(self) -> None:
        """End the server and all that runs in it."""
        subprocess.run(
            ["tmux", "-S", str(self._socket), "kill-server"], capture_output=True, check=False, timeout=30
        )


def _cells(rows: list[bytes], columns: int) -> list[list[LinkedCell]]:
    """The rows' text and SGR, which goes on from one row to the next, as cells."""
    terminal = Terminal(columns, len(rows))
    terminal.feed(b"\x1b[?7l\x1b)0" + b"".join(b"\x1b[%d;1H" % (y + 1) + row for y, row in enumerate(rows)))
    return [linked_cells(terminal, y)[: len(terminal.line(y).text)] for y in range(len(rows))]


def _quoted(script: str) -> str:
    return "'" + script.replace("'", "'\\''") + "'"

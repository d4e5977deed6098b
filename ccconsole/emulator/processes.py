"""The machine's processes: who descends from whom, and how a whole family is ended.

A family is found three ways, because each alone misses somebody: children by parent, processes of the
leader's session, and (on Linux) whoever inherited the marker variable, which outlives a double fork.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

MARKER = "CLOUD_RUN_EMULATOR_INSTANCE"
"""Environment variable of every instance: `<state directory>#<instance id>`."""

_PROC = Path("/proc")


@dataclass(frozen=True)
class Process:
    """One row of the process table; `started` tells a process from a later one with the same pid."""

    pid: int
    parent: int
    session: int
    started: str


def table() -> dict[int, Process]:
    """All processes by pid; zombies are left out."""
    if sys.platform != "linux":
        return _ps_table()
    found = {}
    for path in _PROC.iterdir():
        if path.name.isdigit() and (process := _read(int(path.name))) is not None:
            found[process.pid] = process
    return found


def _read(pid: int) -> Process | None:
    try:
        stat = (_PROC / str(pid) / "stat").read_text()
    except OSError:
        return None
    # The command, field 2, stands in parentheses and may hold any character; see proc(5).
    state, parent, _group, session, *rest = stat[stat.rindex(")") + 2 :].split()
    if state in "ZX":
        return None
    return Process(pid, int(parent), int(session), started=rest[15])


def _ps_table() -> dict[int, Process]:
    columns = ["ps", "-A", "-o", "pid=,ppid=,sess=,stat=,lstart="]
    rows = subprocess.run(columns, capture_output=True, text=True, check=False).stdout
    found = {}
    for row in rows.splitlines():
        pid, parent, session, state, *started = row.split()
        if not state.startswith("Z"):
            leader = int(session) if session.isdigit() else 0
            found[int(pid)] = Process(int(pid), int(parent), leader, " ".join(started))
    return found


def find(pid: int) -> Process | None:
    """The living process with this pid."""
    return _read(pid) if sys.platform == "linux" else _ps_table().get(pid)


def descendants(leader: int, processes: dict[int, Process]) -> set[Process]:
    """The leader's children to any depth, and its session's members; without the leader."""
    children: dict[int, list[Process]] = {}
    for process in processes.values():
        children.setdefault(process.parent, []).append(process)
    found = {process for process in processes.values() if process.session == leader}
    pending = [leader]
    while pending:
        for child in children.get(pending.pop(), ()):
            found.add(child)
            pending.append(child.pid)
    return {process for process in found if process.pid != leader}


def marked(prefix: str, processes: dict[int, Process]) -> set[Process]:
    """Processes whose marker variable starts with `prefix`; none where /proc does not tell.

    This process and its ancestors are never among them: the emulator may itself run inside an instance.
    """
    if sys.platform != "linux":
        return set()
    wanted = f"{MARKER}={prefix}".encode()
    found = set()
    for process in processes.values():
        with suppress(OSError):
            environ = (_PROC / str(process.pid) / "environ").read_bytes()
            if any(line.startswith(wanted) for line in environ.split(b"\0")):
                found.add(process)
    return found - _ancestry(processes)


def _ancestry(processes: dict[int, Process]) -> set[Process]:
    found = set()
    process = processes.get(os.getpid())
    while process is not None and process not in found:
        found.add(process)
        process = processes.get(process.parent)
    return found


def send(victims: Iterable[Process], number: signal.Signals) -> None:
    """Signal each process that is still the one it was."""
    for victim in victims:
        now = find(victim.pid)
        if now is not None and now.started == victim.started:
            with suppress(ProcessLookupError, PermissionError):
                os.kill(victim.pid, number)


def signal_group(leader: int, number: signal.Signals) -> None:
    """Signal a process group; one that is gone is left alone."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, number)


def alive(victims: Iterable[Process]) -> set[Process]:
    """Those that still run."""
    return {victim for victim in victims if (now := find(victim.pid)) and now.started == victim.started}

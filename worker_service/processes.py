"""The processes of a task beyond its agent: found and ended, even those that left the process group."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import threading
import time
from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

MARK = "WORKER_TASK_MARK"
"""The environment variable that every process of a task inherits."""

_PR_SET_CHILD_SUBREAPER = 36
_PR_GET_CHILD_SUBREAPER = 37
"""linux/prctl.h."""
_SWEEP_SECONDS = 2.0
_ROUND_SECONDS = 0.01

_PROXIES = ("http_proxy", "https_proxy", "no_proxy", "all_proxy")
_CERTIFICATES = (
    "NODE_EXTRA_CA_CERTS",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "CURL_CA_BUNDLE",
    "REQUESTS_CA_BUNDLE",
)
_ALLOWED = frozenset(
    {"PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "LANGUAGE", "TZ", "TMPDIR", "NODE_ENV"}
    | {*_PROXIES, *(name.upper() for name in _PROXIES), *_CERTIFICATES}
)


def base_environ(environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """What every agent is given of the worker's environment: no token, no key, no store's credentials."""
    kept = {name: value for name, value in environ.items() if name in _ALLOWED or name.startswith("LC_")}
    return {"PATH": os.defpath, **kept, "TERM": "xterm-256color", "COLORTERM": "truecolor"}


def heed_signals() -> None:
    """Undo what `nohup` or a shell's `&` has this process ignore, for its children: agents must feel it.

    A handler, even an empty one, is reset to the default by exec; what is ignored stays ignored.
    """
    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT):
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, lambda *_: None)


def adopt_orphans() -> None:
    """Make this process the parent of its descendants' orphans (Linux), so that a sweep finds them.

    Only for a process that is nothing but a worker: the sweep then also ends children it does not know.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def is_adopting() -> bool:
    """Whether orphans of this process's descendants become its children."""
    if sys.platform != "linux":
        return False
    answer = ctypes.c_int(0)
    ctypes.CDLL(None, use_errno=True).prctl(_PR_GET_CHILD_SUBREAPER, ctypes.byref(answer), 0, 0, 0)
    return bool(answer.value)


@dataclass(frozen=True)
class _Process:
    pid: int
    parent: int
    is_zombie: bool


def _processes() -> dict[int, _Process]:
    """Every process of the machine, from /proc; empty where there is none."""
    found = {}
    for entry in os.scandir("/proc") if Path("/proc/self/stat").exists() else ():
        if not entry.name.isdigit():
            continue
        with suppress(OSError, ValueError, IndexError):
            # The name in parentheses may hold anything, so fields are counted from the last parenthesis.
            fields = Path(entry.path, "stat").read_bytes().rpartition(b")")[2].split()
            pid = int(entry.name)
            found[pid] = _Process(pid, int(fields[1]), fields[0] in (b"Z", b"X"))
    return found


def _mark(pid: int) -> bytes | None:
    with suppress(OSError):
        for variable in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0"):
            name, _, value = variable.partition(b"=")
            if name == MARK.encode():
                return value
    return None


def _descendants(processes: Mapping[int, _Process], roots: Collection[int]) -> set[int]:
    children: dict[int, list[int]] = {}
    for process in processes.values():
        children.setdefault(process.parent, []).append(process.pid)
    found: set[int] = set()
    todo = list(roots)
    while todo:
        for child in children.get(todo.pop(), ()):
            if child not in found:
                found.add(child)
                todo.append(child)
    return found


class Family:
    """The agents' processes of one worker, told apart from their orphans, which are ended and buried here.

    An agent is started and added to `agents` under `lock`, so that no sweep in another thread takes a
    process that was forked a moment ago for an orphan.
    """

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.agents: set[int] = set()
        self.has_guests = False
        """Whether this process has children of its own that are no agents, so that strangers are let be."""

    def members(self, root: int, mark: str) -> set[int]:
        """The live processes of a task apart from its agent `root`.

        They are the agent's descendants, whatever carries the task's mark, and, where this process adopts
        orphans and no other task runs that they may belong to, its unmarked children and theirs.
        """
        processes = _processes()
        found = _descendants(processes, [root])
        marks = {pid: _mark(pid) for pid in processes if pid not in found}
        found.update(pid for pid, value in marks.items() if value == mark.encode())
        if not self.agents - {root} and not self.has_guests and is_adopting():
            mine = [process.pid for process in processes.values() if process.parent == os.getpid()]
            strays = {pid for pid in mine if marks.get(pid) is None}
            found |= strays | _descendants(processes, strays)
        found -= {root, os.getpid(), *self.agents}
        return {pid for pid in found if pid in processes and not processes[pid].is_zombie}

    def sweep(self, root: int, mark: str) -> int:
        """Kill every process of a task apart from its agent, and say how many were met; blocks up to 2 s.

        It looks again until nothing is found, because a process may fork while it is being looked for.
        """
        met: set[int] = set()
        deadline = time.monotonic() + _SWEEP_SECONDS
        while True:
            with self.lock:
                found = self.members(root, mark)
                kill(found)
                self.bury_orphans()
            met |= found
            if not found or time.monotonic() > deadline:
                return len(met)
            time.sleep(_ROUND_SECONDS)

    def bury_orphans(self) -> None:
        """Bury adopted children that have ended; the agents are left to those who wait for them."""
        if self.has_guests or not is_adopting():
            return
        with suppress(ChildProcessError):
            while ended := os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT):
                if ended.si_pid in self.agents:
                    return
                os.waitpid(ended.si_pid, os.WNOHANG)


def kill(pids: Collection[int]) -> None:
    """SIGKILL them all; those already gone do not matter."""
    for pid in pids:
        with suppress(ProcessLookupError, PermissionError):
            os.kill(pid, signal.SIGKILL)


def oom_kills() -> int | None:
    """How often the kernel has killed for want of memory in this control group; None: not known here."""
    for path in (Path("/sys/fs/cgroup/memory.events"), Path("/sys/fs/cgroup/memory/memory.oom_control")):
        with suppress(OSError, ValueError):
            for line in path.read_text().splitlines():
                name, _, value = line.partition(" ")
                if name == "oom_kill":
                    return int(value)
    return None

"""`ccconsole` as a process without the second that its imports take: forked from one that has them.

`command(...)` is an argument vector in place of `python -m ccconsole ...`: a small client hands its words,
variables, folder and descriptors to the server, passes signals on, and ends as the command does. That is a
process of its own in every respect; only what reads variables while it is imported cannot be tried so.
The server ends with the process of the tests, whose pipe is its stdin.
"""

from __future__ import annotations

import array
import atexit
import functools
import gc
import io
import json
import os
import runpy
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any

CLIENT = Path(__file__).with_name("data") / "launched.py"
PRELOADED = (
    "ccconsole.batches.dispatcher",
    "ccconsole.cli",
    "ccconsole.cloud.connect",
    "ccconsole.fleet",
    "ccconsole.fleet_metrics",
    "ccconsole.journal",
    "ccconsole.runs",
)


def command(*words: str, module: str = "ccconsole") -> list[str]:
    """`python -m MODULE WORDS`, sooner."""
    return [sys.executable, "-I", "-S", str(CLIENT), _address(), module, *words]


@functools.cache
def _address() -> str:
    """Where the server listens, which is started when it is first asked for."""
    folder = tempfile.TemporaryDirectory(prefix="launching-")
    path = f"{folder.name}/socket"
    server = subprocess.Popen(
        [sys.executable, "-m", "tests.launching", path],
        cwd=Path(__file__).parents[1],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )

    def close() -> None:
        server.communicate()
        folder.cleanup()

    atexit.register(close)
    assert server.stdout is not None
    assert server.stdout.readline() == b"ready\n"
    return path


def serve(path: str) -> dict[str, Any]:
    """In the server: fork for each client; returns in the fork that is to be the command, with its words."""
    for name in PRELOADED:
        __import__(name)
    gc.freeze()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        listener.listen()
        threads = threading.active_count()
        assert threads == 1, f"{threads} threads: it must not fork"
        print("ready", flush=True)
        _end_with_the_tests()
        while True:
            client, _ = listener.accept()
            if os.fork() == 0:
                break
            client.close()
    return _handed_over(client)


def _end_with_the_tests() -> None:
    """A child waits for the end of stdin; a thread must not, beside a fork."""
    server = os.getpid()
    if os.fork() == 0:
        os.read(0, 1)
        with suppress(ProcessLookupError):
            os.kill(server, signal.SIGKILL)
        os._exit(0)


def _handed_over(client: socket.socket) -> dict[str, Any]:
    """What the client sent, in a fork that has taken its place; the fork that watches never comes back."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    body, descriptors = _received(client)
    pid = os.fork()
    if pid:
        for number in descriptors:
            os.close(number)
        for number in (0, 1):
            os.close(number)
        threading.Thread(target=_pass_signals_on, args=(client, pid), daemon=True).start()
        _, status = os.waitpid(pid, 0)
        with suppress(OSError):
            client.sendall(struct.pack("i", os.waitstatus_to_exitcode(status)))
        os._exit(0)
    os.setsid()
    client.close()
    for target, number in enumerate(descriptors):
        os.dup2(number, target)
        os.close(number)
    return body


def _received(client: socket.socket) -> tuple[dict[str, Any], list[int]]:
    descriptors = array.array("i")
    head, ancillary, _, _ = client.recvmsg(4, socket.CMSG_SPACE(3 * descriptors.itemsize))
    for _, _, data in ancillary:
        descriptors.frombytes(data)
    (size,) = struct.unpack("i", head)
    with client.makefile("rb") as file:
        body: dict[str, Any] = json.loads(file.read(size))
    return body, descriptors.tolist()


def _pass_signals_on(client: socket.socket, pid: int) -> None:
    """Each byte is a signal; a client that was killed takes the command along."""
    with suppress(ProcessLookupError):
        while number := client.recv(1):
            os.kill(pid, number[0])
        os.kill(pid, signal.SIGKILL)


def become(body: dict[str, Any]) -> None:
    """Run the command, as `python -m` does in a process that was just started."""
    os.chdir(body["cwd"])
    os.environ.clear()
    os.environ.update(body["environ"])
    sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115
    for name, number in (("stdout", 1), ("stderr", 2)):
        raw = open(number, "wb", closefd=False)  # noqa: SIM115
        errors = "strict" if number == 1 else "backslashreplace"
        is_terminal = raw.isatty()
        stream = io.TextIOWrapper(
            raw, encoding="utf-8", errors=errors, line_buffering=is_terminal or number == 2
        )
        setattr(sys, name, stream)
        setattr(sys, f"__{name}__", stream)
    sys.argv = ["", *body["words"]]
    code: str | int | None = 1
    # Runs after all that the command registers; then nothing is left but to take the interpreter to pieces.
    atexit.register(lambda: _end(code))
    try:
        runpy.run_module(body["module"], run_name="__main__", alter_sys=True)
        code = 0
    except SystemExit as ending:
        code = ending.code
        raise


def _end(code: str | int | None) -> None:
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):
            stream.flush()
    os._exit(code if isinstance(code, int) else 0 if code is None else 1)


if __name__ == "__main__":
    become(serve(sys.argv[1]))

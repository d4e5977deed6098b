"""Where the emulator lives and how it is started, with small programs in the emulator's place."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import stat
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from ccconsole import local
from ccconsole.errors import ConsoleError, TimedOut

LISTENER = """\
import os, socket, sys
path = next(word for word in sys.argv if word.startswith("unix:"))[5:]
with open(os.environ["STARTS"], "a") as starts:
    starts.write(f"{os.getpid()}\\n")
with socket.socket(socket.AF_UNIX) as server:
    server.bind(path)
    server.listen()
    while True:
        server.accept()[0].close()
"""


@pytest.fixture
def short(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder with a short path, for sockets, whose `r` is the runtime folder and `t` the temporary one."""
    assert tmp_path.is_dir(), "made before the temporary folder is another one"
    with tempfile.TemporaryDirectory(prefix="cc-") as folder:
        path = Path(folder)
        (path / "r").mkdir()
        (path / "t").mkdir()
        monkeypatch.setenv("XDG_RUNTIME_DIR", str(path / "r"))
        monkeypatch.setattr(tempfile, "tempdir", str(path / "t"))
        yield path


@pytest.fixture
def state(short: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A state folder, with a runtime folder of its own."""
    assert short.is_dir()
    monkeypatch.setenv("STARTS", str(tmp_path / "starts"))
    return tmp_path / "state"


def stand_in(folder: Path, monkeypatch: pytest.MonkeyPatch, code: str) -> None:
    """Let the emulator's command run `code` under this Python."""
    program = folder / "program.py"
    program.write_text(code)
    script = folder / "python"
    script.write_text(f'#!/bin/sh\nexec {sys.executable} {program} "$@"\n')
    script.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(script))


@pytest.fixture
def starts(tmp_path: Path) -> Iterator[Path]:
    """The file that holds the process ids of those that started; they are ended."""
    path = tmp_path / "starts"
    path.touch()
    yield path
    for pid in started(path):
        if is_alive(pid):
            os.kill(pid, signal.SIGKILL)


def started(path: Path) -> list[int]:
    """The process ids of those that started."""
    return [int(word) for word in path.read_text().split()]


def test_the_place_is_private_and_the_same_each_time(state: Path) -> None:
    where = local.place(state)
    assert where == local.place(state)
    assert stat.S_IMODE(where.socket.parent.stat().st_mode) == 0o700
    assert len(os.fsencode(where.socket)) <= local.MAX_SOCKET_PATH
    assert where.target == f"unix:{where.socket}"
    assert not local.is_running(where)


def test_two_state_folders_never_share_a_socket(state: Path, tmp_path: Path) -> None:
    assert local.place(state).socket != local.place(tmp_path / "other").socket


def test_a_long_runtime_folder_is_passed_over(
    state: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    long = tmp_path / ("x" * 90)
    long.mkdir()
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(long))
    where = local.place(state)
    assert not where.socket.is_relative_to(long)
    assert len(os.fsencode(where.socket)) <= local.MAX_SOCKET_PATH


def test_sessions_with_and_without_a_runtime_folder_share_the_emulator(
    state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    where = local.place(state)
    monkeypatch.delenv("XDG_RUNTIME_DIR")
    assert local.place(state) == where


def test_a_runtime_folder_that_is_gone_is_replaced(state: Path, short: Path) -> None:
    first = local.place(state)
    shutil.rmtree(short / "r")
    second = local.place(state)
    assert first.socket.is_relative_to(short / "r")
    assert second.socket.is_relative_to(short / "t")
    assert second.socket.parent.is_dir()


def test_a_folder_of_somebody_else_is_passed_over(state: Path, short: Path, tmp_path: Path) -> None:
    (short / "r" / "ccconsole").symlink_to(tmp_path)
    assert local.place(state).socket.is_relative_to(short / "t")


def test_a_state_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ConsoleError) as caught:
        local.place(tmp_path / "file" / "state")
    assert str(tmp_path / "file") in caught.value.detail
    assert "XDG_STATE_HOME" in caught.value.hint


async def test_it_is_started_once_however_many_ask(
    state: Path, starts: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stand_in(tmp_path, monkeypatch, LISTENER)
    targets = await asyncio.gather(*(local.start_emulator(state) for _ in range(5)))
    assert set(targets) == {local.place(state).target}
    (pid,) = started(starts)
    assert local.running_pid(local.place(state)) in (pid, 0)
    assert os.getsid(pid) == pid, "it must outlive this terminal"
    assert await local.start_emulator(state) == targets[0]
    assert started(starts) == [pid]


async def test_one_that_ends_is_told_with_its_last_words(
    state: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stand_in(tmp_path, monkeypatch, "print('first'); raise SystemExit('no more ports')")
    with pytest.raises(ConsoleError) as caught:
        await local.start_emulator(state)
    assert caught.value.title == "The emulator did not start"
    assert caught.value.detail == "It ended with exit code 1. Its last words: no more ports"
    assert str(local.place(state).log) in caught.value.hint


async def test_one_that_never_answers_is_given_up_and_ended(
    state: Path, starts: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    silent = "import os, signal\nopen(os.environ['STARTS'], 'a').write(f'{os.getpid()}\\n')\nsignal.pause()"
    stand_in(tmp_path, monkeypatch, silent)
    with pytest.raises(TimedOut, match="did not start"):
        await local.start_emulator(state, timeout=1)
    deadline = time.monotonic() + 10
    while any(is_alive(pid) for pid in started(starts)):
        assert time.monotonic() < deadline
        await asyncio.sleep(0.01)


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


async def test_a_log_that_grew_is_put_aside(
    state: Path, starts: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stand_in(tmp_path, monkeypatch, LISTENER)
    where = local.place(state)
    where.log.write_bytes(b"x" * (5 << 20))
    await local.start_emulator(state)
    assert where.log.stat().st_size < 1000
    assert where.log.with_suffix(".log.1").stat().st_size == 5 << 20
    assert len(started(starts)) == 1

"""The screens are tmux's, cell by cell, after synthetic streams, random sequences and real programs."""

from __future__ import annotations

import random
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from ccconsole.terminal.engine import Style, Terminal
from tests.terminal import programs, streams
from tests.terminal.oracle import Tmux
from tests.terminal.states import cells

pytestmark = pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux is not installed")

COLUMNS, ROWS = streams.COLUMNS, streams.ROWS

_SAFE = (
    "\x1b[{n}A", "\x1b[{n}B", "\x1b[{n}C", "\x1b[{n}D", "\x1b[{n}E", "\x1b[{n}F", "\x1b[{n}G",
    "\x1b[{n};{m}H", "\x1b[{n}d", "\x1b[K", "\x1b[1K", "\x1b[2K", "\x1b[J", "\x1b[1J",
    "\x1b[r\x1b[{m}d\x1b[{n}L\r", "\x1b[r\x1b[{m}d\x1b[{n}M\r", "\x1b[{n}P", "\x1b[{m}G\x1b[{n}@",
    "\x1b[{n}G\x1b[{m}X", "\x1b[{n}S", "\x1b[{n}T", "\x1bM", "\x1bD", "\x1bE", "\x1b[2;{n}r\x1b[H",
    "\x1b[r\x1b[H", "\x1b[?6h", "\x1b[?6l", "\x1b[5G\x1b[4hab\x1b[4l", "\x1b[1m", "\x1b[2m", "\x1b[3m",
    "\x1b[4m", "\x1b[7m", "\x1b[9m", "\x1b[m", "\x1b[31m", "\x1b[38;5;{n}m", "\x1b[38;2;1;2;{n}m",
    "\x1b[4:3m", "\x1b[22;24m", "\x1b(0", "\x1b(B", "\x0e", "\x0f", "\x1b)0", "\r\n", "\n", "\r",
    "\x1b[3;{n}r\x1b[3d\x1b[{n}L\r", "\x1b[3;{n}r\x1b[3d\x1b[{n}M\r", "abc", "hello world", "e\u0301", "q",
    "\t", "\x1bH", "\x1b[g", "\x1b[Z", "\rx\x1b[{n}b", "\x1bP1;2q\x1b\\", "\x1b_apc\x1b\\", "\x1b^pm\x1b\\",
    "\x1b]2;title\x07", "\x1b[?1049hxyz\x1b[3;3Habc\x1b[?1049l",
)  # fmt: skip
"""Where the two are meant to agree. Left out is what tmux does otherwise than DEC and xterm: CHT, backgrounds
of erased cells, IL and DL outside the region, their column, DECSTBM in origin mode, one saved cursor for both
screens, erasing, inserting and line feeds while the wrap is delayed, REP beyond the row, halved wide
characters, wrapping in insert mode."""


@pytest.fixture(scope="module")
def tmux(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tmux]:
    server = Tmux(tmp_path_factory.mktemp("tmux"))
    yield server
    server.close()


def _expected(rows: list[bytes], columns: int) -> list[list[tuple[str, Style]]]:
    """tmux's rows as cells; its SGR goes on from one row to the next."""
    terminal = Terminal(columns, len(rows))
    terminal.feed(b"\x1b[?7l\x1b)0" + b"".join(b"\x1b[%d;1H" % (y + 1) + row for y, row in enumerate(rows)))
    return [cells(terminal, y)[: len(terminal.line(y).text)] for y in range(len(rows))]


def _check(tmux: Tmux, data: bytes, columns: int = COLUMNS, rows: int = ROWS) -> None:
    captured, cursor = tmux.screen(data, columns, rows)
    terminal = Terminal(columns, rows)
    terminal.feed(data)
    for y, expected in enumerate(_expected(captured, columns)):
        shown = cells(terminal, terminal.history + y)
        assert shown[: len(expected)] == expected, f"row {y} of {data!r}"
        assert all(cell == " " for cell, _ in shown[len(expected) :]), f"row {y} of {data!r}"
    assert (terminal.cursor.x, terminal.cursor.y) == (min(cursor[0], columns - 1), cursor[1]), repr(data)


@pytest.mark.parametrize("name", [name for name in streams.ALL if name != "hostile bytes"])
def test_synthetic_streams(tmux: Tmux, name: str) -> None:
    _check(tmux, streams.ALL[name](30_000, 3))


@pytest.mark.parametrize("seed", range(25))
def test_random_sequences(tmux: Tmux, seed: int) -> None:
    rng = random.Random(seed)
    words = [word.format(n=rng.randint(1, 9), m=rng.randint(1, 24)) for word in rng.choices(_SAFE, k=60)]
    _check(tmux, "".join(words).encode(), 24, 8)


@pytest.mark.parametrize("program", programs.ALL, ids=lambda program: program.name)
def test_real_programs(tmux: Tmux, program: programs.Program, tmp_path: Path) -> None:
    if shutil.which(program.name) is None:
        pytest.skip(f"{program.name} is not installed")
    _check(tmux, program.record(tmp_path, COLUMNS, ROWS))

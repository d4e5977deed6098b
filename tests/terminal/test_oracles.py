"""Two other terminals show the same, cell by cell: tmux and libghostty."""

from __future__ import annotations

import random
import shutil
from collections.abc import Iterator
from typing import Protocol

import pytest

from tests.terminal import ghostty, programs, streams
from tests.terminal.cases import CASES, Case
from tests.terminal.ghostty import Died, Ghostty
from tests.terminal.states import LinkedCell, fed, linked_cells
from tests.terminal.tmux import Tmux

COLUMNS, ROWS = streams.COLUMNS, streams.ROWS

_WORDS = (
    "\x1b[{n}A", "\x1b[{n}B", "\x1b[{n}C", "\x1b[{n}D", "\x1b[{n}E", "\x1b[{n}F", "\x1b[{n}G",
    "\x1b[{n};{m}H", "\x1b[{n}d", "\x1b[K", "\x1b[1K", "\x1b[2K", "\x1b[J", "\x1b[1J",
    "\x1b[{n}P", "\x1b[{n}G\x1b[{m}X", "\x1b[{n}S", "\x1b[{n}T", "\x1bM", "\x1bD", "\x1bE",
    "\x1b[2;{n}r\x1b[H", "\x1b[r\x1b[H", "\x1b[?6h", "\x1b[?6l", "\x1b[1m", "\x1b[2m", "\x1b[3m", "\x1b[4m",
    "\x1b[7m", "\x1b[9m", "\x1b[m", "\x1b[31m", "\x1b[38;5;{n}m", "\x1b[38;2;1;2;{n}m", "\x1b[4:3m",
    "\x1b[22;24m", "\x1b(0", "\x1b(B", "\x0e", "\x0f", "\x1b)0", "\r\n", "\n", "\r", "abc", "hello world",
    "q", "\t", "\x1bH", "\x1b[0g", "\x1b[Z", "\x1bP1;2q\x1b\\", "\x1b_apc\x1b\\", "\x1b^pm\x1b\\",
    "\x1b]2;title\x07",
)  # fmt: skip
"""What all three are meant to do alike."""

_FOR_TMUX = (
    "\x1b[r\x1b[{m}d\x1b[{n}L\r", "\x1b[r\x1b[{m}d\x1b[{n}M\r", "\x1b[3;{n}r\x1b[3d\x1b[{n}L\r",
    "\x1b[3;{n}r\x1b[3d\x1b[{n}M\r", "\x1b[{n}G\x1b[3@", "\x1b[5G\x1b[4hab\x1b[4l", "\rx\x1b[{n}b",
    "e\u0301", "\x1b[?1049hxyz\x1b[3;3Habc\x1b[?1049l",
)  # fmt: skip
"""Left out is what tmux does otherwise than DEC and xterm: CHT, backgrounds of erased cells, IL and DL
outside the region, their column, DECSTBM in origin mode, one saved cursor for both screens, erasing,
inserting and line feeds while the wrap is delayed, REP beyond the row, halved wide characters, wrapping in
insert mode, ICH of more than half of what is there (some of it stays)."""

_FOR_GHOSTTY = (
    "\x1b[{n}L", "\x1b[{n}M", "\x1b[{n}@", "\x1b[4h", "\x1b[4l", "\x1b[?7l", "\x1b[?7h", "\b", "\x1b[2J",
    "x\x1b[{m}b", "\x1b[{n}I", "\x1b[2;{n}r", "\x1b7", "\x1b8", "\x1b[?47h", "\x1b[?47l", "\x1b[?1047h",
    "\x1b[?1047l",
)  # fmt: skip
_STYLES_FOR_GHOSTTY = (
    "\x1b[5m", "\x1b[8m", "\x1b[53m", "\x1b[21m", "\x1b[4:5m", "\x1b[44m", "\x1b[48;5;{m}m",
    "\x1b[48:2::1:{n}:3m", "\x1b[49m", "\x1b[58:5:{n}m", "\x1b[59m", "\x1b]8;;http://a/{n}\x1b\\ab\x1b]8;;\x1b\\",
)  # fmt: skip
_WIDE_FOR_GHOSTTY = tuple(f"\x1b(B\x0f{text}" for text in ("日本", "x日", "e\u0301", "👨‍👩‍👧", "🇩🇪"))
"""Left out is what libghostty does otherwise: the style of half a wide character whose other half is gone (so
these come apart from the styles), wide characters among DEC's graphics, REP of clusters (it repeats their
first code point), CHA in origin mode (it moves down too), a cluster that grows wide in the last column, the
background of a screen that 1049 cleared, DECALN's colours, a link across DECRC and the switch of the screen,
a mark on a blank cell."""

_OF_GHOSTTY = {
    "nothing of NUL and DEL": "it prints DEL",
    "clear tab": "CSI g without a parameter clears nothing",
    "scroll down as ECMA-48 misprinted it": "CSI ^ is unknown to it",
    "soft reset ends the region": "DECSTR is unknown to it",
    "soft reset ends origin mode": "DECSTR is unknown to it",
    "soft reset ends insert mode": "DECSTR is unknown to it",
    "soft reset ends graphics": "DECSTR is unknown to it",
    "soft reset homes the saved cursor": "DECSTR is unknown to it",
    "the blank among the graphics": "it shows the underscore",
    "a parameter too many": "it ignores the sequence",
    "8-bit CSI": "C1 controls in UTF-8 mean nothing to it",
    "8-bit IND": "C1 controls in UTF-8 mean nothing to it",
    "8-bit NEL": "C1 controls in UTF-8 mean nothing to it",
    "8-bit HTS": "C1 controls in UTF-8 mean nothing to it",
    "8-bit RI": "C1 controls in UTF-8 mean nothing to it",
    "8-bit SS2": "C1 controls in UTF-8 mean nothing to it",
    "8-bit OSC and ST": "C1 controls in UTF-8 mean nothing to it",
    "8-bit DCS and APC": "C1 controls in UTF-8 mean nothing to it",
    "8-bit CSI in the delay": "C1 controls in UTF-8 mean nothing to it",
}
"""Cases of the table that libghostty shows otherwise."""


class Oracle(Protocol):
    """Another terminal."""

    def screen(self, data: bytes, columns: int, rows: int) -> tuple[list[list[LinkedCell]], tuple[int, int]]:
        """The rows, perhaps without blanks at their ends, and the cursor's column and row."""
        ...


@pytest.fixture(scope="module")
def tmux(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tmux]:
    if shutil.which("tmux") is None:
        pytest.skip("tmux is not installed")
    server = Tmux(tmp_path_factory.mktemp("tmux"))
    yield server
    server.close()


@pytest.fixture(scope="module")
def libghostty() -> Iterator[Ghostty]:
    if not ghostty.IS_INSTALLED:
        pytest.skip("libghostty is not installed: pip install -e '.[oracles]'")
    child = Ghostty()
    yield child
    child.close()


@pytest.fixture(scope="module", params=["tmux", "libghostty"])
def oracle(request: pytest.FixtureRequest) -> Oracle:
    found: Oracle = request.getfixturevalue(request.param)
    return found


@pytest.fixture(scope="module")
def recordings(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """What the programs printed that are installed here."""
    return {
        program.name: program.record(tmp_path_factory.mktemp(program.name), COLUMNS, ROWS)
        for program in programs.ALL
        if shutil.which(program.name) is not None
    }


def check(oracle: Oracle, data: bytes, columns: int = COLUMNS, rows: int = ROWS) -> None:
    """Compare the screens."""
    try:
        grid, cursor = oracle.screen(data, columns, rows)
    except Died as death:
        pytest.skip(f"libghostty died on it, {death}")
    terminal = fed(data, columns, rows)
    for y, expected in enumerate(grid):
        shown = linked_cells(terminal, terminal.history + y)
        assert shown[: len(expected)] == expected, f"row {y} of {data!r}"
        assert all(text == " " for text, *_ in shown[len(expected) :]), f"row {y} of {data!r}"
    assert (terminal.cursor.x, terminal.cursor.y) == cursor, repr(data)


def random_stream(words: tuple[str, ...], seed: int) -> bytes:
    rng = random.Random(seed)
    chosen = [word.format(n=rng.randint(1, 9), m=rng.randint(1, 24)) for word in rng.choices(words, k=60)]
    return "".join(chosen).encode()


@pytest.mark.parametrize("name", [name for name in streams.ALL if name != "hostile bytes"])
def test_synthetic_streams(oracle: Oracle, name: str) -> None:
    check(oracle, streams.ALL[name](15_000, 3))


@pytest.mark.parametrize("name", [program.name for program in programs.ALL])
def test_real_programs(oracle: Oracle, recordings: dict[str, bytes], name: str) -> None:
    if name not in recordings:
        pytest.skip(f"{name} is not installed")
    check(oracle, recordings[name])


@pytest.mark.parametrize("seed", range(20))
def test_random_sequences_beside_tmux(tmux: Tmux, seed: int) -> None:
    check(tmux, random_stream(_WORDS + _FOR_TMUX, seed), 24, 8)


@pytest.mark.parametrize("more", [_STYLES_FOR_GHOSTTY, _WIDE_FOR_GHOSTTY], ids=["styles", "wide characters"])
@pytest.mark.parametrize("seed", range(20))
def test_random_sequences_beside_libghostty(libghostty: Ghostty, seed: int, more: tuple[str, ...]) -> None:
    left_out = ("G", "m") if more is _WIDE_FOR_GHOSTTY else ("G",)
    words = tuple(word for word in _WORDS if not any(final in word for final in left_out))
    check(libghostty, random_stream(words + _FOR_GHOSTTY + more, seed), 24, 8)


def test_cases_beside_libghostty(libghostty: Ghostty) -> None:
    """It shows what the table expects, but where it is known not to."""

    def is_alike(case: Case) -> bool:
        grid, cursor = libghostty.screen(case.sent.encode(), 10, 4)
        rows = ["".join(text for text, *_ in row).rstrip(" ") for row in grid]
        return rows == case.rows + [""] * (4 - len(case.rows)) and case.cursor in (None, cursor)

    assert {case.name for case in CASES if not is_alike(case)} == set(_OF_GHOSTTY)

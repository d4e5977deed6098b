"""Equal bytes give an equal terminal, however they are cut."""

from __future__ import annotations

import itertools
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ccconsole.terminal.engine import Terminal
from tests.terminal import streams
from tests.terminal.states import state

_WORDS = [
    b"a", b"hello", b" ", "é".encode(), "e\u0301".encode(), "\u0301".encode(), "日本".encode(),
    "👨‍👩‍👧".encode(), "🇩🇪".encode(), "\u200d".encode(), "❤️".encode(), "\ufeff".encode(), "각".encode(),
    "\u11a8".encode(), "\U00100000".encode(), b"\r\n", b"\n", b"\r", b"\b", b"\t", b"\x0e", b"\x0f",
    b"\x07", b"\x18", b"\x1b", b"\xff", b"\xf0\x9f", b"\x1b[", b"\x1b]", b"\x1bP", b"\x1b\\", b"\x1b[31m",
    b"\x1b[0m", b"\x1b[44m", b"\x1b[7m", b"\x1b[K", b"\x1b[1K", b"\x1b[2J", b"\x1b[J", b"\x1b[H",
    b"\x1b[3;4H", b"\x1b[2;4r", b"\x1b[r", b"\x1b[L", b"\x1b[M", b"\x1b[P", b"\x1b[@", b"\x1b[3X",
    b"\x1b[3b", b"\x1b[S", b"\x1b[T", b"\x1bM", b"\x1b7", b"\x1b8", b"\x1b(0", b"\x1b(B", b"\x1b[4h",
    b"\x1b[4l", b"\x1b[?7l", b"\x1b[?7h", b"\x1b[?1049h", b"\x1b[?1049l", b"\x1b[?6h", b"\x1b[6n",
    b"\x1b[c", b"\x1bc", b"\x1b[!p", b"\x1b]0;title\x07", b"\x1b]8;;http://x\x1b\\", b"\x1b]8;;\x1b\\",
    b"\xc2\x9b31m", b"\xc2\x85", b"\x1b[1\n2C", b"line one\r\nline two\r\nline three\r\n",
    b"a long line that does not fit into the columns\r\n" * 3,
    b"\x1b[32mgreen\x1b[0m\r\nplain\r\n\x1b[1mbold\r\nstill\x1b[m\r\n" * 2,
    "日本語\r\n한국어テキスト長い行\r\n👍🏽x\r\n".encode() * 2,
]  # fmt: skip
_PIECES = st.sampled_from(_WORDS)


@given(
    st.lists(_PIECES, max_size=40),
    st.lists(st.integers(0, 400), max_size=12),
    st.integers(2, 14),
    st.integers(1, 6),
)
@settings(max_examples=200, deadline=None, derandomize=True)
def test_bytes_may_be_cut_anywhere(pieces: list[bytes], cuts: list[int], columns: int, rows: int) -> None:
    data = b"".join(pieces)
    whole = Terminal(columns, rows)
    whole.feed(data)
    parts = Terminal(columns, rows)
    bounds = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    for start, stop in itertools.pairwise(bounds):
        parts.feed(data[start:stop])
    assert state(parts) == state(whole)


@given(st.lists(_PIECES, max_size=20), st.integers(2, 14), st.integers(1, 6))
@settings(max_examples=100, deadline=None, derandomize=True)
def test_bytes_may_come_one_by_one(pieces: list[bytes], columns: int, rows: int) -> None:
    data = b"".join(pieces)
    whole = Terminal(columns, rows)
    whole.feed(data)
    parts = Terminal(columns, rows)
    for at in range(len(data)):
        parts.feed(data[at : at + 1])
    assert state(parts) == state(whole)


@pytest.mark.parametrize("name", streams.ALL)
def test_streams_may_be_cut_anywhere(name: str) -> None:
    data = streams.ALL[name](30_000, 7)
    whole = Terminal(streams.COLUMNS, streams.ROWS)
    whole.feed(data)
    parts = Terminal(streams.COLUMNS, streams.ROWS)
    rng = random.Random(7)
    at = 0
    while at < len(data):
        step = rng.choice((1, 3, 50, 900, 5000))
        parts.feed(data[at : at + step])
        at += step
    assert state(parts) == state(whole)


@pytest.mark.parametrize(
    "text",
    [
        "\x1b[4h❤\ufe0f",
        "\x1b(0e\u0301",
        "\U00100000\u0301",
        "\x1b[12C❤\ufe0f\n\n",
        "a\u200b\u0301",
        "\u0600\u0661",
        "👨\u200d👩\u200d👧\u200d👦",
        "\x1b[?7l\x1b[12C❤\ufe0fx",
    ],
)
def test_clusters_join_over_a_cut(text: str) -> None:
    """Each was found by mutation."""
    data = text.encode()
    whole = Terminal(11, 3)
    whole.feed(data)
    parts = Terminal(11, 3)
    for at in range(len(data)):
        parts.feed(data[at : at + 1])
    assert state(parts) == state(whole)

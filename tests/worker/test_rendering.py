"""Terminal output as the text it leaves behind, held to the console's engine."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ccconsole.terminal.engine import Terminal
from tests.terminal import streams
from worker_service.rendering import TextRenderer

WORDS = [
    b"a", b"hello", b" ", "é".encode(), "e\u0301".encode(), "日本".encode(), "👨‍👩‍👧".encode(),
    "🇩🇪".encode(), "❤️".encode(), "각".encode(), b"\r\n", b"\n", b"\r", b"\b", b"\t", b"\x07", b"\x18",
    b"\x1b]", b"\x1b\\", b"\x1b[31m", b"\x1b[7m", b"\x1b[K", b"\x1b[1K", b"\x1b[2K", b"\x1b[2J", b"\x1b[J",
    b"\x1b[1J", b"\x1b[H", b"\x1b[3;4H", b"\x1b[2;4r", b"\x1b[r", b"\x1b[L", b"\x1b[M", b"\x1b[P",
    b"\x1b[@", b"\x1b[3X", b"\x1b[3b", b"\x1b[S", b"\x1b[T", b"\x1bM", b"\x1bD", b"\x1bE", b"\x1b7",
    b"\x1b8", b"\x1b[s", b"\x1b[u", b"\x1b[2A", b"\x1b[B", b"\x1b[3C", b"\x1b[2D", b"\x1b[2E", b"\x1b[F",
    b"\x1b[5G", b"\x1b[2d", b"\x1b[?7l", b"\x1b[?7h", b"\x1b[?1049h", b"\x1b[?1049l", b"\x1b[?47h",
    b"\x1b[?47l", b"\x1bc", b"\x1b[!p", b"\x1b]0;title\x07", b"\x1b]8;;http://x\x1b\\", b"\xc2\x9b31m",
    b"\xc2\x85", b"\x1b[6n", b"\x1b[>c", b"\x1b[?25l", b"line one\r\nline two\r\nline three\r\n",
    b"a long line that does not fit into the columns\r\n" * 9,
    b"\x1b[32mgreen\x1b[0m\r\nplain\r\n\x1b[1mbold\r\nstill\x1b[m\r\n" * 3,
    "日本語\r\n한국어テキスト長い行\r\n👍🏽x\r\n".encode() * 4,
]  # fmt: skip


def rendered(data: bytes, columns: int = 20, rows: int = 5, cuts: list[int] | None = None) -> str:
    renderer = TextRenderer(columns, rows)
    bounds = [0, *sorted(min(cut, len(data)) for cut in cuts or ()), len(data)]
    parts = [renderer.feed(data[start:stop]) for start, stop in itertools.pairwise(bounds)]
    return "".join([*parts, renderer.close()])


def stripped(text: str) -> str:
    return "\n".join(line.rstrip() for line in text.split("\n")).strip("\n")


@given(
    st.lists(st.sampled_from(WORDS), max_size=30),
    st.lists(st.integers(0, 300), max_size=6),
    st.integers(3, 14),
    st.integers(1, 6),
)
@settings(max_examples=300, deadline=None, derandomize=True)
def test_it_leaves_the_text_that_the_console_shows(
    words: list[bytes], cuts: list[int], columns: int, rows: int
) -> None:
    data = b"".join(words) + b"\x1b[?1049l"
    terminal = Terminal(columns, rows)
    terminal.feed(data)
    assert stripped(rendered(data, columns, rows)) == stripped(terminal.text())
    ascii_only = data.decode().encode("ascii", "ignore")
    assert rendered(ascii_only, columns, rows, cuts) == rendered(ascii_only, columns, rows)


@pytest.mark.parametrize("name", [name for name in streams.ALL if name not in ("yes", "hostile bytes")])
def test_it_leaves_the_text_of_programs(name: str) -> None:
    data = streams.ALL[name](60_000, 5) + b"\x1b[?1049l"
    terminal = Terminal(streams.COLUMNS, streams.ROWS)
    terminal.feed(data)
    cuts = list(range(0, len(data), 16 << 10))
    assert stripped(rendered(data, streams.COLUMNS, streams.ROWS, cuts)) == stripped(terminal.text())


def test_a_progress_bar_is_one_line() -> None:
    steps = b"".join(b"\r%3d%% [%-10s]" % (step, b"#" * (step // 10)) for step in range(101))
    assert rendered(b"begin\r\n" + steps + b"\r\nend\r\n", 40, 5) == "begin\n100% [##########]\nend\n"


def test_lines_drawn_anew_are_told_once() -> None:
    frame = b"\x1b[2K\x1b[1A\x1b[2K\x1b[1A\x1b[2K\x1b[G"
    frames = b"".join(b"tool %d\r\nworking\r\n" % n + frame for n in range(50))
    assert rendered(frames + b"done\r\n", 40, 10) == "done\n"


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"\x1b[1;31mred\x1b[m\r\n", "red\n"),
        (b"\x1b]0;title\x07a\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\", "alink\n"),
        (b"10%\r20%\r\n", "20%\n"),
        (b"\x1b(B\x1b=a\x07b", "ab\n"),
        ("é €\n".encode(), "é €\n"),
        (b"\x1b[?1049hvim\x1b[?1049lafter\r\n", "after\n"),
        (b"caf\xc3\xa9 \xff\xe2\x82", "café \ufffd\ufffd\n"),
        (b"a line that is longer than the screen\r\n", "a line that is longer than the screen\n"),
        (b"", ""),
    ],
)
def test_however_it_is_cut(data: bytes, text: str) -> None:
    for size in range(1, len(data) + 1):
        assert rendered(data, 20, 5, list(range(0, len(data), size))) == text, size


def test_another_size_loses_nothing() -> None:
    renderer = TextRenderer(20, 6)
    text = renderer.feed(b"".join(b"line %d\r\n" % n for n in range(5)))
    renderer.resize(0, 2)
    renderer.resize(100_000, 8)
    text += renderer.feed(b"and on\r\n") + renderer.close()
    assert text.split("\n") == [*(f"line {n}" for n in range(5)), "and on", ""]
    assert renderer.feed(b"new") + renderer.close() == "new\n"


def test_hostile_sequences_are_read_in_bounded_time() -> None:
    renderer = TextRenderer(80, 24)
    for hostile in (
        b"\x1b]" * 30_000,
        b"\x1b[" * 30_000,
        b"\x1b]" + b"x" * 60_000,
        b"\x07\x1b[" + b"1;" * 30_000,
        b"\x1b[99999999999999999S\x1b[99999L\x1b[99999@" * 3000,
        b"\x1b[31m" * 20_000,
        "\u0301".encode() * 20_000,
    ):
        renderer.feed(hostile)
    assert (renderer.feed(b"\x1b\\\x1b[2J\x1b[Hdone") + renderer.close()).endswith("done\n")

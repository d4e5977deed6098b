"""Any bytes at all: no exception, bounded memory, work that grows with the bytes and no faster."""

from __future__ import annotations

import random
import sys
import tracemalloc
from collections.abc import Callable
from types import FrameType
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ccconsole.terminal.engine import Terminal, styles
from ccconsole.terminal.engine.screen import MAX_REPLIES
from tests.terminal import streams
from tests.terminal.states import fed, screen, state

ATTACKS: dict[str, Callable[[int], bytes]] = {
    "unfinished CSI": lambda n: b"\x1b[" + b"1;" * (n // 2),
    "unfinished OSC": lambda n: b"\x1b]0;" + b"x" * n,
    "unfinished APC": lambda n: b"\x1b_" + b"x" * n,
    "aborted CSI": lambda n: b"\x1b[1" * (n // 3),
    "aborted strings": lambda n: b"\x1b]\x18" * (n // 3),
    "BEL in DCS": lambda n: b"\x1bP\x07" * (n // 3),
    "SGR without end": lambda n: b"\x1b[1ma" * (n // 5),
    "half lines": lambda n: b"a\r\n\x1b[1mb\x1b[H" * (n // 11),
    "line feeds": lambda n: b"\n" * n,
    "scrolls": lambda n: b"\x1b[99S" * (n // 5),
    "reverse scrolls": lambda n: b"\x1b[H\x1bM" * (n // 5),
    "repeats": lambda n: b"a\x1b[65535b" * (n // 9),
    "clears": lambda n: b"\x1b[2J" * (n // 4),
    "inserted lines": lambda n: b"\x1b[65535L" * (n // 8),
    "queries": lambda n: b"\x1b[c" * (n // 3),
    "switches": lambda n: b"\x1b[?1049h\x1b[?1049l" * (n // 16),
    "colours": lambda n: b"".join(
        b"\x1b[38;2;%d;%d;%dmx" % (i >> 16, i >> 8 & 255, i & 255) for i in range(n // 17)
    ),
    "links": lambda n: b"".join(b"\x1b]8;;http://%d\x07x" % i for i in range(n // 18)),
    "marks": lambda n: b"e" + "\u0301".encode() * (n // 2),
    "clusters": lambda n: "".join(
        f"e{chr(0x300 + i % 112)}{chr(0x300 + i // 112 % 112)}" for i in range(n // 5)
    ).encode(),
    "joiners": lambda n: "👨\u200d".encode() * (n // 7),
    "random": lambda n: random.Random(1).randbytes(n),
}


@pytest.mark.parametrize("name", ATTACKS)
def test_an_attack_is_survived(name: str) -> None:
    terminal = Terminal(80, 24, scrollback_lines=500)
    terminal.feed(ATTACKS[name](10_000))
    terminal.feed(b"\x18\x1b\\\x1bc\x1b[2;3Halive")
    assert screen(terminal)[1] == "  alive"


def _operations(feed: Callable[[], None]) -> int:
    """Calls of functions, Python's and C's, as a measure of work that no busy machine changes."""
    count = 0

    def profile(_frame: FrameType, event: str, _argument: Any) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    sys.setprofile(profile)
    try:
        feed()
    finally:
        sys.setprofile(None)
    return count


@pytest.mark.parametrize("name", ATTACKS)
@pytest.mark.parametrize("piece", [64, 1 << 16])
def test_work_is_linear(name: str, piece: int) -> None:
    """Twice the bytes cost at most about twice the calls, in small pieces and in large ones."""

    def work(size: int) -> int:
        data = ATTACKS[name](size)
        terminal = Terminal(80, 24, scrollback_lines=200)

        def feed() -> None:
            for at in range(0, len(data), piece):
                terminal.feed(data[at : at + piece])

        return _operations(feed)

    assert work(3_000) <= 2.5 * work(1_500) + 500


def test_pending_text_stays_short() -> None:
    """What waits for the next chunk is bounded, else small pieces would be read again and again."""
    for start in (b"\x1b[", b"\x1b]52;c;", b"\x1b_", b"\x1b(" + b" " * 10):
        terminal = Terminal(80, 24)
        terminal.feed(start)
        for _ in range(3000):
            terminal.feed(b" " * 64)
        assert len(terminal._parser._pending) <= 1100


def test_strings_beyond_the_limit_do_nothing() -> None:
    assert fed(b"\x1b]2;" + b"x" * (2 << 20) + b"\x07").title == ""
    terminal = Terminal(20, 5)
    for piece in (b"\x1b]2;", *[b"x" * 50_000] * 30, b"\x07ok"):
        terminal.feed(piece)
    assert (terminal.title, screen(terminal)[0]) == ("", "ok")


def test_long_sequences_are_ignored_however_they_come() -> None:
    data = b"\x1b[" + b"0" * 3000 + b"5Cx"
    whole = fed(data)
    parts = Terminal(20, 5)
    for at in range(len(data)):
        parts.feed(data[at : at + 1])
    assert screen(whole)[0] == screen(parts)[0] == "x"


def test_replies_are_bounded() -> None:
    assert len(fed(b"\x1b[c" * 50_000).take_replies()) < MAX_REPLIES + 100


def test_styles_are_bounded_and_go_on_working(monkeypatch: pytest.MonkeyPatch) -> None:
    assert styles.MAX_STYLES + styles.MAX_DEGRADED < 0xD800, "a surrogate is no style"
    monkeypatch.setattr(styles, "MAX_STYLES", 1000)
    terminal = Terminal(80, 24, scrollback_lines=10)
    terminal.feed(
        b"".join(b"\x1b[38;2;%d;%d;%dmx" % (i >> 16, i >> 8 & 255, i & 255) for i in range(0, 1 << 24, 1999))
    )
    assert 1000 < len(terminal._screen.table.styles) <= 1000 + styles.MAX_DEGRADED
    terminal.feed(b"\x1b[H\x1b[0;38;2;255;0;0mred\x1b[0m")
    assert terminal.style(terminal.line(terminal.history).styles[0]).foreground in (0x1FF0000, 196)


@given(st.binary(max_size=400), st.integers(1, 12), st.integers(1, 5))
@settings(max_examples=200, deadline=None, derandomize=True)
def test_any_bytes(data: bytes, columns: int, rows: int) -> None:
    terminal = Terminal(columns, rows)
    terminal.feed(data)
    for number in range(terminal.line_count):
        line = terminal.line(number)
        assert len(line.text) == len(line.styles) <= columns
    assert 0 <= terminal.cursor.x < columns
    assert 0 <= terminal.cursor.y < rows


@pytest.mark.parametrize("seed", range(30))
def test_mutated_streams_with_resizes(seed: int) -> None:
    rng = random.Random(seed)
    data = bytearray(streams.hostile(20_000, seed))
    for _ in range(rng.randint(1, 200)):
        at = rng.randrange(len(data))
        match rng.randrange(3):
            case 0:
                data[at] = rng.randrange(256)
            case 1:
                del data[at : at + rng.randint(1, 30)]
            case _:
                data[at:at] = data[rng.randrange(len(data)) :][: rng.randint(1, 60)]
    terminal = Terminal(rng.randint(1, 130), rng.randint(1, 50), scrollback_lines=300)
    at = 0
    while at < len(data):
        step = rng.choice((1, 7, 100, 3000))
        terminal.feed(bytes(data[at : at + step]))
        at += step
        if rng.random() < 0.1:
            terminal.resize(rng.randint(1, 130), rng.randint(1, 50))
        if rng.random() < 0.05:
            terminal.text()
    columns = terminal.columns
    state(terminal)
    assert all(len(terminal.line(terminal.history + y).text) <= columns for y in range(terminal.rows))
    assert terminal.history <= 300


def test_memory_is_bounded_whatever_comes() -> None:
    """What is held after mutated streams and resizes stays small, and does not go on growing."""
    rng = random.Random(5)
    tracemalloc.start()
    try:
        terminal = Terminal(80, 24, scrollback_lines=200)
        for number in range(12):
            data = bytearray(streams.hostile(10_000, number % 3))
            for at in rng.sample(range(len(data)), 100):
                data[at] = rng.randrange(256)
            terminal.feed(bytes(data))
            terminal.resize(rng.randint(1, 200), rng.randint(1, 80))
            terminal.take_replies()
        held, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert held < 3 << 20
    assert peak < 12 << 20

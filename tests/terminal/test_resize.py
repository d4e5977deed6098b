"""Another size: no text is lost, wrapped lines find together, the cursor stays on its character."""

from __future__ import annotations

import random

import pytest

from ccconsole.terminal.engine import Terminal
from ccconsole.terminal.engine.reflow import REFLOWED_LINES
from tests.terminal import streams
from tests.terminal.states import fed, screen


def test_wrapped_lines_are_wrapped_anew() -> None:
    terminal = fed("0123456789abcdefghij\r\nshort", 10, 4)
    terminal.resize(5, 6)
    assert terminal.text() == "0123456789abcdefghij\nshort"
    assert screen(terminal) == ["01234", "56789", "abcde", "fghij", "short", ""]
    terminal.resize(20, 4)
    assert screen(terminal) == ["0123456789abcdefghij", "short", "", ""]


def test_the_cursor_stays_on_its_character() -> None:
    terminal = fed("0123456789abcdefghij\x1b[2;3H", 10, 4)
    terminal.resize(6, 4)
    terminal.feed(b"X")
    assert terminal.text() == "0123456789abXdefghij"


def test_a_delayed_wrap_survives() -> None:
    terminal = fed("0123456789", 10, 4)
    terminal.resize(5, 4)
    terminal.feed(b"X")
    assert terminal.text() == "0123456789X"


def test_wide_characters_are_not_halved() -> None:
    terminal = fed("日本語テキスト", 14, 4)
    for columns in (5, 3, 2, 7, 14):
        terminal.resize(columns, 4)
        assert terminal.text() == "日本語テキスト"


def test_rows_go_to_the_scrollback_and_come_back() -> None:
    terminal = fed("a\r\nb\r\nc\r\nd", 10, 4)
    terminal.resize(10, 2)
    assert (screen(terminal), terminal.history) == (["c", "d"], 2)
    terminal.resize(10, 4)
    assert (screen(terminal), terminal.history) == (["a", "b", "c", "d"], 0)


def test_a_long_scrollback_is_wrapped_anew_near_its_end() -> None:
    long = "x" * 15
    terminal = fed("".join(f"{number}{long}\r\n" for number in range(REFLOWED_LINES + 200)), 10, 4)
    wrapped = terminal.line_count
    terminal.resize(40, 4)
    assert wrapped - terminal.line_count >= REFLOWED_LINES // 2
    assert screen(terminal)[:3] == [f"{REFLOWED_LINES + number}{long}" for number in (197, 198, 199)]


def test_blank_rows_below_the_cursor_go_first() -> None:
    terminal = fed("a\r\nb", 10, 6)
    terminal.resize(10, 2)
    assert (screen(terminal), terminal.history) == (["a", "b"], 0)


def test_the_alternate_screen_is_cut_and_the_main_one_kept() -> None:
    terminal = fed("main line\x1b[?1049h\x1b[Halternate", 10, 4)
    terminal.resize(4, 2)
    assert screen(terminal) == ["alte", ""]
    terminal.resize(10, 4)
    terminal.feed(b"\x1b[?1049l!")
    assert terminal.text() == "main line!"


def test_margins_are_reset_and_tabs_go_on() -> None:
    terminal = fed("\x1b[2;3r", 10, 4)
    terminal.resize(30, 4)
    terminal.feed(b"\x1b[4;1H\n\t\t\tX")
    assert screen(terminal)[3] == " " * 24 + "X"


def test_sizes_are_clamped() -> None:
    terminal = Terminal(0, -5)
    assert (terminal.columns, terminal.rows) == (1, 1)
    terminal.resize(10**9, 10**9)
    assert (terminal.columns, terminal.rows) == (1000, 1000)


@pytest.mark.parametrize("name", ["plain lines", "ls --color", "compiler", "wide Unicode"])
def test_no_text_is_lost(name: str) -> None:
    terminal = Terminal(90, 20)
    terminal.feed(streams.ALL[name](20_000, 5))
    text = terminal.text()
    rng = random.Random(5)
    for _ in range(12):
        terminal.resize(rng.randint(10, 130), rng.randint(1, 50))
        assert terminal.text() == text

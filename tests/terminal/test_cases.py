"""The table of cases, and what sequences do to styles."""

from __future__ import annotations

import pytest

from ccconsole.terminal.engine import Style
from ccconsole.terminal.engine.colours import RGB
from ccconsole.terminal.engine.styles import (
    BLINK,
    BOLD,
    DIM,
    INVISIBLE,
    ITALIC,
    OVERLINE,
    REVERSE,
    STRIKE,
)
from tests.terminal.cases import CASES, SOURCES, Case
from tests.terminal.states import cells, fed, screen


def test_every_case_has_its_own_name() -> None:
    assert len({case.name for case in CASES}) == len(CASES)


def test_every_case_says_where_its_screen_is_written() -> None:
    assert {case.source for case in CASES} == set(SOURCES)


@pytest.mark.parametrize("case", CASES, ids=[f"{case.source}: {case.name}" for case in CASES])
def test_case(case: Case) -> None:
    terminal = fed(case.sent, 10, 4)
    assert screen(terminal) == case.rows + [""] * (4 - len(case.rows))
    if case.cursor is not None:
        assert (terminal.cursor.x, terminal.cursor.y) == case.cursor


STYLES: list[tuple[str, Style]] = [
    ("", Style()),
    ("1", Style(attributes=BOLD)),
    ("2", Style(attributes=DIM)),
    ("3", Style(attributes=ITALIC)),
    ("4", Style(underline=1)),
    ("5", Style(attributes=BLINK)),
    ("7", Style(attributes=REVERSE)),
    ("8", Style(attributes=INVISIBLE)),
    ("9", Style(attributes=STRIKE)),
    ("53", Style(attributes=OVERLINE)),
    ("1;3;4", Style(attributes=BOLD | ITALIC, underline=1)),
    ("21", Style(underline=2)),
    ("4:3", Style(underline=3)),
    ("4:0", Style()),
    ("4:5", Style(underline=5)),
    ("4:6", Style(underline=1)),
    ("1;22", Style()),
    ("2;22", Style()),
    ("3;23", Style()),
    ("4:3;24", Style()),
    ("7;27", Style()),
    ("9;29", Style()),
    ("53;55", Style()),
    ("31", Style(foreground=1)),
    ("97", Style(foreground=15)),
    ("44", Style(background=4)),
    ("100", Style(background=8)),
    ("31;39", Style()),
    ("41;49", Style()),
    ("38;5;196", Style(foreground=196)),
    ("48;5;21", Style(background=21)),
    ("38:5:196", Style(foreground=196)),
    ("38;2;1;2;3", Style(foreground=RGB | 0x010203)),
    ("38:2::1:2:3", Style(foreground=RGB | 0x010203)),
    ("38:2:1:2:3", Style(foreground=RGB | 0x010203)),
    ("48:2::1:2:3", Style(background=RGB | 0x010203)),
    ("58:5:9", Style(underline_colour=9)),
    ("58;2;1;2;3", Style(underline_colour=RGB | 0x010203)),
    ("58:5:9;59", Style()),
    ("38;5;196;1", Style(foreground=196, attributes=BOLD)),
    ("38:5:196;48:5:2;1", Style(foreground=196, background=2, attributes=BOLD)),
    ("31;0", Style()),
    ("31;", Style()),
    ("38;5", Style()),
    ("38;2;1;2", Style()),
    ("38:9:1;1", Style(attributes=BOLD)),
    ("1;999;3", Style(attributes=BOLD | ITALIC)),
]


@pytest.mark.parametrize(("parameters", "style"), STYLES)
def test_rendition(parameters: str, style: Style) -> None:
    assert cells(fed(f"\x1b[{parameters}mx"), 0)[0] == ("x", style)


def test_erasing_keeps_the_background_alone() -> None:
    shown = cells(fed("\x1b[1;31;44mab\x1b[K"), 0)
    assert shown[1][1] == Style(1, 4, BOLD)
    assert shown[2] == shown[19] == (" ", Style(background=4))


@pytest.mark.parametrize(
    "sequence", ["\x1b[2J", "\x1b[2K", "\x1b[20X", "\x1b[20@", "\x1b[20P", "\x1b[L", "\x1b[T"]
)
def test_all_that_blanks_uses_the_background(sequence: str) -> None:
    assert cells(fed(f"abc\r\x1b[42m{sequence}"), 0)[0] == (" ", Style(background=2))


def test_scrolling_brings_in_the_background() -> None:
    terminal = fed("\x1b[5;1H\x1b[43m\n")
    assert cells(terminal, terminal.line_count - 1)[7] == (" ", Style(background=3))


def test_links() -> None:
    terminal = fed("\x1b]8;id=1;https://a.example\x1b\\ab\x1b[0mc\x1b]8;;\x1b\\d")
    links = [terminal.link(style) for _, style in cells(terminal, 0)[:4]]
    assert links == ["https://a.example"] * 3 + [""]


def test_a_link_with_a_control_or_too_long_is_none() -> None:
    long = "https://" + "a" * 3000
    for address in (long, "http://a\nb"):
        terminal = fed(f"\x1b]8;;{address}\x1b\\x")
        assert terminal.link(cells(terminal, terminal.history)[0][1]) == ""


def test_title_is_printable_and_bounded() -> None:
    assert fed("\x1b]0;✳ Claude\x07").title == "✳ Claude"
    assert fed("\x1b]2;a\tb\x1b\\").title == "ab"
    assert len(fed(f"\x1b]2;{'x' * 5000}\x07").title) == 256
    assert fed("\x1b]2;one\x07\x1b[22t\x1b]2;two\x07\x1b[23t").title == "one"


def test_clipboard_writes_are_reported_and_reads_are_not_answered() -> None:
    terminal = fed("\x1b]52;c;aGVsbG8=\x07\x1b]52;c;?\x07\x1b]52;c;!!!\x07")
    assert terminal.take_clipboard() == "hello"
    assert terminal.take_clipboard() is None
    assert terminal.take_replies() == b""


def test_bells_are_counted() -> None:
    terminal = fed("a\x07b\x07\x1b]0;t\x07")
    assert (terminal.take_bells(), terminal.take_bells()) == (2, 0)


@pytest.mark.parametrize(("sequence", "style"), [("\x1b[ q", 0), ("\x1b[5 q", 5), ("\x1b[9 q", 0)])
def test_cursor_style(sequence: str, style: int) -> None:
    assert fed(sequence).cursor.style == style


def test_cursor_is_hidden_and_shown() -> None:
    assert not fed("\x1b[?25l").cursor.is_visible
    assert fed("\x1b[?25l\x1b[?25h").cursor.is_visible


def test_synchronized_output_is_told() -> None:
    assert fed("\x1b[?2026h").is_synchronized
    assert not fed("\x1b[?2026hx\x1b[?2026l").is_synchronized


def test_reverse_video_is_told() -> None:
    assert fed("\x1b[?5h").is_reverse_video

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccconsole.widgets.text import Span, content, plain, plain_lines


@pytest.mark.parametrize(
    ("outside", "shown"),
    [
        ("plain", "plain"),
        ("[/foo] bad [bold]", "[/foo] bad [bold]"),
        ("\x1b[31mred\x1b[0m", "red"),
        ("a\x1b]0;title\x07b", "ab"),
        ("a\x1b]8;;http://evil\x1b\\b", "ab"),
        ("a\x1bPq secret\x1b\\b", "ab"),
        ("a\x9b31mb", "ab"),
        ("a\x1b", "a"),
        ("one\ntwo\ttabs", "one two tabs"),
        ("safe\u202egnp.exe", "safegnp.exe"),
        ("lone \ud800 surrogate", "lone \ufffd surrogate"),
        ("👩\u200d💻", "👩\u200d💻"),
        ("bell\x07 and null\x00", "bell and null"),
    ],
)
def test_the_door(outside: str, shown: str) -> None:
    assert plain(outside) == shown
    assert Span(outside).text == shown
    assert content(outside).plain == shown
    assert content(Span(outside)).plain == shown
    assert content((outside, "bold")).plain == shown


def test_lines_stay_lines() -> None:
    assert plain_lines("a\x1b[1m\nb\r\nc") == "a\nb\nc"


@given(st.text(st.characters()))
def test_nothing_that_steers_a_terminal_gets_through(outside: str) -> None:
    shown = plain(outside)
    assert all(character.isprintable() or character in "\u200c\u200d" for character in shown)
    shown.encode()

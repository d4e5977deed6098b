"""Terminal bytes made plain for files and pipes."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from ccconsole.cli.stdout import HELD_BYTES, PlainText

TERMINAL = (
    b"a\x1b[1;31mb\x1b[0m\r\nc\x1b]0;title\x07d\x1b]8;;x\x1b\\e\x1bP1$r\x1b\\f\x1b(Bg\x07h\r\r\n\ti\rj\x1b=k"
)
PLAIN = b"ab\ncdefgh\n\ti\njk"


@given(st.lists(st.integers(0, len(TERMINAL))))
def test_plain_text_is_the_same_however_it_is_cut(cuts: list[int]) -> None:
    plain = PlainText()
    edges = [0, *sorted(cuts), len(TERMINAL)]
    parts = [plain.feed(TERMINAL[start:end]) for start, end in itertools.pairwise(edges)]
    assert b"".join(parts) + plain.close() == PLAIN


@given(st.binary())
def test_plain_text_holds_no_control_whatever_comes(data: bytes) -> None:
    plain = PlainText()
    found = plain.feed(data) + plain.close()
    assert not set(found) & {*range(9), *range(11, 32), 127}


def test_an_endless_control_string_is_not_held_for_ever() -> None:
    plain = PlainText()
    plain.feed(b"\x1b]0;" + b"x" * (2 * HELD_BYTES))
    assert plain.feed(b"\x07text") == b"text"

"""The scrollback: bounded, exact, searched and selected."""

from __future__ import annotations

import re
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from ccconsole.terminal.engine import Line, Terminal
from ccconsole.terminal.engine.blocks import ClosedBlock, OpenBlock
from ccconsole.terminal.engine.rows import Row, parse_line
from ccconsole.terminal.engine.scrollback import Scrollback
from ccconsole.terminal.engine.styles import BOLD, PLAIN, StyleTable
from tests.terminal import streams
from tests.terminal.states import fed, state


def _numbered(count: int) -> bytes:
    return b"".join(b"line %d\r\n" % number for number in range(count))


def test_lines_are_counted_and_kept() -> None:
    terminal = fed(_numbered(100), 20, 5)
    assert (terminal.history, terminal.line_count, terminal.evicted) == (96, 101, 0)
    assert [terminal.line(n).text for n in (0, 50, 99)] == ["line 0", "line 50", "line 99"]


def test_lines_are_bounded() -> None:
    terminal = Terminal(20, 5, scrollback_lines=10)
    terminal.feed(_numbered(5000))
    assert (terminal.history, terminal.line(0).text, terminal.evicted) == (10, "line 4986", 4986)
    for number in range(50):
        terminal.feed(b"more %d\r\n" % number)
    assert (terminal.history, terminal.line(9).text) == (10, "more 45")


def test_bytes_are_bounded() -> None:
    terminal = Terminal(100, 5, scrollback_bytes=1 << 20)
    for _ in range(40):
        terminal.feed(b"x" * 99 + b"\r\n" + ("日" * 49 + "\r\n").encode() * 1000)
    scrollback = terminal._screen.main.scrollback
    assert scrollback is not None
    assert scrollback.size <= 1 << 20
    assert 1000 < terminal.history < 10_000
    held = sum(_bytes_of(block) for block in scrollback._blocks)
    assert held <= 1 << 20


def _bytes_of(block: OpenBlock | ClosedBlock) -> int:
    if isinstance(block, ClosedBlock):
        return sum(map(len, (block._sources, block._styles, block.is_wrapped)))
    return sum(text.__sizeof__() for text in (*block.sources, *block.styles))


LINES = st.tuples(
    st.text("a日\x1b[1m\0\U0010fffd", max_size=9), st.text("\0\n\ucfff", max_size=3), st.booleans()
)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("extend"), st.lists(LINES, min_size=1, max_size=3), st.integers(1, 900)),
        st.tuples(st.just("style"), st.lists(LINES, min_size=1, max_size=3), st.integers(1, 900)),
        st.tuples(st.just("push"), LINES, st.integers(1, 40)),
        st.tuples(st.just("pop"), st.none(), st.integers(1, 1500)),
        st.tuples(st.just("copy"), st.none(), st.just(1)),
    ),
    max_size=12,
)


@given(STEPS)
@settings(deadline=None, max_examples=40)
def test_it_is_a_list_of_lines_whatever_happens(steps: list[tuple[str, Any, int]]) -> None:
    table = StyleTable()
    scrollback = Scrollback(table, 3000, 1 << 30)
    others: list[tuple[Scrollback, list[Line]]] = []
    kept: list[Line] = []
    for step, what, count in steps:
        if step == "extend":
            lines = what * count
            scrollback.extend(
                [text for text, _, _ in lines],
                [_styles(text, styles) for text, styles, _ in lines],
                bytes(is_wrapped for _, _, is_wrapped in lines),
            )
            kept += [_line(table, text, _styles(text, styles), flag) for text, styles, flag in lines]
        elif step == "style":
            scrollback.extend([text for text, _, _ in what] * count, PLAIN)
            kept += [_line(table, text, PLAIN, False) for text, _, _ in what] * count
        elif step == "push":
            text, styles, flag = what
            text = text.replace("\x1b", "")
            for _ in range(count):
                scrollback.push(Row(text, _styles(text, styles), is_wrapped=flag), 10)
            kept += [_line(table, text, _styles(text, styles), flag)] * count
        elif step == "pop":
            for _ in range(min(count, len(kept) // 2)):
                assert scrollback.pop() == kept.pop()
        else:
            others.append((scrollback.copy(), list(kept)))
        del kept[:-3000]
    for one, wanted in [*others, (scrollback, kept)]:
        assert [one[number] for number in range(len(one))] == wanted
        assert one.size == sum(block.size for block in one._blocks)


def _styles(text: str, styles: str) -> str:
    """One for all cells, or one for each."""
    return (styles * len(text))[: len(text)] if "\x1b" not in text and styles else PLAIN


def _line(table: StyleTable, text: str, styles: str, is_wrapped: bool) -> Line:
    if "\x1b" in text:
        text, styles, _ = parse_line(table, text, styles)
    elif len(styles) == 1:
        styles *= len(text)
    return Line(text, styles if text else "", PLAIN, is_wrapped)


def test_one_line_larger_than_the_bound() -> None:
    terminal = Terminal(100, 2, scrollback_bytes=1000)
    terminal.feed(b"".join(b"\x1b[%dm" % (n % 8 + 30) for n in range(2000)) + b"x\r\na\r\nb\r\nc\r\n")
    assert terminal.history <= 4


def test_bulk_and_single_lines_are_the_same() -> None:
    for name in ("plain lines", "ls --color", "compiler", "wide Unicode"):
        data = streams.ALL[name](30_000, 9)
        bulk = Terminal(100, 30)
        bulk.feed(data)
        single = Terminal(100, 30)
        for line in data.splitlines(keepends=True):
            for at in range(0, len(line), 11):
                single.feed(line[at : at + 11])
        assert state(bulk) == state(single)


def test_styles_go_on_over_lines() -> None:
    terminal = fed(b"\x1b[1mbold\r\n" + b"still\r\n" * 10 + b"\x1b[0mplain\r\n" * 10, 20, 5)
    assert terminal.style(terminal.line(5).styles[0]).attributes == BOLD
    assert terminal.style(terminal.line(15).styles[0]).attributes == 0


def test_the_alternate_screen_has_none() -> None:
    terminal = fed(_numbered(100) + b"\x1b[?1049h" + _numbered(100), 20, 5)
    assert (terminal.is_alternate, terminal.history, terminal.line_count) == (True, 0, 5)
    terminal.feed(b"\x1b[?1049l")
    assert terminal.history == 96


def test_a_region_below_the_top_feeds_nothing() -> None:
    assert fed(b"\x1b[2;5r\x1b[5;1H" + b"\n" * 50, 20, 5).history == 0


def test_clearing_it() -> None:
    terminal = fed(_numbered(100), 20, 5)
    generation = terminal.generation
    terminal.feed(b"\x1b[3J")
    assert (terminal.history, terminal.generation != generation) == (0, True)


def test_text_joins_wrapped_rows() -> None:
    terminal = fed("0123456789abc\r\nnext", 10, 3)
    assert terminal.text() == "0123456789abc\nnext"
    assert fed("日本語テキスト\r\n", 5, 3).text() == "日本語テキスト"


def test_selected_text() -> None:
    terminal = fed("first line\r\nsecond 日本 line\r\nthird", 20, 5)
    assert terminal.selected_text((0, 6), (1, 6)) == "line\nsecond"
    assert terminal.selected_text((1, 8), (1, 11)) == "日本"
    assert terminal.selected_text((2, 0), (2, 20)) == "third"


def test_words() -> None:
    terminal = fed("see /usr/lib/x.py: 日本 ok", 30, 2)
    assert terminal.word_at(0, 7) == (4, 18)
    assert terminal.word_at(0, 3) == (3, 4)
    assert terminal.word_at(0, 20) == (19, 23)


def test_search_both_ways() -> None:
    terminal = fed(_numbered(3000) + "\x1b[1mx\x1b[0mline 日本 7".encode(), 20, 5)
    pattern = re.compile(r"line 29\d7$", re.MULTILINE)
    forward = [line for line, *_ in terminal.search(pattern)]
    assert forward == [2907 + 10 * n for n in range(10)]
    assert [line for line, *_ in terminal.search(pattern, 3000, is_forward=False)] == forward[::-1]
    assert next(terminal.search(pattern, 2950)) == (2957, 0, 9)
    assert next(terminal.search(re.compile("本 7"))) == (3000, 8, 12)


def test_search_finds_through_colours_and_accents() -> None:
    terminal = fed("a\x1b[31mb\x1b[0mc\r\n" * 40 + "caf\u0065\u0301!\r\n", 20, 5)
    assert len(list(terminal.search(re.compile("abc")))) == 40
    assert list(terminal.search(re.compile("!"))) == [(40, 4, 5)]

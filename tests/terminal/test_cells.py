"""The tables of simple characters agree with wcwidth, and clusters stay within their limits."""

from __future__ import annotations

import unicodedata

from wcwidth import iter_graphemes, wcwidth

from ccconsole.terminal.engine import CONTINUATION, Style
from ccconsole.terminal.engine.cells import MAX_CLUSTERS, Clusters, is_simple, spread
from ccconsole.terminal.engine.styles import BOLD
from tests.terminal.states import cells, fed


def test_simple_characters_have_the_width_that_wcwidth_says() -> None:
    wrong = []
    for code in range(0x20, 0x2A6E0):
        char = chr(code)
        if code == 0x7F or unicodedata.category(char) in ("Cn", "Cs", "Cc") or not is_simple(char):
            continue
        if len(spread(char) or "") != wcwidth(char):
            wrong.append(hex(code))
    assert not wrong


def test_simple_characters_join_no_neighbour() -> None:
    neighbours = "a日가😀│"
    for code in range(0x20, 0x1FAFF):
        char = chr(code)
        if code != 0x7F and unicodedata.category(char) not in ("Cn", "Cs", "Cc") and is_simple(char):
            assert len(list(iter_graphemes(char.join(neighbours)))) == 2 * len(neighbours) - 1, hex(code)


def test_clusters_are_bounded() -> None:
    clusters = Clusters()
    marks = [chr(0x300 + n) for n in range(0x6F)]
    for first in marks:
        for second in marks:
            clusters.lay_out("".join(f"{letter}{first}{second}" for letter in "abcdef"))
    assert len(clusters._texts) <= MAX_CLUSTERS
    assert clusters.text(clusters.lay_out("z\u0301\u0302")) == "z"


def test_a_long_cluster_is_cut() -> None:
    clusters = Clusters()
    laid_out = clusters.lay_out("e" + "\u0301" * 1000)
    assert (len(laid_out), len(clusters.text(laid_out))) == (1, 24)


def test_a_mark_keeps_the_style_of_what_it_marks() -> None:
    """As tmux and libghostty do; found by the latter."""
    shown = cells(fed("\x1b[1mx日\x1b[0;4m\u0301y"), 0)
    assert shown[1] == ("日\u0301", Style(attributes=BOLD))
    assert shown[3] == ("y", Style(underline=1))


def test_text_comes_back() -> None:
    clusters = Clusters()
    text = "naïve e\u0301 日本 👨‍👩‍👧 🇩🇪 ❤\ufe0f नमस्ते"
    laid_out = clusters.lay_out(text)
    assert clusters.text(laid_out) == text
    assert laid_out.count(CONTINUATION) == 6


def test_input_from_the_plane_that_is_ours_is_replaced() -> None:
    clusters = Clusters()
    assert clusters.text(clusters.lay_out("\U00100000x")) == "\ufffdx"

from __future__ import annotations

import pytest

from ccconsole.widgets.patterns import TextFilter
from ccconsole.widgets.rows import GAP, Column, Row, Sort, arranged, fit
from ccconsole.widgets.text import Span

COLUMNS = (Column("name", "NAME"), Column("size", "SIZE"))


def made(name: str, size: float | None, *, is_pinned: bool = False) -> Row:
    return Row(name, (Span(name), Span(str(size))), (name, size), is_pinned=is_pinned)


ROWS = [made("beta", 2), made("Alpha", None), made("gamma", 10), made("trouble", None, is_pinned=True)]


def names(rows: list[Row]) -> list[object]:
    return [row.key for row in rows]


@pytest.mark.parametrize(
    ("sort", "expected"),
    [
        (Sort("name"), ["trouble", "Alpha", "beta", "gamma"]),
        (Sort("name", is_reversed=True), ["trouble", "gamma", "beta", "Alpha"]),
        (Sort("size"), ["trouble", "beta", "gamma", "Alpha"]),
        (Sort("size", is_reversed=True), ["trouble", "gamma", "beta", "Alpha"]),
    ],
)
def test_order_pins_problems_and_puts_blanks_last(sort: Sort, expected: list[str]) -> None:
    assert names(arranged(ROWS, COLUMNS, sort)) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("^b", ["trouble", "beta"]),
        ("!^b", ["trouble", "Alpha", "gamma"]),
        ("ALPHA|10", ["trouble", "Alpha", "gamma"]),
        ("nothing", ["trouble"]),
        ("(", ["trouble"]),
    ],
)
def test_filter_is_a_pattern_and_never_hides_what_could_not_be_read(text: str, expected: list[str]) -> None:
    assert names(arranged(ROWS, COLUMNS, Sort("name"), text)) == expected


def test_an_invalid_pattern_is_taken_literally() -> None:
    assert TextFilter("a(").is_literal
    assert TextFilter("a(").keeps("a(b")


WIDE = (
    Column("a", "A"),
    Column("b", "B", minimum=6),
    Column("c", "C", rank=2),
    Column("d", "D", rank=1),
    Column("e", "E", rank=3, minimum=8, is_filling=True),
    Column("f", "F", is_optional=True),
)


@pytest.mark.parametrize("width", range(1, 120))
def test_columns_never_take_more_than_there_is_once_the_ranked_are_gone(width: int) -> None:
    widths = fit(WIDE, [4, 12, 5, 5, 30, 0], width)
    assert "f" not in widths
    assert {"a", "b"} <= set(widths)
    total = sum(widths.values()) + GAP * (len(widths) - 1)
    assert total <= max(width, 4 + 6 + GAP)
    if "e" in widths:
        assert total == width


def test_columns_go_by_rank() -> None:
    kept = [set(fit(WIDE, [4, 12, 5, 5, 30, 0], width)) for width in (60, 34, 26, 20, 12)]
    assert kept == [set("abcde"), set("abcd"), set("abcd"), set("abd"), set("ab")]

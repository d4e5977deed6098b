from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from ccconsole.model.logs import LogEntry, Severity
from ccconsole.widgets.logs.book import LogBook, LogFilter, key
from tests.ui.lines import entry
from tests.ui.world import NOW


def made(numbers: Iterable[int]) -> list[LogEntry]:
    return [entry(f"line {number}", at=float(number // 2), insert_id=f"{number:04}") for number in numbers]


@given(st.lists(st.lists(st.integers(0, 60), max_size=20), max_size=8))
def test_entries_are_in_the_order_of_time_and_each_is_there_once(batches: list[list[int]]) -> None:
    book, seen = LogBook(), set[int]()
    for numbers in batches:
        added = book.add(made(numbers))
        assert added == len(set(numbers) - seen)
        seen |= set(numbers)
        assert book.entries == made(sorted(seen))
        assert book.shown is book.entries


@settings(max_examples=20)
@given(st.lists(st.integers(0, 4000), max_size=30), st.lists(st.integers(0, 4000), max_size=30))
def test_late_ones_find_their_places_in_a_long_book(first: list[int], late: list[int]) -> None:
    book = LogBook()
    numbers = set(range(0, 4000, 3))
    book.add(made(numbers))
    for batch in (first, late):
        assert book.add(made(batch)) == len(set(batch) - numbers)
        numbers |= set(batch)
    assert book.entries == made(sorted(numbers))


async def test_a_filter_keeps_what_it_should_and_what_comes_while_it_works() -> None:
    book = LogBook()
    book.add(made(range(10_000)))
    wanted = LogFilter(text="LINE \\d*7$")
    working = asyncio.create_task(book.refilter(wanted))
    for number in range(10_000, 10_100):
        book.add(made([number]))
        await asyncio.sleep(0)
    await working
    assert book.shown == made(number for number in range(10_100) if number % 10 == 7)
    assert book.add(made([10_106, 10_107])) == 1
    await book.refilter(LogFilter())
    assert len(book.shown) == 10_102


async def test_each_part_of_a_filter() -> None:
    book = LogBook()
    low, high = entry("a bad day", at=1), entry("a good day", at=2, severity=Severity.ERROR)
    book.add([low, high])
    for wanted, kept in (
        (LogFilter(severity=Severity.WARNING), [high]),
        (LogFilter(text="BAD"), [low]),
        (LogFilter(text="!bad"), [high]),
        (LogFilter(text="(bad"), []),
        (LogFilter(since=NOW + 2), [high]),
        (LogFilter(severity=Severity.INFO, text="day", since=NOW + 1), [low, high]),
    ):
        await book.refilter(wanted)
        assert book.shown == kept, wanted


async def test_what_was_looked_up_for_a_filter_goes_with_it() -> None:
    book = LogBook()
    book.add(made([8, 9]))
    await book.refilter(LogFilter(text="line"))
    assert book.add_shown([*made([1, 2]), entry("other", at=0.1)]) == 2
    assert book.shown == made([1, 2, 8, 9])
    await book.refilter(LogFilter(text="9"))
    assert book.shown == made([9])
    await book.refilter(LogFilter())
    assert book.shown == made([8, 9])
    book.add_shown(made([3]))
    assert book.entries == made([3, 8, 9])


async def test_a_search_walks_around_and_finds_what_comes() -> None:
    book = LogBook()
    book.add(made(range(20)))
    await book.search("line 1?5")
    assert [found.text for found in book.matches] == ["line 5", "line 15"]
    five, fifteen = book.matches
    assert book.match(five, is_forward=True) == 1
    assert book.match(fifteen, is_forward=True) == 0
    assert book.match(five, is_forward=False) == 1
    assert book.match(made([7])[0], is_forward=False) == 0
    assert book.match(made([7])[0], is_forward=True) == 1
    assert [book.match_number(found) for found in (five, fifteen, made([7])[0], None)] == [1, 2, 0, 0]
    book.add([entry("line 5 again", at=99)])
    assert len(book.matches) == 3
    await book.refilter(LogFilter(text="again"))
    assert [found.text for found in book.matches] == ["line 5 again"]
    await book.search("")
    assert book.match(five, is_forward=True) is None


async def test_the_book_is_bounded_and_counts_what_it_lets_go() -> None:
    book = LogBook(capacity=5_000)
    await book.refilter(LogFilter(text="line"))
    await book.search("line")
    for start in range(0, 60_000, 1_000):
        book.add(made(range(start, start + 1_000)))
        assert max(map(len, (book.entries, book.shown, book.matches))) <= 7_000
    assert book.let_go + len(book.entries) == 60_000
    assert key(book.matches[0]) >= key(book.shown[0])
    newest = replace(book.entries[-1])
    assert book.index(newest) == len(book.shown) - 1

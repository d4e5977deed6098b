"""A terminal goes back to a snapshot, its own or a twin's, and on from there as if nothing had been."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ccconsole.terminal.engine import Terminal
from ccconsole.terminal.engine.snapshots import COLLECTIONS, OUTSIDE, VALUES
from tests.terminal import streams
from tests.terminal.states import fed, state
from tests.terminal.test_splits import _PIECES

_SIZES = st.one_of(st.none(), st.tuples(st.integers(2, 14), st.integers(1, 6)))
_STEPS = st.lists(st.tuples(_PIECES, _SIZES), max_size=25)


def play(terminal: Terminal, steps: list[tuple[bytes, tuple[int, int] | None]]) -> None:
    for data, size in steps:
        terminal.feed(data)
        if size is not None:
            terminal.resize(*size)


def test_all_of_the_state_is_taken_or_left_out_on_purpose() -> None:
    told = (*VALUES, *COLLECTIONS, *OUTSIDE)
    assert sorted(told) == sorted(vars(fed(b"x")._screen))


@given(_STEPS, _STEPS, _STEPS)
@settings(max_examples=80, deadline=None, derandomize=True)
def test_going_back_is_as_if_nothing_had_been(
    before: list[tuple[bytes, tuple[int, int] | None]],
    between: list[tuple[bytes, tuple[int, int] | None]],
    after: list[tuple[bytes, tuple[int, int] | None]],
) -> None:
    straight = Terminal(12, 4, scrollback_lines=20)
    play(straight, before)
    play(straight, after)
    straight.take_replies()
    terminal = Terminal(12, 4, scrollback_lines=20)
    twin = terminal.twin()
    play(terminal, before)
    snapshot = terminal.snapshot()
    play(terminal, between)
    play(twin, between)
    for one in (terminal, twin, terminal):
        one.restore(snapshot)
        play(one, after)
        one.take_replies()
        assert state(one) == state(straight)


@pytest.mark.parametrize("name", ["vim", "wide Unicode", "hostile bytes"])
def test_a_program_goes_on_from_anywhere(name: str) -> None:
    data = streams.ALL[name](20_000, 4)
    straight = fed(data, streams.COLUMNS, streams.ROWS)
    twin = straight.twin()
    for at in (0, 777, 10_001, len(data) - 1):
        half = straight.twin()
        half.feed(data[:at])
        twin.restore(half.snapshot())
        twin.feed(data[at:])
        twin.take_replies(), straight.take_replies()
        assert state(twin) == state(straight), at


def test_whoever_watches_is_told() -> None:
    terminal = fed(b"one")
    seen: list[str] = []
    snapshot, generation = terminal.snapshot(), terminal.generation
    terminal.add_listener(lambda: seen.append(terminal.text()))
    terminal.feed(b" two")
    terminal.restore(snapshot)
    assert seen == ["one two", "one"]
    assert terminal.generation > generation
    assert 0 < snapshot.size < 20_000

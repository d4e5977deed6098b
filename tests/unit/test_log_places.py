from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ccconsole.widgets.logs.places import Places

OPERATIONS = st.one_of(
    st.tuples(st.sampled_from(["move", "scroll"]), st.integers(-12, 12)),
    st.tuples(st.just("move_to"), st.integers(0, 30)),
    st.tuples(st.sampled_from(["follow", "stay", "grow", "toggle"]), st.integers(0, 5)),
)


def check(places: Places, heights: list[int]) -> None:
    rows = [(index, row) for index, tall in enumerate(heights) for row in range(tall)]
    seen = places.visible()
    if not heights:
        assert seen == []
        return
    start = rows.index(seen[0])
    assert seen == rows[start : start + places.height]
    # No room is left below while there is something above.
    assert len(seen) == min(places.height, len(rows))
    assert places.cursor in {index for index, _ in seen}
    if places.is_following:
        assert seen[-1] == rows[-1]
        assert places.cursor == len(heights) - 1
    first, last = places.thumb()
    assert 0 <= first < last <= places.height


@given(
    heights=st.lists(st.integers(1, 9), max_size=20),
    height=st.integers(1, 8),
    operations=st.lists(OPERATIONS, max_size=25),
)
def test_whatever_is_done_the_view_is_full_and_the_cursor_in_sight(
    heights: list[int], height: int, operations: list[tuple[str, int]]
) -> None:
    places = Places(lambda index: heights[index])
    places.height = height
    places.renumber(len(heights), 0, 0)
    check(places, heights)
    for name, number in operations:
        if name == "move":
            places.move(number)
        elif name == "scroll":
            places.scroll(number)
        elif name == "move_to":
            places.move_to(number)
        elif name in ("follow", "stay"):
            places.follow(is_following=name == "follow")
        elif name == "grow":
            heights += [1 + number] * number
            places.renumber(len(heights), places.top, places.cursor)
        elif heights:
            heights[places.cursor] = 1 if heights[places.cursor] > 1 else 1 + number
            places.reveal()
        check(places, heights)


def test_an_entry_taller_than_the_view_is_read_row_by_row() -> None:
    heights = [1, 12, 1]
    places = Places(lambda index: heights[index])
    places.height = 5
    places.renumber(3, 0, 0)
    places.move_to(0)
    places.move(1)
    assert (places.cursor, places.visible()[0]) == (1, (1, 0))
    for row in range(1, 8):
        places.move(1)
        assert (places.cursor, places.visible()[0]) == (1, (1, row))
    places.move(1)
    assert places.cursor == 2
    for row in range(7, -1, -1):
        places.move(-1)
        assert (places.cursor, places.visible()[0]) == (1, (1, row))
    places.move(-1)
    assert places.cursor == 0

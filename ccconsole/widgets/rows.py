"""Rows, columns, filter and order of a table, as plain values; the table widget only paints them."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from ccconsole.widgets.patterns import TextFilter

if TYPE_CHECKING:
    from ccconsole.widgets.text import Span

GAP = 2
"""Cells between columns."""

Order = str | float | None
"""What a cell sorts by; None comes last in either direction."""


class Column(NamedTuple):
    """A column and how it behaves where there is little room."""

    key: str
    title: str
    is_right: bool = False
    rank: int = 0
    """Of two columns the one with the higher rank goes first when the width is short; 0 stays."""
    minimum: int = 0
    """Cells it may be squeezed to; 0: it is never squeezed."""
    is_filling: bool = False
    """Whether it takes what is left."""
    is_optional: bool = False
    """Whether it goes when no row has anything in it."""


@dataclass(frozen=True)
class Row:
    """One line: its key keeps cursor and marks over refreshes."""

    key: Hashable
    cells: tuple[Span, ...]
    """One for each column; of a spanning row the first cell, then the text over all the others."""
    orders: tuple[Order, ...] = field(default=(), compare=False)
    """What each column sorts by; no part of equality, which is about what is painted."""
    is_spanning: bool = False
    is_pinned: bool = False
    """Whether it stays on top of every order and through every filter, as what could not be read must."""
    is_guarded: bool = False
    """Whether it belongs to a protected environment."""

    @property
    def text(self) -> str:
        """What a filter looks at."""
        return "  ".join(cell.text for cell in self.cells)


class Sort(NamedTuple):
    """The column that orders the rows."""

    column: str
    is_reversed: bool = False


def arranged(rows: Iterable[Row], columns: Sequence[Column], sort: Sort, text: str = "") -> list[Row]:
    """The rows that the filter keeps, in order: pinned ones first, those without a value last."""
    index = next((i for i, column in enumerate(columns) if column.key == sort.column), 0)
    row_filter = TextFilter(text) if text else None
    kept = [row for row in rows if row_filter is None or row.is_pinned or row_filter.keeps(row.text)]
    pinned = [row for row in kept if row.is_pinned]
    free = [row for row in kept if not row.is_pinned]
    valued = [row for row in free if _order(row, index) is not None]
    blank = [row for row in free if _order(row, index) is None]
    valued.sort(key=lambda row: _sortable(_order(row, index)), reverse=sort.is_reversed)
    return pinned + valued + blank


def _order(row: Row, index: int) -> Order:
    return row.orders[index] if index < len(row.orders) else None


def _sortable(order: Order) -> tuple[int, float, str]:
    return (1, 0.0, order.casefold()) if isinstance(order, str) else (0, order or 0.0, "")


def fit(columns: Sequence[Column], natural: Sequence[int], width: int) -> dict[str, int]:
    """The width of each column that is shown, for a line of `width` cells.

    Where it is short, columns are squeezed to their minimum, then go by rank; what is left over fills.
    """
    shown = {
        column.key: column
        for column, size in zip(columns, natural, strict=True)
        if not (column.is_optional and size == 0)
    }
    sizes = {column.key: max(size, len(column.title)) for column, size in zip(columns, natural, strict=True)}
    while _least(shown.values(), sizes) > width:
        droppable = [column for column in shown.values() if column.rank]
        if not droppable:
            break
        del shown[max(droppable, key=lambda column: column.rank).key]
    widths = {key: sizes[key] for key in shown}
    _squeeze(widths, shown, width)
    spare = width - sum(widths.values()) - GAP * max(0, len(widths) - 1)
    for key, column in shown.items():
        if column.is_filling and spare > 0:
            widths[key] += spare
            break
    return widths


def _least(shown: Iterable[Column], sizes: dict[str, int]) -> int:
    columns = list(shown)
    return sum(min(column.minimum or sizes[column.key], sizes[column.key]) for column in columns) + GAP * max(
        0, len(columns) - 1
    )


def _squeeze(widths: dict[str, int], shown: dict[str, Column], width: int) -> None:
    over = sum(widths.values()) + GAP * max(0, len(widths) - 1) - width
    squeezable = sorted(
        (column for column in shown.values() if column.minimum), key=lambda column: not column.is_filling
    )
    for column in squeezable:
        if over <= 0:
            return
        cut = min(over, max(0, widths[column.key] - column.minimum))
        widths[column.key] -= cut
        over -= cut

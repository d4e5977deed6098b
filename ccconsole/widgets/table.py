"""A table that draws the rows in sight alone, and of those only the ones that changed.

Textual's DataTable repaints whole at any change: 33-43 ms for 30 rows of 10 columns.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from ccconsole.paints import MUTED, Painted
from ccconsole.widgets.rows import GAP, Sort, fit
from ccconsole.widgets.text import STYLES, Span, Tone

if TYPE_CHECKING:
    from ccconsole.widgets.rows import Column, Row

_GUTTER = 2


class RowTable(ScrollView, Painted, can_focus=True, inherit_bindings=False):
    """Rows under a fixed head, with a cursor and marks that are kept by the rows' keys."""

    PAINTS: ClassVar[Mapping[str, str]] = {
        "head": f"bold {MUTED}",
        "sorted": "$accent",
        "cursor": "on $primary 22%",
        "mark": "on $accent 14%",
        "guard": "$error",
        **{str(tone): style for tone, style in STYLES.items()},
        Tone.ACTIVE: "bold $primary",
        Tone.WARN: "bold $warning",
        Tone.BAD: "bold $error",
        Tone.ACCENT: "bold $accent",
    }

    @dataclass
    class Opened(Message):
        """The row under the cursor was chosen with the mouse."""

        table: RowTable
        key: Hashable

    @dataclass
    class HeadClicked(Message):
        """A column's title was clicked: it should order the rows."""

        table: RowTable
        column: str

    @dataclass
    class CursorMoved(Message):
        """The cursor is on another row."""

        table: RowTable
        key: Hashable | None

    def __init__(self, columns: Sequence[Column], *, empty: str = "", id: str | None = None) -> None:
        super().__init__(id=id)
        self.columns = tuple(columns)
        self.rows: list[Row] = []
        self.marks: set[Hashable] = set()
        self.sort = Sort(columns[0].key)
        self.empty = empty
        self._cursor = 0
        self._is_placed = False
        """Whether the user has moved the cursor; until then it prefers a row that can be opened."""
        self._widths: dict[str, int] = {}
        self._sizes: list[tuple[int, ...]] = []
        self._strips: dict[tuple[Hashable, bool, bool], Strip] = {}

    @property
    def cursor_key(self) -> Hashable | None:
        """The key of the row under the cursor; None in an empty table."""
        return self.rows[self._cursor].key if self.rows else None

    def show(self, rows: Iterable[Row], sort: Sort | None = None) -> None:
        """Put these rows in place of the others; cursor and marks stay with their keys."""
        old, self.rows = self.rows, list(rows)
        self._measure(old)
        sort, self.sort = self.sort, sort or self.sort
        if self.rows == old and self.sort == sort:
            return
        key = old[self._cursor].key if old else None
        is_moved = self._place_cursor(key)
        is_refitted = self._fit()
        if is_refitted or sort != self.sort or [row.key for row in old] != [row.key for row in self.rows]:
            self._strips.clear()
            self.refresh()
        else:
            for index, (before, after) in enumerate(zip(old, self.rows, strict=True)):
                if before != after:
                    self._repaint(index)
        if is_moved:
            self.post_message(self.CursorMoved(self, self.cursor_key))

    def _place_cursor(self, key: Hashable | None) -> bool:
        index = next((i for i, row in enumerate(self.rows) if row.key == key), None)
        if not self._is_placed and (index is None or self.rows[index].is_spanning):
            index = next((i for i, row in enumerate(self.rows) if not row.is_spanning), index)
        self._cursor = index if index is not None else max(0, min(self._cursor, len(self.rows) - 1))
        if self.is_mounted:
            self._follow_cursor()
        return self.cursor_key != key

    def _measure(self, old: Sequence[Row]) -> None:
        """The width of each row's cells; those of rows that are where they were hold still."""
        known, self._sizes = self._sizes, []
        for place, row in enumerate(self.rows):
            is_held = place < len(old) and old[place] is row
            self._sizes.append(known[place] if is_held else self._sizes_of(row))

    def _sizes_of(self, row: Row) -> tuple[int, ...]:
        cells = (*row.cells[:1], *[Span("")] * len(self.columns[1:])) if row.is_spanning else row.cells
        return tuple(cell_len(cell.text) for cell in cells)

    def _fit(self) -> bool:
        """Work the widths out again; whether anything but the rows' texts moved."""
        natural = [max(sizes) for sizes in zip(*self._sizes, strict=True)] or [0] * len(self.columns)
        widths = fit(self.columns, natural, self._inner_width)
        size = Size(self.scrollable_content_region.width, len(self.rows) + 1)
        is_changed = widths != self._widths or size != self.virtual_size
        self._widths = widths
        self.virtual_size = size
        return is_changed

    @property
    def _inner_width(self) -> int:
        return max(0, self.scrollable_content_region.width - _GUTTER - 1)

    def on_resize(self) -> None:
        """Columns come and go with the width."""
        self._fit()
        self._strips.clear()
        self._follow_cursor()
        self.refresh()

    def notify_style_update(self) -> None:
        """Another theme: nothing painted before is right."""
        super().notify_style_update()
        self._strips.clear()

    def on_focus(self) -> None:
        """The cursor is drawn brighter with the focus."""
        self._repaint(self._cursor)

    def on_blur(self) -> None:
        """And fainter without."""
        self._repaint(self._cursor)

    @property
    def page(self) -> int:
        """How many rows are in sight."""
        return max(1, self.size.height - 1)

    def move(self, by: int) -> None:
        """Move the cursor by so many rows."""
        self.move_to(self._cursor + by)

    def move_to(self, index: int) -> None:
        """Put the cursor on the row of that number, or the nearest there is."""
        index = max(0, min(index, len(self.rows) - 1))
        if index == self._cursor or not self.rows:
            return
        self._is_placed = True
        old, self._cursor = self._cursor, index
        self._repaint(old)
        self._repaint(index)
        self._follow_cursor()
        self.post_message(self.CursorMoved(self, self.cursor_key))

    def toggle_mark(self) -> None:
        """Mark or unmark the row under the cursor, and go to the next."""
        if not self.rows or self.rows[self._cursor].is_spanning:
            return
        self.marks ^= {self.rows[self._cursor].key}
        self._repaint(self._cursor)
        self.move(1)

    def mark_range(self) -> None:
        """Mark from the nearest mark above (or the top) to the cursor."""
        marked = [i for i, row in enumerate(self.rows) if row.key in self.marks and i <= self._cursor]
        start = marked[-1] if marked else 0
        self.marks |= {row.key for row in self.rows[start : self._cursor + 1] if not row.is_spanning}
        self.refresh()

    def clear_marks(self) -> None:
        """Take all marks away."""
        self.marks.clear()
        self.refresh()

    def _follow_cursor(self) -> None:
        top, row = round(self.scroll_y), self._cursor
        if row < top:
            self.scroll_to(y=row, animate=False, immediate=True)
        elif row >= top + self.page:
            self.scroll_to(y=row - self.page + 1, animate=False, immediate=True)

    def _repaint(self, index: int) -> None:
        if index < len(self.rows):
            key = self.rows[index].key
            for variant in [(key, a, b) for a in (False, True) for b in (False, True)]:
                self._strips.pop(variant, None)
            self.refresh(Region(0, index + 1 - round(self.scroll_y), self.size.width, 1))

    def render_line(self, y: int) -> Strip:
        """The head, or the row that is in sight there."""
        if y == 0:
            return self._head()
        index = y - 1 + round(self.scroll_y)
        if index >= len(self.rows):
            return self._blank(self.empty if not self.rows and y == 2 else "")
        row = self.rows[index]
        is_cursor, is_marked = index == self._cursor, row.key in self.marks
        strip = self._strips.get((row.key, is_cursor, is_marked))
        if strip is None:
            strip = self._strips[(row.key, is_cursor, is_marked)] = self._row(row, is_cursor, is_marked)
        return strip

    def _blank(self, text: str) -> Strip:
        style, width = self.visual_style.rich_style, self.size.width
        if not text:
            return Strip.blank(width, style)
        return Strip([Segment("  " + text, self.paint("dim"))]).adjust_cell_length(width, style)

    def _head(self) -> Strip:
        style = self.paint("head")
        segments = [Segment(" " * _GUTTER, style)]
        for column in self._shown():
            is_sorted = column.key == self.sort.column
            arrow = ("↓" if self.sort.is_reversed else "↑") if is_sorted else ""
            text = _aligned(column.title, self._widths[column.key], column.is_right)
            title = text.rstrip() + arrow
            segments += [
                Segment(title, style + self.paint("sorted") if is_sorted else style),
                Segment(" " * (len(text) + GAP - len(title)), style),
            ]
        return Strip(segments).adjust_cell_length(self.size.width, style)

    def _shown(self) -> list[Column]:
        return [column for column in self.columns if column.key in self._widths]

    def _row(self, row: Row, is_cursor: bool, is_marked: bool) -> Strip:
        base = self.visual_style.rich_style
        if is_marked:
            base += self.paint("mark")
        if is_cursor:
            base += self.paint("cursor") if self.has_focus else Style(bgcolor=self.paint("cursor").bgcolor)
        guard = Segment("▎" if row.is_guarded else " ", base + self.paint("guard"))
        sign = "◆" if is_marked else "›" if is_cursor else " "
        segments = [guard, Segment(sign, base + self.paint("accent"))]
        for text, span in self._texts(row):
            segments.append(
                Segment(text, base + Style(color=self.paint(span.tone).color) + _weight(self, span))
            )
            segments.append(Segment(" " * GAP, base))
        return Strip(segments).adjust_cell_length(self.size.width, base)

    def _texts(self, row: Row) -> Iterable[tuple[str, Span]]:
        if row.is_spanning:
            first = self._widths[self.columns[0].key]
            yield _aligned(row.cells[0].text, first, False), row.cells[0]
            yield _aligned(row.cells[1].text, max(0, self._inner_width - first - GAP), False), row.cells[1]
            return
        for column, cell in zip(self.columns, row.cells, strict=True):
            if column.key in self._widths:
                yield _aligned(cell.text, self._widths[column.key], column.is_right), cell

    def on_click(self, event: events.Click) -> None:
        """A click moves the cursor, a second one opens; on the head it orders."""
        if event.y == 0:
            self._click_head(event.x)
            return
        index = event.y - 1 + round(self.scroll_y)
        if index >= len(self.rows):
            return
        self.move_to(index)
        if event.chain == 2:
            self.post_message(self.Opened(self, self.rows[index].key))

    def _click_head(self, x: int) -> None:
        left = _GUTTER
        for column in self._shown():
            left += self._widths[column.key] + GAP
            if x < left:
                self.post_message(self.HeadClicked(self, column.key))
                return


def _weight(table: RowTable, span: Span) -> Style:
    style = table.paint(span.tone)
    return Style(bold=style.bold or None, italic=style.italic or None)


def _aligned(text: str, width: int, is_right: bool) -> str:
    size = cell_len(text)
    if size > width:
        return set_cell_size(text, max(0, width - 1)) + "…" if width else ""
    return " " * (width - size) + text if is_right else text + " " * (width - size)

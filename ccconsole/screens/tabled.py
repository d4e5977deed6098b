"""Screens around a table: motion, filter and order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from textual import on
from textual.widget import Widget

from ccconsole.screens.base import ConsoleScreen
from ccconsole.widgets.bars import TitleLine
from ccconsole.widgets.line_input import Asked, LineInput
from ccconsole.widgets.patterns import TextFilter
from ccconsole.widgets.rows import Sort, arranged
from ccconsole.widgets.table import RowTable
from ccconsole.widgets.text import Span, Tone

if TYPE_CHECKING:
    from ccconsole.widgets.rows import Row


class TableScreen(ConsoleScreen):
    """Subclasses make the table and its rows; filter and order are kept here, and stay over refreshes."""

    filter_text = ""
    sort = Sort("")

    @property
    def table(self) -> RowTable:
        """The screen's table."""
        return self.query_one(RowTable)

    def home(self) -> Widget | None:
        """The table."""
        return self.table

    def rows(self) -> Sequence[Row]:
        """All rows, without order."""
        return []

    def heading(self) -> Span:
        """What the table shows."""
        return Span("")

    def heading_parts(self) -> Sequence[Span]:
        """More words for the title line."""
        return []

    def redraw(self) -> None:
        """Filter, order and show the rows."""
        rows, table = self.rows(), self.table
        if not self.sort.column:
            self.sort = Sort(table.columns[0].key)
        shown = arranged(rows, table.columns, self.sort, self.filter_text)
        table.show(shown, self.sort)
        count = len(rows) if not self.filter_text else f"{len(shown)} of {len(rows)}"
        heading = self.heading()
        parts = [
            Span(f"{heading.text} [{count}]", heading.tone),
            *self.heading_parts(),
            *self._filter_parts(),
        ]
        if table.marks:
            parts.append(Span(f"◆ {len(table.marks)} marked", Tone.ACCENT))
        self.query_one(TitleLine).parts = tuple(parts)

    def _filter_parts(self) -> list[Span]:
        if not self.filter_text:
            return []
        is_literal = TextFilter(self.filter_text).is_literal
        told = f"/{self.filter_text}" + (" (not a pattern: taken literally)" if is_literal else "")
        return [Span(told, Tone.WARN)]

    @property
    def page(self) -> int:
        """The rows in sight."""
        return self.table.page

    def step(self, by: int) -> None:
        """Move the cursor."""
        self.table.move(by)

    def leap(self, *, is_to_end: bool) -> None:
        """The first row, or the last."""
        self.table.move_to(len(self.table.rows) - 1 if is_to_end else 0)

    def action_sort_left(self) -> None:
        """Order by the column to the left."""
        self._sort_by(-1)

    def action_sort_right(self) -> None:
        """Order by the column to the right."""
        self._sort_by(1)

    def action_sort_order(self, column: str = "") -> None:
        """Turn the order around, or order by the column that is named."""
        if column:
            keys = {key: key for key in self._sortable()} | {
                c.title.lower(): c.key for c in self.table.columns
            }
            if column.lower() not in keys:
                self.say(f"No column {column!r}; there are {', '.join(self._sortable())}.", is_warning=True)
                return
            self.sort = Sort(keys[column.lower()])
        else:
            self.sort = Sort(self.sort.column, not self.sort.is_reversed)
        self.redraw()

    def _sortable(self) -> list[str]:
        return [column.key for column in self.table.columns]

    def _sort_by(self, by: int) -> None:
        keys = self._sortable()
        place = (keys.index(self.sort.column) + by) % len(keys)
        self.sort = Sort(keys[place])
        self.redraw()

    @on(RowTable.HeadClicked)
    def _head_clicked(self, message: RowTable.HeadClicked) -> None:
        if self.sort.column == message.column:
            self.action_sort_order()
        else:
            self.sort = Sort(message.column)
            self.redraw()

    def action_filter(self, text: str = "") -> None:
        """Write the filter, or set the one that is given."""
        if text:
            self._set_filter(text)
        else:
            self.ask(Asked.FILTER, self.filter_text)

    @on(LineInput.Edited)
    def _filter_edited(self, message: LineInput.Edited) -> None:
        if message.asked is Asked.FILTER:
            self._set_filter(message.text)

    @on(LineInput.Abandoned)
    def _filter_abandoned(self, message: LineInput.Abandoned) -> None:
        if message.asked is Asked.FILTER:
            self._set_filter("")

    def _set_filter(self, text: str) -> None:
        self.filter_text = text
        self.redraw()

    def action_back(self) -> None:
        """The filter goes first, then the screen."""
        if self.filter_text:
            self._set_filter("")
        else:
            super().action_back()

    def action_open(self) -> None:
        """Open the row under the cursor."""
        if (key := self.table.cursor_key) is not None:
            self.open_row(key)

    @on(RowTable.Opened)
    def _opened(self, message: RowTable.Opened) -> None:
        self.open_row(message.key)

    def open_row(self, key: object) -> None:
        """Open what the key names."""

    def action_copy(self) -> None:
        """The row's name to the clipboard of the terminal (OSC 52)."""
        if (text := self.copied(self.table.cursor_key)) is not None:
            self.app.copy_to_clipboard(text)
            self.say(f"Copied {text}")

    def copied(self, key: object) -> str | None:
        """What names a row outside."""
        return None

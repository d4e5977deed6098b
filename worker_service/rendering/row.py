"""A row of cells, of which a wide character takes two: the second is empty."""

from __future__ import annotations


class Row:
    """Cells from the left; what lies beyond the last is blank."""

    __slots__ = ("cells", "is_wrapped")

    def __init__(self) -> None:
        self.cells: list[str] = []
        self.is_wrapped = False
        """Whether the next row goes on with this one."""

    def put(self, x: int, cells: str | list[str]) -> None:
        """Write cells at a column; halves of wide ones that this cuts become blanks."""
        row = self.cells
        if x >= len(row):
            if x > len(row):
                row.extend(" " * (x - len(row)))
            row.extend(cells)
            return
        self.cut(x)
        self.cut(x + len(cells))
        row[x : x + len(cells)] = cells

    def cut(self, x: int) -> None:
        """Blank a wide character that a cut before this column would halve."""
        if 0 < x < len(self.cells) and not self.cells[x]:
            self.cells[x - 1 : x + 1] = "  "

    def truncate(self, x: int) -> None:
        """Blank the row from a column on."""
        self.cut(x)
        del self.cells[x:]
        self.is_wrapped = False

    def insert(self, x: int, count: int, columns: int) -> None:
        """Push the cells from a column to the right by blanks."""
        if x < len(self.cells):
            self.cut(x)
            self.cells[x:x] = " " * count
            self.cut(columns)
            del self.cells[columns:]

    def delete(self, x: int, count: int) -> None:
        """Pull the cells after a range to the left."""
        self.cut(x)
        self.cut(x + count)
        del self.cells[x : x + count]

    def text(self) -> str:
        """The row as text: with its line end, unless the next row goes on with it."""
        text = "".join(self.cells)
        return text if self.is_wrapped else text.rstrip(" ") + "\n"

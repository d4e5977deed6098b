"""A row of cells: its text and its styles are two strings of one length, and what lies beyond is blank."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from ccconsole.terminal.engine.cells import CONTINUATION
from ccconsole.terminal.engine.styles import PLAIN

if TYPE_CHECKING:
    from ccconsole.terminal.engine.styles import StyleTable

_STYLE_RUN = re.compile(r"(.)\1*+", re.DOTALL)
RENDITION = re.compile(r"\x1b\[([0-9;:]*)m")


def style_runs(styles: str) -> Iterator[tuple[int, int, str]]:
    """Stretches of one style, as (from, up to, style)."""
    for run in _STYLE_RUN.finditer(styles):
        yield run.start(), run.end(), run[1]


class Line(NamedTuple):
    """A row as readers see it; compare two of them to know whether it changed."""

    text: str
    """Cells: CONTINUATION after a wide one, clusters interned (see `Terminal.plain`)."""
    styles: str
    """One style character for each cell."""
    fill: str = PLAIN
    """The style of the blank cells after the text."""
    is_wrapped: bool = False
    """Whether the next line goes on with this one."""


BLANK = Line("", "")


def parse_line(table: StyleTable, source: str, style: str) -> tuple[str, str, str]:
    """Cells and SGR sequences, begun in a style, as (text, styles, the style after them)."""
    parts = RENDITION.split(source)
    styles = style * len(parts[0])
    known = table.known
    for parameters, text in zip(parts[1::2], parts[2::2], strict=True):
        try:
            style = known[parameters][style]
        except KeyError:
            style = table.apply(style, parameters)
        if text:
            styles += style * len(text)
    return "".join(parts[::2]), styles, style


class Row:
    """One row of the screen. `text` never ends beyond the screen's columns."""

    __slots__ = ("fill", "is_wrapped", "styles", "text", "unparsed")

    def __init__(self, text: str = "", styles: str = "", fill: str = PLAIN, is_wrapped: bool = False) -> None:
        self.text = text
        self.styles = styles
        self.fill = fill
        self.is_wrapped = is_wrapped
        self.unparsed: StyleTable | None = None
        """Set while `text` still holds SGR sequences and `styles` only the style it starts with."""

    def copy(self) -> Row:
        """Another of the same content."""
        row = Row(self.text, self.styles, self.fill, self.is_wrapped)
        row.unparsed = self.unparsed
        return row

    def parse(self) -> None:
        """Lay the row out, when that was put off."""
        if self.unparsed is not None:
            self.text, self.styles, _ = parse_line(self.unparsed, self.text, self.styles)
            self.unparsed = None

    def line(self) -> Line:
        """The row as a value."""
        if self.unparsed is not None:
            self.parse()
        return Line(self.text, self.styles, self.fill, self.is_wrapped)

    def put(self, x: int, cells: str, styles: str) -> None:
        """Write cells and their styles at a column; halves of wide ones that this cuts become blanks."""
        if self.unparsed is not None:
            self.parse()
        text = self.text
        size = len(text)
        if x < size:
            end = x + len(cells)
            if not text.isascii():
                text = self._without_halves(x, end)
            before = self.styles
            self.text = f"{text[:x]}{cells}{text[end:]}"
            self.styles = f"{before[:x]}{styles}{before[end:]}"
        elif x == size:
            self.text = text + cells
            self.styles += styles
        else:
            gap = x - size
            self.text = f"{text}{' ' * gap}{cells}"
            self.styles = f"{self.styles}{self.fill * gap}{styles}"

    def clear(self, fill: str) -> None:
        """Blank the whole row."""
        self.text = self.styles = ""
        self.fill = fill
        self.is_wrapped = False
        self.unparsed = None

    def truncate(self, x: int, fill: str) -> None:
        """Blank the row from a column to its end."""
        if self.unparsed is not None:
            self.parse()
        text = self.text
        if x < len(text):
            if text[x] == CONTINUATION:
                text = self._without_halves(x, x)
            self.text = text[:x]
            self.styles = self.styles[:x]
        elif fill != self.fill:
            self.pad(x)
        self.fill = fill
        self.is_wrapped = False

    def pad(self, columns: int) -> None:
        """Write out the blanks up to a column."""
        self.parse()
        gap = columns - len(self.text)
        if gap > 0:
            self.text += " " * gap
            self.styles += self.fill * gap

    def blank(self, start: int, end: int, fill: str) -> None:
        """Blank the cells of a range that does not reach the row's end."""
        self.parse()
        size = len(self.text)
        if fill == self.fill and end >= size:
            if start < size:
                is_wrapped = self.is_wrapped
                self.truncate(start, fill)
                self.is_wrapped = is_wrapped
        else:
            self.put(start, " " * (end - start), fill * (end - start))

    def insert(self, x: int, count: int, fill: str, columns: int) -> None:
        """Push the cells from a column to the right by blanks; what leaves the row is lost."""
        self.parse()
        if x >= len(self.text) and fill == self.fill:
            return
        self.pad(columns if fill != self.fill else x)
        text = self._without_halves(x, x)
        self.text = f"{text[:x]}{' ' * count}{text[x:]}"
        self.styles = f"{self.styles[:x]}{fill * count}{self.styles[x:]}"
        self.crop(columns)

    def delete(self, x: int, count: int, fill: str, columns: int) -> None:
        """Pull the cells after a range to the left; blanks come in from the right."""
        self.parse()
        if fill != self.fill:
            self.pad(columns)
        if x < len(self.text):
            text = self._without_halves(x, x + count)
            self.text = text[:x] + text[x + count :]
            self.styles = self.styles[:x] + self.styles[x + count :]
        self.fill = fill

    def crop(self, columns: int) -> None:
        """Cut the row at a column."""
        self.parse()
        if len(self.text) > columns:
            self.text = self._without_halves(columns, columns)[:columns]
            self.styles = self.styles[:columns]

    def _without_halves(self, start: int, end: int) -> str:
        """The text with the outer halves of wide cells blanked that a cut at either column would leave."""
        text = self.text
        for cut in (start, end):
            if cut < len(text) and text[cut] == CONTINUATION:
                text = f"{text[: cut - 1]}  {text[cut + 1 :]}"
        return text

"""What a terminal shows, as plain values that tests compare."""

from __future__ import annotations

from ccconsole.terminal.engine import CONTINUATION, Style, Terminal


def fed(data: bytes | str, columns: int = 20, rows: int = 5) -> Terminal:
    """A terminal that was given the data."""
    terminal = Terminal(columns, rows)
    terminal.feed(data.encode() if isinstance(data, str) else data)
    return terminal


def screen(terminal: Terminal) -> list[str]:
    """The screen's rows as text without blanks at their ends."""
    rows = range(terminal.history, terminal.line_count)
    return [terminal.plain(terminal.line(row).text).rstrip(" ") for row in rows]


def cells(terminal: Terminal, number: int) -> list[tuple[str, Style]]:
    """Text and style of each cell of a line; a wide one's second half is empty."""
    line = terminal.line(number)
    gap = terminal.columns - len(line.text)
    texts = ["" if cell == CONTINUATION else terminal.plain(cell) for cell in line.text]
    styles = line.styles + line.fill * gap
    return list(zip(texts + [" "] * gap, map(terminal.style, styles), strict=True))


LinkedCell = tuple[str, Style, str]
"""Text, style without its link, and the link's address."""


def linked_cells(terminal: Terminal, number: int) -> list[LinkedCell]:
    """`cells` in words that another terminal shares."""
    return [(text, style._replace(link=0), terminal.link(style)) for text, style in cells(terminal, number)]


def state(terminal: Terminal) -> tuple[object, ...]:
    """Everything that can be seen or asked."""
    lines = [cells(terminal, number) for number in range(terminal.line_count)]
    wrapped = [terminal.line(number).is_wrapped for number in range(terminal.line_count)]
    return lines, wrapped, terminal.cursor, terminal.title, terminal.is_alternate, terminal.take_replies()

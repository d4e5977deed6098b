"""What a terminal shows, as plain values that tests compare."""

from __future__ import annotations

import re

from ccconsole.terminal.engine import CONTINUATION, Style, Terminal

_STYLE_RUN = re.compile(r"((.)\2*+)", re.DOTALL)


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


def _value(terminal: Terminal, number: int) -> tuple[object, ...]:
    """A line as `cells` has it, in less: its text, where wide cells end, its runs of styles."""
    line = terminal.line(number)
    text = line.text
    styles = line.styles + line.fill * (terminal.columns - len(text))
    ends = () if text.isascii() else [at for at, cell in enumerate(text) if cell == CONTINUATION]
    runs = [(len(run[0]), terminal.style(run[1])) for run in _STYLE_RUN.findall(styles)]
    return terminal.plain(text).rstrip(" "), ends, runs, line.is_wrapped


def state(terminal: Terminal) -> tuple[object, ...]:
    """Everything that can be seen or asked."""
    lines = [_value(terminal, number) for number in range(terminal.line_count)]
    return lines, terminal.cursor, terminal.title, terminal.is_alternate, terminal.take_replies()

"""Control functions that erase, insert, delete and scroll."""

from __future__ import annotations

from ccconsole.terminal.engine.rows import Row
from ccconsole.terminal.engine.screen import Screen
from ccconsole.terminal.engine.styles import PLAIN


def erase_line(screen: Screen, which: int) -> None:
    """EL: 0 to the end, 1 from the start, 2 all."""
    row = screen.rows[screen.y]
    fill = screen.fill
    screen.x = x = screen.column
    if which == 0:
        row.truncate(x, fill)
    elif which == 1:
        _blank(screen, row, 0, x + 1)
    elif which == 2:
        row.clear(fill)


def erase_display(screen: Screen, which: int) -> None:
    """ED: 0 below, 1 above, 2 all, 3 the scrollback."""
    fill = screen.fill
    screen.x = screen.column
    if which == 0:
        screen.rows[screen.y].truncate(screen.column, fill)
        for row in screen.rows[screen.y + 1 :]:
            row.clear(fill)
    elif which == 1:
        for row in screen.rows[: screen.y]:
            row.clear(fill)
        _blank(screen, screen.rows[screen.y], 0, screen.column + 1)
    elif which == 2:
        for row in screen.rows:
            row.clear(fill)
    elif which == 3 and screen.main.scrollback is not None:
        screen.main.scrollback.clear()
        screen.generation += 1


def erase_characters(screen: Screen, count: int) -> None:
    """ECH."""
    screen.x = x = screen.column
    _blank(screen, screen.rows[screen.y], x, min(x + count, screen.columns))


def insert_characters(screen: Screen, count: int) -> None:
    """ICH."""
    x = screen.column
    screen.x = x
    count = min(count, screen.columns - x)
    screen.rows[screen.y].insert(x, count, screen.fill, screen.columns)


def delete_characters(screen: Screen, count: int) -> None:
    """DCH."""
    x = screen.column
    screen.x = x
    count = min(count, screen.columns - x)
    screen.rows[screen.y].delete(x, count, screen.fill, screen.columns)


def insert_lines(screen: Screen, count: int) -> None:
    """IL: only inside the scroll region."""
    if screen.top <= screen.y <= screen.bottom:
        screen.scroll_down(count, screen.y)
        screen.x = 0


def delete_lines(screen: Screen, count: int) -> None:
    """DL: only inside the scroll region."""
    if screen.top <= screen.y <= screen.bottom:
        screen.scroll_up(count, screen.y)
        screen.x = 0


def scroll_up(screen: Screen, count: int) -> None:
    """SU."""
    screen.scroll_up(count)


def scroll_down(screen: Screen, parameters: tuple[int, ...]) -> None:
    """SD; with several parameters it is xterm's highlight tracking, which we have not."""
    if len(parameters) <= 1:
        screen.scroll_down(max(parameters[0], 1) if parameters else 1)


def alignment(screen: Screen) -> None:
    """DECALN: the screen full of E."""
    screen.top = 0
    screen.bottom = screen.height - 1
    screen.x = screen.y = 0
    text = "E" * screen.columns
    styles = PLAIN * screen.columns
    screen.rows[:] = [Row(text, styles) for _ in screen.rows]


def _blank(screen: Screen, row: Row, start: int, end: int) -> None:
    if end >= screen.columns:
        row.truncate(start, screen.fill)
    else:
        row.blank(start, end, screen.fill)

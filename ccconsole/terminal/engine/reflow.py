"""Resizing: the main screen's lines are wrapped anew at the new width, the alternate screen is cut."""

from __future__ import annotations

from ccconsole.terminal.engine.cells import CONTINUATION
from ccconsole.terminal.engine.rows import Line, Row
from ccconsole.terminal.engine.screen import TAB_WIDTH, Buffer, Screen
from ccconsole.terminal.engine.styles import PLAIN

REFLOWED_LINES = 2000
"""Lines of scrollback that a new width wraps anew; older ones stay as they are, so a resize is quick."""


def resize(screen: Screen, columns: int, rows: int) -> None:
    """Give the screen another size; no text of the main screen is lost."""
    if (columns, rows) == (screen.columns, screen.height):
        return
    is_main = screen.buffer is screen.main
    main_cursor = (screen.x, screen.y) if is_main else (screen.main.saved.x, screen.main.saved.y)
    x, y = _resize_main(screen, columns, rows, *main_cursor)
    _resize_alternate(screen.alternate, columns, rows)
    screen.main.saved.x, screen.main.saved.y = (
        min(screen.main.saved.x, columns),
        min(screen.main.saved.y, rows - 1),
    )
    if is_main:
        screen.x, screen.y = x, y
    else:
        screen.main.saved.x, screen.main.saved.y = x, y
        screen.x, screen.y = min(screen.x, columns), min(screen.y, rows - 1)
    _set_tabs(screen, columns)
    screen.columns, screen.height = columns, rows
    screen.top, screen.bottom = 0, rows - 1
    screen.rows = screen.buffer.rows
    screen.generation += 1


def _set_tabs(screen: Screen, columns: int) -> None:
    screen.tabs = {tab for tab in screen.tabs if tab < columns}
    first = -(-screen.columns // TAB_WIDTH) * TAB_WIDTH
    screen.tabs.update(range(first, columns, TAB_WIDTH))


def _resize_alternate(buffer: Buffer, columns: int, rows: int) -> None:
    for row in buffer.rows:
        row.crop(columns)
    del buffer.rows[rows:]
    buffer.rows += [Row() for _ in range(rows - len(buffer.rows))]
    buffer.saved.x, buffer.saved.y = min(buffer.saved.x, columns), min(buffer.saved.y, rows - 1)


def _resize_main(screen: Screen, columns: int, height: int, x: int, y: int) -> tuple[int, int]:
    """Lay the main screen out anew; the cursor's new place."""
    scrollback = screen.main.scrollback
    if scrollback is None:
        return x, y
    lines = [row.line() for row in screen.main.rows]
    while len(lines) > y + 1 and not lines[-1].text and lines[-1].fill == PLAIN:
        lines.pop()
    budget = REFLOWED_LINES if columns != screen.columns else max(height - len(lines), 0)
    pulled: list[Line] = []
    while len(scrollback) and (
        len(pulled) < budget or (columns != screen.columns and _is_continued(scrollback[len(scrollback) - 1]))
    ):
        pulled.append(scrollback.pop())
        if len(pulled) >= 2 * REFLOWED_LINES:
            break
    lines = pulled[::-1] + lines
    y += len(pulled)
    if columns != screen.columns:
        lines, x, y = _rewrap(lines, screen.columns, columns, x, y)
    first = min(max(len(lines) - height, 0), y)
    first = max(first, y - height + 1)
    for line in lines[:first]:
        scrollback.push(Row(*line), screen.columns if line.fill == PLAIN else columns)
    shown = [Row(*line) for line in lines[first : first + height]]
    screen.main.rows[:] = shown + [Row() for _ in range(height - len(shown))]
    return x, y - first


def _is_continued(line: Line) -> bool:
    return line.is_wrapped


def _rewrap(lines: list[Line], old: int, columns: int, x: int, y: int) -> tuple[list[Line], int, int]:
    """Lines at a new width, and where the cursor went."""
    out: list[Line] = []
    new_x, new_y = x, 0
    at = 0
    while at < len(lines):
        end = at
        while end + 1 < len(lines) and lines[end].is_wrapped:
            end += 1
        group = lines[at : end + 1]
        offset = None
        if at <= y <= end:
            offset = sum(_joined_length(line, old) for line in group[: y - at]) + x
        pieces = _wrap(group, old, columns)
        if offset is not None:
            new_y, new_x = _locate(pieces, offset, columns)
            new_y += len(out)
            while len(out) + len(pieces) <= new_y:
                pieces.append(Line("", "", group[-1].fill))
        out += pieces
        at = end + 1
    return out, new_x, new_y


def _joined_length(line: Line, old: int) -> int:
    """The cells a wrapped row brings into its line: all columns, less one left out before a wide cell."""
    return len(line.text) if len(line.text) == old - 1 else old


def _wrap(group: list[Line], old: int, columns: int) -> list[Line]:
    """The rows of one line, cut at another width."""
    if len(group) == 1 and len(group[0].text) <= columns:
        return [group[0]._replace(is_wrapped=False)]
    text, styles = "", ""
    texts, style_parts = [], []
    for line in group[:-1]:
        gap = _joined_length(line, old) - len(line.text)
        texts.append(line.text + " " * gap)
        style_parts.append(line.styles + line.fill * gap)
    texts.append(group[-1].text)
    style_parts.append(group[-1].styles)
    text, styles = "".join(texts), "".join(style_parts)
    fill = group[-1].fill
    pieces = []
    at = 0
    while True:
        stop = at + columns
        if text[stop : stop + 1] == CONTINUATION:
            stop = stop - 1 if columns > 1 else stop + 1
        is_last = stop >= len(text)
        kept = text[at:stop] if columns > 1 else text[at:stop][:1].replace(CONTINUATION, " ")
        pieces.append(Line(kept, styles[at : at + len(kept)], fill if is_last else PLAIN, not is_last))
        at = stop
        if is_last:
            return pieces


def _locate(pieces: list[Line], offset: int, columns: int) -> tuple[int, int]:
    """Row and column of a cell counted from the line's start."""
    for number, piece in enumerate(pieces[:-1]):
        size = len(piece.text)
        if offset < size:
            return number, offset
        offset -= size
    extra, column = divmod(offset, columns)
    if offset and column == 0 and extra:
        return len(pieces) - 1 + extra - 1, columns
    return len(pieces) - 1 + extra, column

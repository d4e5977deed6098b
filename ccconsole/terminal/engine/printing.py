"""Writing text: the direct case, the modes that change it, and whole blocks of lines at once."""

from __future__ import annotations

import re

from ccconsole.terminal.engine.cells import CONTINUATION, is_narrow, is_simple, spread
from ccconsole.terminal.engine.charsets import CHARSETS
from ccconsole.terminal.engine.rows import RENDITION, Row, parse_line
from ccconsole.terminal.engine.screen import Screen
from ccconsole.terminal.engine.styles import PLAIN

ERASE = "\x1b[K"
"""EL to the end, which compilers write after every SGR: on a blank row it only shows with a background."""

_BACKGROUND = re.compile(r"\x1b\[(?:[0-9;:]*[;:])?(?:4[0-8]|10[0-7])(?=[;:m])")
_WIDE_CELL = re.compile(f".{CONTINUATION}")
_SEQUENCE = re.compile(r"\x1b\[[0-9;:]*[mK]")


def print_text(screen: Screen, run: str) -> None:
    """Print characters, none of them a control."""
    if not screen.is_direct:
        run = _translated(screen, run)
    if not run.isascii():
        run = _join(screen, run)
    cells = screen.clusters.lay_out(run)
    if cells:
        screen.last_printed = cells
        _print_cells(screen, cells)


def print_styled(screen: Screen, run: str) -> None:
    """Print characters with SGR sequences before, between and after them."""
    if screen.is_direct and (run.isascii() or is_narrow(run)):
        text, styles, pen = parse_line(screen.table, run, screen.pen)
        end = screen.x + len(text)
        if end <= screen.columns and (text.isascii() or not _may_join(screen, text)):
            if text:
                screen.rows[screen.y].put(screen.x, text, styles)
                screen.x = end
                screen.last_printed = text
            screen.pen = pen
            return
    parts = RENDITION.split(run)
    for at, part in enumerate(parts):
        if at % 2:
            screen.pen = screen.table.apply(screen.pen, part)
        elif part:
            print_text(screen, part)


def _may_join(screen: Screen, text: str) -> bool:
    """Whether narrow text may belong to the cell before the cursor: only to one that is not simple."""
    row = screen.rows[screen.y]
    row.parse()
    return not text[0].isascii() and not is_simple(row.text[max(screen.x - 2, 0) : screen.x])


def _translated(screen: Screen, run: str) -> str:
    """The run as the character sets have it; a single shift is over after it."""
    first = CHARSETS.get(
        screen.charsets[screen.shift if screen.single_shift is None else screen.single_shift]
    )
    others = CHARSETS.get(screen.charsets[screen.shift])
    screen.single_shift = None
    screen.update_directness()
    head, rest = run[:1], run[1:]
    return (head.translate(first) if first else head) + (rest.translate(others) if others else rest)


def repeat_last(screen: Screen, count: int) -> None:
    """REP: the last character again; of more than a screenful only the scrollback sees less."""
    last = screen.last_printed
    if not last:
        return
    cell = last[-2:] if last[-1] == CONTINUATION else last[-1]
    in_row = max(screen.columns // len(cell), 1)
    beyond = count - in_row * screen.height
    _print_cells(screen, cell * (count if beyond <= 0 else in_row * screen.height + beyond % in_row))


def _join(screen: Screen, run: str) -> str:
    """Print what joins the cell before the cursor, in that cell's style; the rest of the run."""
    x = min(screen.x, screen.columns)
    if not x or run[0].isascii():
        return run
    row = screen.rows[screen.y]
    row.parse()
    before = x - 1
    text = row.text
    if before < len(text) and text[before] == CONTINUATION:
        before -= 1
    joined = screen.clusters.prefix_that_joins(text[before : before + 1] or " ", run)
    if joined is None:
        return run
    cluster, rest = joined
    if screen.is_insert:
        row.delete(before, x - before, row.fill, screen.columns)
    pen, screen.pen = screen.pen, row.styles[before : before + 1] or row.fill
    screen.x = before
    screen.last_printed = screen.clusters.lay_out(cluster)
    _print_cells(screen, screen.last_printed)
    screen.pen = pen
    return rest


def _print_cells(screen: Screen, cells: str) -> None:
    if not screen.is_autowrap and screen.x + len(cells) > screen.columns:
        _print_clipped(screen, cells)
    elif screen.is_insert:
        screen.write_wrapping(cells)
    else:
        screen.write(cells)


def _print_clipped(screen: Screen, cells: str) -> None:
    """Without autowrap what does not fit is written over the last column; a wide character is left out."""
    screen.x = screen.column
    room = screen.columns - screen.x
    if cells[room : room + 1] == CONTINUATION:
        room -= 1
    over = _WIDE_CELL.sub("", cells[room:])[-1:]
    screen.write_wrapping(cells[:room])
    if over:
        screen.x = screen.columns - 1
        screen.write_wrapping(over)


def print_lines(screen: Screen, block: str) -> bool:
    """Write whole lines, each ended by CR LF, at once; False when the state needs them one by one.

    The block holds printable text, SGR and CR LF. Only the last screenful becomes rows, and those that
    hold SGR are laid out when somebody looks at them; the others go to the scrollback as they are.
    """
    scrollback = screen.buffer.scrollback
    if (
        scrollback is None
        or screen.columns < 2
        or not (screen.is_direct and screen.is_autowrap)
        or screen.x
        or screen.top
        or screen.bottom != screen.height - 1
        or any(row.text or row.fill != PLAIN or row.is_wrapped for row in screen.rows[screen.y :])
    ):
        return False
    if not block.isascii():
        cells = spread(block)
        if cells is None and "\x1b" in block:
            return False
        block = screen.clusters.lay_out(block) if cells is None else cells
    if ERASE in block:
        if _BACKGROUND.search(block) or _erases_full_row(screen, block):
            return False
        block = block.replace(ERASE, "")
    lines = block.split("\r\n")
    lines.pop()
    styles: str | list[str] = screen.pen
    pen = screen.pen
    if "\x1b" in block:
        styles, pen = _starting_styles(screen, lines)
    erased = screen.table.erased
    if any(erased[style] != PLAIN for style in {*styles, pen}):
        return False
    is_wrapped = None
    if max(map(len, lines)) > screen.columns:
        wrapped = _wrap(screen, lines, styles)
        if wrapped is None:
            return False
        lines, styles, is_wrapped = wrapped
    screen.pen = pen
    _place(screen, lines, styles, is_wrapped or bytes(len(lines)))
    _remember(screen, lines)
    return True


def _erases_full_row(screen: Screen, block: str) -> bool:
    """Whether a line that erases to its end may have filled a row before, whose last cell would go."""
    columns = screen.columns
    return any(
        ERASE in line and len(line) > columns and len(_SEQUENCE.sub("", line)) >= columns
        for line in block.split("\r\n")
    )


def _remember(screen: Screen, lines: list[str]) -> None:
    """Keep the last printed cell, for REP."""
    for line in reversed(lines):
        text = RENDITION.sub("", line) if "\x1b" in line else line
        if text:
            screen.last_printed = text[-2:]
            return


def _starting_styles(screen: Screen, lines: list[str]) -> tuple[list[str], str]:
    """The style each line starts with, and the one after the last."""
    pen = screen.pen
    apply = screen.table.apply
    styles = []
    for line in lines:
        styles.append(pen)
        last = line.rfind("\x1b[")
        if last >= 0:
            if line.startswith(("m", "0m"), last + 2):
                pen = apply(pen, "0")
            else:
                for parameters in RENDITION.findall(line):
                    pen = apply(pen, parameters)
    return styles, pen


def _wrap(
    screen: Screen, lines: list[str], styles: str | list[str]
) -> tuple[list[str], list[str], bytes] | None:
    """Lines cut to the screen's columns: texts, styles and whether each goes on in the next.

    None when a row would begin under a background colour, which fills it.
    """
    columns = screen.columns
    out: list[str] = []
    out_styles: list[str] = []
    flags = bytearray()
    for at, line in enumerate(lines):
        style = styles if isinstance(styles, str) else styles[at]
        if len(line) <= columns:
            out.append(line)
            out_styles.append(style)
            flags.append(0)
            continue
        if "\x1b" in line:
            if len(RENDITION.sub("", line)) <= columns:
                out.append(line)
                out_styles.append(style)
                flags.append(0)
                continue
            text, cell_styles, _ = parse_line(screen.table, line, style)
        else:
            text, cell_styles = line, style
        pieces = _cut(text, columns)
        out += pieces
        flags += b"\1" * (len(pieces) - 1) + b"\0"
        start = 0
        if len(cell_styles) == 1:
            out_styles += [cell_styles] * len(pieces)
            continue
        for piece in pieces:
            if start and screen.table.erased[cell_styles[start]] != PLAIN:
                return None
            out_styles.append(cell_styles[start : start + len(piece)])
            start += len(piece)
    return out, out_styles, bytes(flags)


def _cut(text: str, columns: int) -> list[str]:
    """Cells in pieces of the screen's columns, no wide character halved."""
    if text.isascii():
        return [text[at : at + columns] for at in range(0, len(text), columns)] or [""]
    pieces = []
    at = 0
    while at < len(text):
        stop = at + columns
        if text[stop : stop + 1] == CONTINUATION:
            stop -= 1
        pieces.append(text[at:stop])
        at = stop
    return pieces or [""]


def _place(screen: Screen, lines: list[str], styles: str | list[str], is_wrapped: bytes) -> None:
    """Put lines at the cursor's row and below, the cursor on the blank row after them."""
    scrollback = screen.buffer.scrollback
    if scrollback is None:
        return
    rows = screen.rows
    height = screen.height
    scrolled = max(screen.y + len(lines) - (height - 1), 0)
    for row in rows[: min(scrolled, screen.y)]:
        scrollback.push(row, screen.columns)
    gone = max(scrolled - screen.y, 0)
    if gone:
        uniform = styles if isinstance(styles, str) else styles[:gone]
        scrollback.extend(lines[:gone], uniform, is_wrapped[:gone])
    fresh = [
        _row(screen, lines[at], styles if isinstance(styles, str) else styles[at], bool(is_wrapped[at]))
        for at in range(gone, len(lines))
    ]
    kept = rows[scrolled : screen.y]
    blank = height - len(kept) - len(fresh)
    rows[:] = kept + fresh + [Row() for _ in range(blank)]
    screen.y = len(kept) + len(fresh)


def _row(screen: Screen, source: str, style: str, is_wrapped: bool) -> Row:
    if "\x1b" in source:
        row = Row(source, style, PLAIN, is_wrapped)
        row.unparsed = screen.table
        return row
    return Row(source, style * len(source) if len(style) == 1 else style, PLAIN, is_wrapped)

"""The tables of control functions: what each C0 control, escape and CSI sequence does."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from ccconsole.terminal.engine import cursor, editing, modes, queries
from ccconsole.terminal.engine.printing import repeat_last
from ccconsole.terminal.engine.screen import Screen
from ccconsole.terminal.engine.styles import MAX_PARAMETERS

Action = tuple[Callable[..., None], tuple[Any, ...]]
"""A function and what to call it with, ready to be kept for the next time."""

_CSI = re.compile(r"\x1b\[([<=>?]?)([0-9;:]*)([ -/]*)([@-~])")
MAX_VALUE = 0xFFFF
ALL = None
"""Marks a function that takes all parameters as one tuple."""


def _ignore() -> None:
    """Nothing to do."""


NOTHING: Action = (_ignore, ())


def _bell(screen: Screen) -> None:
    screen.events.bells += 1


def _rendition(screen: Screen, parameters: str) -> None:
    screen.pen = screen.table.apply(screen.pen, parameters)


CONTROLS: dict[str, tuple[Callable[..., None], tuple[Any, ...]]] = {
    "\r\n": (cursor.carriage_return_line_feed, ()),
    "\r": (cursor.carriage_return, ()),
    "\n": (cursor.line_feed, ()),
    "\v": (cursor.line_feed, ()),
    "\f": (cursor.line_feed, ()),
    "\b": (cursor.backspace, ()),
    "\t": (cursor.tab, ()),
    "\a": (_bell, ()),
    "\x0e": (cursor.shift, (1,)),
    "\x0f": (cursor.shift, (0,)),
}

ESCAPES: dict[str, tuple[Callable[..., None], tuple[Any, ...]]] = {
    "7": (cursor.save, ()),
    "8": (cursor.restore, ()),
    "N": (cursor.single_shift, (2,)),
    "O": (cursor.single_shift, (3,)),
    "n": (cursor.shift, (2,)),
    "o": (cursor.shift, (3,)),
    "D": (cursor.index, ()),
    "E": (cursor.next_line_scrolling, ()),
    "H": (cursor.set_tab, ()),
    "M": (cursor.reverse_index, ()),
    "=": (modes.set_keypad, (True,)),
    ">": (modes.set_keypad, (False,)),
    "c": (Screen.reset, ()),
    "#8": (editing.alignment, ()),
}

CSI: dict[str, tuple[Callable[..., None], tuple[int, ...] | None]] = {
    "@": (editing.insert_characters, (1,)),
    "A": (cursor.up, (1,)),
    "B": (cursor.down, (1,)),
    "C": (cursor.forward, (1,)),
    "D": (cursor.back, (1,)),
    "E": (cursor.next_line, (1,)),
    "F": (cursor.previous_line, (1,)),
    "G": (cursor.column, (1,)),
    "H": (cursor.position, (1, 1)),
    "I": (cursor.forward_tabs, (1,)),
    "J": (editing.erase_display, (0,)),
    "?J": (editing.erase_display, (0,)),
    "K": (editing.erase_line, (0,)),
    "?K": (editing.erase_line, (0,)),
    "L": (editing.insert_lines, (1,)),
    "M": (editing.delete_lines, (1,)),
    "P": (editing.delete_characters, (1,)),
    "S": (editing.scroll_up, (1,)),
    "T": (editing.scroll_down, ALL),
    "^": (editing.scroll_down, ALL),
    "?W": (cursor.reset_tabs, (0,)),
    "X": (editing.erase_characters, (1,)),
    "Z": (cursor.back_tabs, (1,)),
    "`": (cursor.column, (1,)),
    "a": (cursor.forward, (1,)),
    "b": (repeat_last, (1,)),
    "c": (queries.primary_attributes, (0,)),
    ">c": (queries.secondary_attributes, (0,)),
    "=c": (queries.tertiary_attributes, (0,)),
    "d": (cursor.row, (1,)),
    "e": (cursor.down_rows, (1,)),
    "f": (cursor.position, (1, 1)),
    "g": (cursor.clear_tabs, (0,)),
    "h": (modes.set_ansi, ALL),
    "l": (modes.reset_ansi, ALL),
    "?h": (modes.set_private, ALL),
    "?l": (modes.reset_private, ALL),
    "?s": (modes.save_private, ALL),
    "?r": (modes.restore_private, ALL),
    "$p": (modes.report_ansi, (0,)),
    "?$p": (modes.report_private, (0,)),
    "!p": (Screen.soft_reset, ()),
    "n": (queries.status, (0,)),
    "?n": (queries.private_status, (0,)),
    ">q": (queries.version, (0,)),
    " q": (queries.cursor_style, (0,)),
    "r": (cursor.set_margins, (1, 0)),
    "s": (cursor.save, ()),
    "u": (cursor.restore, ()),
    "t": (queries.window, ALL),
    "x": (queries.terminal_parameters, (0,)),
    "?u": (queries.keyboard_query, (0,)),
    ">u": (queries.keyboard_push, (0,)),
    "<u": (queries.keyboard_pop, (1,)),
    "=u": (queries.keyboard_set, (0, 1)),
}


def compile_csi(screen: Screen, sequence: str) -> Action:
    """The action of a complete CSI sequence; NOTHING for what is malformed or unknown."""
    match = _CSI.fullmatch(sequence)
    if match is None:
        return NOTHING
    private, text, intermediates, final = match.groups()
    if final == "m" and not private and not intermediates:
        return _rendition, (screen, text)
    entry = CSI.get(private + intermediates + final)
    if entry is None or ":" in text:
        return NOTHING
    function, defaults = entry
    words = text.split(";")[:MAX_PARAMETERS] if text else []
    values = tuple(min(int(word), MAX_VALUE) if word else 0 for word in words)
    if defaults is None:
        return function, (screen, values)
    filled = values[: len(defaults)] + (0,) * (len(defaults) - len(values))
    return function, (screen, *(value or default for value, default in zip(filled, defaults, strict=True)))


def compile_escape(screen: Screen, sequence: str) -> Action:
    """The action of a complete ESC sequence that introduces nothing longer."""
    body = sequence[1:]
    if len(body) == 2 and body[0] in "()*+":
        return cursor.designate, (screen, "()*+".index(body[0]), body[1])
    return bound(screen, ESCAPES.get(body))


def compile_control(screen: Screen, control: str) -> Action:
    """The action of a C0 control (or CR LF)."""
    return bound(screen, CONTROLS.get(control))


def bound(screen: Screen, entry: Action | None) -> Action:
    """The entry with the screen as its first argument."""
    return (entry[0], (screen, *entry[1])) if entry is not None else NOTHING

"""Modes: ANSI's (CSI h) and DEC's private ones (CSI ? h), their saving and their reports."""

from __future__ import annotations

from ccconsole.terminal.engine import cursor, editing
from ccconsole.terminal.engine.screen import Screen

INSERT, NEWLINE = 4, 20

CURSOR_KEYS, REVERSE_VIDEO, ORIGIN, AUTOWRAP, CURSOR_BLINK, CURSOR_VISIBLE, KEYPAD = 1, 5, 6, 7, 12, 25, 66
MOUSE_X10, MOUSE_BUTTONS, MOUSE_DRAG, MOUSE_MOTION = 9, 1000, 1002, 1003
FOCUS, MOUSE_SGR, ALTERNATE_SCROLL, MOUSE_PIXELS = 1004, 1006, 1007, 1016
ALTERNATE_47, ALTERNATE_CLEARED, SAVE_CURSOR, ALTERNATE_SAVED = 47, 1047, 1048, 1049
BRACKETED_PASTE, SYNCHRONIZED, GRAPHEMES = 2004, 2026, 2027

MOUSE_MODES = (MOUSE_X10, MOUSE_BUTTONS, MOUSE_DRAG, MOUSE_MOTION)
_ALTERNATES = (ALTERNATE_47, ALTERNATE_CLEARED, ALTERNATE_SAVED)

KNOWN = frozenset(
    {CURSOR_KEYS, REVERSE_VIDEO, ORIGIN, AUTOWRAP, CURSOR_BLINK, CURSOR_VISIBLE, KEYPAD, FOCUS, MOUSE_SGR}
    | {ALTERNATE_SCROLL, MOUSE_PIXELS, SAVE_CURSOR, BRACKETED_PASTE, SYNCHRONIZED}
    | set(MOUSE_MODES)
    | set(_ALTERNATES)
)
"""What can be set and reset; others are ignored and reported as not recognised."""


def set_private(screen: Screen, modes: tuple[int, ...]) -> None:
    """DECSET."""
    for mode in modes:
        _set_private(screen, mode, True)


def reset_private(screen: Screen, modes: tuple[int, ...]) -> None:
    """DECRST."""
    for mode in modes:
        _set_private(screen, mode, False)


def save_private(screen: Screen, modes: tuple[int, ...]) -> None:
    """XTSAVE."""
    for mode in KNOWN.intersection(modes):
        screen.saved_modes[mode] = _is_set(screen, mode)


def restore_private(screen: Screen, modes: tuple[int, ...]) -> None:
    """XTRESTORE: those that were saved."""
    for mode in modes:
        if mode in screen.saved_modes:
            _set_private(screen, mode, screen.saved_modes[mode])


def set_ansi(screen: Screen, modes: tuple[int, ...]) -> None:
    """SM."""
    for mode in modes:
        _set_ansi(screen, mode, True)


def reset_ansi(screen: Screen, modes: tuple[int, ...]) -> None:
    """RM."""
    for mode in modes:
        _set_ansi(screen, mode, False)


def set_keypad(screen: Screen, is_application: bool) -> None:
    """DECKPAM, DECKPNM."""
    _set_private(screen, KEYPAD, is_application)


def report_private(screen: Screen, mode: int) -> None:
    """DECRQM: 0 not recognised, 1 set, 2 reset, 3 permanently set."""
    state = 0
    if mode == GRAPHEMES:
        state = 3
    elif mode in KNOWN:
        state = 1 if _is_set(screen, mode) else 2
    screen.reply(f"\x1b[?{mode};{state}$y")


def report_ansi(screen: Screen, mode: int) -> None:
    """DECRQM for ANSI modes."""
    is_set = {INSERT: screen.is_insert, NEWLINE: screen.is_newline_mode}.get(mode)
    state = 0 if is_set is None else 1 if is_set else 2
    screen.reply(f"\x1b[{mode};{state}$y")


def _is_set(screen: Screen, mode: int) -> bool:
    return screen.buffer is screen.alternate if mode in _ALTERNATES else mode in screen.modes


def _set_ansi(screen: Screen, mode: int, is_set: bool) -> None:
    if mode == INSERT:
        screen.is_insert = is_set
        screen.update_directness()
    elif mode == NEWLINE:
        screen.is_newline_mode = is_set


def _set_private(screen: Screen, mode: int, is_set: bool) -> None:
    if mode not in KNOWN:
        return
    if is_set:
        if mode in MOUSE_MODES:
            screen.modes.difference_update(MOUSE_MODES)
        screen.modes.add(mode)
    else:
        screen.modes.discard(mode)
    if mode == ORIGIN:
        screen.is_origin = is_set
        cursor.position(screen, 1, 1)
    elif mode == AUTOWRAP:
        screen.is_autowrap = is_set
    elif mode == SAVE_CURSOR:
        (cursor.save if is_set else cursor.restore)(screen)
    elif mode in _ALTERNATES:
        _switch(screen, mode, is_set)


def _switch(screen: Screen, mode: int, is_alternate: bool) -> None:
    """47 switches, 1047 clears the alternate screen on leaving, 1049 saves the cursor and clears first.

    As in xterm 1049 does its part also where the screen was switched before.
    """
    if is_alternate:
        if mode == ALTERNATE_SAVED:
            cursor.save(screen)
        screen.switch(screen.alternate)
        if mode == ALTERNATE_SAVED:
            editing.erase_display(screen, 2)
    else:
        if mode == ALTERNATE_CLEARED and screen.buffer is screen.alternate:
            editing.erase_display(screen, 2)
        screen.switch(screen.main)
        if mode == ALTERNATE_SAVED:
            cursor.restore(screen)

"""What programs ask and what they are told; nothing that a program wrote is ever echoed back."""

from __future__ import annotations

from ccconsole.terminal.engine.screen import Screen
from ccconsole.terminal.engine.styles import Style

CELL_WIDTH, CELL_HEIGHT = 10, 20
"""Pixels that we say a cell has: a terminal in a terminal cannot know."""

MAX_KEYBOARD_STACK = 16
KEYBOARD_FLAGS = 1
"""kitty's progressive enhancement that we have: disambiguate escape codes."""


def primary_attributes(screen: Screen, parameter: int) -> None:
    """DA1: a VT220 with colour that writes the clipboard."""
    if parameter == 0:
        screen.reply("\x1b[?62;22;52c")


def secondary_attributes(screen: Screen, parameter: int) -> None:
    """DA2."""
    if parameter == 0:
        screen.reply("\x1b[>1;10;0c")


def tertiary_attributes(screen: Screen, parameter: int) -> None:
    """DA3."""
    if parameter == 0:
        screen.reply("\x1bP!|00000000\x1b\\")


def version(screen: Screen, parameter: int) -> None:
    """XTVERSION."""
    if parameter == 0:
        screen.reply("\x1bP>|ccconsole\x1b\\")


def terminal_parameters(screen: Screen, parameter: int) -> None:
    """DECREQTPARM."""
    if parameter <= 1:
        screen.reply(f"\x1b[{parameter + 2};1;1;128;128;1;0x")


def status(screen: Screen, parameter: int) -> None:
    """DSR: 5 are you well, 6 where is the cursor (CPR)."""
    if parameter == 5:
        screen.reply("\x1b[0n")
    elif parameter == 6:
        screen.reply(f"\x1b[{_row(screen)};{screen.column + 1}R")


def private_status(screen: Screen, parameter: int) -> None:
    """DEC's DSR: 6 DECXCPR, 15 printer, 25 keys, 26 keyboard, 996 colour scheme."""
    answers = {
        6: f"\x1b[?{_row(screen)};{screen.column + 1};1R",
        15: "\x1b[?13n",
        25: "\x1b[?20n",
        26: "\x1b[?27;1;0;0n",
        996: f"\x1b[?997;{1 if _is_dark(screen.background) else 2}n",
    }
    if parameter in answers:
        screen.reply(answers[parameter])


def window(screen: Screen, parameters: tuple[int, ...]) -> None:
    """XTWINOPS: sizes are answered, titles kept on a stack and never told, windows not moved."""
    action = parameters[0] if parameters else 0
    width, height = screen.columns, screen.height
    answers = {
        11: "\x1b[1t",
        13: "\x1b[3;0;0t",
        14: f"\x1b[4;{height * CELL_HEIGHT};{width * CELL_WIDTH}t",
        16: f"\x1b[6;{CELL_HEIGHT};{CELL_WIDTH}t",
        18: f"\x1b[8;{height};{width}t",
        19: f"\x1b[9;{height};{width}t",
        20: "\x1b]L\x1b\\",
        21: "\x1b]l\x1b\\",
    }
    if action in answers:
        screen.reply(answers[action])
    elif action == 22 and len(screen.titles) < 10:
        screen.titles.append(screen.title)
    elif action == 23 and screen.titles:
        screen.title = screen.titles.pop()


def cursor_style(screen: Screen, style: int) -> None:
    """DECSCUSR: 1 2 block, 3 4 underline, 5 6 bar; odd ones blink."""
    if style <= 6:
        screen.cursor_style = style


def keyboard_query(screen: Screen, _parameter: int) -> None:
    """kitty's CSI ? u."""
    screen.reply(f"\x1b[?{keyboard_flags(screen)}u")


def keyboard_flags(screen: Screen) -> int:
    """kitty's flags in force."""
    stack = screen.buffer.keyboard
    return stack[-1] if stack else 0


def keyboard_push(screen: Screen, flags: int) -> None:
    """kitty's CSI > flags u."""
    stack = screen.buffer.keyboard
    stack.append(flags & KEYBOARD_FLAGS)
    del stack[:-MAX_KEYBOARD_STACK]


def keyboard_pop(screen: Screen, count: int) -> None:
    """kitty's CSI < n u."""
    del screen.buffer.keyboard[-count:]


def keyboard_set(screen: Screen, flags: int, how: int) -> None:
    """kitty's CSI = flags ; how u: 1 replace, 2 add, 3 remove."""
    flags &= KEYBOARD_FLAGS
    now = keyboard_flags(screen)
    changed = {1: flags, 2: now | flags, 3: now & ~flags}.get(how, now)
    stack = screen.buffer.keyboard
    if stack:
        stack[-1] = changed
    else:
        stack.append(changed)


def setting(screen: Screen, name: str) -> None:
    """DECRQSS."""
    values = {
        "m": f"{rendition(screen.table[screen.pen])}m",
        "r": f"{screen.top + 1};{screen.bottom + 1}r",
        " q": f"{screen.cursor_style} q",
        '"p': '62;1"p',
        '"q': '0"q',
    }
    value = values.get(name)
    screen.reply(f"\x1bP1$r{value}\x1b\\" if value is not None else "\x1bP0$r\x1b\\")


def rendition(style: Style) -> str:
    """The SGR parameters that make a style out of the default one."""
    words = ["0"]
    words += [str(code) for bit, code in enumerate((1, 2, 3, 5, 7, 8, 9, 53)) if style.attributes >> bit & 1]
    if style.underline:
        words.append("4" if style.underline == 1 else f"4:{style.underline}")
    for code, colour in ((38, style.foreground), (48, style.background), (58, style.underline_colour)):
        if colour >= 1 << 24:
            words.append(f"{code}:2::{colour >> 16 & 0xFF}:{colour >> 8 & 0xFF}:{colour & 0xFF}")
        elif colour >= 0:
            words.append(f"{code}:5:{colour}")
    return ";".join(words)


def _row(screen: Screen) -> int:
    return screen.y + 1 - (screen.top if screen.is_origin else 0)


def _is_dark(rgb: int) -> bool:
    """By luma (ITU-R BT.601)."""
    return 299 * (rgb >> 16) + 587 * (rgb >> 8 & 0xFF) + 114 * (rgb & 0xFF) < 128_000

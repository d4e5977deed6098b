"""Keys, pastes, mouse and focus as the bytes programs expect, by the modes they set (xterm's ctlseqs)."""

from __future__ import annotations

import unicodedata
from collections.abc import Set as AbstractSet

from ccconsole.terminal.engine import modes
from ccconsole.terminal.engine.queries import CELL_HEIGHT, CELL_WIDTH

_CURSOR = {"up": "A", "down": "B", "right": "C", "left": "D", "home": "H", "end": "F"}
_SS3 = {"f1": "P", "f2": "Q", "f3": "R", "f4": "S"}
_TILDE = {
    "insert": 2, "delete": 3, "pageup": 5, "pagedown": 6, "f5": 15, "f6": 17, "f7": 18, "f8": 19, "f9": 20,
    "f10": 21, "f11": 23, "f12": 24,
}  # fmt: skip
_PLAIN = {"enter": "\r", "tab": "\t", "escape": "\x1b", "backspace": "\x7f", "space": " "}
_MODIFIERS = {"shift": 1, "alt": 2, "ctrl": 4, "meta": 8}
"""xterm's modifier bits; what is sent is their sum plus one."""

_CONTROL = {
    " ": "\0",
    "@": "\0",
    "[": "\x1b",
    "\\": "\x1c",
    "]": "\x1d",
    "^": "\x1e",
    "_": "\x1f",
    "/": "\x1f",
    "?": "\x7f",
}
_CONTROL_DIGITS = dict(zip("2345678", "\0\x1b\x1c\x1d\x1e\x1f\x7f", strict=True))

_RENAMED = {
    "solidus": "slash",
    "reverse_solidus": "backslash",
    "commercial_at": "at",
    "hyphen_minus": "minus",
    "plus_sign": "plus",
    "low_line": "underscore",
}
"""Textual's shorter names for some of Unicode's."""


def _punctuation() -> dict[str, str]:
    names = {}
    for code in range(0x21, 0x7F):
        if not chr(code).isalnum():
            name = unicodedata.name(chr(code)).lower().replace(" ", "_").replace("-", "_")
            names[_RENAMED.get(name, name)] = chr(code)
    return names


_NAMED = _punctuation()


def encode_key(key: str, character: str | None, private: AbstractSet[int], keyboard_flags: int = 0) -> bytes:
    """A Textual key (`ctrl+left`, `a`, `f5`) and its character as bytes; empty when it means nothing.

    `private` are the DEC private modes that are set, `keyboard_flags` kitty's.
    """
    *words, name = key.split("+")
    modifiers = sum(_MODIFIERS.get(word, 0) for word in set(words))
    if name in ("f13", "f14", "f15", "f16", "f17", "f18", "f19", "f20", "f21", "f22", "f23", "f24"):
        name, modifiers = f"f{int(name[1:]) - 12}", modifiers | 1
    if name in _CURSOR or name in _SS3:
        final = _CURSOR.get(name) or _SS3[name]
        if modifiers:
            return f"\x1b[1;{modifiers + 1}{final}".encode()
        is_application = name in _SS3 or modes.CURSOR_KEYS in private
        return f"\x1b{'O' if is_application else '['}{final}".encode()
    if name in _TILDE:
        suffix = f";{modifiers + 1}" if modifiers else ""
        return f"\x1b[{_TILDE[name]}{suffix}~".encode()
    text = _PLAIN.get(name) or _NAMED.get(name) or (name if len(name) == 1 else character or "")
    if keyboard_flags & 1:
        return _disambiguated(name, text, character, modifiers)
    return _legacy(name, text, character, modifiers)


def _legacy(name: str, text: str, character: str | None, modifiers: int) -> bytes:
    """What terminals have always sent: ctrl as a C0 control, alt as an ESC before it."""
    prefix = "\x1b" if modifiers & 10 else ""
    if name == "tab" and modifiers & 1:
        return f"{prefix}\x1b[Z".encode()
    if modifiers & 4:
        if name == "backspace":
            text = "\b"
        elif name not in _PLAIN or name == "space":
            text = control_character(text) or text
    elif modifiers & 1 and len(text) == 1 and text.isalpha():
        text = text.upper()
    elif not modifiers and character is not None and name not in _PLAIN:
        text = character
    return (prefix + text).encode("utf-8", "ignore")


def _disambiguated(name: str, text: str, character: str | None, modifiers: int) -> bytes:
    """kitty's CSI code ; modifiers u for what the old encoding cannot tell apart."""
    is_text = name not in _PLAIN or name == "space"
    if name == "escape" or modifiers & ~1 or (modifiers and not is_text):
        suffix = f";{modifiers + 1}" if modifiers else ""
        return f"\x1b[{ord(text[0].lower())}{suffix}u".encode() if text else b""
    return _legacy(name, text, character, modifiers)


def control_character(text: str) -> str:
    """The C0 control of ctrl with a character; empty when there is none."""
    if len(text) == 1 and text.isascii():
        if text.isalpha():
            return chr(ord(text) & 0x1F)
        return _CONTROL.get(text) or _CONTROL_DIGITS.get(text, "")
    return ""


def encode_paste(text: str, private: AbstractSet[int]) -> bytes:
    """Pasted text; in brackets when asked for, without the ESC that could end them early."""
    text = text.replace("\r\n", "\r").replace("\n", "\r")
    if modes.BRACKETED_PASTE in private:
        inner = "".join(
            char for char in text if char in "\r\t" or not ("\0" <= char < " " or "\x7f" <= char <= "\x9f")
        )
        return f"\x1b[200~{inner}\x1b[201~".encode("utf-8", "ignore")
    return text.encode("utf-8", "ignore")


def encode_mouse(
    action: str, button: int, x: int, y: int, modifiers: int, private: AbstractSet[int]
) -> bytes:
    """A mouse event at a cell (from 0) as bytes; empty when the program did not ask for it.

    action: press, release, move; button: 0 none, 1 left, 2 middle, 3 right, 4..7 wheel up, down, left, right;
    modifiers: 4 shift, 8 alt, 16 ctrl (xterm's).
    """
    if not private & set(modes.MOUSE_MODES):
        return b""
    is_x10 = modes.MOUSE_X10 in private
    if action == "move" and not (modes.MOUSE_MOTION in private or (modes.MOUSE_DRAG in private and button)):
        return b""
    if is_x10 and action != "press":
        return b""
    code = button + 60 if button >= 4 else button - 1 if button else 3
    if action == "move":
        code += 32
    if not is_x10:
        code |= modifiers
    if modes.MOUSE_SGR in private or modes.MOUSE_PIXELS in private:
        if modes.MOUSE_PIXELS in private:
            x, y = x * CELL_WIDTH + CELL_WIDTH // 2, y * CELL_HEIGHT + CELL_HEIGHT // 2
        return f"\x1b[<{code};{x + 1};{y + 1}{'m' if action == 'release' else 'M'}".encode()
    if action == "release":
        code = 3 | (0 if is_x10 else modifiers)
    if x > 222 or y > 222:
        return b""
    return b"\x1b[M" + bytes((code + 32, x + 33, y + 33))


def encode_focus(has_focus: bool, private: AbstractSet[int]) -> bytes:
    """Focus in or out, when asked for."""
    if modes.FOCUS not in private:
        return b""
    return b"\x1b[I" if has_focus else b"\x1b[O"

"""Operating system commands (OSC) and device control strings (DCS); the other strings are swallowed."""

from __future__ import annotations

import base64
import binascii

from ccconsole.terminal.engine import queries
from ccconsole.terminal.engine.colours import PALETTE, specification
from ccconsole.terminal.engine.screen import Screen

MAX_TITLE = 256
MAX_LINKS = 10_000
MAX_LINK_LENGTH = 2083
"""As VTE and kitty bound it."""
MAX_QUERIED_COLOURS = 64

DCS, OSC = "P", "]"
MAX_STRING = {OSC: 1 << 20, DCS: 4096}
"""Characters kept of a string by its introducer; a longer one, and every SOS, PM and APC, is only skipped."""


def run_string(screen: Screen, introducer: str, body: str) -> None:
    """Carry out a string that was ended properly; too long ones and unknown ones do nothing."""
    if len(body) > MAX_STRING.get(introducer, -1):
        return
    if introducer == OSC:
        number, _, rest = body.partition(";")
        command = _COMMANDS.get(number)
        if command is not None:
            command(screen, rest)
    elif body.startswith("$q"):
        queries.setting(screen, body[2:])
    elif body.startswith("+q"):
        screen.reply("\x1bP0+r\x1b\\")


def _set_title(screen: Screen, text: str) -> None:
    screen.title = "".join(filter(str.isprintable, text[:MAX_TITLE]))


def _set_link(screen: Screen, text: str) -> None:
    uri = text.partition(";")[2]
    number = 0
    if uri and len(uri) <= MAX_LINK_LENGTH and uri.isprintable():
        known = screen.link_numbers.get(uri)
        if known is not None:
            number = known
        elif len(screen.links) < MAX_LINKS:
            number = screen.link_numbers[uri] = len(screen.links)
            screen.links.append(uri)
    screen.pen = screen.table.with_link(screen.pen, number)


def _set_clipboard(screen: Screen, text: str) -> None:
    """A write is kept for a person to allow; a read is never answered."""
    payload = text.partition(";")[2]
    if payload == "?":
        return
    try:
        screen.events.clipboard = base64.b64decode(payload, validate=True).decode("utf-8", "replace")
    except (binascii.Error, ValueError):
        return


def _answer_palette(screen: Screen, text: str) -> None:
    """OSC 4: the colours asked for; ours cannot be changed."""
    words = text.split(";")[: 2 * MAX_QUERIED_COLOURS]
    for index, value in zip(words[::2], words[1::2], strict=False):
        if value == "?" and index.isdecimal() and index.isascii() and len(index) <= 3 and int(index) < 256:
            screen.reply(f"\x1b]4;{int(index)};{specification(PALETTE[int(index)])}\x1b\\")


def _answer_foreground(screen: Screen, text: str) -> None:
    if text == "?":
        screen.reply(f"\x1b]10;{specification(screen.foreground)}\x1b\\")


def _answer_background(screen: Screen, text: str) -> None:
    if text == "?":
        screen.reply(f"\x1b]11;{specification(screen.background)}\x1b\\")


def _answer_cursor(screen: Screen, text: str) -> None:
    if text == "?":
        screen.reply(f"\x1b]12;{specification(screen.foreground)}\x1b\\")


_COMMANDS = {
    "0": _set_title,
    "2": _set_title,
    "4": _answer_palette,
    "8": _set_link,
    "10": _answer_foreground,
    "11": _answer_background,
    "12": _answer_cursor,
    "52": _set_clipboard,
}

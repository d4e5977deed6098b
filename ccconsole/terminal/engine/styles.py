"""Interned styles: a style is one character, so that a row's styles are a string as long as its text."""

from __future__ import annotations

from typing import NamedTuple

from ccconsole.terminal.engine.colours import DEFAULT, RGB, to_palette

BOLD, DIM, ITALIC, BLINK, REVERSE, INVISIBLE, STRIKE, OVERLINE = (1 << bit for bit in range(8))

MAX_STYLES = 0xC000
MAX_DEGRADED = 4096
"""Styles kept exactly, and degraded ones after them, all below the surrogates; then comes the default one."""

MAX_PARAMETERS = 32
"""ECMA-48 sets no limit; xterm takes 30."""

MAX_KNOWN, MAX_KNOWN_LENGTH = 1 << 16, 64
"""SGRs whose effects are remembered, and characters of one."""

DASHED = 5
"""The last underline there is; one of a kind that we do not know is a single one."""

_SET = {1: BOLD, 2: DIM, 3: ITALIC, 5: BLINK, 6: BLINK, 7: REVERSE, 8: INVISIBLE, 9: STRIKE, 53: OVERLINE}
_UNSET = {22: BOLD | DIM, 23: ITALIC, 25: BLINK, 27: REVERSE, 28: INVISIBLE, 29: STRIKE, 55: OVERLINE}


class Style(NamedTuple):
    """How a cell looks; colours are DEFAULT, a palette index 0..255, or RGB | 0xRRGGBB."""

    foreground: int = DEFAULT
    background: int = DEFAULT
    attributes: int = 0
    underline: int = 0
    """0 none, 1 single, 2 double, 3 curly, 4 dotted, DASHED."""
    underline_colour: int = DEFAULT
    link: int = 0
    """An index into the table's links; 0 is no link."""


PLAIN = "\0"
"""The character of the default style, which every table interns first."""


class StyleTable:
    """Styles and links by number; grows to a limit, then degrades what is new."""

    def __init__(self) -> None:
        self.styles: list[Style] = [Style()]
        self.erased: dict[str, str] = {PLAIN: PLAIN}
        """Style -> the style of a cell erased under it: its background alone."""
        self._codes: dict[Style, str] = {Style(): PLAIN}
        self.known: dict[str, dict[str, str]] = {}
        """What `apply` has learnt: parameters -> style before -> style after."""
        self._known_count = 0

    def __getitem__(self, code: str) -> Style:
        return self.styles[ord(code)]

    def intern(self, style: Style) -> str:
        """The style's character; past the limit that of the nearest style that can still be told apart."""
        code = self._codes.get(style)
        if code is not None:
            return code
        if len(self.styles) >= MAX_STYLES:
            style = Style(to_palette(style.foreground), to_palette(style.background), style.attributes & 0xF)
            known = self._codes.get(style)
            if known is not None or len(self.styles) >= MAX_STYLES + MAX_DEGRADED:
                return known or PLAIN
        code = chr(len(self.styles))
        self.styles.append(style)
        self._codes[style] = code
        self.erased[code] = self.intern(Style(background=style.background))
        return code

    def apply(self, code: str, parameters: str) -> str:
        """The style after `CSI parameters m`."""
        try:
            return self.known[parameters][code]
        except KeyError:
            return self._learn(code, parameters)

    def _learn(self, code: str, parameters: str) -> str:
        if self._known_count > MAX_KNOWN:
            self.known.clear()
            self._known_count = 0
        after = self.intern(_rendition(self[code], parameters))
        if len(parameters) <= MAX_KNOWN_LENGTH:
            self.known.setdefault(parameters, {})[code] = after
            self._known_count += 1
        return after

    def with_link(self, code: str, link: int) -> str:
        """The style with another link."""
        return self.intern(self[code]._replace(link=link))


def _rendition(style: Style, parameters: str) -> Style:
    """ECMA-48 8.3.117 with xterm's colours (ITU-T T.416 in colons) and kitty's underlines."""
    foreground, background, attributes, underline, underline_colour, link = style
    words = parameters.split(";")[:MAX_PARAMETERS]
    at = 0
    while at < len(words):
        word = words[at]
        at += 1
        parts = [_number(part) for part in word.split(":")]
        code = parts[0]
        if code in (38, 48, 58):
            if len(parts) > 1:
                colour = _colon_colour(parts[1:])
            else:
                colour, used = _semicolon_colour(words[at:])
                at += used
            if colour is None:
                continue
            if code == 38:
                foreground = colour
            elif code == 48:
                background = colour
            else:
                underline_colour = colour
        elif code == 4:
            underline = parts[1] if len(parts) > 1 and parts[1] <= DASHED else 1
        elif len(parts) > 1:
            continue
        elif code == 0:
            foreground = background = underline_colour = DEFAULT
            attributes = underline = 0
        elif code in _SET:
            attributes |= _SET[code]
        elif code in _UNSET:
            attributes &= ~_UNSET[code]
        elif code == 21:
            underline = 2
        elif code == 24:
            underline = 0
        elif code == 59:
            underline_colour = DEFAULT
        else:
            foreground, background = _basic_colour(code, foreground, background)
    return Style(foreground, background, attributes, underline, underline_colour, link)


def _basic_colour(code: int, foreground: int, background: int) -> tuple[int, int]:
    if 30 <= code <= 37:
        return code - 30, background
    if 40 <= code <= 47:
        return foreground, code - 40
    if 90 <= code <= 97:
        return code - 82, background
    if 100 <= code <= 107:
        return foreground, code - 92
    if code == 39:
        return DEFAULT, background
    if code == 49:
        return foreground, DEFAULT
    return foreground, background


def _number(text: str) -> int:
    return min(int(text), 0xFFFF) if text.isdecimal() and text.isascii() else 0


def _colon_colour(parts: list[int]) -> int | None:
    """38:5:n, 38:2:r:g:b, and 38:2:space:r:g:b; None when it is none of them."""
    if parts[0] == 5 and len(parts) >= 2:
        return parts[1] & 0xFF
    if parts[0] == 2 and len(parts) >= 4:
        red, green, blue = parts[2:5] if len(parts) >= 5 else parts[1:4]
        return RGB | (red & 0xFF) << 16 | (green & 0xFF) << 8 | blue & 0xFF
    return None


def _semicolon_colour(words: list[str]) -> tuple[int | None, int]:
    """38;5;n and 38;2;r;g;b: the colour and how many words it took."""
    kind = _number(words[0]) if words else 0
    if kind == 5:
        return (_number(words[1]) & 0xFF if len(words) > 1 else None), 2
    if kind == 2:
        if len(words) < 4:
            return None, 4
        red, green, blue = (_number(word) & 0xFF for word in words[1:4])
        return RGB | red << 16 | green << 8 | blue, 4
    return None, 1

"""xterm's 256 colours, and how a 24-bit one falls back to them."""

from __future__ import annotations

import re

DEFAULT = -1
RGB = 1 << 24

_LEVELS = (0x00, 0x5F, 0x87, 0xAF, 0xD7, 0xFF)
_BASIC = (
    0x000000, 0xCD0000, 0x00CD00, 0xCDCD00, 0x0000EE, 0xCD00CD, 0x00CDCD, 0xE5E5E5,
    0x7F7F7F, 0xFF0000, 0x00FF00, 0xFFFF00, 0x5C5CFF, 0xFF00FF, 0x00FFFF, 0xFFFFFF,
)  # fmt: skip
"""xterm's first sixteen (XTerm-col.ad)."""

PALETTE: tuple[int, ...] = (
    _BASIC
    + tuple(red << 16 | green << 8 | blue for red in _LEVELS for green in _LEVELS for blue in _LEVELS)
    + tuple((8 + 10 * step) * 0x010101 for step in range(24))
)
"""0xRRGGBB by index 0..255: sixteen, a 6x6x6 cube, 24 greys (xterm's 256colres.pl)."""


def to_rgb(colour: int) -> int:
    """0xRRGGBB of a palette index or a 24-bit colour."""
    return colour & 0xFFFFFF if colour & RGB else PALETTE[colour & 0xFF]


def to_palette(colour: int) -> int:
    """The nearest colour of the cube to a 24-bit colour; anything else unchanged."""
    if colour < 0 or not colour & RGB:
        return colour
    red, green, blue = ((colour >> shift & 0xFF) * 5 // 255 for shift in (16, 8, 0))
    return 16 + 36 * red + 6 * green + blue


def specification(rgb: int) -> str:
    """X11's rgb:RRRR/GGGG/BBBB, as terminals answer colour queries."""
    return "rgb:" + "/".join(f"{rgb >> shift & 0xFF:02x}" * 2 for shift in (16, 8, 0))


_HEX_COLOUR = re.compile(r"#?([0-9a-fA-F]{6})")


def parse_hex(text: str) -> int | None:
    """0xRRGGBB of `#rrggbb`, None for anything else."""
    match = _HEX_COLOUR.fullmatch(text)
    return int(match[1], 16) if match else None

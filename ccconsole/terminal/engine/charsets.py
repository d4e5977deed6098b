"""Character sets that ESC ( and friends select: ASCII, UK, and the DEC special graphics."""

from __future__ import annotations

_ASCII = {code: chr(code) for code in range(0x20, 0x7F)}
"""Named also where nothing changes: to miss a character costs `str.translate` ten times a hit."""

DEC_GRAPHICS = _ASCII | dict(zip(range(0x5F, 0x7F), " ◆▒␉␌␍␊°±␤␋┘┐┌└┼⎺⎻─⎼⎽├┤┴┬│≤≥π≠£·", strict=True))
"""VT100 special graphics, codes 0x5f..0x7e (DEC STD 070)."""

CHARSETS: dict[str, dict[int, str] | None] = {"0": DEC_GRAPHICS, "2": DEC_GRAPHICS, "A": _ASCII | {0x23: "£"}}
"""By the final byte of the designation; every other final is ASCII."""

"""The one door for text from outside: after it, a string is printable and is never read as markup."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from textual.content import Content
from textual.style import Style

from ccconsole.paints import MUTED

_ESCAPES = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]?"
    r"|(?:\x1b[\]PX^_]|[\x90\x98\x9d-\x9f])[^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c)?"
    r"|\x1b[ -/]*[0-~]?"
)
"""Whole control sequences (ECMA-48: CSI; OSC, DCS and their like; the rest): no tail stays as text."""
_JOINERS = "\u200c\u200d"
"""Kept: emoji and Indic scripts are spelled with them."""


class Tone(StrEnum):
    """What a piece of text means; the theme gives it a colour, and the words say the same without one."""

    NORMAL = "normal"
    STRONG = "strong"
    DIM = "dim"
    GOOD = "good"
    ACTIVE = "active"
    WARN = "warn"
    BAD = "bad"
    LEAVING = "leaving"
    ACCENT = "accent"


def plain(text: str) -> str:
    """One printable line: no escape sequences, controls, direction overrides or lone surrogates."""
    if text.isprintable():
        return text
    text = _ESCAPES.sub("", text)
    return "".join(_printable(character) for character in text)


def plain_lines(text: str) -> str:
    """The same over several lines; line ends stay."""
    return "\n".join(plain(line) for line in text.splitlines())


def _printable(character: str) -> str:
    if character.isprintable() or character in _JOINERS:
        return character
    if character in "\n\r\t\v\f\x85\u2028\u2029\xa0" or character.isspace():
        return " "
    return "\ufffd" if "\ud800" <= character <= "\udfff" else ""


@dataclass(frozen=True, slots=True)
class Span:
    """A piece of text with its meaning; making one is passing the door."""

    text: str
    tone: Tone = Tone.NORMAL

    def __post_init__(self) -> None:
        if not self.text.isprintable():
            object.__setattr__(self, "text", plain(self.text))


STYLES: dict[Tone, str] = {
    Tone.NORMAL: "",
    Tone.STRONG: "bold",
    Tone.DIM: MUTED,
    Tone.GOOD: "$success",
    Tone.ACTIVE: "$primary",
    Tone.WARN: "$warning",
    Tone.BAD: "$error",
    Tone.LEAVING: "$secondary",
    Tone.ACCENT: "$accent",
}
"""A tone as a Textual style."""


def content(*parts: Span | str | tuple[str, str | Style]) -> Content:
    """Spans, bare text and (text, Textual style) pairs joined into content that markup cannot reach."""
    pieces: list[Content] = []
    for part in parts:
        if isinstance(part, Span):
            pieces.append(Content.styled(part.text, STYLES[part.tone]))
        elif isinstance(part, str):
            pieces.append(Content(plain(part)))
        else:
            pieces.append(Content.styled(plain(part[0]), part[1]))
    return Content("").join(pieces)

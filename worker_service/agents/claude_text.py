"""Untrusted text made safe for an operator's terminal, and cut to its width."""

from __future__ import annotations

import re

import wcwidth

RESET = "\x1b[0m"
BOLD = "\x1b[1m"
DIM = "\x1b[2m"
RED = "\x1b[31m"
GREEN = "\x1b[32m"
YELLOW = "\x1b[33m"
CYAN = "\x1b[36m"

_SEQUENCES = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]"  # CSI
    # OSC, DCS, SOS, PM, APC. One without its end on the same line keeps its text: it may hide nothing.
    r"|(?:\x1b[\]PX^_]|[\x90\x98\x9d\x9e\x9f])[^\x07\x1b\x9c\n]*(?:\x07|\x1b\\|\x9c)"
    r"|\x1b[ -/]*[0-~]"
)
# What may become a sequence with the text that follows; one that goes on for longer is none.
_BEGUN = re.compile(
    r"(?:(?:\x1b\[|\x9b)[0-?]{0,64}[ -/]{0,64}"
    r"|(?:\x1b[\]PX^_]|[\x90\x98\x9d\x9e\x9f])[^\x07\x1b\x9c\n]{0,256}\x1b?"
    r"|\x1b[ -/]{0,64}|\r)\Z"
)
_BREAKS = re.compile(r"\r\n?|\x0b|\x0c|\x85")
# C0 and C1 but tab and newline, the overrides that make text read backwards, and lone surrogates (JSON may
# carry them, UTF-8 may not).
_UNSAFE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
_SURROGATES = re.compile(r"[\ud800-\udfff]")


def clean(text: str) -> str:
    """The text without control sequences: only its characters, tabs and newlines."""
    if text.isascii() and text.isprintable():
        return text
    text = _BREAKS.sub("\n", _SEQUENCES.sub("", text))
    return _SURROGATES.sub("\ufffd", _UNSAFE.sub("", text))


class Cleaner:
    """Cleans text that comes in pieces, so that no sequence slips through by being cut in two."""

    def __init__(self) -> None:
        self._held = ""

    def feed(self, piece: str) -> str:
        """The clean text so far; a sequence that may have begun waits for its end."""
        text = self._held + piece
        begun = _BEGUN.search(text)
        end = begun.start() if begun else len(text)
        self._held = text[end:]
        return clean(text[:end])

    def close(self) -> str:
        """What was held back, as it is."""
        held, self._held = self._held, ""
        return clean(held)


def clean_line(text: str) -> str:
    """The text on one line: clean, with every run of white space as one space."""
    return " ".join(clean(text).split())


def shorten(line: str, columns: int) -> str:
    """A clean line cut to so many terminal columns, an ellipsis in the last one."""
    line = line.expandtabs(8)
    # A character is at most two columns wide, so most lines need no measuring.
    if 2 * len(line) <= columns or wcwidth.width(line) <= columns:
        return line
    return wcwidth.clip(line, 0, max(columns - 1, 0)) + "…"


def styled(text: str, style: str) -> str:
    """The text in a style that ends with it, so that a viewer may join at any event."""
    return f"{style}{text}{RESET}" if text else ""


def size(count: int) -> str:
    """A number of bytes for a person: "812 B", "4.2 KB", "1.3 MB"."""
    if count < 1000:
        return f"{count} B"
    return f"{count / 1000:.1f} KB" if count < 1_000_000 else f"{count / 1_000_000:.1f} MB"


def counted(count: int, noun: str) -> str:
    """A number with its noun: "1 turn", "3 turns"."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"

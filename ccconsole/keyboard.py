"""The keys of the operator's own terminal: an escape is not lost, however fast another key follows it."""

from __future__ import annotations

import re
from collections.abc import Iterable

from textual import events
from textual._ansi_sequences import ANSI_SEQUENCES_KEYS
from textual._xterm_parser import XTermParser
from textual.message import Message

_BEFORE_ESCAPE = re.compile(r"(?=\x1b)")
_ESCAPED = re.compile(r"\x1b[^\x1b\[O]", re.DOTALL)
"""What cannot begin a sequence of a key: CSI and SS3 do, and a second ESC is a key of its own."""

_SHIFT_O = re.compile(r"\x1bO[^\x1b0-9]", re.DOTALL)
"""A whole SS3, which only has a modifier's digits before its last character."""

_KEYS_WITH_ALT = "\b\t\r"
"""Of the control characters; before others an ESC is the escape key, so that a ctrl+c after it counts."""


class Key(events.Key):
    """A key that came as ESC and a character, which is alt, or escape with a key soon after it.

    Its `key` is what the console takes it for, without a character that an input could insert; `alt` is its
    name with alt, from which a program is sent the two characters that were typed.
    """

    __slots__ = ("alt",)

    def __init__(self, key: str, alt: str) -> None:
        super().__init__(key, None)
        self.alt = alt


class KeyParser(XTermParser):
    """Textual's parser, which waits for 100 ms of silence after an ESC, then forgets it before most keys.

    So an escape with `:wq` soon after it, or both at once after a slow network, typed `:wq` into vim's text,
    and alt+enter sent a prompt that wanted a new line.
    """

    def feed(self, data: str) -> Iterable[Message]:
        """The events of what was typed; an ESC ends a sequence that was not whole as silence does."""
        if not data:
            yield from super().feed(data)
        for part in filter(None, _BEFORE_ESCAPE.split(data)):
            if part.startswith("\x1b") and self._timeout_time is not None:
                self._timeout_time = 0.0
                yield from self.tick()
            yield from super().feed(part)

    def _sequence_to_key_events(self, sequence: str, alt: bool = False) -> Iterable[events.Key]:
        if _ESCAPED.fullmatch(sequence):
            return self._with_alt(sequence[1])
        if alt and len(sequence) == 1:
            return self._with_alt(sequence)
        keys = list(super()._sequence_to_key_events(sequence, alt))
        if not keys and _SHIFT_O.fullmatch(sequence):
            return [*self._with_alt("O"), *self._sequence_to_key_events(sequence[2])]
        return keys

    def _with_alt(self, character: str) -> list[events.Key]:
        if character < " " and character not in _KEYS_WITH_ALT:
            return [events.Key("escape", "\x1b"), *super()._sequence_to_key_events(character)]
        known = ANSI_SEQUENCES_KEYS.get("\x1b" + character)
        return [
            Key(known[0].value if isinstance(known, tuple) else f"alt+{name}", f"alt+{name}")
            for name in map(_shifted, super()._sequence_to_key_events(character))
        ]


def _shifted(key: events.Key) -> str:
    is_capital = len(key.key) == 1 and key.key.isupper()
    return f"shift+{key.key.lower()}" if is_capital else key.key

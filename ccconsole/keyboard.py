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

_SS3 = re.compile(r"\x1bO[^\x1b0-9ABCDFHPQRS]", re.DOTALL)
"""A whole SS3 (digits would be a modifier's) that hardly a terminal sends, while who uses vim types it."""

_KEYS_WITH_ALT = "\b\t\r"
"""Of the control characters; before others an ESC is the escape key, so that a ctrl+c after it counts."""


class Key(events.Key):
    """A key that came as ESC and more: with alt, or escape with other keys soon after it.

    The console takes it for `key`; a program is sent the keys that were `typed`, which are the same bytes.
    """

    __slots__ = ("typed",)

    def __init__(self, key: str, character: str | None, typed: tuple[str, ...]) -> None:
        super().__init__(key, character)
        self.typed = typed


def typed(event: events.Key) -> list[tuple[str, str | None]]:
    """The names and characters of the keys that a program is sent for it."""
    if isinstance(event, Key):
        return [(name, None) for name in event.typed]
    return [(event.key, event.character)]


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
        if not _SS3.fullmatch(sequence):
            return keys
        apart = [*self._with_alt("O"), *super()._sequence_to_key_events(sequence[2])]
        if not keys:
            return apart
        names = tuple(name for key in apart for name, _ in typed(key))
        return [Key(key.key, key.character, names) for key in keys]

    def _with_alt(self, character: str) -> list[events.Key]:
        if character < " " and character not in _KEYS_WITH_ALT:
            return [events.Key("escape", "\x1b"), *super()._sequence_to_key_events(character)]
        # Without a character, that an input would insert.
        known = ANSI_SEQUENCES_KEYS.get("\x1b" + character)
        return [
            Key(known[0].value if isinstance(known, tuple) else f"alt+{name}", None, (f"alt+{name}",))
            for name in map(_shifted, super()._sequence_to_key_events(character))
        ]


def _shifted(key: events.Key) -> str:
    is_capital = len(key.key) == 1 and key.key.isupper()
    return f"shift+{key.key.lower()}" if is_capital else key.key

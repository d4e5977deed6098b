"""What a person writes to find text or to keep lines: a regular expression, or plain text that is none."""

from __future__ import annotations

import re


class TextPattern:
    """A regular expression without regard to case; what is no valid one is taken literally."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.is_literal = False
        try:
            self.pattern = re.compile(text, re.IGNORECASE)
        except re.error:
            self.is_literal = True
            self.pattern = re.compile(re.escape(text), re.IGNORECASE)


class TextFilter:
    """A pattern that keeps the texts it is found in; with `!` before it, the others."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.is_inverse = text.startswith("!")
        self._pattern = TextPattern(text[1:] if self.is_inverse else text)
        self.is_literal = self._pattern.is_literal
        self._search = self._pattern.pattern.search

    def keeps(self, text: str) -> bool:
        """Whether the text stays."""
        return (self._search(text) is None) == self.is_inverse

"""Finding text in a terminal: highlights in sight, and the way to the next match."""

from __future__ import annotations

import re

from ccconsole.terminal.engine import Terminal


class Finder:
    """A pattern, and the match that was found last."""

    def __init__(self) -> None:
        self.text = ""
        self.pattern: re.Pattern[str] | None = None
        self.found: tuple[int, int, int] | None = None
        """The line, counted from the first the terminal ever had, and its columns."""

    def set(self, text: str) -> None:
        """Another text: a regular expression, or the text itself when it is none; empty is nothing.

        Without a capital in it the case does not matter.
        """
        flags = re.MULTILINE if text != text.lower() else re.MULTILINE | re.IGNORECASE
        self.text = text
        self.found = None
        try:
            self.pattern = re.compile(text, flags) if text else None
        except re.error:
            self.pattern = re.compile(re.escape(text), flags)

    def find(self, terminal: Terminal, top: int, bottom: int, *, is_forward: bool) -> int | None:
        """The line of the next match that way: after the last one, else from the lines in sight."""
        if self.pattern is None:
            return None
        if self.found is not None:
            here = (self.found[0] - terminal.evicted, self.found[1])
        else:
            here = (top, -1) if is_forward else (min(bottom, terminal.line_count - 1), terminal.columns)
        for line, start, stop in terminal.search(self.pattern, here[0], is_forward=is_forward):
            if (line, start) > here if is_forward else (line, start) < here:
                self.found = (line + terminal.evicted, start, stop)
                return line
        return None

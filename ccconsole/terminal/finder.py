"""Finding text in a terminal: highlights in sight, and the way to the next match."""

from __future__ import annotations

import asyncio
import re
import time

from ccconsole.terminal.engine import Terminal
from ccconsole.terminal.feeder import BUDGET, PAUSE


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

    async def find(self, terminal: Terminal, top: int, bottom: int, *, is_forward: bool) -> int | None:
        """The line of the next match that way: after the last one, else from the lines in sight.

        In slices, so that nothing waits for it: output may come in meanwhile, of which only what was there at
        the beginning is looked through. None as well when lines lost their meaning, or another text was set.
        """
        pattern, generation = self.pattern, terminal.generation
        if pattern is None:
            return None
        if self.found is not None:
            line, column = max(self.found[0], terminal.evicted), self.found[1]
        elif is_forward:
            line, column = top + terminal.evicted, -1
        else:
            line, column = min(bottom, terminal.line_count - 1) + terminal.evicted, terminal.columns
        step = 1 if is_forward else -1
        end = terminal.evicted + terminal.line_count
        began = time.perf_counter()
        while terminal.evicted <= line < end:
            for start, stop in terminal.matches(line - terminal.evicted, pattern)[::step]:
                if (start - column) * step > 0:
                    self.found = (line, start, stop)
                    return line - terminal.evicted
            line, column = line + step, -1 if is_forward else terminal.columns
            if time.perf_counter() - began > BUDGET:
                await asyncio.sleep(PAUSE)
                if terminal.generation != generation or self.pattern is not pattern:
                    return None
                began = time.perf_counter()
                line = max(line, terminal.evicted) if is_forward else line
        return None

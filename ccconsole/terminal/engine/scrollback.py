"""The lines that left the top of the screen, kept as strings in blocks, bounded in lines and bytes."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from itertools import repeat

from ccconsole.terminal.engine.rows import RENDITION, Line, Row, parse_line
from ccconsole.terminal.engine.styles import PLAIN, StyleTable

BLOCK_LINES = 1024

LINE_OVERHEAD = 66
"""Bytes that one line costs beside its characters: the string object and its places in the three lists."""


def _size_of(sources: list[str]) -> int:
    """Bytes, about, that lines take without their styles."""
    return "".join(sources).__sizeof__() + LINE_OVERHEAD * len(sources)


class _Block:
    """Consecutive lines in parallel lists: source, style or styles, and whether it is wrapped."""

    __slots__ = ("is_wrapped", "size", "sources", "styles")

    def __init__(self) -> None:
        self.sources: list[str] = []
        self.styles: list[str] = []
        self.is_wrapped = bytearray()
        self.size = 0

    def copy(self, first: int) -> _Block:
        """The lines from one on."""
        block = _Block()
        block.sources, block.styles = self.sources[first:], self.styles[first:]
        block.is_wrapped = self.is_wrapped[first:]
        block.size = _size_of(block.sources) + sum(map(len, block.styles)) if first else self.size
        return block


class Scrollback:
    """Lines by number, 0 the oldest kept. A line's SGR is only read when somebody looks at the line."""

    def __init__(self, table: StyleTable, max_lines: int, max_bytes: int) -> None:
        self.evicted = 0
        """How many lines were dropped at the old end, ever."""
        self._table = table
        self._max_lines = max_lines
        self._max_bytes = max_bytes
        self._blocks: list[_Block] = []
        self._starts: list[int] = []
        """The number of each block's first line, counted from the first line ever."""
        self._end = 0
        self._size = 0

    def __len__(self) -> int:
        return self._end - self.evicted

    @property
    def size(self) -> int:
        """Bytes, about, that the lines take."""
        return self._size

    def __getitem__(self, number: int) -> Line:
        wanted = self.evicted + number
        if not self.evicted <= wanted < self._end:
            raise IndexError(number)
        at = bisect_right(self._starts, wanted) - 1
        block = self._blocks[at]
        inner = wanted - self._starts[at]
        text = block.sources[inner]
        styles = block.styles[inner]
        if "\x1b" in text:
            text, styles, _ = parse_line(self._table, text, styles)
        elif len(styles) == 1:
            styles *= len(text)
        return Line(text, styles if text else "", PLAIN, bool(block.is_wrapped[inner]))

    def text(self, number: int) -> str:
        """The cells of a line without their styles, which costs less than the line."""
        wanted = self.evicted + number
        at = bisect_right(self._starts, wanted) - 1
        source = self._blocks[at].sources[wanted - self._starts[at]]
        return RENDITION.sub("", source) if "\x1b" in source else source

    def candidates(self, pattern: re.Pattern[str], first: int, is_forward: bool) -> Iterator[int]:
        """Numbers of lines that may match, from one on, without the blocks in which nothing does.

        The pattern sees a whole block at once: with MULTILINE its ^ and $ mean lines.
        """
        wanted = self.evicted + first
        at = bisect_right(self._starts, wanted) - 1
        while 0 <= at < len(self._blocks):
            block, start = self._blocks[at], self._starts[at]
            text = "\n".join(block.sources)
            if not text.isascii() or pattern.search(RENDITION.sub("", text) if "\x1b" in text else text):
                low, high = max(start, self.evicted), start + len(block.sources)
                lines = (
                    range(max(low, wanted), high) if is_forward else range(min(high - 1, wanted), low - 1, -1)
                )
                yield from (line - self.evicted for line in lines)
            at += 1 if is_forward else -1

    def push(self, row: Row, columns: int) -> None:
        """Take a row that leaves the screen: `extend` for one line, at a third of its cost."""
        if row.fill != PLAIN:
            row.pad(columns)
        text = row.text
        styles = row.styles or PLAIN
        if len(styles) > 1 and not styles.strip(styles[0]):
            styles = styles[0]
        block = self._open_block()
        block.sources.append(text)
        block.styles.append(styles)
        block.is_wrapped.append(row.is_wrapped)
        size = text.__sizeof__() + LINE_OVERHEAD + len(styles)
        block.size += size
        self._size += size
        self._end += 1
        if self._end - self.evicted > self._max_lines or self._size > self._max_bytes:
            self._evict()

    def extend(self, sources: list[str], styles: list[str] | str, is_wrapped: bytes | None = None) -> None:
        """Take many lines: texts that may hold SGR, the style each starts with (or its styles), wrapping."""
        flags = is_wrapped or bytes(len(sources))
        for at in range(0, len(sources), BLOCK_LINES):
            piece = slice(at, at + BLOCK_LINES)
            self._append(sources[piece], styles if isinstance(styles, str) else styles[piece], flags[piece])
        if len(self) > self._max_lines or self._size > self._max_bytes:
            self._evict()

    def _open_block(self) -> _Block:
        """The block that the next line goes to."""
        if not self._blocks or len(self._blocks[-1].sources) >= BLOCK_LINES:
            self._blocks.append(_Block())
            self._starts.append(self._end)
        return self._blocks[-1]

    def _append(self, sources: list[str], styles: list[str] | str, is_wrapped: bytes) -> None:
        count = len(sources)
        block = self._open_block()
        block.sources += sources
        size = _size_of(sources)
        if isinstance(styles, str):
            block.styles.extend(repeat(styles, count))
            size += count
        else:
            block.styles += styles
            size += sum(map(len, styles))
        block.is_wrapped += is_wrapped
        block.size += size
        self._size += size
        self._end += count

    def pop(self) -> Line:
        """Take the newest line back."""
        line = self[len(self) - 1]
        block = self._blocks[-1]
        size = len(block.sources.pop()) + LINE_OVERHEAD + len(block.styles.pop())
        block.is_wrapped.pop()
        block.size -= size
        self._size -= size
        self._end -= 1
        if not block.sources or self._starts[-1] >= self._end:
            self._drop_block(-1)
        return line

    def copy(self) -> Scrollback:
        """Another of the same content; the lines themselves are shared, and dropped ones left out."""
        scrollback = Scrollback(self._table, self._max_lines, self._max_bytes)
        scrollback.evicted, scrollback._end = self.evicted, self._end
        scrollback._starts = [max(start, self.evicted) for start in self._starts]
        pairs = zip(self._blocks, self._starts, scrollback._starts, strict=True)
        scrollback._blocks = [block.copy(kept - start) for block, start, kept in pairs]
        scrollback._size = sum(block.size for block in scrollback._blocks)
        return scrollback

    def clear(self) -> None:
        """Forget every line."""
        self.evicted = self._end
        self._blocks.clear()
        self._starts.clear()
        self._size = 0

    def _evict(self) -> None:
        while self._size > self._max_bytes and len(self._blocks) > 1:
            self._drop_block(0)
            self.evicted = self._starts[0]
        if self._size > self._max_bytes:
            self.clear()
        self.evicted = max(self.evicted, self._end - self._max_lines)
        while self._blocks and self._starts[0] + len(self._blocks[0].sources) <= self.evicted:
            self._drop_block(0)

    def _drop_block(self, at: int) -> None:
        self._size -= self._blocks[at].size
        del self._blocks[at], self._starts[at]

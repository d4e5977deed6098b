"""The lines that left the top of the screen, kept as strings in blocks, bounded in lines and bytes."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator

from ccconsole.terminal.engine.blocks import ClosedBlock, OpenBlock
from ccconsole.terminal.engine.rows import RENDITION, Line, Row, parse_line
from ccconsole.terminal.engine.styles import PLAIN, StyleTable

BLOCK_LINES = 1024


class Scrollback:
    """Lines by number, 0 the oldest kept. A line's SGR is only read when somebody looks at the line."""

    def __init__(self, table: StyleTable, max_lines: int, max_bytes: int) -> None:
        self.evicted = 0
        """How many lines were dropped at the old end, ever."""
        self._table = table
        self._max_lines = max_lines
        self._max_bytes = max_bytes
        self._blocks: list[OpenBlock | ClosedBlock] = []
        self._starts: list[int] = []
        """The number of each block's first line, counted from the first line ever."""
        self._end = 0
        self._size = 0
        self._looked_at: tuple[ClosedBlock, OpenBlock] | None = None
        """The closed block in which somebody looked last, and its lines."""

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
        block, inner = self._place(wanted)
        text = block.sources[inner]
        styles = block.styles[inner]
        if "\x1b" in text:
            text, styles, _ = parse_line(self._table, text, styles)
        elif len(styles) == 1:
            styles *= len(text)
        return Line(text, styles if text else "", PLAIN, bool(block.is_wrapped[inner]))

    def text(self, number: int) -> str:
        """The cells of a line without their styles, which costs less than the line."""
        block, inner = self._place(self.evicted + number)
        source = block.sources[inner]
        return RENDITION.sub("", source) if "\x1b" in source else source

    def _place(self, wanted: int) -> tuple[OpenBlock, int]:
        """The block of a line and its place there, by its number among all there ever were."""
        at = bisect_right(self._starts, wanted) - 1
        block = self._blocks[at]
        if isinstance(block, ClosedBlock):
            if self._looked_at is None or self._looked_at[0] is not block:
                self._looked_at = (block, block.opened())
            block = self._looked_at[1]
        return block, wanted - self._starts[at]

    def candidates(self, pattern: re.Pattern[str], first: int, is_forward: bool) -> Iterator[int]:
        """Numbers of lines that may match, from one on, without the blocks in which nothing does.

        The pattern sees a whole block at once: with MULTILINE its ^ and $ mean lines.
        """
        wanted = self.evicted + first
        at = bisect_right(self._starts, wanted) - 1
        while 0 <= at < len(self._blocks):
            block, start = self._blocks[at], self._starts[at]
            text = block.text()
            if not text.isascii() or pattern.search(RENDITION.sub("", text) if "\x1b" in text else text):
                low, high = max(start, self.evicted), start + len(block)
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
        self._size += block.add(text, styles, row.is_wrapped)
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

    def _open_block(self) -> OpenBlock:
        """The block that the next line goes to; the one before is closed when it is full."""
        last = self._blocks[-1] if self._blocks else None
        if isinstance(last, OpenBlock):
            if len(last) < BLOCK_LINES:
                return last
            closed = self._blocks[-1] = ClosedBlock(last)
            self._size += closed.size - last.size
        block = OpenBlock()
        self._blocks.append(block)
        self._starts.append(self._end)
        return block

    def _append(self, sources: list[str], styles: list[str] | str, is_wrapped: bytes) -> None:
        block = self._open_block()
        self._size += block.extend(sources, styles, is_wrapped)
        self._end += len(sources)

    def pop(self) -> Line:
        """Take the newest line back."""
        line = self[len(self) - 1]
        block = self._blocks[-1]
        if isinstance(block, ClosedBlock):
            opened = self._blocks[-1] = block.opened()
            self._size += opened.size - block.size
            block = opened
        self._size -= block.pop()
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
        scrollback._blocks = [_since(block, kept - start) for block, start, kept in pairs]
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
        while self._blocks and self._starts[0] + len(self._blocks[0]) <= self.evicted:
            self._drop_block(0)

    def _drop_block(self, at: int) -> None:
        self._size -= self._blocks[at].size
        del self._blocks[at], self._starts[at]


def _since(block: OpenBlock | ClosedBlock, first: int) -> OpenBlock | ClosedBlock:
    """A block that nobody changes, with the lines from one on."""
    if isinstance(block, ClosedBlock):
        return block.opened().since(first) if first else block
    return block.since(first)

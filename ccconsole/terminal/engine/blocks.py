"""Consecutive lines of the scrollback: as strings while lines come in, as bytes from then on.

A flood sends a quarter of a million lines a second through the scrollback. As strings they were most that
Python's garbage collector went through, 15 ms at a time; as bytes it sees nothing of them, and each takes
some 60 bytes less.
"""

from __future__ import annotations

from itertools import repeat

LINE_OVERHEAD = 66
"""Bytes that a line of an open block costs beside its characters: the string and its places in the lists."""

_STYLES_END = "\uffff"
"""Between the styles of two lines; no style has this character."""


class OpenBlock:
    """Lines in parallel lists: source, style or styles, and whether it is wrapped."""

    __slots__ = ("is_wrapped", "size", "sources", "styles")

    def __init__(self) -> None:
        self.sources: list[str] = []
        self.styles: list[str] = []
        self.is_wrapped = bytearray()
        self.size = 0
        """Bytes, about."""

    def __len__(self) -> int:
        return len(self.sources)

    def add(self, source: str, styles: str, is_wrapped: bool) -> int:
        """Take a line; how many bytes it takes."""
        self.sources.append(source)
        self.styles.append(styles)
        self.is_wrapped.append(is_wrapped)
        size = source.__sizeof__() + LINE_OVERHEAD + len(styles)
        self.size += size
        return size

    def extend(self, sources: list[str], styles: list[str] | str, is_wrapped: bytes) -> int:
        """Take many; how many bytes they take."""
        self.sources += sources
        size = "".join(sources).__sizeof__() + LINE_OVERHEAD * len(sources)
        if isinstance(styles, str):
            self.styles.extend(repeat(styles, len(sources)))
            size += len(sources)
        else:
            self.styles += styles
            size += sum(map(len, styles))
        self.is_wrapped += is_wrapped
        self.size += size
        return size

    def pop(self) -> int:
        """Let the newest line go; how many bytes that frees."""
        self.is_wrapped.pop()
        size = len(self.sources.pop()) + LINE_OVERHEAD + len(self.styles.pop())
        self.size -= size
        return size

    def since(self, first: int) -> OpenBlock:
        """Another with the lines from one on."""
        block = OpenBlock()
        block.extend(self.sources[first:], self.styles[first:], bytes(self.is_wrapped[first:]))
        return block

    def text(self) -> str:
        """All sources, with a line end between two."""
        return "\n".join(self.sources)


class ClosedBlock:
    """The same lines, never to be changed."""

    __slots__ = ("_is_one_style", "_sources", "_styles", "is_wrapped", "size")

    def __init__(self, block: OpenBlock) -> None:
        styles = block.styles
        self._is_one_style = styles.count(styles[0]) == len(styles)
        self._sources = _packed(block.text())
        self._styles = _packed(styles[0] if self._is_one_style else _STYLES_END.join(styles))
        self.is_wrapped = bytes(block.is_wrapped)
        self.size = len(self._sources) + len(self._styles) + len(self.is_wrapped)

    def __len__(self) -> int:
        return len(self.is_wrapped)

    def text(self) -> str:
        """All sources, with a line end between two."""
        return self._sources.decode("utf-8", "surrogatepass")

    def opened(self) -> OpenBlock:
        """The lines as strings again."""
        styles = self._styles.decode("utf-8", "surrogatepass")
        block = OpenBlock()
        block.extend(
            self.text().split("\n"),
            [styles] * len(self) if self._is_one_style else styles.split(_STYLES_END),
            self.is_wrapped,
        )
        return block


def _packed(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")

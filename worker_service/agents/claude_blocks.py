"""Which text has been shown as it streamed, so that the whole message does not show it again."""

from __future__ import annotations

import hashlib


class _Block:
    # A digest, not the text: a block may be tens of megabytes and is known only by its start in the end.
    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.length = 0
        self._digest = hashlib.blake2b()

    def add(self, text: str) -> None:
        self.length += len(text)
        self._digest.update(_encoded(text))

    def begins(self, text: str) -> bool:
        start = hashlib.blake2b(_encoded(text[: self.length]))
        return self.length <= len(text) and start.digest() == self._digest.digest()


class StreamedBlocks:
    """The blocks that were streamed but not yet seen whole."""

    def __init__(self) -> None:
        self._blocks: list[_Block] = []

    def clear(self) -> None:
        """Forget them all: a new message begins."""
        self._blocks.clear()

    def begin(self, kind: str) -> None:
        """A block of this kind begins."""
        self._blocks.append(_Block(kind))

    def add(self, kind: str, text: str) -> bool:
        """More text of the current block; whether it is the block's first."""
        if not self._blocks or self._blocks[-1].kind != kind:
            self.begin(kind)
        block = self._blocks[-1]
        is_first = block.length == 0
        block.add(text)
        return is_first

    def settle(self, kind: str, text: str) -> int:
        """How many of this whole block's characters were streamed: all, or fewer when it broke off."""
        for block in self._blocks:
            if block.kind == kind and block.begins(text):
                self._blocks.remove(block)
                return block.length
        # The answer came anew: what was streamed is nobody's beginning.
        self._blocks.clear()
        return 0


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")

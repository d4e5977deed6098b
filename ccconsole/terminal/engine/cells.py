"""Text to cells: each cell is one character, a wide one is followed by CONTINUATION.

A cell of several code points (an accent, an emoji with a joiner, a flag) is interned as one character of
plane 16, a private plane that no font uses; input from that plane is shown as U+FFFD.
"""

from __future__ import annotations

import re

from wcwidth import iter_graphemes, wcswidth

CONTINUATION = "\0"

MAX_CLUSTERS = 0xF000
MAX_CLUSTER_LENGTH = 24
"""Code points kept of one cluster; the longest emoji sequences have 10."""

_FIRST_CLUSTER = 0x100000
_CLUSTER = re.compile("[\U00100000-\U0010ffff]")

_NARROW = (
    "\xa0-\xac\xae-\u02ff\u0370-\u0377\u037a-\u037f\u0384-\u038a\u038e-\u03a1\u03a3-\u0482\u048a-\u052f"
    "\u1e00-\u1f15\u2000-\u200a\u2010-\u2027\u202f-\u205f\u2074-\u208e\u20a0-\u20c0\u2100-\u218b"
    "\u2190-\u2319\u231c-\u2328\u232b-\u23e8\u23f4-\u2426\u2460-\u25fc\u25ff-\u2613\u2616-\u262f"
    "\u2638-\u2647\u2654-\u267e\u2694-\u26a0\u26a2-\u26a9\u26ac-\u26bc\u26d5-\u26e9\u2701-\u2704"
    "\u2706-\u2709\u270c-\u2727\u2729-\u274b\u2758-\u2794\u2798-\u27af\u27b1-\u27be\u27c0-\u2b1a"
    "\u2b1d-\u2b4f\ue000-\uf8ff\uff61-\uff9d\ufffc\ufffd"
)
_WIDE = (
    "\u23e9-\u23ec\u2e80-\u2e99\u2e9b-\u2ef3\u2f00-\u2fd5\u3000-\u3029\u3030-\u303e\u3041-\u3096\u309b-\u30ff"
    "\u3105-\u312f\u3131-\u3163\u3165-\u318e\u3250-\ua48c\ua490-\ua4c6\uac00-\ud7a3\uf900-\ufa6d"
    "\ufe30-\ufe52\ufe54-\ufe66\uff01-\uff60\uffe0-\uffe6\U0001f300-\U0001f320\U0001f32d-\U0001f335"
    "\U0001f337-\U0001f37c\U0001f37e-\U0001f393\U0001f3a0-\U0001f3ca\U0001f3cf-\U0001f3d3"
    "\U0001f3e0-\U0001f3f0\U0001f400-\U0001f43e\U0001f442-\U0001f4fc\U0001f4ff-\U0001f53d"
    "\U0001f54b-\U0001f54e\U0001f550-\U0001f567\U0001f5fb-\U0001f64f\U0001f680-\U0001f6c5"
    "\U0001f6f4-\U0001f6fc\U0001f7e0-\U0001f7eb\U0001f90c-\U0001f93a\U0001f93c-\U0001f945"
    "\U0001f947-\U0001f9ff\U00020000-\U0002a6df"
)
"""Characters that are one cell, or two, whatever stands beside them; checked against wcwidth by a test."""

_COMPLEX = re.compile(f"[^\x00-\x7f{_NARROW}{_WIDE}]")
_BEYOND_NARROW = re.compile(f"[^\x00-\x7f{_NARROW}]")
_IS_WIDE = re.compile(f"[{_WIDE}]")
_PIECE = re.compile(r"[\x20-\x7e]?[^\x00-\x7f]++")
"""A run of non-ASCII with the one ASCII character that it may extend: ASCII always starts a cell."""

_INVISIBLE = re.compile(
    "[\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff0-\ufffb\U000e0000-\U000e001f]"
)
"""Format controls: taken out first, so that what follows one still joins what stands before it."""


def is_simple(text: str) -> bool:
    """Whether each character of the text is a cell (or two) of its own, beside any other."""
    return _COMPLEX.search(text) is None


def is_narrow(text: str) -> bool:
    """Whether each character of the text is one cell; controls count as such."""
    return text.isascii() or _BEYOND_NARROW.search(text) is None


def spread(text: str) -> str | None:
    """Simple text as cells; None for any other."""
    if is_narrow(text):
        return text
    return text.translate(_SPREAD) if is_simple(text) else None


def _cleaned(text: str) -> str:
    """Without format controls, and without the plane that is ours."""
    return _CLUSTER.sub("\ufffd", _INVISIBLE.sub("", text))


class _Spread(dict[int, str]):
    """Simple characters to their cells, learnt as they come: one table for all terminals."""

    def __missing__(self, code: int) -> str:
        char = chr(code)
        cells = self[code] = char + CONTINUATION if _IS_WIDE.match(char) else char
        return cells


_SPREAD = _Spread()


class Clusters:
    """The interned clusters of one terminal."""

    def __init__(self) -> None:
        self._texts: list[str] = []
        self._laid_out: dict[str, str] = {}
        """Grapheme cluster -> its cells: "", "x" or "x" + CONTINUATION."""

    def lay_out(self, text: str) -> str:
        """Printable text as cells; controls, if any, pass through and end a cluster."""
        if text.isascii():
            return text
        cells = spread(text)
        if cells is not None:
            return cells
        return _PIECE.sub(self._lay_out_piece, _cleaned(text))

    def text(self, cells: str) -> str:
        """The text of cells."""
        if cells.isascii():
            return cells
        return _CLUSTER.sub(self._expand, cells).replace(CONTINUATION, "")

    def prefix_that_joins(self, cell: str, run: str) -> tuple[str, str] | None:
        """The cluster that a cell becomes when the run follows it, and the run's rest; None: unchanged."""
        if is_simple(cell) and is_simple(run[0]):
            return None
        before = self.text(cell)
        run = _cleaned(run)
        piece = _PIECE.match(before + run)
        if piece is None:
            return None
        first = next(iter(iter_graphemes(piece[0])))
        if len(first) <= len(before):
            return None
        return first, run[len(first) - len(before) :]

    def _expand(self, match: re.Match[str]) -> str:
        return self._texts[ord(match[0]) - _FIRST_CLUSTER]

    def _lay_out_piece(self, match: re.Match[str]) -> str:
        laid_out = self._laid_out
        cells = []
        for cluster in iter_graphemes(match[0]):
            known = laid_out.get(cluster)
            cells.append(self._lay_out_cluster(cluster) if known is None else known)
        return "".join(cells)

    def _lay_out_cluster(self, cluster: str) -> str:
        cluster = cluster[:MAX_CLUSTER_LENGTH]
        known = self._laid_out.get(cluster)
        if known is not None:
            return known
        width = min(max(wcswidth(cluster), 0), 2) or int(cluster[0].isalpha())
        is_room = len(self._laid_out) < MAX_CLUSTERS
        cell = cluster
        if len(cell) > 1:
            cell = chr(_FIRST_CLUSTER + len(self._texts)) if is_room else cell[0]
            if is_room:
                self._texts.append(cluster)
        cells = ("", cell, cell + CONTINUATION)[width]
        if is_room:
            self._laid_out[cluster] = cells
        return cells

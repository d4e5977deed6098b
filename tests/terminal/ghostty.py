"""libghostty as an oracle: cells, styles and links after a stream, in a child process that it may take down.

It panics on some harmless streams and then ends the process it is loaded into, so it is never loaded here.
`python -m tests.terminal.ghostty` is the child: a request a line, an answer a line, both JSON.
"""

from __future__ import annotations

import base64
import importlib
import importlib.util
import json
import subprocess
import sys
from typing import Any

from ccconsole.terminal.engine.colours import DEFAULT, RGB
from ccconsole.terminal.engine.styles import Style
from tests.terminal.states import LinkedCell

IS_INSTALLED = importlib.util.find_spec("pyghostty") is not None

_CLUSTERS = b"\x1b[?2027h"
_ATTRIBUTES = ("bold", "faint", "italic", "blink", "inverse", "invisible", "strikethrough", "overline")


class Died(Exception):
    """The child ended in the middle of a stream."""


class Ghostty:
    """The child, started when it is asked and again after it died."""

    def __init__(self) -> None:
        self._child: subprocess.Popen[str] | None = None

    def screen(self, data: bytes, columns: int, rows: int) -> tuple[list[list[LinkedCell]], tuple[int, int]]:
        """The screen's rows and the cursor's column and row. Died when libghostty could not bear the data."""
        if self._child is None:
            command = [sys.executable, "-m", "tests.terminal.ghostty"]
            pipe = subprocess.PIPE
            self._child = subprocess.Popen(
                command, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL, text=True
            )
        request = json.dumps([base64.b64encode(data).decode(), columns, rows])
        answer = self._asked(self._child, request)
        if not answer:
            code = self.close()
            raise Died(f"exit code {code}")
        grid, cursor = json.loads(answer)
        styled = [[(text, Style(*style), link) for text, style, link in row] for row in grid]
        return styled, (cursor[0], cursor[1])

    @staticmethod
    def _asked(child: subprocess.Popen[str], request: str) -> str:
        if child.stdin is None or child.stdout is None:
            return ""
        try:
            child.stdin.write(request + "\n")
            child.stdin.flush()
        except BrokenPipeError:
            return ""
        return child.stdout.readline()

    def close(self) -> int | None:
        """End the child; its exit code."""
        child, self._child = self._child, None
        if child is None:
            return None
        child.communicate(timeout=30)
        return child.returncode


class _Reader:
    """Reads the cells of one terminal by libghostty's C functions."""

    def __init__(self, columns: int, rows: int) -> None:
        core: Any = importlib.import_module("pyghostty.core")
        self._ffi: Any = core.ffi
        self._lib: Any = core.lib
        self.terminal: Any = core.Terminal(columns, rows, 1000)
        self._cell = self._ffi.new("GhosttyCell*")
        self._ref = core.init_sized("GhosttyGridRef")
        self._point = self._ffi.new("GhosttyPointS*", {"tag": self._lib.GHOSTTY_POINT_TAG_ACTIVE})
        find = "GhosttyResult(*)(GhosttyTerminal, GhosttyPointS, GhosttyGridRef*)"
        self._find = core.union_fn("ghostty_terminal_grid_ref", find)
        self._style = core.init_sized("GhosttyStyle")
        self._number = self._ffi.new("int*")
        self._points = self._ffi.new("uint32_t[64]")
        self._bytes = self._ffi.new("uint8_t[4096]")
        self._size = self._ffi.new("size_t*")

    def cell(self, x: int, y: int) -> LinkedCell:
        lib, ref, size = self._lib, self._ref, self._size
        self._point.value.x, self._point.value.y = x, y
        self._find(self.terminal._t[0], self._point[0], ref)
        lib.ghostty_grid_ref_cell(ref, self._cell)
        width = self._get(lib.GHOSTTY_CELL_DATA_WIDE)
        size[0] = 0
        lib.ghostty_grid_ref_graphemes(ref, self._points, 64, size)
        text = "".join(map(chr, self._points[0 : size[0]])).replace("\0", " ") or " "
        text = {lib.GHOSTTY_CELL_WIDE_SPACER_TAIL: "", lib.GHOSTTY_CELL_WIDE_SPACER_HEAD: " "}.get(
            width, text
        )
        size[0] = 0
        lib.ghostty_grid_ref_hyperlink_uri(ref, self._bytes, 4096, size)
        return text, self._read_style(ref), bytes(self._bytes[0 : size[0]]).decode()

    def _get(self, what: int) -> int:
        self._lib.ghostty_cell_get(self._cell[0], what, self._number)
        return int(self._number[0])

    def _read_style(self, ref: Any) -> Style:
        lib = self._lib
        content = self._get(lib.GHOSTTY_CELL_DATA_CONTENT_TAG)
        if content == lib.GHOSTTY_CELL_CONTENT_BG_COLOR_PALETTE:
            colour = self._ffi.new("uint8_t*")
            lib.ghostty_cell_get(self._cell[0], lib.GHOSTTY_CELL_DATA_COLOR_PALETTE, colour)
            return Style(background=int(colour[0]))
        if content == lib.GHOSTTY_CELL_CONTENT_BG_COLOR_RGB:
            rgb = self._ffi.new("GhosttyColorRgb*")
            lib.ghostty_cell_get(self._cell[0], lib.GHOSTTY_CELL_DATA_COLOR_RGB, rgb)
            return Style(background=RGB | rgb.r << 16 | rgb.g << 8 | rgb.b)
        style = self._style
        lib.ghostty_grid_ref_style(ref, style)
        attributes = sum(bool(getattr(style, name)) << bit for bit, name in enumerate(_ATTRIBUTES))
        colours = map(self._colour, (style.fg_color, style.bg_color, style.underline_color))
        foreground, background, underline_colour = colours
        return Style(foreground, background, attributes, style.underline, underline_colour)

    def _colour(self, colour: Any) -> int:
        if colour.tag == self._lib.GHOSTTY_STYLE_COLOR_PALETTE:
            return int(colour.value.palette)
        if colour.tag == self._lib.GHOSTTY_STYLE_COLOR_RGB:
            rgb = colour.value.rgb
            return RGB | int(rgb.r) << 16 | int(rgb.g) << 8 | int(rgb.b)
        return DEFAULT


def main() -> None:
    """Answer requests until there are no more."""
    for line in sys.stdin:
        data, columns, rows = json.loads(line)
        reader = _Reader(columns, rows)
        reader.terminal.feed(_CLUSTERS + base64.b64decode(data))
        grid = [[reader.cell(x, y) for x in range(columns)] for y in range(rows)]
        print(json.dumps([grid, reader.terminal.cursor]), flush=True)
        reader.terminal.close()


if __name__ == "__main__":
    main()

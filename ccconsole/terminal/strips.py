"""Lines of the engine as Textual Strips: segments of one style, never markup."""

from __future__ import annotations

from collections.abc import Sequence

from rich.color import Color
from rich.segment import Segment
from rich.style import Style as RichStyle
from textual.color import Color as TextualColor
from textual.filter import LineFilter
from textual.strip import Strip

from ccconsole.terminal.engine import CONTINUATION, Line, Style, Terminal
from ccconsole.terminal.engine.colours import RGB, to_rgb
from ccconsole.terminal.engine.rows import style_runs
from ccconsole.terminal.engine.styles import (
    BLINK,
    BOLD,
    DIM,
    INVISIBLE,
    ITALIC,
    OVERLINE,
    REVERSE,
    STRIKE,
)

CACHED_STRIPS = 256
CACHED_RUNS = 1024
"""How many rows, and rows' styles, are remembered; when they are more, all are forgotten."""

Span = tuple[int, int, RichStyle]
"""Columns, from and up to, that are painted with a style over their own."""

_SAFE_LINKS = ("http://", "https://", "mailto:")


def _colour(colour: int) -> Color | None:
    if colour < 0:
        return None
    if colour & RGB or colour > 15:
        rgb = to_rgb(colour)
        return Color.from_rgb(rgb >> 16, rgb >> 8 & 0xFF, rgb & 0xFF)
    return Color.from_ansi(colour)


class Painter:
    """Turns the lines of one terminal into Strips of a width; remembers the last ones."""

    def __init__(self, terminal: Terminal) -> None:
        self._terminal = terminal
        self._base = RichStyle.null()
        self._filters: tuple[LineFilter, ...] = ()
        self._background = TextualColor(0, 0, 0)
        self._look: tuple[RichStyle, tuple[LineFilter, ...], TextualColor, bool] | None = None
        self._styles: dict[str, RichStyle] = {}
        self._runs: dict[str, list[tuple[int, int, RichStyle]]] = {}
        self._strips: dict[tuple[Line, int, int], Strip] = {}

    def set_look(self, base: RichStyle, filters: Sequence[LineFilter], background: TextualColor) -> bool:
        """The widget's own colours, for cells without any, and what Textual makes of all colours in the end.

        Whether rows look otherwise than before, also because the program has turned the whole screen around.
        A style is sent through the filters once, where Textual would send every segment.
        """
        look = (base, tuple(filters), background, self._terminal.is_reverse_video)
        if look == self._look:
            return False
        self._base, self._filters, self._background, _ = self._look = look
        self._styles.clear()
        self._runs.clear()
        self._strips.clear()
        return True

    def filtered(self, style: RichStyle) -> RichStyle:
        """A style as it goes to the screen."""
        segments = [Segment(" ", style)]
        for line_filter in self._filters:
            segments = line_filter.apply(segments, self._background)
        return segments[0].style or RichStyle.null()

    def paint(self, line: Line, x: int, width: int, spans: list[Span]) -> Strip:
        """The columns x .. x + width of a line; halves of wide characters at the edges become blanks."""
        key = (line, x, width)
        strip = self._strips.get(key)
        if strip is None:
            if len(self._strips) >= CACHED_STRIPS:
                self._strips.clear()
            strip = self._strips[key] = Strip(self._segments(line, x, width), width)
        if spans:
            strip = Strip(self._overlaid(line, x, width, spans), width)
        return strip

    def _segments(self, line: Line, x: int, width: int) -> list[Segment]:
        shown = _cropped(line, x, width)
        text = shown.text
        runs = self._runs_of(shown.styles)
        if text.isascii():
            segments = [Segment(text[start:stop], style) for start, stop, style in runs]
        else:
            plain = self._terminal.plain
            segments = [Segment(plain(text[start:stop]), style) for start, stop, style in runs]
        rest = width - len(text)
        if rest > 0:
            segments.append(Segment(" " * rest, self.style(line.fill)))
        return segments

    def _runs_of(self, styles: str) -> list[tuple[int, int, RichStyle]]:
        """Where each style begins and ends; rows of one program have them in common, whatever they say."""
        runs = self._runs.get(styles)
        if runs is None:
            if len(self._runs) >= CACHED_RUNS:
                self._runs.clear()
            runs = [(start, stop, self.style(code)) for start, stop, code in style_runs(styles)]
            self._runs[styles] = runs
        return runs

    def _overlaid(self, line: Line, x: int, width: int, spans: list[Span]) -> list[Segment]:
        shown = _cropped(line, x, width)
        gap = max(width - len(shown.text), 0)
        text = shown.text + " " * gap
        styles = [self.style(code) for code in shown.styles + line.fill * gap]
        for start, stop, over in spans:
            style = self.filtered(over)
            for column in range(max(start - x, 0), min(stop - x, width)):
                styles[column] = styles[column] + style
        segments = []
        at = 0
        for column in range(1, width + 1):
            if column < width and (styles[column] == styles[at] or text[column] == CONTINUATION):
                continue
            segments.append(Segment(self._terminal.plain(text[at:column]), styles[at]))
            at = column
        return segments

    def style(self, code: str) -> RichStyle:
        """The rich style of an interned one, over the widget's own."""
        style = self._styles.get(code)
        if style is None:
            if len(self._styles) > 1 << 14:
                self._styles.clear()
            style = self._base + self._rich_style(self._terminal.style(code))
            style = self._styles[code] = self.filtered(style)
        return style

    def _rich_style(self, style: Style) -> RichStyle:
        attributes = style.attributes
        foreground, background = _colour(style.foreground), _colour(style.background)
        is_reverse = bool(attributes & REVERSE) != self._terminal.is_reverse_video
        link = self._terminal.link(style)
        return RichStyle(
            color=foreground,
            bgcolor=background,
            bold=bool(attributes & BOLD) or None,
            dim=bool(attributes & DIM) or None,
            italic=bool(attributes & ITALIC) or None,
            blink=bool(attributes & BLINK) or None,
            reverse=is_reverse or None,
            conceal=bool(attributes & INVISIBLE) or None,
            strike=bool(attributes & STRIKE) or None,
            overline=bool(attributes & OVERLINE) or None,
            underline=style.underline in (1, 3, 4, 5) or None,
            underline2=style.underline == 2 or None,
            link=link if link.startswith(_SAFE_LINKS) else None,
        )


def _cropped(line: Line, x: int, width: int) -> Line:
    """The part of a line that is shown, without half characters."""
    text = line.text[x : x + width]
    if not text.isascii():
        if text[:1] == CONTINUATION:
            text = " " + text[1:]
        if line.text[x + width : x + width + 1] == CONTINUATION:
            text = text[:-1] + " "
    return Line(text, line.styles[x : x + width])

"""The styles of a widget's parts, by name: for widgets that make their own rows.

Textual's component classes are the same, but each is worked out as a widget of its own whenever the styles of
its widget are: for a table's fourteen that was 7 ms, at each opening of its screen.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from rich.style import Style as RichStyle
from textual.style import Style
from textual.widget import Widget

MUTED = "$foreground 60%"
"""Text that is there for whoever looks for it; `$text-muted` is `auto` and lost outside CSS."""
FAINT = "$foreground 35%"


class Painted(Widget):
    """Has paints over its own colours; never a first base of two, of which Textual takes the CSS."""

    PAINTS: ClassVar[Mapping[str, str]] = {}
    """Textual styles by the names of parts, such as "bold $error on $surface"."""

    _own: Style | None = None
    _paints: Mapping[str, RichStyle] = {}

    def paint(self, part: str) -> RichStyle:
        """The style of a part, over the widget's own."""
        own = self.visual_style
        if own is not self._own:  # Its own or the theme has changed.
            self._own = own
            self._paints = {name: (own + Style.parse(text)).rich_style for name, text in self.PAINTS.items()}
        return self._paints[part]

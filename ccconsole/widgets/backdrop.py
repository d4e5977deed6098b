"""What lies behind other widgets."""

from __future__ import annotations

from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget


class Backdrop(Widget):
    """Nothing but a colour, without border, padding or content of its own.

    Textual goes through every row of every widget below a changed one at each painting; for a screen and its
    containers, which nobody sees, that was a fifth of what a busy terminal took. Here one row is all rows.
    """

    def render_lines(self, crop: Region) -> list[Strip]:
        """The same blank row."""
        strip = Strip.blank(crop.width, self.visual_style.rich_style)
        background = self.background_colors[1]
        for line_filter in self.get_line_filters():
            strip = strip.apply_filter(line_filter, background)
        return [strip] * crop.height

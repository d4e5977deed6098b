"""Painting only what changed.

For the smallest change Textual has every widget on the screen render itself whole, from front to back, and
then takes what it needs: with a busy terminal that was a third of the console's processor time, and with
idle services most of it. Here a changed region is asked of the one widget that is seen there; Textual's own
way stays for regions in which several are.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import cast

from rich.console import Console, ConsoleOptions, RenderResult
from rich.control import Control
from textual._compositor import ChopsUpdate, Compositor, CompositorUpdate
from textual.geometry import Offset, Region
from textual.strip import Strip
from textual.widget import Widget


class RowsUpdate(CompositorUpdate):
    """Strips and the places on the screen where they begin."""

    def __init__(self, rows: list[tuple[Offset, Strip]]) -> None:
        self.rows = rows

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        for (x, y), strip in self.rows:
            yield Control.move_to(x, y).segment
            yield from strip

    def render_segments(self, console: Console) -> str:
        """What the terminal is sent; rows and columns count from one there."""
        return "".join(f"\x1b[{y + 1};{x + 1}H{strip.render(console)}" for (x, y), strip in self.rows)


class FrontCompositor(Compositor):
    """Textual's, with another way for changed regions of which each lies in one widget."""

    def render_partial_update(self) -> ChopsUpdate | None:
        """An update of the dirty regions, None when there is none."""
        screen = self.size.region
        regions = [region for dirty in self._dirty_regions if (region := dirty.intersection(screen))]
        seen = self._seen_in(regions)
        if seen is None:
            return super().render_partial_update()
        self._dirty_regions.clear()
        rows = [row for widget, region in seen for row in self._rows(widget, region)]
        # The declared type is Textual's own; all it is used for is `render_segments`.
        return cast("ChopsUpdate", RowsUpdate(rows)) if rows else None

    def _seen_in(self, regions: list[Region]) -> list[tuple[Widget, Region]] | None:
        """The widget that is seen in each region, None when in one of them more than one is."""
        if not regions:
            return []
        widget = self._only_one_in(Region.from_union(regions))
        if widget is not None:
            return [(widget, region) for region in regions]
        widgets = [self._only_one_in(region) for region in regions]
        if None in widgets:
            return None
        return list(zip(cast("list[Widget]", widgets), regions, strict=True))

    def _only_one_in(self, region: Region) -> Widget | None:
        for widget, (place, clip) in self.visible_widgets.items():
            shown = place.intersection(clip)
            if shown.overlaps(region):
                return widget if shown.contains_region(region) else None
        return None

    def _rows(self, widget: Widget, region: Region) -> Iterable[tuple[Offset, Strip]]:
        place, _ = self.visible_widgets[widget]
        strips = widget.render_lines(region.translate(-place.offset))
        return zip((Offset(region.x, y) for y in region.line_range), strips, strict=False)

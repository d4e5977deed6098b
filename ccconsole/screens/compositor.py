"""Painting only what changed.

For the smallest change Textual has every widget on the screen render itself whole, from front to back, and
then takes what it needs: with a busy terminal that was a third of the console's processor time, and with
idle services most of it. Here a widget that is seen in a changed region makes that part of itself alone.
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
    """Textual's, with another way for what changed."""

    def render_partial_update(self) -> ChopsUpdate | None:
        """An update of the dirty regions, None when there is none."""
        screen = self.size.region
        regions = [region for dirty in self._dirty_regions if (region := dirty.intersection(screen))]
        self._dirty_regions.clear()
        rows = [row for widget, region in self._seen_in(regions) for row in self._rows(widget, region)]
        # The declared type is Textual's own; all it is used for is `render_segments`.
        return cast("ChopsUpdate", RowsUpdate(rows)) if rows else None

    def _seen_in(self, regions: list[Region]) -> list[tuple[Widget, Region]]:
        """The regions, in parts of which each shows one widget."""
        if not regions:
            return []
        everywhere = Region.from_union(regions)
        regions = _outermost(regions)
        is_first = True
        seen = []
        for widget, (place, clip) in self.visible_widgets.items():
            shown = place.intersection(clip)
            if not shown.overlaps(everywhere):
                continue
            if is_first and shown.contains_region(everywhere):
                return [(widget, region) for region in regions]
            is_first = False
            parts = [(region, region.intersection(shown)) for region in regions]
            seen += [(widget, part) for _, part in parts if part]
            regions = [rest for region, part in parts for rest in _without(region, part)]
            if not regions:
                break
        return seen

    def _rows(self, widget: Widget, region: Region) -> Iterable[tuple[Offset, Strip]]:
        place, _ = self.visible_widgets[widget]
        strips = widget.render_lines(region.translate(-place.offset))
        return zip((Offset(region.x, y) for y in region.line_range), strips, strict=False)


def _outermost(regions: list[Region]) -> list[Region]:
    return [
        one for one in regions if not any(one != other and other.contains_region(one) for other in regions)
    ]


def _without(region: Region, part: Region) -> list[Region]:
    """What is left of a region without a part of it."""
    if not part:
        return [region]
    x, y, width, height = region
    left, top, right, bottom = part.corners
    rest = (
        Region(x, y, width, top - y),
        Region(x, top, left - x, part.height),
        Region(right, top, x + width - right, part.height),
        Region(x, bottom, width, y + height - bottom),
    )
    return [one for one in rest if one]

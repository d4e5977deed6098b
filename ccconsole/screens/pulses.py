"""Pulses: a tile for each service, all at a glance."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.containers import Container, VerticalScroll
from textual.events import Click
from textual.widget import Widget

from ccconsole.commands import Place
from ccconsole.model.fleet import FleetRow
from ccconsole.model.services import ServiceKey
from ccconsole.screens.base import bindings
from ccconsole.screens.choosing import EnvironmentChoice
from ccconsole.screens.messages import LogsAsked, MetricsAsked, PromptAsked, ServiceAsked
from ccconsole.widgets.bars import TitleLine
from ccconsole.widgets.pulses import Pulse, picture
from ccconsole.widgets.text import Span, Tone

TILE = 40
"""Cells that a tile takes at least, its frame included."""
TILE_ROWS = 8
_FRAME = 4


class PulsesScreen(EnvironmentChoice):
    """The services of the chosen environments, in the order of deploy.toml."""

    PLACE: ClassVar = Place.PULSES
    BINDINGS: ClassVar = bindings(Place.PULSES)
    _here: ServiceKey | None = None

    def body(self) -> ComposeResult:
        """The tiles under a title."""
        yield TitleLine()
        with VerticalScroll(id="pulses-scroll"):
            yield Container(id="pulses")

    def home(self) -> Widget | None:
        """The tiles scroll."""
        return self.query_one("#pulses-scroll")

    def trail(self) -> tuple[str, ...]:
        """Fleet, pulses."""
        return ("fleet", "pulses")

    @property
    def rows(self) -> Sequence[FleetRow]:
        """What the tiles show."""
        places = {name: place for place, name in enumerate(self.desk.config.environments)}
        return sorted(
            self.desk.shown.rows,
            key=lambda row: (places.get(row.service.key.environment, len(places)), row.service.key),
        )

    @property
    def place(self) -> int:
        """The number of the tile with the cursor."""
        keys = [row.service.key for row in self.rows]
        return keys.index(self._here) if self._here in keys else 0

    @property
    def columns(self) -> int:
        """Tiles side by side."""
        return max(1, self.size.width // TILE)

    def redraw(self) -> None:
        """One tile a service; each paints itself only when it differs."""
        rows, now = self.rows, self.desk.now()
        parts = [Span(f"pulses ({self.desk.environment or 'all'}) [{len(rows)}]", Tone.STRONG)]
        self.query_one(TitleLine).parts = (*parts, Span("the last 30 minutes", Tone.DIM))
        grid = self.query_one("#pulses")
        tiles = list(grid.query(Pulse))
        if len(tiles) < len(rows):
            grid.mount(*(Pulse() for _ in range(len(rows) - len(tiles))))
            self.call_after_refresh(self.redraw)
            return
        grid.styles.grid_size_columns = self.columns
        width = self.query_one("#pulses-scroll").size.width // self.columns - _FRAME
        here = self.place
        for number, tile in enumerate(tiles):
            tile.display = number < len(rows)
            if number < len(rows):
                environment = self.desk.environment_of(rows[number].service.key.environment)
                tile.picture = picture(rows[number], environment, width, now)
                tile.set_class(environment.is_protected, "guarded")
                tile.set_class(number == here, "-here")

    def on_resize(self) -> None:
        """Other tiles fit side by side."""
        self.call_after_refresh(self.redraw)

    def _go(self, place: int) -> None:
        rows = self.rows
        if rows:
            place = max(0, min(place, len(rows) - 1))
            self._here = rows[place].service.key
            self.redraw()
            list(self.query(Pulse))[place].scroll_visible(animate=False)

    @property
    def page(self) -> int:
        """Rows of tiles in sight."""
        return max(1, self.query_one("#pulses-scroll").size.height // TILE_ROWS)

    def step(self, by: int) -> None:
        """A row of tiles."""
        self._go(self.place + by * self.columns)

    def leap(self, *, is_to_end: bool) -> None:
        """The first tile, or the last."""
        self._go(len(self.rows) - 1 if is_to_end else 0)

    def action_aside_left(self) -> None:
        """The tile before."""
        self._go(self.place - 1)

    def action_aside_right(self) -> None:
        """The next tile."""
        self._go(self.place + 1)

    @on(Click)
    def _clicked(self, event: Click) -> None:
        """A click goes there, a second one opens."""
        if isinstance(event.widget, Pulse):
            self._go(list(self.query(Pulse)).index(event.widget))
            if event.chain == 2:
                self.action_open()

    def _key(self) -> ServiceKey | None:
        rows = self.rows
        return rows[self.place].service.key if rows else None

    def action_open(self) -> None:
        """The service of the tile."""
        if (key := self._key()) is not None:
            self.root.post_message(ServiceAsked(key))

    def action_metrics(self) -> None:
        """Its charts."""
        self.root.post_message(MetricsAsked(self._key()))

    def action_logs(self) -> None:
        """Its lines."""
        key = self._key()
        self.root.post_message(LogsAsked(() if key is None else (key,)))

    def action_prompt(self, text: str = "") -> None:
        """For its service."""
        key = self._key()
        self.root.post_message(PromptAsked(() if key is None else (key,), text))

"""Tasks and their terminals: one, two or four side by side."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.containers import Container
from textual.widget import Widget

from ccconsole.commands import Place
from ccconsole.screens.base import bindings
from ccconsole.screens.desk import Desk
from ccconsole.screens.messages import LogsAsked, MetricsAsked, PromptAsked
from ccconsole.screens.panel import TaskPanel
from ccconsole.screens.recorded import RecordedScreen
from ccconsole.screens.searching import SearchingScreen
from ccconsole.screens.session import Session
from ccconsole.screens.steering import Steering
from ccconsole.terminal.view import TerminalPane
from ccconsole.widgets.task_rows import ID_LENGTH

TILES = (1, 2, 4)


class Tiles(Container):
    """The panels, in a grid."""


class TaskScreen(Steering, SearchingScreen, RecordedScreen):
    """Shows sessions; leaving it leaves them running."""

    PLACE: ClassVar = Place.TASK
    BINDINGS: ClassVar = bindings(Place.TASK)

    def __init__(self, desk: Desk, sessions: Sequence[Session]) -> None:
        super().__init__(desk)
        self.shown: list[Session] = list(sessions[: TILES[-1]])
        self._at = 0
        self._offered = ""
        self._panels = [TaskPanel() for _ in range(TILES[-1])]

    def body(self) -> ComposeResult:
        """Four panels, of which as many show as there are tiles."""
        with Tiles(id="tiles"):
            yield from self._panels

    @property
    def tiles(self) -> int:
        """How many panels it takes."""
        return next(count for count in TILES if count >= len(self.shown))

    @property
    def session(self) -> Session:
        """The one in the panel that has the focus."""
        return self.shown[self._at]

    @property
    def panel(self) -> TaskPanel:
        """The panel that has the focus."""
        return self._panels[self._at]

    @property
    def pane(self) -> TerminalPane:
        """The terminal of the panel."""
        return self.panel.pane

    def home(self) -> Widget | None:
        """The terminal."""
        return self.pane

    def trail(self) -> tuple[str, ...]:
        """Fleet, service, task."""
        task = self.session.task
        place = f"{self._at + 1} of {len(self.desk.sessions)}: " if len(self.shown) > 1 else ""
        return ("fleet", f"{task.environment}/{task.service}", f"{place}task {task.id[:ID_LENGTH]}")

    def in_sight(self) -> Sequence[Session]:
        """The sessions in the panels."""
        return self.shown

    def show(self, sessions: Sequence[Session]) -> None:
        """Show these in place of the others."""
        self.shown = list(sessions[: TILES[-1]])
        self._at = 0
        self.show_desk()
        self.pane.focus()

    def redraw(self) -> None:
        """Panels for what is shown, lines as they are now."""
        tiles, now = self.tiles, self.desk.now()
        grid = self.query_one("#tiles")
        for count in TILES:
            grid.set_class(count == tiles, f"-tiles-{count}")
        for place, panel in enumerate(self._panels):
            panel.display = place < tiles
            if place < len(self.shown):
                panel.show(self.shown[place], is_read_only=self.desk.is_read_only)
                panel.redraw(now)
            panel.visible = place < len(self.shown)
            panel.set_class(place == self._at and tiles > 1, "-here")
        self.refresh_bindings()

    def on_descendant_focus(self) -> None:
        """The panel of the focused terminal is the one that commands mean."""
        for place, panel in enumerate(self._panels):
            if panel.has_focus_within and place < len(self.shown) and place != self._at:
                self._at = place
                self.show_desk()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Only what makes sense for this task is offered."""
        if not super().check_action(action, parameters):
            return False
        match action:
            case "next_task" | "previous_task":
                return len(self.desk.sessions) > 1
            case "more_tiles":
                return len(self.desk.sessions) > len(self.shown) and len(self.shown) < TILES[-1]
            case "clipboard":
                return bool(self._offered)
        return True

    def footer(self) -> tuple[str, ...]:
        """While the program has the keyboard, only what it cannot take."""
        is_typing = self.pane.is_interactive and self.pane.has_focus
        return ("release", "quit") if is_typing else super().footer()

    @on(TerminalPane.ClipboardRequested)
    def _clipboard_requested(self, message: TerminalPane.ClipboardRequested) -> None:
        self._offered = message.text
        self.say(f"The agent offers {len(message.text)} characters for your clipboard; y takes them")

    def action_clipboard(self) -> None:
        """Take what the program offered."""
        if self._offered:
            self.app.copy_to_clipboard(self._offered)
            self.say(f"Took {len(self._offered)} characters")

    @property
    def page(self) -> int:
        """The lines in sight."""
        return self.pane.size.height

    def step(self, by: int) -> None:
        """Scroll the terminal."""
        self.pane.scroll_lines(by)

    def leap(self, *, is_to_end: bool) -> None:
        """The oldest line, or the end, which is followed then."""
        if is_to_end:
            self.pane.follow()
        else:
            self.pane.action_scroll_home()

    def action_prompt(self, text: str = "") -> None:
        """Another prompt for the same service."""
        if (service := self.session.service) is not None:
            self.root.post_message(PromptAsked((service.key,), text))

    def action_logs(self) -> None:
        """What the worker wrote of this task."""
        task = self.session.task
        key = self.desk.service_key(task.environment, task.service)
        if key is not None:
            self.root.post_message(LogsAsked((key,), task.id))

    def action_metrics(self) -> None:
        """Of the task's service."""
        task = self.session.task
        self.root.post_message(MetricsAsked(self.desk.service_key(task.environment, task.service)))

    def action_next_task(self) -> None:
        """The next followed task in this panel."""
        self._walk(1)

    def action_previous_task(self) -> None:
        """The one before it."""
        self._walk(-1)

    def _walk(self, by: int) -> None:
        sessions = list(self.desk.sessions.values())
        others = [one for one in sessions if one is self.session or one not in self.shown]
        if self.session in others and len(others) > 1:
            self.shown[self._at] = others[(others.index(self.session) + by) % len(others)]
            self.show_desk()

    def action_more_tiles(self) -> None:
        """More of the followed tasks, the newest first."""
        count = next((count for count in TILES if count > len(self.shown)), TILES[-1])
        others = [one for one in reversed(self.desk.sessions.values()) if one not in self.shown]
        self.shown += others[: count - len(self.shown)]
        self.show_desk()

    def action_fewer_tiles(self) -> None:
        """The panel with the focus stays."""
        count = next((count for count in reversed(TILES) if count < len(self.shown)), 1)
        here = self.session
        self.shown = [here, *(one for one in self.shown if one is not here)][:count]
        self._at = 0
        self.show_desk()
        self.pane.focus()

    def action_follow(self) -> None:
        """To the end of the output."""
        self.pane.follow()

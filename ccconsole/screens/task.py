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
from ccconsole.screens.session import Session
from ccconsole.screens.steering import Steering
from ccconsole.terminal.view import TerminalPane
from ccconsole.widgets.line_input import Asked, LineInput
from ccconsole.widgets.task_rows import ID_LENGTH

TILES = (1, 2, 4)


class TaskScreen(Steering, RecordedScreen):
    """Shows sessions; leaving it leaves them running."""

    PLACE: ClassVar = Place.TASK
    BINDINGS: ClassVar = bindings(Place.TASK)

    def __init__(self, desk: Desk, sessions: Sequence[Session]) -> None:
        super().__init__(desk)
        self.shown: list[Session] = list(sessions[: TILES[-1]])
        self._panels = [TaskPanel() for _ in range(TILES[-1])]
        self._at = 0
        self._search = ""
        self._offered = ""

    def body(self) -> ComposeResult:
        """Four panels, of which as many show as there are tiles."""
        yield Container(*self._panels, id="tiles")

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

    def home(self) -> Widget | None:
        """The terminal of the panel."""
        return self.panel.pane

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
        self.panel.pane.focus()

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
            case "search_next" | "search_previous":
                return bool(self._search)
        return True

    def footer(self) -> tuple[str, ...]:
        """While the program has the keyboard, only what it cannot take."""
        is_typing = self.panel.pane.is_interactive and self.panel.pane.has_focus
        return ("release", "quit") if is_typing else super().footer()

    @on(TerminalPane.Copied)
    def _copied(self, message: TerminalPane.Copied) -> None:
        self.say(f"Copied {len(message.text.splitlines())} lines")

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
        return self.panel.pane.size.height

    def step(self, by: int) -> None:
        """Scroll the terminal."""
        self.panel.pane.scroll_lines(by)

    def leap(self, *, is_to_end: bool) -> None:
        """The oldest line, or the end, which is followed then."""
        if is_to_end:
            self.panel.pane.follow()
        else:
            self.panel.pane.action_scroll_home()

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
        self.panel.pane.focus()

    def action_follow(self) -> None:
        """To the end of the output."""
        self.panel.pane.follow()

    def action_copy(self) -> None:
        """The selection, or the whole screen."""
        text = self.panel.pane.selected_text() or self.session.terminal.text()
        self.app.copy_to_clipboard(text)
        self.say(f"Copied {len(text.splitlines())} lines")

    def action_search(self, text: str = "") -> None:
        """Write what to find, or find it."""
        if text:
            self._find(text)
        else:
            self.ask(Asked.SEARCH, self._search)

    @on(LineInput.Ended)
    def _search_ended(self, message: LineInput.Ended) -> None:
        if message.asked is Asked.SEARCH and message.text:
            self._find(message.text)

    def _find(self, text: str) -> None:
        self._search = text
        self.action_search_previous()

    def action_search_next(self) -> None:
        """Towards the end."""
        self._found(self.panel.pane.search(self._search, is_forward=True))

    def action_search_previous(self) -> None:
        """Towards the beginning."""
        self._found(self.panel.pane.search(self._search, is_forward=False))

    def _found(self, is_found: bool) -> None:
        if not is_found:
            self.say(f"{self._search!r} is not found there", is_warning=True)

"""The mouse on a terminal pane: the program's where it asked for it, else it selects and scrolls."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual import events

from ccconsole.terminal.engine import CONTINUATION
from ccconsole.terminal.selection import Place, Selection, Unit

if TYPE_CHECKING:
    from ccconsole.terminal.view import TerminalPane

WHEEL_LINES = 3
"""Lines that one step of the wheel scrolls, xterm's and most others' default."""

CLICK_SECONDS = 0.5
"""Between two presses of a double click at most."""

_WHEEL_UP, _WHEEL_DOWN = 4, 5


class Pointer:
    """Presses, drags, releases and wheel steps of one pane, and what they selected."""

    def __init__(self, pane: TerminalPane) -> None:
        self._pane = pane
        self._selection: Selection | None = None
        self._is_dragging = False
        self._button = 0
        """The button that the program holds down."""
        self._moved_to: tuple[int, int] | None = None
        """The program's last mouse event: moves within one cell are not told."""
        self._clicks = 0
        self._clicked_at = 0.0
        self._clicked: Place | None = None

    def clear(self) -> None:
        """Nothing is selected any more."""
        self._selection = None

    @property
    def has_selected(self) -> bool:
        """Whether anything is selected."""
        return self._selection is not None

    def selected_columns(self, line: int) -> tuple[int, int] | None:
        """The selected columns of a line, counted from the first the terminal ever had."""
        return self._selection.columns(self._pane.terminal, line) if self._selection else None

    def selected_text(self) -> str:
        """What is selected."""
        return self._selection.text(self._pane.terminal) if self._selection else ""

    def press(self, event: events.MouseDown) -> None:
        """A button went down."""
        pane = self._pane
        if self._belongs_to_program(event):
            self._button = event.button
            pane.capture_mouse()
            self._send("press", event.button, event)
        elif event.button == 1:
            place = self._place(event)
            is_again = place == self._clicked and event.time - self._clicked_at < CLICK_SECONDS
            self._clicks = self._clicks % 3 + 1 if is_again else 1
            self._clicked, self._clicked_at = place, event.time
            self._selection = Selection(place, place, Unit(self._clicks))
            self._is_dragging = True
            pane.capture_mouse()
            pane.request_paint()

    def move(self, event: events.MouseMove) -> None:
        """The mouse moved; beyond an edge a drag scrolls."""
        pane = self._pane
        if self._is_dragging and self._selection is not None:
            y = event.get_content_offset_capture(pane).y
            if y < 0:
                pane.scroll_lines(-1)
            elif y >= pane.size.height:
                pane.scroll_lines(1)
            self._selection.head = self._place(event)
            pane.request_paint()
        elif self._button or self._belongs_to_program(event):
            self._send("move", self._button, event)

    def release(self, event: events.MouseUp) -> None:
        """The button went up: what is selected is copied."""
        pane = self._pane
        if self._is_dragging:
            self._is_dragging = False
            pane.release_mouse()
            pane.copy_selection()
        elif self._button:
            pane.release_mouse()
            self._send("release", self._button, event)
            self._button = 0

    def wheel(self, event: events.MouseScrollUp | events.MouseScrollDown, *, is_up: bool) -> None:
        """A step: to the program, to a full-screen program as arrow keys, or through the scrollback."""
        pane = self._pane
        event.stop()
        event.prevent_default()
        if self._belongs_to_program(event):
            self._send("press", _WHEEL_UP if is_up else _WHEEL_DOWN, event)
        elif event.shift or event.ctrl:
            pane.scroll_columns(-WHEEL_LINES if is_up else WHEEL_LINES)
        elif pane.is_interactive and pane.terminal.is_alternate:
            pane.type(pane.terminal.encode_key("up" if is_up else "down") * WHEEL_LINES)
        else:
            pane.scroll_lines(-WHEEL_LINES if is_up else WHEEL_LINES)

    def _belongs_to_program(self, event: events.MouseEvent) -> bool:
        return self._pane.is_interactive and self._pane.terminal.wants_mouse and not event.shift

    def _send(self, action: str, button: int, event: events.MouseEvent) -> None:
        pane = self._pane
        terminal = pane.terminal
        line, x = self._place(event)
        y = line - terminal.evicted - terminal.history
        modifiers = (8 if event.meta else 0) + (16 if event.ctrl else 0)
        is_same = action == "move" and self._moved_to == (x, y)
        self._moved_to = (x, y)
        if 0 <= y < terminal.rows and x < terminal.columns and not is_same:
            pane.type(terminal.encode_mouse(action, button, x, y, modifiers))

    def _place(self, event: events.MouseEvent) -> Place:
        """The cell under the mouse, or the nearest one; of a wide character its first half."""
        pane = self._pane
        terminal = pane.terminal
        offset = event.get_content_offset_capture(pane)
        y = min(max(offset.y, 0), max(pane.size.height - 1, 0))
        number = min(pane.top + y, terminal.line_count - 1)
        x = min(max(offset.x + pane.scroll_offset.x, 0), terminal.columns - 1)
        text = terminal.line(number).text
        if x < len(text) and text[x] == CONTINUATION:
            x -= 1
        return number + terminal.evicted, x

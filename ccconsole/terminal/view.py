"""The terminal pane: paints the engine's lines, scrolls, selects, searches, and types."""

from __future__ import annotations

from rich.style import Style as RichStyle
from textual import events
from textual.message import Message

from ccconsole import keyboard
from ccconsole.terminal.canvas import TerminalCanvas
from ccconsole.terminal.engine import Terminal
from ccconsole.terminal.finder import Finder
from ccconsole.terminal.pointer import Pointer
from ccconsole.terminal.strips import Span

RELEASE_KEY = "ctrl+right_square_bracket"
"""Takes the keyboard back from the program, as in telnet."""

_LOCAL_KEYS = {
    "shift+pageup": "page_up",
    "shift+pagedown": "page_down",
    "shift+home": "scroll_home",
    "shift+end": "scroll_end",
}

_CURSOR_STYLES = (
    RichStyle(reverse=True),
    RichStyle(reverse=True),
    RichStyle(underline=True),
    RichStyle(underline2=True),
)
"""By DECSCUSR's shape (the user's choice, block, underline, bar); a bar has no cell of its own: two lines."""


class TerminalPane(TerminalCanvas, can_focus=True):
    """A terminal on the screen. Feed the engine (`feeder.Feeder`); the pane sees it and paints.

    Not interactive, it scrolls: arrows, page up and down, home, end, the wheel. Interactive, keys, pastes,
    focus and (where the program asked) the mouse become `Typed`; shift with page up, page down, home or end
    scrolls, and ctrl+] leaves. A drag, a double or a triple click selects and copies, with shift also where
    the program has the mouse. The pane never changes the engine's size and takes no replies: on `SizeChanged`
    whoever runs the program resizes both, and sends what `Terminal.take_replies` gives.
    """

    class Typed(Message):
        """Keys, a paste, the mouse or the focus, as the bytes that the program expects."""

        def __init__(self, data: bytes) -> None:
            super().__init__()
            self.data = data

    class SizeChanged(Message):
        """The pane has room for so many cells; posted in interactive mode."""

        def __init__(self, columns: int, rows: int) -> None:
            super().__init__()
            self.columns = columns
            self.rows = rows

    class Copied(Message):
        """A selection went to the clipboard."""

        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    class ClipboardRequested(Message):
        """The program asked to set the clipboard (OSC 52); nothing happens unless a person agrees."""

        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    def __init__(
        self,
        terminal: Terminal,
        *,
        is_interactive: bool = False,
        id: str | None = None,
        classes: str | None = None,
    ) -> None:
        super().__init__(terminal, id=id, classes=classes)
        self.is_interactive = is_interactive
        self._pointer = Pointer(self)
        self._finder = Finder()

    def before_paint(self) -> None:
        """Report what the program wants on the clipboard."""
        clipboard = self.terminal.take_clipboard()
        if clipboard is not None:
            self.post_message(self.ClipboardRequested(clipboard))

    def forget(self) -> None:
        """No selection, no match."""
        self._pointer.clear()
        self._finder.found = None

    def overlays(self, numbers: range) -> dict[int, list[Span]]:
        """Matches, the selection, the cursor."""
        spans: dict[int, list[Span]] = {}
        if self._finder.pattern is not None or self._pointer.has_selected:
            spans = {number: self._marked(number) for number in numbers}
        cursor, line = self.terminal.cursor, self.terminal.history + self.terminal.cursor.y
        if self.has_focus and cursor.is_visible:
            style = _CURSOR_STYLES[(cursor.style + 1) // 2]
            spans[line] = [*spans.get(line, ()), (cursor.x, cursor.x + 1, style)]
        return spans

    def _marked(self, number: int) -> list[Span]:
        spans: list[Span] = []
        terminal, finder = self.terminal, self._finder
        place = number + terminal.evicted
        if finder.pattern is not None and number < terminal.line_count:
            style = self.paint("match")
            spans += [(start, stop, style) for start, stop in terminal.matches(number, finder.pattern)]
            if finder.found is not None and finder.found[0] == place:
                spans.append((*finder.found[1:], self.paint("found")))
        selected = self._pointer.selected_columns(place)
        if selected is not None:
            spans.append((*selected, self.paint("selection")))
        return spans

    def set_search(self, text: str) -> None:
        """Highlight what a regular expression matches, or the text itself when it is none; empty: nothing."""
        self._finder.set(text)
        self.request_paint()

    async def search(self, text: str, *, is_forward: bool = False) -> bool:
        """Go to the next match after the last one found, or before it; False when there is none that way.

        The pane stays there, whatever output comes. Of several searches at once the last counts.
        """
        if text != self._finder.text:
            self.set_search(text)
        top, height = self.top, self.size.height
        line = await self._finder.find(self.terminal, top, top + height - 1, is_forward=is_forward)
        if line is None:
            return False
        self.stay()
        if not self.top <= line < self.top + height:
            self.scroll_lines(line - height // 2 - self.top)
        self.request_paint()
        return True

    def selected_text(self) -> str:
        """What is selected, empty when nothing is."""
        return self._pointer.selected_text()

    def copy_selection(self) -> None:
        """The selection to the clipboard."""
        text = self.selected_text()
        if text:
            self.app.copy_to_clipboard(text)
            self.post_message(self.Copied(text))

    def type(self, data: bytes) -> None:
        """Bytes for the program, from whatever device."""
        if data and self.is_interactive:
            self.post_message(self.Typed(data))

    def on_key(self, event: events.Key) -> None:
        """Keys of an interactive terminal belong to its program, but for those that leave and scroll."""
        if not self.is_interactive:
            return
        event.stop()
        event.prevent_default()
        if event.key == RELEASE_KEY:
            self.screen.set_focus(None)
        elif event.key in _LOCAL_KEYS and not self.terminal.is_alternate:
            getattr(self, f"action_{_LOCAL_KEYS[event.key]}")()
        else:
            data = b"".join(self.terminal.encode_key(*key) for key in keyboard.typed(event))
            if data:
                self.follow()
                self.type(data)

    def on_paste(self, event: events.Paste) -> None:
        """A paste, in brackets when the program wants it so."""
        if self.is_interactive:
            event.stop()
            self.type(self.terminal.encode_paste(event.text))

    def on_focus(self) -> None:
        """The cursor appears."""
        self.type(self.terminal.encode_focus(True))
        self.request_paint()

    def on_blur(self) -> None:
        """The cursor goes."""
        self.type(self.terminal.encode_focus(False))
        self.request_paint()

    def on_resize(self) -> None:
        """Room for more or fewer cells."""
        width, height = self.size
        if self.is_interactive and width and height:
            self.post_message(self.SizeChanged(width, height))
        self._paint()

    def on_mouse_down(self, event: events.MouseDown) -> None:
        """A press: the program's, or a selection begins."""
        self._pointer.press(event)

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """A drag."""
        self._pointer.move(event)

    def on_mouse_up(self, event: events.MouseUp) -> None:
        """The end of a drag."""
        self._pointer.release(event)

    def _on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        self._pointer.wheel(event, is_up=True)

    def _on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        self._pointer.wheel(event, is_up=False)

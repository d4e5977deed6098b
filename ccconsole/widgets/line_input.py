"""The one-line input that stands in for the breadcrumbs while a command, a filter or a search is written."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from textual import events
from textual.message import Message
from textual.suggester import SuggestFromList
from textual.widgets import Input


class Asked(StrEnum):
    """What the line is for, by its first character."""

    COMMAND = ":"
    FILTER = "/"
    SEARCH = "?"
    NAME = ">"
    REASON = "!"


class LineInput(Input):
    """Enter ends it, escape takes it back."""

    @dataclass
    class Edited(Message):
        """The text is another one while it is written."""

        asked: Asked
        text: str

    @dataclass
    class Ended(Message):
        """Enter was pressed."""

        asked: Asked
        text: str

    @dataclass
    class Abandoned(Message):
        """Escape was pressed, or the last character was taken away."""

        asked: Asked

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id, compact=True, select_on_focus=False)
        self.asked = Asked.COMMAND
        self._history: list[str] = []
        self._at = 0

    def ask(self, asked: Asked, text: str = "", words: list[str] | None = None) -> None:
        """Begin with a text and words to complete from."""
        self.asked = asked
        self.suggester = SuggestFromList(words or [], case_sensitive=False)
        self.placeholder = {
            Asked.COMMAND: "command, environment, or environment/service",
            Asked.FILTER: "regular expression, ! for its inverse",
            Asked.SEARCH: "text to find",
            Asked.NAME: "the service's name",
            Asked.REASON: "why not, or what instead; enter denies, escape does not",
        }[asked]
        with self.prevent(Input.Changed):
            self.value = text
        self.cursor_position = len(text)
        self._at = len(self._history)
        self.focus()

    def on_input_changed(self, event: Input.Changed) -> None:
        """Each edit is told, so that a filter works while it is written."""
        event.stop()
        self.post_message(self.Edited(self.asked, event.value))

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Keep it in the history and hand it over."""
        event.stop()
        if self.asked is Asked.COMMAND and event.value and event.value not in self._history[-1:]:
            self._history.append(event.value)
        self.post_message(self.Ended(self.asked, event.value))

    def on_key(self, event: events.Key) -> None:
        """Escape leaves, tab completes, up and down walk the history of commands."""
        is_emptied = event.key == "backspace" and not self.value
        if event.key == "escape" or is_emptied:
            event.stop()
            event.prevent_default()
            self.post_message(self.Abandoned(self.asked))
        elif event.key == "tab":
            event.stop()
            event.prevent_default()
            self.action_cursor_right()
        elif event.key in ("up", "down") and self.asked is Asked.COMMAND:
            event.stop()
            self._walk(-1 if event.key == "up" else 1)

    def _walk(self, by: int) -> None:
        self._at = max(0, min(len(self._history), self._at + by))
        self.value = self._history[self._at] if self._at < len(self._history) else ""
        self.cursor_position = len(self.value)

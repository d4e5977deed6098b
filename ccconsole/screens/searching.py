"""Searching in a terminal and copying out of it, on every screen that shows one."""

from __future__ import annotations

from textual import on, work

from ccconsole.screens.base import ConsoleScreen
from ccconsole.terminal.selection import whole_text
from ccconsole.terminal.view import TerminalPane
from ccconsole.widgets.line_input import Asked, LineInput


class SearchingScreen(ConsoleScreen):
    """The subclass says which terminal is meant."""

    _search = ""

    @property
    def pane(self) -> TerminalPane:
        """The terminal that commands mean."""
        raise NotImplementedError

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """There is a next match of what was searched."""
        if action in ("search_next", "search_previous") and not self._search:
            return False
        return super().check_action(action, parameters)

    @on(TerminalPane.Copied)
    def _copied(self, message: TerminalPane.Copied) -> None:
        self._say_copied(message.text)

    def _say_copied(self, text: str) -> None:
        self.say(f"Copied {len(text.splitlines())} lines")

    def action_copy(self) -> None:
        """The selection, or all lines."""
        self._copy(self.pane)

    @work(group="copy", exclusive=True, exit_on_error=False)
    async def _copy(self, pane: TerminalPane) -> None:
        text = pane.selected_text() or await whole_text(pane.terminal)
        self.app.copy_to_clipboard(text)
        self._say_copied(text)

    def action_search(self, text: str = "") -> None:
        """Write what to find, or find it, backwards from here; so it is shown what was there last."""
        if text:
            self._search = text
            self.action_search_previous()
        else:
            self.ask(Asked.SEARCH, self._search)

    @on(LineInput.Ended)
    def _search_ended(self, message: LineInput.Ended) -> None:
        if message.asked is Asked.SEARCH and message.text:
            self.action_search(message.text)

    def action_search_next(self) -> None:
        """Towards the end."""
        self._find(self.pane, is_forward=True)

    def action_search_previous(self) -> None:
        """Towards the beginning."""
        self._find(self.pane, is_forward=False)

    @work(group="search", exclusive=True, exit_on_error=False)
    async def _find(self, pane: TerminalPane, *, is_forward: bool) -> None:
        if not await pane.search(self._search, is_forward=is_forward):
            self.say(f"{self._search!r} is not found there", is_warning=True)

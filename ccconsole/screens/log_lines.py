"""The lines of the log screen: moving through them, searching, unfolding, copying, and how they are drawn."""

from __future__ import annotations

from dataclasses import replace

from textual import on
from textual.app import ComposeResult
from textual.widget import Widget
from textual.widgets import Static

from ccconsole.model.logs import LogBatch
from ccconsole.screens.log_reading import LogReadingScreen
from ccconsole.widgets.bars import TitleLine
from ccconsole.widgets.line_input import Asked, LineInput
from ccconsole.widgets.logs import text
from ccconsole.widgets.logs.text import ClockColumn
from ccconsole.widgets.logs.view import SIDE_STEP, LogView


class LogLinesScreen(LogReadingScreen):
    """Shows the book; it follows the end until the reader moves away from it."""

    def tabs(self) -> ComposeResult:
        """What stands above the title."""
        yield from ()

    def body(self) -> ComposeResult:
        """Title, what is wrong, the lines."""
        yield from self.tabs()
        yield TitleLine()
        yield Static(id="log-problems")
        yield LogView(self.book, id="log-view")

    @property
    def view(self) -> LogView:
        """The lines."""
        return self.query_one(LogView)

    def home(self) -> Widget | None:
        """The lines."""
        return self.view

    def taken(self, batch: LogBatch) -> None:
        """Into the book; the view stays with what it shows, or at the end."""
        held = self.view.hold()
        added = self.book.add(batch.entries)
        if not self.view.is_following:
            self.status.missed += added
        self.view.changed(held)
        self.redraw()

    def past_taken(self, batch: LogBatch) -> None:
        """Before the others."""
        held = self.view.hold()
        self.book.add_shown(batch.entries)
        self.view.changed(held)
        self.redraw()

    @on(LogReadingScreen.Searched)
    def _searched(self) -> None:
        if self.book.pattern is None:
            self.view.refresh()
        elif not self.book.matches:
            self.view.refresh()
            self.say(f"{self.book.pattern.text!r} is not found there", is_warning=True)
        else:
            self._go(is_forward=False, is_from_here=True)
        self.refresh_bindings()
        self.redraw()

    def _go(self, *, is_forward: bool, is_from_here: bool = False) -> None:
        here = self.view.cursor_entry
        if here is None:
            return
        is_there = is_from_here and here in self.book.matches[-1:]
        place = None if is_there else self.book.match(here, is_forward=is_forward)
        if place is not None:
            self.view.move_to(self.book.index(self.book.matches[place]))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Matches are walked where there is a search."""
        if action in ("search_next", "search_previous"):
            return self.book.pattern is not None
        return super().check_action(action, parameters)

    @on(LineInput.Ended)
    def _ended(self, message: LineInput.Ended) -> None:
        if message.asked is Asked.SEARCH:
            self.look_for(message.text)

    def action_search(self, words: str = "") -> None:
        """Write what to find, or find it."""
        if words:
            self.look_for(words)
        else:
            self.ask(Asked.SEARCH, self.book.pattern.text if self.book.pattern is not None else "")

    def action_search_next(self) -> None:
        """Towards the end."""
        self._go(is_forward=True)

    def action_search_previous(self) -> None:
        """Towards the beginning."""
        self._go(is_forward=False)

    def action_pause(self) -> None:
        """Stay at this line, or go on."""
        self.view.follow(is_following=not self.view.is_following)

    def action_follow(self) -> None:
        """To the end, and stay there."""
        self.view.follow()

    def action_wrap(self) -> None:
        """Long lines whole, or cut."""
        self.view.side = 0
        self.view.relook(replace(self.view.look, is_wrapped=not self.view.look.is_wrapped))

    def action_clock(self) -> None:
        """Local, UTC, none."""
        clocks = list(ClockColumn)
        after = clocks[(clocks.index(self.view.look.clock) + 1) % len(clocks)]
        self.view.relook(replace(self.view.look, clock=after))
        self.say(f"Times: {after}")

    def action_unfold(self) -> None:
        """All of the line, or its one line again."""
        self.view.toggle_open()

    def action_copy(self) -> None:
        """The line under the cursor; unfolded, with its JSON."""
        if (entry := self.view.cursor_entry) is not None:
            self.app.copy_to_clipboard(text.copied(entry, is_open=self.view.is_open(entry)))
            self.say("Copied the line")

    @on(LogView.Chosen)
    def _chosen(self, message: LogView.Chosen) -> None:
        self.app.copy_to_clipboard("\n".join(text.copied(entry, is_open=False) for entry in message.entries))
        self.say(f"Copied {len(message.entries)} lines")

    def action_aside_left(self) -> None:
        """Back towards the beginning of long lines."""
        self.view.scroll_aside(-SIDE_STEP)

    def action_aside_right(self) -> None:
        """On towards their ends."""
        self.view.scroll_aside(SIDE_STEP)

    @property
    def page(self) -> int:
        """The rows in sight."""
        return self.view.size.height

    def step(self, by: int) -> None:
        """Move the cursor."""
        self.view.move(by)

    def stride(self, by: int) -> None:
        """Scroll; the cursor comes along."""
        self.view.scroll_rows(by)

    def leap(self, *, is_to_end: bool) -> None:
        """The oldest line, or the end, which is followed then."""
        if is_to_end:
            self.view.follow()
        else:
            self.view.move_to(0)

"""The prompt box: text for one service or several, with options, history and a confirmation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.screen import ModalScreen
from textual.widgets import Input, Static, TextArea

from ccconsole.commands import Place
from ccconsole.model.fleet import FleetRow
from ccconsole.paints import MUTED
from ccconsole.screens.backend import Draft, Option
from ccconsole.screens.base import bindings
from ccconsole.screens.desk import Desk
from ccconsole.screens.options import MODES, OptionError, parsed, written
from ccconsole.widgets.service_cells import capacity
from ccconsole.widgets.text import content

MAX_BYTES = 1 << 20
"""worker_service.wire.MAX_PROMPT_BYTES, which is not imported: that loads pydantic."""
_NAMED = 4
NO_OPTIONS: Mapping[str, Option] = {}


class PromptArea(TextArea):
    """Enter sends; alt+enter and ctrl+j are new lines, shift+enter where a terminal tells it from enter.

    Up and down at the edges are history.
    """

    @dataclass
    class Sent(Message):
        """Enter was pressed."""

    @dataclass
    class Walked(Message):
        """Up on the first line, or down on the last."""

        by: int

    async def _on_key(self, event: events.Key) -> None:
        row, _column = self.cursor_location
        if event.key == "enter":
            self._take(event, self.Sent())
        elif event.key in ("shift+enter", "ctrl+j", "alt+enter"):
            event.stop()
            event.prevent_default()
            self.insert("\n")
        elif event.key == "up" and row == 0:
            self._take(event, self.Walked(-1))
        elif event.key == "down" and row == self.document.line_count - 1:
            self._take(event, self.Walked(1))
        else:
            await super()._on_key(event)

    def _take(self, event: events.Key, message: Message) -> None:
        event.stop()
        event.prevent_default()
        self.post_message(message)


class PromptScreen(ModalScreen[Draft | None]):
    """Dismissed with a draft, or with None; what was written is kept on the desk."""

    BINDINGS: ClassVar = bindings(Place.PROMPT)

    def __init__(
        self,
        desk: Desk,
        rows: Sequence[FleetRow],
        text: str = "",
        options: Mapping[str, Option] = NO_OPTIONS,
    ) -> None:
        super().__init__()
        self._options = {**desk.options, **options}
        self._is_for_once = bool(options)
        self.desk = desk
        self.rows = rows
        self._text = text or desk.draft
        self._at = len(desk.history.entries)
        self._written = ""
        self._is_confirming = False

    @property
    def guarded(self) -> list[FleetRow]:
        """The targets in protected environments."""
        environments = self.desk.config.environments
        return [row for row in self.rows if environments[row.service.key.environment].is_protected]

    def compose(self) -> ComposeResult:
        """Target, text, options, and one line that says what enter does."""
        with Vertical(id="prompt-box", classes="guarded" if self.guarded else ""):
            yield Static(self._target(), id="target", classes="one-line")
            yield PromptArea(self._text, soft_wrap=True, show_line_numbers=False, compact=True, id="prompt")
            yield Input(written(self._options), compact=True, id="options", select_on_focus=False)
            yield Static(self._keys(), id="prompt-keys")

    def on_mount(self) -> None:
        """The cursor after what was kept."""
        area = self.query_one(PromptArea)
        area.move_cursor(area.document.end)
        area.focus()

    def _target(self) -> Content:
        parts: list[Content] = [content(("prompt → ", MUTED))]
        environments = self.desk.config.environments
        for place, row in enumerate(self.rows[:_NAMED]):
            key = row.service.key
            is_guarded = environments[key.environment].is_protected
            name = f"{key.environment.upper() if is_guarded else key.environment}/{key.name}"
            parts.append(
                content((", " if place else ""), (name, "bold $error" if is_guarded else "bold $accent"))
            )
        if len(self.rows) > _NAMED:
            parts.append(content(f" and {len(self.rows) - _NAMED} more"))
        if len(self.rows) == 1:
            row = self.rows[0]
            limit = capacity(row.service)
            is_full = limit is not None and row.busy >= limit
            parts.append(content((f"   busy {row.busy}/{limit or '?'}", "$warning" if is_full else MUTED)))
        return Content("").join(parts)

    def _keys(self, problem: str = "") -> Content:
        if problem:
            return content((problem, "$error"))
        if self._is_confirming:
            names = ", ".join(
                f"{row.service.key.environment.upper()}/{row.service.key.name}" for row in self.guarded
            )
            return content(
                (f" {names} ", "bold $error"),
                ("is protected: ", "$error"),
                ("enter", "bold $accent"),
                " sends, ",
                ("esc", "bold $accent"),
                " goes back",
            )
        pairs = (
            ("enter", "send"),
            ("alt+enter ctrl+j", "new line"),
            ("↑↓", "history"),
            ("tab", "options"),
            ("ctrl+t", "mode"),
            ("esc", "close"),
        )
        return content(*(part for key, what in pairs for part in ((key, "$accent"), (f" {what}   ", MUTED))))

    def _say(self, problem: str = "") -> None:
        self.query_one("#prompt-keys", Static).update(self._keys(problem))

    @on(PromptArea.Sent)
    @on(Input.Submitted, "#options")
    def _sent(self) -> None:
        text = self.query_one(PromptArea).text
        try:
            options = parsed(self.query_one("#options", Input).value)
        except OptionError as error:
            self._say(str(error))
            return
        if not text.strip():
            self._say("Nothing to send: the prompt is empty.")
        elif len(text.encode("utf-8", "replace")) > MAX_BYTES:
            self._say("The prompt is longer than 1 MiB, which is what the worker takes.")
        elif options.get("mode", MODES[0]) != MODES[0] and (deaf := self._deaf()):
            self._say(f"{deaf} has no store: nobody could type or answer there. Use mode=headless.")
        elif self.guarded and not self._is_confirming:
            self._is_confirming = True
            self._say()
        else:
            self.desk.draft = ""
            if not self._is_for_once:
                self.desk.options = {name: value for name, value in options.items() if name != "resume"}
            self.desk.history.add(text)
            self.dismiss(Draft(text, options))

    def _deaf(self) -> str:
        """The first target where no key or answer could reach a task; empty when there is none."""
        environments = self.desk.config.environments
        names = (row.service.key.environment for row in self.rows)
        return next((name for name in names if environments[name].store is None), "")

    @on(TextArea.Changed)
    @on(Input.Changed)
    def _edited(self) -> None:
        self._is_confirming = False
        self._say()

    @on(PromptArea.Walked)
    def _walked(self, message: PromptArea.Walked) -> None:
        entries, area = self.desk.history.entries, self.query_one(PromptArea)
        if self._at >= len(entries):
            self._written = area.text
        place = max(0, min(len(entries), self._at + message.by))
        if place == self._at:
            return
        self._at = place
        area.load_text(entries[place] if place < len(entries) else self._written)
        area.move_cursor(area.document.end if message.by < 0 else (0, 0))

    def action_prompt_mode(self) -> None:
        """The next mode, in the options line."""
        line = self.query_one("#options", Input)
        try:
            options = parsed(line.value)
        except OptionError as error:
            self._say(str(error))
            return
        place = MODES.index(str(options.get("mode", MODES[0])))
        options["mode"] = MODES[(place + 1) % len(MODES)]
        line.value = written(options)

    def action_prompt_cancel(self) -> None:
        """Back from the confirmation, else close; the text waits for the next time."""
        if self._is_confirming:
            self._is_confirming = False
            self._say()
            return
        self.desk.draft = self.query_one(PromptArea).text
        self.dismiss(None)

"""`?`: every key and command, from the registry, as they are bound now."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.keys import format_key
from textual.screen import ModalScreen
from textual.widgets import Static

from ccconsole import commands
from ccconsole.commands import Command, Danger, Place
from ccconsole.paints import FAINT, MUTED
from ccconsole.screens.desk import PLACE_NAMES, Desk
from ccconsole.widgets.text import content

_KEYS = 17
_WORDS = 11
_FRAME = 14
"""Cells of the box around the text: margins, border, padding, indent, scrollbar."""
_WIDTH = 110


def shown_keys(command: Command, desk: Desk) -> str:
    """The keys a command has now, as a person would write them."""
    keys = desk.keymap.get(command.id, command.keys)
    return " ".join(shown_key(key) for key in keys.split(",") if key)


def shown_key(key: str) -> str:
    """`question_mark` as `?`, `ctrl+right_square_bracket` as `ctrl+]`."""
    *modifiers, name = key.split("+")
    return "+".join([*modifiers, format_key(name)])


class HelpScreen(ModalScreen[None]):
    """The commands of the screen below first, then those of the others, if one can go there."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,question_mark", "app.pop_screen", "Close"),
        Binding("j,down", "scroll(1)", show=False),
        Binding("k,up", "scroll(-1)", show=False),
        Binding("ctrl+f,pagedown,space", "scroll(15)", show=False),
        Binding("ctrl+b,pageup", "scroll(-15)", show=False),
    ]

    def __init__(self, desk: Desk, place: Place) -> None:
        super().__init__()
        self.desk = desk
        self.place = place

    def compose(self) -> ComposeResult:
        """One scrolling text."""
        with VerticalScroll(classes="dialog wide", id="help"):
            yield Static(Content("\n").join(self.lines()), id="help-text")

    def lines(self) -> Iterator[Content]:
        """The whole help, a line each."""
        yield content(("Keys and commands", "bold $accent"), ("   esc closes, j and k scroll", MUTED))
        told: set[str] = set()
        others = [other for other in Place if other is not self.place and self.desk.config.environments]
        for place in (self.place, *others):
            listed = [
                command
                for command in commands.at(place, is_read_only=self.desk.is_read_only)
                if command.is_listed and command.id not in told
            ]
            told |= {command.id for command in listed}
            if listed:
                yield Content("")
                yield content((PLACE_NAMES[place], "bold"))
                for command in listed:
                    yield from self._lines(command)
        if self.desk.is_read_only:
            yield Content("")
            yield content(("🔒 read-only: the commands that change something are not here", "$warning"))
        yield content(
            (
                "\nEvery key can be another one: [keys] in the settings file, by the command's id.",
                MUTED,
            )
        )

    def _lines(self, command: Command) -> Iterator[Content]:
        keys = "1 … 9" if command.id == "environment_1" else shown_keys(command, self.desk)
        word = f":{command.words[0]}" if command.words else ""
        danger = "" if command.danger is Danger.LOOKS else " !" if command.danger is Danger.CHANGES else " !!"
        room = max(20, min(_WIDTH, self.app.size.width) - _KEYS - _WORDS - _FRAME)
        first, *rest = textwrap.wrap(command.help, room)
        yield content(
            (f"  {keys:<{_KEYS}}", "$accent"),
            (f"{word:<{_WORDS}}", "$primary"),
            first,
            (danger, "$warning"),
            (f"  {command.id}", FAINT),
        )
        for line in rest:
            yield content(" " * (2 + _KEYS + _WORDS), line)

    def action_scroll(self, lines: int) -> None:
        """By so many lines."""
        self.query_one("#help").scroll_relative(y=lines, animate=False)

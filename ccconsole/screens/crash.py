"""A bug, told as one: what to copy into a report, and the way on."""

from __future__ import annotations

import platform
import traceback
from importlib.metadata import version
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Static, TextArea

from ccconsole.widgets.text import content, plain_lines


def report(error: BaseException, where: str) -> str:
    """What happened, for whoever mends it; the task's output and its prompt are not in it."""
    versions = ", ".join(f"{name} {version(name)}" for name in ("ccconsole", "textual"))
    trace = "".join(traceback.format_exception(error))
    return plain_lines(
        f"{versions}, Python {platform.python_version()}, {platform.system()}\nin {where}\n\n{trace}"
    )


class CrashScreen(ModalScreen[None]):
    """The report, ready to copy; the console goes on behind it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("c", "copy", "Copy"),
        Binding("escape,q,enter", "app.pop_screen", "Go on"),
    ]

    def __init__(self, error: BaseException, where: str) -> None:
        super().__init__()
        self.report = report(error, where)

    def compose(self) -> ComposeResult:
        """A heading, the report, the keys."""
        with Vertical(classes="dialog wide"):
            yield Static(content(("This is a bug in ccconsole", "bold $error")), classes="dialog-title")
            yield Static("Your tasks run on. Please report it with the text below.")
            yield TextArea(self.report, read_only=True, show_line_numbers=False, id="report")
            yield Static(content(("c", "bold $accent"), " copy   ", ("esc", "bold $accent"), " go on"))

    def action_copy(self) -> None:
        """To the clipboard of the terminal (OSC 52)."""
        self.app.copy_to_clipboard(self.report)
        self.app.notify("The report is in your clipboard.", markup=False)

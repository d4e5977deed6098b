"""What the terminal was sent, piece by piece, is what the screen shows as a whole."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from textual._compositor import CompositorUpdate
from textual.screen import Screen

from ccconsole.app import ConsoleApp
from ccconsole.screens.compositor import RowsUpdate
from ccconsole.terminal.engine import Style, Terminal
from tests.ui.test_task import started
from tests.ui.world import Console, console

Cells = list[list[tuple[str, Style]]]


class Sent:
    """A terminal that is sent what the app displays, and which of it was rows alone."""

    def __init__(self, app: ConsoleApp) -> None:
        self._app = app
        self.terminal = Terminal(*app.size)
        self.rows = 0
        self.others = 0

    def add(self, update: object) -> None:
        if not isinstance(update, CompositorUpdate):
            return
        if isinstance(update, RowsUpdate):
            self.rows += 1
        else:
            self.others += 1
        if (self.terminal.columns, self.terminal.rows) != tuple(self._app.size):
            self.terminal = Terminal(*self._app.size)
        self.terminal.feed(update.render_segments(self._app.console).encode())

    def differs(self) -> str:
        """The first row that is not as it should be, empty when all are."""
        whole = Terminal(*self._app.size)
        for y, strip in enumerate(self._app.screen._compositor.render_strips()):
            whole.feed(f"\x1b[{y + 1};1H{strip.render(self._app.console)}".encode())
        for y, (sent, wanted) in enumerate(zip(_cells(self.terminal), _cells(whole), strict=True)):
            if sent != wanted:
                return f"{y}: {_text(sent)!r} instead of {_text(wanted)!r}"
        return ""


def _text(row: list[tuple[str, Style]]) -> str:
    return "".join(cell for cell, _ in row)


def _cells(terminal: Terminal) -> Cells:
    lines = [terminal.line(terminal.history + y) for y in range(terminal.rows)]
    styles = {code: terminal.style(code) for line in lines for code in line.styles}
    return [
        [(cell, styles[code]) for cell, code in zip(line.text, line.styles, strict=True)] for line in lines
    ]


@contextmanager
def sent_by(running: Console) -> Iterator[Sent]:
    app = running.app
    sent, display = Sent(app), app._display

    def displayed(screen: Screen[Any], update: Any) -> None:
        sent.add(update)
        display(screen, update)

    app._display = displayed  # type: ignore[method-assign, assignment]
    app.screen.refresh()
    yield sent


async def agrees(running: Console, sent: Sent) -> None:
    """Once all that is due was painted; a clock may move in between."""
    await running.until(lambda: not sent.differs())


async def test_every_screen_is_painted_as_it_is() -> None:
    async with console() as running:
        with sent_by(running) as sent:
            await agrees(running, sent)
            for keys in (["j", "j", "k"], ["slash", *"worker", "escape"], ["question_mark"], ["escape"]):
                await running.press(*keys)
                await agrees(running, sent)
            screen = await started(running)
            await agrees(running, sent)
            for number in range(60):
                running.world.write(f"\x1b[3{number % 8}m{number} 界 \x1b[4mwords\x1b[0m\r\n")
            await running.until(lambda: "59" in running.text)
            await agrees(running, sent)
            running.world.write("\x1b[5;10Hhere\x1b[20;30H\x1b[41mthere\x1b[2K")
            await running.until(lambda: "here" in running.text)
            await agrees(running, sent)
            running.app.notify("a word in front of it")
            await running.until(lambda: "in front" in running.text)
            running.world.write("\x1b[2;1Hbehind" + " behind" * 12)
            await running.until(lambda: "behind" in running.text)
            await agrees(running, sent)
            running.app.clear_notifications()
            await running.until(lambda: "in front" not in running.text)
            await agrees(running, sent)
            await running.pilot.resize_terminal(90, 24)
            await running.until(lambda: screen.size.width == 90)
            await agrees(running, sent)
            await running.press("escape")
            await agrees(running, sent)
            assert sent.rows


async def test_rows_alone_are_sent_for_output() -> None:
    async with console() as running:
        await started(running)
        with sent_by(running) as sent:
            await agrees(running, sent)
            sent.others = 0
            for number in range(20):
                running.world.write(f"line {number}\r\n")
                await running.until(lambda number=number: f"line {number}" in running.text)  # type: ignore[misc]
                await agrees(running, sent)
            assert sent.rows
            assert sent.others == 0

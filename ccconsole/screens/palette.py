"""ctrl+p: commands, environments and services by a few letters of their names."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from textual import on
from textual.command import CommandPalette, DiscoveryHit, Hit, Hits, Provider
from textual.content import Content
from textual.worker import Worker, WorkerState

from ccconsole import commands
from ccconsole.screens.base import ConsoleScreen
from ccconsole.screens.messages import TargetAsked
from ccconsole.screens.words import run
from ccconsole.widgets.text import plain


class Palette(CommandPalette):
    """Textual's palette, whose search may still run when it is closed: it then finds no list to fill."""

    def run_worker(self, *arguments: Any, **options: Any) -> Worker[Any]:
        """As any screen's, but a failure does not end the app; see below."""
        return super().run_worker(*arguments, **options | {"exit_on_error": False})

    @on(Worker.StateChanged)
    def _worker_changed(self, event: Worker.StateChanged) -> None:
        """What fails while the palette is open is a bug, shown as one."""
        error = event.worker.error
        if event.state is WorkerState.ERROR and error is not None and self.is_current:
            from ccconsole.screens.crash import CrashScreen

            self.app.push_screen(CrashScreen(error, event.worker.name or event.worker.group))


class ConsoleProvider(Provider):
    """What can be done on the screen below the palette."""

    def _entries(self) -> Iterator[tuple[str, str, Callable[[], object]]]:
        screen = self.screen
        if not isinstance(screen, ConsoleScreen):
            return
        for command in commands.at(screen.PLACE, is_read_only=screen.desk.is_read_only):
            if command.is_listed and command.id != "palette":
                yield command.title, command.help, partial(run, screen, command)
        root = screen.root
        for name in screen.desk.config.environments:
            yield name, "The fleet of this environment", partial(root.post_message, TargetAsked(name))
        for row in screen.desk.snapshot.rows:
            key = row.service.key
            go = partial(root.post_message, TargetAsked(key.environment, key.name))
            yield plain(str(key)), "Open this service", go

    async def discover(self) -> Hits:
        """Everything, in the registry's order."""
        for title, explanation, act in self._entries():
            yield DiscoveryHit(Content(title), act, text=title, help=explanation)

    async def search(self, query: str) -> Hits:
        """What the letters are found in; names come from outside and are no markup."""
        matcher = self.matcher(query)
        for title, explanation, act in self._entries():
            score, offsets = matcher.fuzzy_search.match(query, title)
            if score > 0:
                display = Content(title)
                for offset in offsets:
                    display = display.stylize(matcher.match_style, offset, offset + 1)
                yield Hit(score, display, act, text=title, help=explanation)

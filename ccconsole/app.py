"""The console: puts the screens, the settings and the floors below together."""

from __future__ import annotations

import asyncio
import getpass
import os
import platform
import select
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from platformdirs import user_config_path, user_state_path
from rich.terminal_theme import TerminalTheme
from textual._styles_cache import StylesCache
from textual.app import App
from textual.await_complete import AwaitComplete
from textual.driver import Driver
from textual.drivers import linux_driver
from textual.reactive import Reactive
from textual.screen import Screen
from textual.theme import Theme

from ccconsole import keymap
from ccconsole.config import Config
from ccconsole.errors import ConfigError
from ccconsole.garbage import Sweeper
from ccconsole.keyboard import KeyParser
from ccconsole.keymap import Settings
from ccconsole.screens.desk import Desk
from ccconsole.screens.fleet import FleetScreen
from ccconsole.screens.history import PromptHistory
from ccconsole.screens.live import LiveBackend
from ccconsole.screens.palette import ConsoleProvider

if TYPE_CHECKING:
    from ccconsole.recordings.reading import Recording
    from ccconsole.screens.backend import Backend

DARK = Theme(
    name="ccconsole-dark",
    primary="#6fb3d2",
    secondary="#a58fc9",
    accent="#d98c6a",
    success="#86b97a",
    warning="#dfb15b",
    error="#e5646e",
    foreground="#cfd6de",
    background="#11151b",
    surface="#161b22",
    panel="#1d242d",
    dark=True,
    variables={"block-cursor-foreground": "#0d1117", "border": "#2d3742"},
)
LIGHT = Theme(
    name="ccconsole-light",
    primary="#1f6f96",
    secondary="#6f55a0",
    accent="#a8512c",
    success="#38753a",
    warning="#8f6200",
    error="#b3202f",
    foreground="#22282f",
    background="#faf8f5",
    surface="#f3f0eb",
    panel="#e8e4dd",
    dark=False,
    variables={"block-cursor-foreground": "#ffffff", "border": "#cfc8bd"},
)
ANSI_DARK = TerminalTheme(
    (17, 21, 27),
    (207, 214, 222),
    [
        (45, 55, 66),
        (229, 100, 110),
        (134, 185, 122),
        (223, 177, 91),
        (111, 163, 210),
        (165, 143, 201),
        (104, 178, 184),
        (190, 198, 206),
    ],
    [
        (98, 110, 122),
        (240, 135, 143),
        (163, 207, 152),
        (236, 200, 129),
        (143, 188, 228),
        (189, 170, 219),
        (138, 203, 208),
        (236, 240, 244),
    ],
)
"""What the sixteen colours of a terminal program look like: the theme's own, so that both belong together."""

SWEEP_SECONDS = 0.5
"""After a screen was left, when it is gone and what is below it has been painted."""

SWITCH_SECONDS = 0.0005
"""Measured: key presses answered within 5-6 ms under full output, where 5 ms made it 30 and more."""


def identity() -> str:
    """Who this operator is to others: written beside what they cancel, type and answer."""
    return f"{getpass.getuser()}@{platform.node() or 'localhost'}"


class ConsoleApp(App[int], inherit_bindings=False):
    """One fleet screen at the bottom, everything else over it."""

    TITLE = "ccconsole"
    CSS_PATH = "app.tcss"
    ENABLE_COMMAND_PALETTE = False
    COMMANDS: ClassVar = {ConsoleProvider}
    CLOSE_TIMEOUT = 1.0

    ansi_theme_dark = Reactive(ANSI_DARK, init=False)

    def __init__(
        self, desk: Desk, *, theme: str | None = None, first: Callable[[Desk], Screen[None]] | None = None
    ) -> None:
        """`first` makes another screen than the fleet."""
        super().__init__()
        self.desk = desk
        self._first = first
        self._sweeper = Sweeper()
        self.VERTICAL_BREAKPOINTS = [(0, "-short"), (30, "-tall")]
        for own in (DARK, LIGHT):
            self.register_theme(own)
        if theme is not None and theme not in self.available_themes:
            names = ", ".join(sorted(self.available_themes))
            raise ConfigError(f"There is no theme {theme!r}", f"There are {names}.")
        self._begin_with(theme or DARK.name)
        self.set_keymap(desk.keymap)

    def _begin_with(self, theme: str) -> None:
        """A theme before anything is parsed, so that not all styles are worked out anew after the start."""
        if not self.available_themes[theme].dark:
            self.theme = theme  # with all that goes with another set of colours
            return
        self.set_reactive(App.theme, theme)
        self.stylesheet.set_variables(self.get_css_variables())

    def get_driver_class(self) -> type[Driver]:
        """Textual's, with our reading of the keys."""
        linux_driver.XTermParser = KeyParser  # type: ignore[attr-defined]
        return super().get_driver_class()

    def pop_screen(self) -> AwaitComplete:
        """Leave the screen on top and keep nothing of it: Textual keeps the lines of a thousand widgets."""
        StylesCache.get_inner_outer.cache_clear()
        self.set_timer(SWEEP_SECONDS, self._sweeper.sweep, name="sweep")
        return super().pop_screen()

    def get_default_screen(self) -> Screen[None]:
        """The fleet, unless something else was asked for."""
        return self._first(self.desk) if self._first else FleetScreen(self.desk, id="fleet")


def build(
    config: Config,
    *,
    is_read_only: bool = False,
    environment: str | None = None,
    settings: Settings | None = None,
    backend: Backend | None = None,
    history: PromptHistory | None = None,
    first: Callable[[Desk], Screen[None]] | None = None,
) -> ConsoleApp:
    """The app, ready to run; what is left out is the user's own."""
    settings = settings or Settings()
    actor, console = identity(), os.urandom(2).hex()
    desk = Desk(
        config=config,
        backend=backend or LiveBackend(config, actor, console),
        hand=f"{actor} ({console})",
        identity=actor,
        is_read_only=is_read_only,
        keymap=settings.keymap,
        history=history or PromptHistory(None),
        environment=environment,
    )
    return ConsoleApp(desk, theme=settings.theme, first=first)


def run(config: Config, *, is_read_only: bool = False, environment: str | None = None) -> int:
    """Open the console; its exit code. ConfigError for wrong settings, before any picture."""
    settings = _settings()
    history = PromptHistory(user_state_path("ccconsole") / "prompts.jsonl")
    app = build(
        config, is_read_only=is_read_only, environment=environment, settings=settings, history=history
    )
    return _opened(app)


def replay(recording: Recording, *, speed: float = 1.0, idle_limit: float | None = None) -> int:
    """Play a recording without a fleet; the exit code. ConfigError for wrong settings."""
    from ccconsole.recordings.player import Player
    from ccconsole.screens.replay import ReplayScreen

    def first(desk: Desk) -> Screen[None]:
        return ReplayScreen(desk, Player(recording, speed=speed, idle_limit=idle_limit), is_alone=True)

    return _opened(build(Config({}), settings=_settings(), first=first))


def _settings() -> Settings:
    return keymap.load(user_config_path("ccconsole") / "config.toml")


def _opened(app: ConsoleApp) -> int:
    # The engine shares the interpreter with Textual's reader and writer threads; at the usual 5 ms between
    # switches a key waits behind a flood of output.
    sys.setswitchinterval(SWITCH_SECONDS)
    asyncio.run(_run(app))
    return app.return_code or 0


async def _run(app: ConsoleApp) -> None:
    """Run to the end; a signal that ends a process leaves the terminal as it was."""
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, partial(app.exit, return_code=128 + number))
    with _hang_up(partial(app.exit, return_code=128 + signal.SIGHUP)):
        await app.run_async()


@contextmanager
def _hang_up(told: Callable[[], None]) -> Iterator[None]:
    """Tell when the terminal is gone: without being the controlling one its end sends no signal."""
    if not hasattr(select, "epoll") or not sys.stdin.isatty():
        yield
        return
    loop = asyncio.get_running_loop()
    with select.epoll() as watch:
        watch.register(sys.stdin.fileno(), 0)  # A hang-up is told whatever is asked for.

        def gone() -> None:
            loop.remove_reader(watch.fileno())
            # What is still to be written has nowhere to go, and would be an error at the end.
            with Path(os.devnull).open("wb") as nowhere:
                for descriptor in (1, 2):
                    os.dup2(nowhere.fileno(), descriptor)
            told()

        loop.add_reader(watch.fileno(), gone)
        try:
            yield
        finally:
            loop.remove_reader(watch.fileno())

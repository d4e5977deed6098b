"""What every full screen has: header, breadcrumbs, hints, the `:` line, and the one catch-all for bugs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Static
from textual.worker import Worker, WorkerState

from ccconsole import commands
from ccconsole.errors import ConsoleError
from ccconsole.format import age
from ccconsole.screens.compositor import FrontCompositor
from ccconsole.screens.going import Going
from ccconsole.screens.motion import Motion
from ccconsole.screens.words import obeyed, words
from ccconsole.widgets.bars import Chip, Crumbs, Header, HeaderFacts, Hint, Hints
from ccconsole.widgets.fleet_rows import STALE_AFTER, totals, waiting_count
from ccconsole.widgets.line_input import Asked, LineInput
from ccconsole.widgets.text import Span, Tone, content, plain, plain_lines

if TYPE_CHECKING:
    from ccconsole.commands import Place
    from ccconsole.screens.desk import Desk
    from ccconsole.screens.session import Session

CLOCK_SECONDS = 1.0
"""How often ages move on."""


def bindings(place: Place) -> list[BindingType]:
    """The registry's commands of a screen as Textual bindings, with ids that a keymap can name.

    One without a key is bound to a name no keyboard sends, so that a keymap can give it one.
    """
    return [
        Binding(
            command.keys or f"unbound_{command.id}",
            command.action or command.id,
            command.title,
            show=command.id in commands.FOOTER,
            priority=command.has_priority,
            id=command.id,
            tooltip=command.help,
        )
        for command in commands.at(place)
    ]


class Body(Vertical):
    """What is between header and breadcrumbs."""


class ConsoleScreen(Motion, Going):
    """A full screen; subclasses give the place, the body, the breadcrumbs and the actions."""

    PLACE: ClassVar[Place]
    AUTO_FOCUS = None

    class DeskChanged(Message):
        """A new snapshot, or a change of a followed task: posted to the screen in sight."""

    def __init__(self, desk: Desk, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._compositor = FrontCompositor()
        self.desk = desk

    def compose(self) -> ComposeResult:
        """Header, body, one line of breadcrumbs or input, one line of hints."""
        yield Header(id="header")
        with Body(id="body"):
            yield from self.body()
        yield Crumbs(id="crumbs")
        with Horizontal(id="line-row"):
            yield Static(id="line-sign")
            yield LineInput(id="line")
        yield Hints(id="hints")

    @property
    def is_in_sight(self) -> bool:
        """Whether it is the full screen on top, perhaps behind a box."""
        full = [screen for screen in self.app.screen_stack if isinstance(screen, ConsoleScreen)]
        return bool(full) and full[-1] is self

    def body(self) -> ComposeResult:
        """The widgets between header and breadcrumbs."""
        yield from ()

    def trail(self) -> tuple[str, ...]:
        """The breadcrumbs."""
        return ("fleet",)

    def home(self) -> Widget | None:
        """The widget that has the focus when no line is written."""
        return None

    def in_sight(self) -> Sequence[Session]:
        """The followed tasks that this screen shows."""
        return ()

    def redraw(self) -> None:
        """Show what the desk holds now."""

    def on_mount(self) -> None:
        """Clocks move while the screen is in sight."""
        self.set_focus(self.home())
        self.bindings_updated_signal.subscribe(self, lambda _: self.show_hints())
        self.set_interval(CLOCK_SECONDS, self._tick)
        self.show_desk()

    def on_screen_resume(self, event: events.ScreenResume) -> None:
        """Back in sight: what changed meanwhile is drawn now."""
        self.show_desk()

    def _tick(self) -> None:
        if self.is_in_sight:
            self.show_desk()

    @on(DeskChanged)
    def show_desk(self) -> None:
        """Draw header, breadcrumbs and body; each paints only what differs."""
        self.query_one(Header).facts = self._header_facts()
        self.query_one(Crumbs).trail = tuple(plain(name) for name in self.trail())
        self.redraw()

    def _header_facts(self) -> HeaderFacts:
        desk, now = self.desk, self.desk.now()
        chips = []
        for number, name in desk.numbered():
            read_at = desk.snapshot.ages.get(name)
            environment = desk.environment_of(name)
            is_stale = read_at is not None and now - read_at > STALE_AFTER[environment.is_local]
            told = "…" if read_at is None else f"{age(read_at, now)}{'!' if is_stale else ''}"
            chips.append(
                Chip(number, name, environment.is_protected, desk.environment == name, told, is_stale)
            )
        return HeaderFacts(
            desk.identity, tuple(chips), desk.environment is None, desk.is_read_only, self._counts()
        )

    def _counts(self) -> tuple[Span, ...]:
        shown = self.desk.shown
        services, busy, limit = totals(shown.rows)
        followed = len(self.desk.running())
        counts = [Span(f"busy {busy}/{limit}", Tone.ACTIVE if busy else Tone.DIM)]
        if followed:
            counts.append(Span(f"mine {followed}", Tone.ACCENT))
        for batch in self.desk.batches_under_way():
            told = f"batch {batch.snapshot.ended}/{batch.snapshot.total}"
            counts.append(Span(told, Tone.ACCENT))
        if asking := waiting_count(shown.rows):
            counts.append(Span(f"◆ {asking} ask{'s' if asking == 1 else ''}", Tone.ACCENT))
        alerts = sum(len(row.alerts) for row in shown.rows)
        if alerts:
            counts.append(Span(f"⚠ {alerts} alert{'' if alerts == 1 else 's'}", Tone.WARN))
        if shown.problems:
            plural = "" if len(shown.problems) == 1 else "s"
            counts.append(Span(f"✗ {len(shown.problems)} problem{plural}", Tone.BAD))
        return (Span(f"{services} service{'' if services == 1 else 's'}", Tone.DIM), *counts)

    def show_hints(self) -> None:
        """The keys that work now, as they are bound now."""
        if self.query_one("#line-row").display:
            self.query_one(Hints).hints = (Hint("enter", "Done", ""), Hint("esc", "Take back", ""))
            return
        footer = self.footer()
        hints: dict[str, Hint] = {}
        for _node, binding, is_enabled, _tooltip in self.active_bindings.values():
            if binding.id in footer and is_enabled and binding.id not in hints:
                key = self.app.get_key_display(binding)
                hints[binding.id] = Hint(key, binding.description, binding.action)
        self.query_one(Hints).hints = tuple(hints[name] for name in footer if name in hints)

    def footer(self) -> tuple[str, ...]:
        """The ids of the commands that the last line shows."""
        return commands.FOOTER

    @on(Hints.Clicked)
    async def _hint_clicked(self, message: Hints.Clicked) -> None:
        if message.action:
            await self.run_action(message.action)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """A read-only console is without the commands that change something."""
        command = commands.BY_ID.get(action)
        return not (command is not None and command.is_changing and self.desk.is_read_only)

    @on(Worker.StateChanged)
    def _worker_changed(self, event: Worker.StateChanged) -> None:
        """The declared catch-all: a failure in words is a toast, anything else a bug, shown as one."""
        if event.state is not WorkerState.ERROR or event.worker.error is None:
            return
        error = event.worker.error
        if isinstance(error, ConsoleError):
            self.toast(error)
        else:
            from ccconsole.screens.crash import CrashScreen

            self.app.push_screen(CrashScreen(error, event.worker.name or event.worker.group))

    def toast(self, error: ConsoleError) -> None:
        """A user's action failed: say what, why and what to do."""
        message = plain_lines("\n".join(part for part in (error.detail, error.hint) if part))
        self.app.notify(
            message or plain(error.title),
            title=plain(error.title),
            severity="error",
            markup=False,
            timeout=10,
        )

    def tell(self, title: str, message: str) -> None:
        """A longer word, to be read in peace."""
        self.app.notify(
            plain_lines(message) or plain(title),
            title=plain(title),
            severity="warning",
            markup=False,
            timeout=15,
        )

    def say(self, message: str, *, is_warning: bool = False) -> None:
        """A short word about what just happened."""
        self.app.notify(
            plain(message), severity="warning" if is_warning else "information", markup=False, timeout=4
        )

    def ask(self, asked: Asked, text: str = "", completions: list[str] | None = None, sign: str = "") -> None:
        """Write a line in place of the breadcrumbs, behind its sign."""
        self.query_one(Crumbs).display = False
        self.query_one("#line-row").display = True
        sign = sign or ("/" if asked is Asked.SEARCH else asked)
        self.query_one("#line-sign", Static).update(content((sign, "bold $accent")))
        self.query_one(LineInput).ask(asked, text, completions)

    def end_line(self) -> None:
        """Breadcrumbs again, and the focus where it was."""
        self.query_one("#line-row").display = False
        self.query_one(Crumbs).display = True
        if (home := self.home()) is not None:
            home.focus()

    @on(LineInput.Abandoned)
    def _line_abandoned(self) -> None:
        self.end_line()

    @on(LineInput.Ended)
    async def _line_ended(self, message: LineInput.Ended) -> None:
        self.end_line()
        if message.asked is Asked.COMMAND:
            await obeyed(self, message.text)

    def action_command_line(self) -> None:
        """`:`."""
        self.ask(Asked.COMMAND, completions=words(self))

    def action_palette(self) -> None:
        """Textual's palette over our provider."""
        from ccconsole.screens.palette import Palette

        if not Palette.is_open(self.app):
            self.app.push_screen(Palette(placeholder="command, environment or service"))

    def action_help(self) -> None:
        """`?`."""
        from ccconsole.screens.help import HelpScreen

        self.app.push_screen(HelpScreen(self.desk, self.PLACE))

    def action_back(self) -> None:
        """One screen back."""
        self.app.pop_screen()

    def action_header(self) -> None:
        """Give the header's lines to the body, or back."""
        header = self.query_one(Header)
        header.display = not header.display

    def action_theme(self) -> None:
        """Textual's own choice of themes."""
        self.app.search_themes()

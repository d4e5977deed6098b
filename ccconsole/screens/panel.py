"""One task on the screen: title, prompt, terminal, and the line that says how it ended."""

from __future__ import annotations

from dataclasses import dataclass

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.message import Message
from textual.widgets import Static

from ccconsole.errors import ConsoleError
from ccconsole.paints import MUTED
from ccconsole.screens.session import Session
from ccconsole.terminal.engine import Terminal
from ccconsole.terminal.view import TerminalPane
from ccconsole.widgets.permission import permission_text
from ccconsole.widgets.task_title import end_line, prompt_line, title
from ccconsole.widgets.text import content, plain


class TaskPanel(Vertical):
    """Shows a session, which goes on without it."""

    @dataclass
    class KeysLost(Message):
        """Somebody typed who no longer drives."""

        session: Session

    session: Session | None = None
    _is_read_only = False
    _is_loss_told = False
    _shown_end: Content | None = None
    """Every update of it is a layout of the whole screen."""

    def __init__(self) -> None:
        super().__init__()
        self.pane = TerminalPane(Terminal(80, 24))
        """The terminal."""

    def compose(self) -> ComposeResult:
        """Three lines and the terminal."""
        yield Static(classes="task-title one-line")
        yield Static(classes="task-prompt one-line")
        yield self.pane
        with VerticalScroll(classes="task-asks", can_focus=False):
            yield Static(classes="task-question")
        yield Static(classes="task-end")

    def show(self, session: Session, *, is_read_only: bool) -> None:
        """Put another session in."""
        if session is not self.session:
            self.session = session
            self.pane.show(session.terminal)
            self.fit()
        self._is_read_only = is_read_only
        # Who has lost the keyboard may still be typing: those keys are for nobody, least of all commands.
        is_losing = self.pane.is_interactive and self.pane.has_focus and session.is_interactive
        self.pane.is_interactive = (session.drives or is_losing) and not is_read_only

    def fit(self) -> None:
        """Give the terminal the pane's size, unless it is another console's."""
        session, size = self.session, self.pane.size
        if session is None or not size.width or not size.height or session.is_over:
            return
        if session.task.mode != "interactive":
            session.terminal.resize(size.width, size.height)
        elif session.drives and not self._is_read_only:
            session.resize(size.width, size.height)

    @on(TerminalPane.Typed)
    def _typed(self, message: TerminalPane.Typed) -> None:
        message.stop()
        if self.session is None or not self.pane.is_interactive:
            return
        if self.session.drives:
            self.session.type(message.data)
            self._is_loss_told = False
            return
        self.app.bell()
        if not self._is_loss_told:
            self._is_loss_told = True
            self.post_message(self.KeysLost(self.session))

    def on_resize(self) -> None:
        """The terminal's size is known once the layout is."""
        self.call_after_refresh(self.fit)

    def redraw(self, now: float) -> None:
        """The lines, as the session has them now."""
        session = self.session
        if session is None:
            return
        if session.drives and (session.terminal.columns, session.terminal.rows) != self.pane.size:
            self.fit()
        is_guarded = session.environment.is_protected
        self._line(".task-title").update(title(session.task, now, is_guarded=is_guarded), layout=False)
        self._line(".task-prompt").update(prompt_line(session.task), layout=False)
        self.set_class(is_guarded, "guarded")
        if session.terminal.take_bells():
            self.app.bell()
        self._ask(session, now)
        self._show_end(self._end(session))

    def _ask(self, session: Session, now: float) -> None:
        asked = session.permission
        self.query_one(".task-asks").display = asked is not None
        if asked is not None:
            waiting = len(session.permissions)
            text = permission_text(asked, now, waiting=waiting, is_read_only=self._is_read_only)
            self._line(".task-question").update(text)

    def _show_end(self, text: Content) -> None:
        if self._shown_end is None or not text.is_same(self._shown_end):
            self._shown_end = text
            end = self._line(".task-end")
            end.display = bool(text)
            end.update(text)

    def _line(self, selector: str) -> Static:
        return self.query_one(selector, Static)

    def _end(self, session: Session) -> Content:
        if session.task.state.is_end:
            return end_line(session.task)
        if session.problem is not None:
            return _problem(session.problem)
        return content((plain(session.note), MUTED)) if session.note else content("")


def _problem(error: ConsoleError) -> Content:
    rest = "  ".join(part for part in (error.detail, error.hint) if part)
    return content((f"✗ {error.title}", "bold $error"), f"  {rest}")

"""The log lines of services: live, in the order of their time, searched, filtered, and saved."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import ClassVar

from platformdirs import user_state_path
from textual import on
from textual.app import ComposeResult
from textual.content import Content
from textual.message import Message
from textual.widgets import Static

from ccconsole import log_records
from ccconsole.commands import Place
from ccconsole.errors import ConsoleError
from ccconsole.model.logs import LogEntry, Severity
from ccconsole.model.services import ServiceKey
from ccconsole.model.tasks import Task, TaskState
from ccconsole.screens.base import bindings
from ccconsole.screens.desk import Desk
from ccconsole.screens.log_lines import LogLinesScreen
from ccconsole.screens.messages import MetricsAsked, PromptAsked, TaskOpened
from ccconsole.screens.tabs import ServiceTab
from ccconsole.widgets.bars import TitleLine
from ccconsole.widgets.fleet_rows import problem_text
from ccconsole.widgets.line_input import Asked, LineInput
from ccconsole.widgets.logs.book import LogFilter
from ccconsole.widgets.logs.status import parts
from ccconsole.widgets.logs.text import Look
from ccconsole.widgets.logs.view import LogView
from ccconsole.widgets.text import Span, Tone, content, plain

DAY = 86400.0
RANGES: Mapping[int, tuple[str, float]] = {
    0: ("from now on", 0.0),
    1: ("last day", DAY),
    2: ("last minute", 60.0),
    3: ("last 5 minutes", 300.0),
    4: ("last 15 minutes", 900.0),
    5: ("last 30 minutes", 1800.0),
    6: ("last hour", 3600.0),
}
"""By key, those of k9s; seconds."""
FIRST_RANGE, TASK_RANGE = 6, 1
SEVERITIES = (Severity.DEFAULT, Severity.INFO, Severity.WARNING, Severity.ERROR)
"""In the order in which a key walks through them."""
_ID = 8


class LogsScreen(ServiceTab, LogLinesScreen):
    """Chooses which lines are shown, says what is missing, and hands lines on."""

    PLACE: ClassVar = Place.LOGS
    BINDINGS: ClassVar = bindings(Place.LOGS)
    TAB: ClassVar = "logs"

    def __init__(self, desk: Desk, keys: tuple[ServiceKey, ...], task_id: str = "") -> None:
        self.span, seconds = RANGES[TASK_RANGE if task_id else FIRST_RANGE]
        super().__init__(desk, keys, task_id, seconds)
        self._wanted = LogFilter()
        """The filter as it was asked for; the book's own is the one that is applied."""

    class Saved(Message):
        """The lines are in a file."""

        def __init__(self, path: Path, count: int) -> None:
            super().__init__()
            self.path = path
            self.count = count

    def on_mount(self) -> None:
        """Services are told apart where there are several."""
        is_task = bool(self.task_id)
        self.view.relook(Look(has_dates=is_task, has_tasks=not is_task, services=self.keys))

    def tabs(self) -> ComposeResult:
        """The service's."""
        yield self.tab_bar()

    def service_key(self) -> ServiceKey | None:
        """The one service whose lines they all are."""
        return self.keys[0] if len(self.keys) == 1 and not self.task_id else None

    def trail(self) -> tuple[str, ...]:
        """Fleet, the service or how many, logs."""
        first = str(self.keys[0]) if len(self.keys) == 1 else f"{len(self.keys)} services"
        return ("fleet", first, *([f"task {self.task_id[:_ID]}"] if self.task_id else []), "logs")

    def redraw(self) -> None:
        """Title, problems, and the words of an empty view."""
        view = self.view
        words = parts(self.status, self.span, self.book, view.cursor_entry, is_following=view.is_following)
        self.query_one(TitleLine).parts = (self._heading(), *words)
        has_lines = bool(self.book.shown)
        problems = self.query_one("#log-problems", Static)
        problems.display = has_lines and bool(self.status.problems)
        if problems.display:
            problems.update(self._problems())
        if not has_lines and view.empty != (empty := self._empty()):
            view.empty = empty
            view.refresh()

    def _heading(self) -> Span:
        what = str(self.keys[0]) if len(self.keys) == 1 else f"{len(self.keys)} services"
        total, shown = len(self.book.entries), len(self.book.shown)
        counted = f"{shown:,}" if self.book.shown is self.book.entries else f"{shown:,} of {total:,}"
        return Span(f"logs {what} [{counted}]", Tone.STRONG)

    def _problems(self) -> Content:
        now = self.desk.now()
        lines = [
            content(Span(f" {problem.environment}  ", Tone.DIM), Span(problem_text(problem, now), Tone.BAD))
            for problem in self.status.problems
        ]
        return Content("\n").join(lines)

    def _empty(self) -> tuple[str, ...]:
        """Why there is nothing: what keeps it away, what is still read, or that there is nothing."""
        if found := self.status.problems:
            said = (part for one in found for part in (f"✗ {one.title}", one.detail, one.hint, "") if part)
            return tuple(plain(line) for part in said for line in part.splitlines())
        if self.status.is_reading:
            return ("… reading",)
        if self.book.entries:
            return ("No line matches.", "esc takes the filter away")
        nothing = f"No line in the {self.span}." if self.span.startswith("last") else "No line yet."
        return (nothing, "1 looks at a day, 6 at an hour")

    @on(LogView.Moved)
    def _moved(self) -> None:
        if self.view.is_following:
            self.status.missed = 0
        self.redraw()

    @on(LogLinesScreen.Refiltered)
    def _refiltered(self) -> None:
        self.view.changed(self.view.hold())
        if self.view.is_following:
            self.view.follow()
        self.look_back()
        self.redraw()

    @on(LineInput.Edited)
    def _edited(self, message: LineInput.Edited) -> None:
        if message.asked is Asked.FILTER:
            self.action_keep(message.text or None)

    @on(LineInput.Abandoned)
    def _abandoned(self, message: LineInput.Abandoned) -> None:
        if message.asked is Asked.FILTER:
            self.action_keep(None)

    def action_keep(self, words: str | None = "") -> None:
        """Write the filter, or set the one that is given; None takes it away."""
        if words == "":
            self.ask(Asked.FILTER, self._wanted.text, sign="&")
        else:
            self._narrow(replace(self._wanted, text=words or ""))

    def _narrow(self, wanted: LogFilter) -> None:
        if wanted != self._wanted:
            self._wanted = wanted
            self.refilter(wanted)

    def action_severity(self, name: str = "") -> None:
        """The next one, or the one that is named."""
        if name.upper() in Severity.__members__:
            severity = Severity[name.upper()]
        elif name:
            names = ", ".join(Severity.__members__)
            self.say(f"No severity {name!r}; there are {names}.", is_warning=True)
            return
        else:
            least = self._wanted.severity
            severity = next((one for one in SEVERITIES if one > least), Severity.DEFAULT)
        self._narrow(replace(self._wanted, severity=severity))

    def action_errors(self) -> None:
        """Errors alone, or all."""
        is_narrow = self._wanted.severity >= Severity.ERROR
        self._narrow(replace(self._wanted, severity=Severity.DEFAULT if is_narrow else Severity.ERROR))

    def action_range(self, number: int) -> None:
        """Lines from so long ago on; what is older and here is only hidden."""
        self.span, seconds = RANGES[number]
        self.since = self.desk.now() - seconds
        self.view.relook(replace(self.view.look, has_dates=seconds >= DAY))
        self._narrow(replace(self._wanted, since=self.since))

    def action_older(self) -> None:
        """Another thousand."""
        if self.status.has_older:
            self.look_back()
        else:
            self.say(f"All lines of the {self.span} that match are here.")

    @on(LogView.Opened)
    def action_log_task(self) -> None:
        """The line's task; a line that has none is unfolded."""
        entry = self.view.cursor_entry
        if entry is None:
            return
        if not entry.task_id or entry.task_id == self.task_id:
            self.view.toggle_open()
            return
        known = (task for task in self.desk.tasks() if task.id == entry.task_id)
        unknown = Task(entry.task_id, entry.environment, entry.service, TaskState.RUNNING, prompt="")
        self.root.post_message(TaskOpened(next(known, unknown)))

    def action_save(self, name: str = "") -> None:
        """The lines that are shown, to a file of that name or to one in the state folder."""
        if name:
            path = Path(name).expanduser()
        else:
            when = datetime.fromtimestamp(self.desk.now(), UTC).strftime("%Y%m%dT%H%M%S")
            path = user_state_path("ccconsole") / "logs" / f"{self.keys[0].environment}-{when}.log"
        self.run_worker(
            self._save(path, list(self.book.shown)), name="save", group="save", exit_on_error=False
        )

    async def _save(self, path: Path, entries: list[LogEntry]) -> None:
        try:
            await asyncio.to_thread(log_records.save, path, entries)
        except OSError as error:
            detail = f"{path}: {error.strerror or error}"
            raise ConsoleError(
                "The lines cannot be saved", detail, "Name another file: :save FILE"
            ) from error
        self.post_message(self.Saved(path, len(entries)))

    @on(Saved)
    def _saved(self, message: Saved) -> None:
        self.tell(f"Saved {message.count:,} lines", str(message.path))

    def action_metrics(self) -> None:
        """Of the service of the line under the cursor, else of the first."""
        entry = self.view.cursor_entry
        found = self.desk.service_key(entry.environment, entry.service) if entry is not None else None
        self.root.post_message(MetricsAsked(found or self.keys[0]))

    def action_prompt(self, words: str = "") -> None:
        """For these services."""
        self.root.post_message(PromptAsked(self.keys, words))

    def action_back(self) -> None:
        """Search, then filter, then the screen."""
        if self.book.pattern is not None:
            self.look_for("")
        elif self._wanted.text or self._wanted.severity:
            self._narrow(replace(self._wanted, text="", severity=Severity.DEFAULT))
        else:
            super().action_back()

"""Every command, declared once: bindings, footer, palette, help, `:` words and verbs read it here.

Plain values and no Textual: the verbs read their help from here without loading a screen.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Danger(StrEnum):
    """What a command does to the world; a read-only console has those that look, alone."""

    LOOKS = "looks"
    CHANGES = "changes"
    DESTROYS = "destroys"


class Place(StrEnum):
    """A screen that commands belong to."""

    FLEET = "fleet"
    SERVICE = "service"
    TASKS = "tasks"
    TASK = "task"
    LOGS = "logs"
    METRICS = "metrics"
    PROMPT = "prompt"


CONSOLE: Final = (Place.FLEET, Place.SERVICE, Place.TASKS, Place.TASK, Place.LOGS, Place.METRICS)
"""The full screens; the prompt box is a modal over them."""
TABLES: Final = (Place.FLEET, Place.SERVICE, Place.TASKS)


@dataclass(frozen=True)
class Command:
    """One thing a person can ask for; its id names the action, and the key in the settings."""

    id: str
    keys: str
    """Textual key names, comma-separated; empty: by `:` and the palette alone."""
    title: str
    """One or two words, for the footer."""
    help: str
    places: tuple[Place, ...]
    words: tuple[str, ...] = ()
    """What `:` knows it by."""
    danger: Danger = Danger.LOOKS
    is_listed: bool = True
    """Whether help and palette show it; those that another line speaks for are not."""
    has_priority: bool = False
    """Whether it comes before the focused widget: nothing may type it away."""
    takes_text: bool = False
    """Whether `:word text` hands the text over."""
    verb: str | None = None
    """Its twin on the command line."""
    action: str = ""
    """The screen's action where that is not the id."""

    @property
    def is_changing(self) -> bool:
        """Whether a read-only console is without it."""
        return self.danger is not Danger.LOOKS


def _environment(number: int) -> Command:
    return Command(
        f"environment_{number}",
        str(number),
        f"Environment {number}",
        "Only that environment, in the order of deploy.toml",
        (Place.FLEET, Place.TASKS),
        is_listed=number == 1,
        action=f"environment({number})",
    )


_MOTION: Final = (
    Command("cursor_down", "j,down", "Down", "One row down", CONSOLE),
    Command("cursor_up", "k,up", "Up", "One row up", CONSOLE),
    Command("cursor_top", "g,home", "Top", "To the first row", CONSOLE),
    Command("cursor_bottom", "G,end", "Bottom", "To the last row", CONSOLE),
    Command("page_down", "ctrl+f,pagedown", "Page down", "One page down", CONSOLE),
    Command("page_up", "ctrl+b,pageup", "Page up", "One page up", CONSOLE),
    Command("half_down", "ctrl+d", "Half down", "Half a page down", CONSOLE),
    Command("half_up", "ctrl+u", "Half up", "Half a page up", CONSOLE),
)

_TABLE: Final = (
    Command("open", "enter", "Open", "Open what the cursor is on", TABLES),
    Command(
        "prompt",
        "p",
        "Prompt",
        "Prompt the service under the cursor, or all marked ones",
        (*TABLES, Place.TASK, Place.LOGS, Place.METRICS),
        ("prompt", "p"),
        Danger.CHANGES,
        takes_text=True,
        verb="prompt",
    ),
    Command(
        "filter",
        "slash",
        "Filter",
        "Keep the rows that match a pattern; !pattern for the others",
        TABLES,
        ("filter",),
        takes_text=True,
    ),
    Command("mark", "space", "Mark", "Mark the row, for one prompt to several services", (Place.FLEET,)),
    Command(
        "mark_range",
        "ctrl+@,ctrl+space",
        "Mark to here",
        "Mark from the last mark to the cursor",
        (Place.FLEET,),
    ),
    Command("clear_marks", "ctrl+backslash", "Unmark", "Take all marks away", (Place.FLEET,), ("unmark",)),
    Command("sort_left", "shift+left", "Sort left", "Sort by the column to the left", TABLES),
    Command("sort_right", "shift+right", "Sort right", "Sort by the column to the right", TABLES),
    Command(
        "sort_order", "O,shift+o", "Sort order", "Turn the order around", TABLES, ("sort",), takes_text=True
    ),
    Command(
        "problems",
        "ctrl+z",
        "Problems",
        "Only the rows that need somebody",
        (Place.FLEET,),
        ("problems", "faults"),
    ),
    Command("copy", "c", "Copy", "Copy the name; of a terminal the selection or screen", CONSOLE, ("copy",)),
    Command(
        "all_environments", "0", "All", "All environments", (Place.FLEET, Place.TASKS), ("all",), verb="ls"
    ),
    *(_environment(number) for number in range(1, 10)),
)


def _range(number: int, title: str, span: str) -> Command:
    return Command(
        f"range_{number}",
        str(number),
        title,
        f"Lines {span}; 0 to 6 as in k9s: what comes, a day, 1, 5, 15, 30 minutes, an hour",
        (Place.LOGS,),
        is_listed=number == 0,
        action=f"range({number})",
    )


_LOGS: Final = (
    Command(
        "log_task", "enter", "Task", "Open the task of the line; unfold one that has none", (Place.LOGS,)
    ),
    Command(
        "unfold", "x", "Unfold", "All of the line: its fields, its JSON; again: its one line", (Place.LOGS,)
    ),
    Command(
        "keep",
        "ampersand",
        "Filter",
        "Keep the lines that match a pattern; !pattern for the others",
        (Place.LOGS,),
        ("filter", "keep"),
        takes_text=True,
    ),
    Command(
        "severity",
        "v",
        "Severity",
        "Only lines as grave as: all, INFO, WARNING, ERROR, and around",
        (Place.LOGS,),
        ("severity",),
        takes_text=True,
    ),
    Command("errors", "e", "Errors", "Only errors and worse, or all lines again", (Place.LOGS,), ("errors",)),
    Command("pause", "s", "Stay", "Stay at this line, or follow the end again", (Place.LOGS,), ("pause",)),
    Command("wrap", "w", "Wrap", "Long lines on several rows, or cut", (Place.LOGS,), ("wrap",)),
    Command("clock", "u", "Clock", "The time as local, UTC, or none", (Place.LOGS,), ("clock", "utc")),
    Command("older", "o", "Older", "Read a thousand older lines", (Place.LOGS,), ("older",)),
    Command(
        "save",
        "ctrl+s",
        "Save",
        "Save the lines to a file; :save FILE.ndjson as JSON lines",
        (Place.LOGS,),
        ("save",),
        takes_text=True,
        verb="logs",
    ),
    Command("aside_left", "left", "Left", "Look further left in long lines", (Place.LOGS,), is_listed=False),
    Command("aside_right", "right", "Right", "Look further right in long lines", (Place.LOGS,)),
    _range(0, "Ranges", "that come from now on"),
    _range(1, "A day", "of the last day"),
    _range(2, "1 minute", "of the last minute"),
    _range(3, "5 minutes", "of the last 5 minutes"),
    _range(4, "15 minutes", "of the last 15 minutes"),
    _range(5, "30 minutes", "of the last 30 minutes"),
    _range(6, "1 hour", "of the last hour"),
)


def _window(number: int, span: str) -> Command:
    return Command(
        f"window_{number}",
        str(number),
        span,
        "How far back: 15 and 30 minutes, 1 and 6 hours, 1 and 7 days; :window 2h",
        (Place.METRICS,),
        is_listed=number == 1,
        action=f"window({number})",
    )


_METRICS: Final = (
    *(_window(number, span) for number, span in enumerate(("15m", "30m", "1h", "6h", "1d", "7d"), 1)),
    Command(
        "window", "", "Window", "How far back, for example 2h", (Place.METRICS,), ("window",), takes_text=True
    ),
)

_TASK: Final = (
    Command(
        "type",
        "i,enter",
        "Type",
        "Give the keyboard to an interactive task",
        (Place.TASK,),
        ("type",),
        Danger.CHANGES,
        verb="send",
    ),
    Command(
        "release",
        "ctrl+right_square_bracket",
        "Keyboard back",
        "Take the keyboard back from the terminal",
        (Place.TASK,),
        has_priority=True,
    ),
    Command(
        "cancel",
        "ctrl+x",
        "Cancel",
        "Cancel after y: interrupt, then SIGTERM, then SIGKILL",
        (Place.TASK, Place.SERVICE, Place.TASKS),
        ("cancel",),
        Danger.DESTROYS,
        verb="cancel",
    ),
    Command(
        "allow",
        "A",
        "Allow",
        "Allow what the agent asks for",
        (Place.TASK,),
        ("allow",),
        Danger.CHANGES,
        verb="answer",
    ),
    Command(
        "deny",
        "D",
        "Deny",
        "Deny what the agent asks for",
        (Place.TASK,),
        ("deny",),
        Danger.CHANGES,
        verb="answer",
    ),
    Command("previous_task", "left_square_bracket", "Previous", "The previous open task", (Place.TASK,)),
    Command("next_task", "right_square_bracket", "Next task", "The next open task", (Place.TASK,)),
    Command("more_tiles", "plus", "Tiles", "More tasks side by side: 1, 2, 4", (Place.TASK,), ("tiles",)),
    Command("fewer_tiles", "minus", "Fewer tiles", "Fewer tasks side by side", (Place.TASK,)),
    Command(
        "search",
        "slash",
        "Search",
        "Find text in the terminal and its scrollback, or in the lines",
        (Place.TASK, Place.LOGS),
        ("search",),
        takes_text=True,
    ),
    Command("search_next", "n", "Next match", "The next match, towards the end", (Place.TASK, Place.LOGS)),
    Command("search_previous", "N", "Previous match", "The previous match", (Place.TASK, Place.LOGS)),
    Command("clipboard", "y", "Take", "Take what the agent offers for the clipboard", (Place.TASK,)),
    Command("follow", "f", "Follow", "To the end, and stay there", (Place.TASK, Place.LOGS), ("follow",)),
)

_EVERYWHERE: Final = (
    Command("back", "escape", "Back", "Back to where you came from; a filter goes first", CONSOLE),
    Command("close", "q", "Back", "Back, as escape", CONSOLE[1:], action="back"),
    Command("leave", "q", "Quit", "Leave the console", (Place.FLEET,), action="quit"),
    Command("command_line", "colon", "Command", "Write a command: :dev, :tasks, :prompt, :q", CONSOLE),
    Command("help", "question_mark", "Help", "All keys and commands", CONSOLE, ("help", "keys")),
    Command("palette", "ctrl+p", "Palette", "Find a command, environment or service by name", CONSOLE),
    Command(
        "fleet", "", "Fleet", "All services of all environments", CONSOLE, ("fleet", "services"), verb="ls"
    ),
    Command("tasks", "t", "Tasks", "The tasks of all environments", CONSOLE, ("tasks",), verb="tasks"),
    Command(
        "logs",
        "l",
        "Logs",
        "The log lines of the service under the cursor, or of all marked ones",
        (*TABLES, Place.TASK, Place.METRICS),
        ("logs",),
        verb="logs",
    ),
    Command(
        "metrics",
        "m",
        "Metrics",
        "Charts of the service under the cursor, each with its age",
        (*TABLES, Place.TASK, Place.LOGS),
        ("metrics",),
        verb="metrics",
    ),
    Command("reload", "ctrl+r", "Reload", "Read again now", CONSOLE, ("reload",)),
    Command("header", "ctrl+e", "Header", "Show or hide the header", CONSOLE, ("header",)),
    Command("theme", "", "Theme", "Choose the colours", CONSOLE, ("theme",)),
    Command(
        "quit",
        "ctrl+q",
        "Quit",
        "Leave the console; it says what keeps running",
        CONSOLE,
        ("q", "quit", "q!"),
        has_priority=True,
    ),
)

_PROMPT: Final = (
    Command(
        "prompt_mode", "ctrl+t", "Mode", "The next mode: headless, supervised, interactive", (Place.PROMPT,)
    ),
    Command("prompt_cancel", "escape", "Close", "Close the box; its text is kept", (Place.PROMPT,)),
)

COMMANDS: Final[tuple[Command, ...]] = (*_TABLE, *_LOGS, *_METRICS, *_TASK, *_EVERYWHERE, *_PROMPT, *_MOTION)
"""The registry, in the order of footer and help."""

FOOTER: Final = (
    *(
        "open",
        "log_task",
        "unfold",
        "type",
        "release",
        "allow",
        "deny",
        "prompt",
        "cancel",
        "mark",
        "filter",
        "search",
        "keep",
        "severity",
        "pause",
        "next_task",
        "logs",
        "metrics",
    ),
    *("more_tiles", "problems", "help", "command_line", "back", "leave", "tasks"),
)
"""The ids that the footer shows, the most telling first: a narrow one ends early."""

BY_ID: Final = {command.id: command for command in COMMANDS}


def at(place: Place, *, is_read_only: bool = False) -> Iterable[Command]:
    """The commands of a screen, without the changing ones when the console is read-only."""
    return (
        command
        for command in COMMANDS
        if place in command.places and not (is_read_only and command.is_changing)
    )


def named(word: str, place: Place) -> Command | None:
    """The command that `:word` means on a screen."""
    return next((command for command in COMMANDS if word in command.words and place in command.places), None)


def verb_help(verb: str) -> str:
    """One line of help for a verb: that of the first command it is the twin of."""
    return next((command.help for command in COMMANDS if command.verb == verb), "")

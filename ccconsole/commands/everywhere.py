"""Commands of all full screens: where to go, and how to leave."""

from __future__ import annotations

from typing import Final

from ccconsole.commands.declaring import CONSOLE, Command, Place

_SERVED: Final = (Place.FLEET, Place.SERVICE, Place.TASKS, Place.REVISIONS)
TABS: Final = (Place.SERVICE, Place.LOGS, Place.METRICS, Place.REVISIONS)

EVERYWHERE: Final = (
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
        (*_SERVED, Place.TASK, Place.METRICS, Place.PULSES, Place.ROLLOUT),
        ("logs",),
        verb="logs",
    ),
    Command(
        "metrics",
        "m",
        "Metrics",
        "Charts of the service under the cursor, each with its age",
        (*_SERVED, Place.TASK, Place.LOGS, Place.PULSES),
        ("metrics",),
        verb="metrics",
    ),
    Command("pulses", "M", "Pulses", "All services as tiles", (Place.FLEET,), ("pulses",)),
    Command("previous_tab", "left_square_bracket", "Previous tab", "The service's tab before", TABS),
    Command("next_tab", "right_square_bracket", "Next tab", "The service's next tab", TABS),
    Command(
        "doctor",
        "",
        "Doctor",
        "Whether the environments have all they need, and what mends them",
        CONSOLE,
        ("doctor",),
        verb="doctor",
    ),
    Command(
        "secrets", "", "Secrets", "The secrets that services declare", CONSOLE, ("secrets",), verb="secrets"
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

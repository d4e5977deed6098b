"""Commands of log lines, charts and tiles."""

from __future__ import annotations

from typing import Final

from ccconsole.commands.declaring import Command, Place


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


_ASIDE: Final = (Place.LOGS, Place.PULSES)

LOGS: Final = (
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
    Command("aside_left", "left", "Left", "To the left: in long lines, among tiles", _ASIDE, is_listed=False),
    Command("aside_right", "right", "Right", "To the right: in long lines, among tiles", _ASIDE),
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


METRICS: Final = (
    *(_window(number, span) for number, span in enumerate(("15m", "30m", "1h", "6h", "1d", "7d"), 1)),
    Command(
        "window", "", "Window", "How far back, for example 2h", (Place.METRICS,), ("window",), takes_text=True
    ),
)

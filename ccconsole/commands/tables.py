"""Commands of motion, and of the screens around a table."""

from __future__ import annotations

from typing import Final

from ccconsole.commands.declaring import CONSOLE, TABLES, Command, Danger, Place

CHOOSING: Final = (
    *(Place.FLEET, Place.TASKS, Place.PULSES, Place.MATRIX),
    *(Place.DOCTOR, Place.SECRETS),
)
"""Screens over all environments, or over one that a digit chooses."""


def _environment(number: int) -> Command:
    return Command(
        f"environment_{number}",
        str(number),
        f"Environment {number}",
        "Only that environment, in the order of deploy.toml",
        CHOOSING,
        is_listed=number == 1,
        action=f"environment({number})",
    )


MOTION: Final = (
    Command("cursor_down", "j,down", "Down", "One row down", CONSOLE),
    Command("cursor_up", "k,up", "Up", "One row up", CONSOLE),
    Command("cursor_top", "g,home", "Top", "To the first row", CONSOLE),
    Command("cursor_bottom", "G,end", "Bottom", "To the last row", CONSOLE),
    Command("page_down", "ctrl+f,pagedown", "Page down", "One page down", CONSOLE),
    Command("page_up", "ctrl+b,pageup", "Page up", "One page up", CONSOLE),
    Command("half_down", "ctrl+d", "Half down", "Half a page down", CONSOLE),
    Command("half_up", "ctrl+u", "Half up", "Half a page up", CONSOLE),
)

_SERVED: Final = (Place.FLEET, Place.SERVICE, Place.TASKS, Place.REVISIONS)
"""Tables whose rows are of services."""

_OPENED: Final = (*_SERVED, Place.PULSES, Place.DOCTOR, Place.SECRETS, Place.BATCH)

TABLE: Final = (
    Command("open", "enter", "Open", "Open what the cursor is on", _OPENED),
    Command(
        "prompt",
        "p",
        "Prompt",
        "Prompt the service under the cursor, or all marked ones",
        (*_SERVED, Place.TASK, Place.LOGS, Place.METRICS, Place.PULSES),
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
    Command(
        "copy", "c", "Copy", "Copy the name; of a terminal the selection or all lines", CONSOLE, ("copy",)
    ),
    Command(
        "all_environments",
        "0",
        "All",
        "All environments",
        CHOOSING,
        ("all",),
        verb="ls",
    ),
    *(_environment(number) for number in range(1, 10)),
)

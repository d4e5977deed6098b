"""Every command, declared once: bindings, footer, palette, help, `:` words and verbs read it here.

Plain values and no Textual: the verbs read their help from here without loading a screen.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from ccconsole.commands.batches import BATCHES
from ccconsole.commands.changing import CHANGING
from ccconsole.commands.declaring import CONSOLE, TABLES, Command, Danger, Place
from ccconsole.commands.everywhere import EVERYWHERE
from ccconsole.commands.replaying import REPLAYING
from ccconsole.commands.tables import MOTION, TABLE
from ccconsole.commands.tasks import PROMPT, TASK
from ccconsole.commands.watching import LOGS, METRICS

__all__ = [
    "BY_ID",
    "COMMANDS",
    "CONSOLE",
    "FOOTER",
    "TABLES",
    "Command",
    "Danger",
    "Place",
    "at",
    "named",
    "verb_help",
]

COMMANDS: Final[tuple[Command, ...]] = (
    *TABLE,
    *LOGS,
    *METRICS,
    *CHANGING,
    *BATCHES,
    *TASK,
    *REPLAYING,
    *EVERYWHERE,
    *PROMPT,
    *MOTION,
)
"""The registry, in the order of footer and help."""

FOOTER: Final = (
    *("play", "seek_on", "faster", "next_marker", "frame_on", "idle"),
    *(
        "confirm",
        "stop",
        "open",
        "log_task",
        "unfold",
        "type",
        "release",
        "allow",
        "allow_session",
        "deny",
        "deny_saying",
        "take_over",
        "resume",
        "prompt",
        "cancel",
        "cancel_rest",
        "mark",
        "filter",
        "search",
        "keep",
        "severity",
        "pause",
        "next_task",
        "replay",
        "logs",
        "metrics",
        "deploy",
        "rollback",
        "differences",
        "pulses",
        "next_tab",
        "next_batch",
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

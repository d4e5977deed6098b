"""Commands of a task's terminal, and of the box that a prompt is written in."""

from __future__ import annotations

from typing import Final

from ccconsole.commands.declaring import Command, Danger, Place

_SEARCHED: Final = (Place.TASK, Place.LOGS, Place.REPLAY)

TASK: Final = (
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
        (Place.TASK, Place.SERVICE, Place.TASKS, Place.BATCH),
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
        "allow_session",
        "S",
        "Allow all session",
        "Allow what the agent asks for, and the like of it to the end of its session",
        (Place.TASK,),
        ("allow-session",),
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
    Command(
        "deny_saying",
        "M",
        "Deny, saying",
        "Deny what the agent asks for, with words for it",
        (Place.TASK,),
        ("deny-saying",),
        Danger.CHANGES,
        takes_text=True,
        verb="answer",
    ),
    Command(
        "take_over",
        "T",
        "Take over",
        "Take the keyboard of an interactive task from whoever has it",
        (Place.TASK,),
        ("take-over",),
        Danger.CHANGES,
        verb="send",
    ),
    Command(
        "resume",
        "R",
        "Resume",
        "Go on with an ended task's session, on a fresh instance if need be",
        (Place.TASK,),
        ("resume",),
        Danger.CHANGES,
        takes_text=True,
        verb="resume",
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
        _SEARCHED,
        ("search",),
        takes_text=True,
    ),
    Command("search_next", "n", "Next match", "The next match, towards the end", _SEARCHED),
    Command("search_previous", "N", "Previous match", "The previous match", _SEARCHED),
    Command("clipboard", "y", "Take", "Take what the agent offers for the clipboard", (Place.TASK,)),
    Command("follow", "f", "Follow", "To the end, and stay there", (Place.TASK, Place.LOGS), ("follow",)),
)

PROMPT: Final = (
    Command(
        "prompt_mode", "ctrl+t", "Mode", "The next mode: headless, supervised, interactive", (Place.PROMPT,)
    ),
    Command("prompt_cancel", "escape", "Close", "Close the box; its text is kept", (Place.PROMPT,)),
)

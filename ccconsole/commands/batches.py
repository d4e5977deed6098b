"""Commands of prompts that are sent together."""

from __future__ import annotations

from typing import Final

from ccconsole.commands.declaring import CONSOLE, Command, Danger, Place

BATCHES: Final = (
    Command(
        "batch",
        "",
        "Batch",
        "Run a file of prompts on the service, or on all marked ones: :batch FILE at_most=3 again=failed",
        (Place.FLEET, Place.SERVICE, Place.REVISIONS, Place.BATCH),
        ("batch",),
        Danger.CHANGES,
        takes_text=True,
        verb="batch",
    ),
    Command(
        "batches",
        "B",
        "Batches",
        "Prompts that were sent together: the last batch, or the last prompt for several services",
        CONSOLE,
        ("batches",),
    ),
    Command(
        "cancel_rest",
        "X,ctrl+k",
        "Stop",
        "After a question: send nothing more, or cancel what runs as well",
        (Place.BATCH,),
        ("stop",),
        Danger.DESTROYS,
    ),
    Command("previous_batch", "left_square_bracket", "Previous", "The batch before", (Place.BATCH,)),
    Command("next_batch", "right_square_bracket", "Next batch", "The batch after it", (Place.BATCH,)),
)

"""Commands that change a service; each shows its plan, and asks, before anything is done."""

from __future__ import annotations

from typing import Final

from ccconsole.commands.declaring import Command, Danger, Place

_SERVICES: Final = (Place.FLEET, Place.SERVICE, Place.REVISIONS)
_PLANS: Final = (Place.ROLLOUT, Place.BATCH_PLAN)

CHANGING: Final = (
    Command(
        "deploy",
        "R",
        "Deploy",
        "Plan what deploy.toml declares, then deploy it; :deploy canary 10 tries it first",
        _SERVICES,
        ("deploy", "plan"),
        Danger.CHANGES,
        takes_text=True,
        verb="deploy",
    ),
    Command(
        "rollback",
        "ctrl+l",
        "Roll back",
        "All traffic to the revision before, or to the one under the cursor; no new one is made",
        _SERVICES,
        ("rollback",),
        Danger.CHANGES,
        takes_text=True,
        verb="rollback",
    ),
    Command(
        "traffic",
        "T",
        "Traffic",
        "Divide the requests between revisions: :traffic latest=90 REVISION=10",
        _SERVICES,
        ("traffic",),
        Danger.CHANGES,
        takes_text=True,
        verb="traffic",
    ),
    Command(
        "scale",
        "S",
        "Scale",
        "Instances at least and at most: :scale 0 5",
        _SERVICES,
        ("scale",),
        Danger.CHANGES,
        takes_text=True,
        verb="scale",
    ),
    Command(
        "delete",
        "",
        "Delete",
        "Delete the service with all its revisions",
        _SERVICES,
        ("delete",),
        Danger.DESTROYS,
        verb="delete",
    ),
    Command("confirm", "enter", "Do it", "Carry out what is planned", _PLANS, (), Danger.CHANGES),
    Command(
        "stop", "ctrl+x", "Stop", "End the rollout in order", (Place.ROLLOUT,), ("stop",), Danger.CHANGES
    ),
    Command(
        "matrix",
        "D",
        "Matrix",
        "Services side by side: where they differ, and from deploy.toml",
        (Place.FLEET,),
        ("matrix", "diff"),
    ),
    Command(
        "differences", "x", "Differences", "Only the fields that differ, or all", (Place.MATRIX,), ("all",)
    ),
)

"""What is written behind `:batch`: a file, then words with = between name and value."""

from __future__ import annotations

import shlex
from pathlib import Path

from ccconsole.model.tasks import TaskState
from ccconsole.screens import options
from ccconsole.screens.backend import BatchOrder
from ccconsole.screens.options import OptionError

AGAIN = (TaskState.FAILED, TaskState.LOST, TaskState.CANCELLED, TaskState.UNKNOWN)
_OF_ONE = ("disconnect", "resume")
"""A batch detaches where a task can run on without it, and nowhere else; a session is gone on with once."""


def ordered(text: str) -> BatchOrder:
    """The order; OptionError for the first word that is wrong."""
    try:
        file, *words = shlex.split(text)
    except ValueError as error:
        raise OptionError(f"{error}: quote a file's name that holds blanks or quotes") from None
    own = {"name": "", "at_most": "", "again": ""}
    rest = []
    for word in words:
        name, _, value = word.partition("=")
        if name in own and value:
            own[name] = value
        elif name in _OF_ONE:
            raise OptionError(f"{name} is for one task alone, and a batch has many")
        else:
            rest.append(word)
    return BatchOrder(
        file=Path(file).expanduser(),
        name=own["name"] or None,
        at_most=_count(own["at_most"]),
        again=_states(own["again"]),
        options=options.parsed(" ".join(rest)),
        text=text,
    )


def _count(text: str) -> int | None:
    if text and not (text.isdecimal() and int(text)):
        raise OptionError(f"at_most is a whole number from 1, found {text!r}")
    return int(text) if text else None


def _states(text: str) -> frozenset[TaskState]:
    words = [word for word in text.split(",") if word]
    if wrong := next((word for word in words if word not in AGAIN), None):
        raise OptionError(f"again takes {', '.join(AGAIN)}, found {wrong!r}")
    return frozenset(TaskState(word) for word in words)

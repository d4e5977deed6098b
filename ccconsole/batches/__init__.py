"""Many prompts: read from a file, each with an id that stays, run once each, as fast as instances allow."""

from __future__ import annotations

from ccconsole.batches.assembling import Batch, Entry, Lane, assembled, targets
from ccconsole.batches.dispatcher import Halt, Options
from ccconsole.batches.dispatching import dispatched, survey
from ccconsole.batches.flights import Observer
from ccconsole.batches.naming import batch_name, checked_name, place
from ccconsole.batches.pacing import Pace
from ccconsole.batches.reading import PromptLine, is_ndjson, load, read

__all__ = [
    "Batch",
    "Entry",
    "Halt",
    "Lane",
    "Observer",
    "Options",
    "Pace",
    "PromptLine",
    "assembled",
    "batch_name",
    "checked_name",
    "dispatched",
    "is_ndjson",
    "load",
    "place",
    "read",
    "survey",
    "targets",
]

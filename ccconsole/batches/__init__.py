"""Many prompts: read from a file, each with an id that stays, run once each, as fast as instances allow."""

from __future__ import annotations

from ccconsole.batches.assembling import Batch, Entry, Lane, assembled
from ccconsole.batches.dispatcher import Halt, Options
from ccconsole.batches.dispatching import dispatched, survey
from ccconsole.batches.flights import Observer
from ccconsole.batches.naming import batch_name, checked_name, place
from ccconsole.batches.pacing import Pace
from ccconsole.batches.planning import Source, defaults, planned
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
    "Source",
    "assembled",
    "batch_name",
    "checked_name",
    "defaults",
    "dispatched",
    "is_ndjson",
    "load",
    "place",
    "planned",
    "read",
    "survey",
]

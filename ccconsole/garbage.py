"""When the console looks for garbage: never while it loads, seldom while it works, once a screen was left."""

from __future__ import annotations

import gc

MOST = 40_000
"""Objects that are looked through at once for a screen that was left.

With 60 services there are some 20,000, which takes 8 to 20 ms (measured); with a long log far more.
"""

LATEST = 20
"""Left screens, each about a megabyte, that wait for more than MOST to become fewer."""


def spare() -> None:
    """Once all is loaded: look through that no more, and through the rest seldom."""
    if not gc.get_freeze_count():
        # What is loaded by now stays to the end. Looked through for garbage with all the rest, it held up
        # keys for 150 to 200 ms every two or three seconds under a flood of log lines (measured).
        gc.freeze()
        # And a hundred thousand lines are held without a cycle among them: look through all that is old
        # some fifty times less often than Python would; through the young ones often, and few at a time:
        # six thousand take 4 ms, twenty thousand 15, two hundred thousand 141 (measured, in a flood).
        gc.set_threshold(2_000, 1, 2_500)
    gc.enable()


class Sweeper:
    """Takes away the screens that were left, which are cycles through and through."""

    def __init__(self) -> None:
        self._waiting = 0

    def sweep(self) -> None:
        """Call it once a left screen is gone, at a quiet moment."""
        self._waiting += 1
        if self._waiting >= LATEST or len(gc.get_objects()) <= MOST:
            self._waiting = 0
            gc.collect()

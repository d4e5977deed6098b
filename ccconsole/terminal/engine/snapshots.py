"""A terminal's state, taken and put back: what a player goes back to when it seeks in a recording."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from ccconsole.terminal.engine.parser import Parser
from ccconsole.terminal.engine.screen import Buffer, Screen

VALUES: Final = (
    *("columns", "height", "x", "y", "top", "bottom", "pen", "shift", "single_shift"),
    *("last_printed", "title", "cursor_style", "is_autowrap", "is_insert", "is_origin", "is_newline_mode"),
    "is_direct",
)
COLLECTIONS: Final = ("tabs", "modes", "saved_modes", "titles", "charsets")
OUTSIDE: Final = (
    *("table", "clusters", "links", "link_numbers"),
    *("main", "alternate", "buffer", "rows"),
    *("events", "replies", "reply_bytes", "generation", "foreground", "background"),
)
"""What is no value of the state: the tables, which only grow and are shared; the buffers, which are copied as
such; what waits for the program's owner; the user's colours."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The state of a terminal at one moment; never changed."""

    values: dict[str, Any]
    main: Buffer
    alternate: Buffer
    is_alternate: bool
    pending: tuple[Any, ...]
    """What the parser had not finished."""

    @property
    def size(self) -> int:
        """Bytes, about, that it takes."""
        rows = [*self.main.rows, *self.alternate.rows]
        scrollback = self.main.scrollback
        shown = sum(len(row.text) + len(row.styles) for row in rows)
        return shown + (0 if scrollback is None else scrollback.size) + 100 * len(rows) + 4096


def taken(screen: Screen, parser: Parser) -> Snapshot:
    """The state as it is now; costs as much as the screen and the scrollback's lines are many."""
    values = {name: getattr(screen, name) for name in VALUES}
    values |= {name: getattr(screen, name).copy() for name in COLLECTIONS}
    is_alternate = screen.buffer is screen.alternate
    return Snapshot(values, screen.main.copy(), screen.alternate.copy(), is_alternate, parser.pending())


def put_back(snapshot: Snapshot, screen: Screen, parser: Parser) -> None:
    """Make the state that of the snapshot, which was taken of a terminal with the same tables."""
    for name in VALUES:
        setattr(screen, name, snapshot.values[name])
    for name in COLLECTIONS:
        setattr(screen, name, snapshot.values[name].copy())
    screen.main, screen.alternate = snapshot.main.copy(), snapshot.alternate.copy()
    screen.buffer = screen.alternate if snapshot.is_alternate else screen.main
    screen.rows = screen.buffer.rows
    screen.replies.clear()
    screen.reply_bytes = 0
    screen.generation += 1
    parser.resume(snapshot.pending)

"""The terminal as its users see it: bytes in; lines, answers, events and encoded keys out."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import NamedTuple

from ccconsole.terminal.engine import keys, modes, queries, reading, reflow, snapshots
from ccconsole.terminal.engine.colours import parse_hex
from ccconsole.terminal.engine.parser import Parser
from ccconsole.terminal.engine.rows import Line
from ccconsole.terminal.engine.screen import Screen
from ccconsole.terminal.engine.snapshots import Snapshot
from ccconsole.terminal.engine.styles import Style

MAX_COLUMNS, MAX_ROWS = 1000, 1000

SCROLLBACK_LINES = 100_000
SCROLLBACK_BYTES = 64 << 20


class Cursor(NamedTuple):
    """Where the cursor is on the screen, from 0, and how it looks (DECSCUSR; 0 is the user's choice)."""

    x: int
    y: int
    is_visible: bool
    style: int


class Terminal:
    """An xterm-like terminal. Lines are numbered from 0, the scrollback's oldest, to the screen's last."""

    def __init__(
        self,
        columns: int,
        rows: int,
        *,
        scrollback_lines: int = SCROLLBACK_LINES,
        scrollback_bytes: int = SCROLLBACK_BYTES,
    ) -> None:
        columns, rows = _clamped(columns, rows)
        self._limits = scrollback_lines, scrollback_bytes
        self._screen = Screen(columns, rows, *self._limits)
        self._parser = Parser(self._screen)
        self._listeners: list[Callable[[], None]] = []

    def twin(self) -> Terminal:
        """A blank terminal of the same size and limits; each can go over to the other's snapshots."""
        twin = Terminal(self.columns, self.rows)
        twin._limits = self._limits
        twin._screen = Screen(self.columns, self.rows, *self._limits, like=self._screen)
        twin._parser = Parser(twin._screen)
        return twin

    def snapshot(self) -> Snapshot:
        """All that it shows and remembers now; replies and what waits for a person are not part of it."""
        return snapshots.taken(self._screen, self._parser)

    def restore(self, snapshot: Snapshot) -> None:
        """Go back, or over, to a snapshot of this terminal or of a twin."""
        snapshots.put_back(snapshot, self._screen, self._parser)
        for listener in self._listeners:
            listener()

    def feed(self, data: bytes) -> None:
        """Interpret output, cut anywhere; never raises, and the work is linear in the bytes."""
        self._parser.feed(data)
        for listener in self._listeners:
            listener()

    def resize(self, columns: int, rows: int) -> None:
        """Change the size; the main screen's lines are wrapped anew and none is lost."""
        reflow.resize(self._screen, *_clamped(columns, rows))
        for listener in self._listeners:
            listener()

    def add_listener(self, listener: Callable[[], None]) -> None:
        """Have a function called after each feed and resize, in the caller's thread."""
        self._listeners.append(listener)

    def remove_listener(self, listener: Callable[[], None]) -> None:
        """Stop calling a function, if it was."""
        if listener in self._listeners:
            self._listeners.remove(listener)

    @property
    def columns(self) -> int:
        """The screen's width in cells."""
        return self._screen.columns

    @property
    def rows(self) -> int:
        """The screen's height in rows."""
        return self._screen.height

    @property
    def title(self) -> str:
        """The title that the program set, printable, bounded."""
        return self._screen.title

    @property
    def cursor(self) -> Cursor:
        """The cursor on the screen."""
        screen = self._screen
        is_visible = modes.CURSOR_VISIBLE in screen.modes
        return Cursor(screen.column, screen.y, is_visible, screen.cursor_style)

    @property
    def is_alternate(self) -> bool:
        """Whether the alternate screen is shown, which has no scrollback."""
        return self._screen.buffer is self._screen.alternate

    @property
    def is_synchronized(self) -> bool:
        """Whether the program asked to hold painting until its frame is complete (?2026)."""
        return modes.SYNCHRONIZED in self._screen.modes

    @property
    def wants_mouse(self) -> bool:
        """Whether the program asked for mouse events."""
        return not self._screen.modes.isdisjoint(modes.MOUSE_MODES)

    @property
    def is_reverse_video(self) -> bool:
        """Whether foreground and background are exchanged on the whole screen."""
        return modes.REVERSE_VIDEO in self._screen.modes

    def has_mode(self, mode: int) -> bool:
        """Whether a DEC private mode is set."""
        return mode in self._screen.modes

    @property
    def generation(self) -> int:
        """Changes whenever line numbers lose their meaning (resize, another screen, cleared scrollback)."""
        return self._screen.generation

    @property
    def evicted(self) -> int:
        """How many lines the scrollback has lost so far: line n was once line n + evicted."""
        scrollback = self._screen.buffer.scrollback
        return 0 if scrollback is None else scrollback.evicted

    @property
    def history(self) -> int:
        """Lines in the scrollback of the screen that is shown."""
        scrollback = self._screen.buffer.scrollback
        return 0 if scrollback is None else len(scrollback)

    @property
    def line_count(self) -> int:
        """Lines in the scrollback and on the screen."""
        return self.history + self._screen.height

    def line(self, number: int) -> Line:
        """One line. IndexError when there is none."""
        return reading.line(self._screen, number)

    def plain(self, cells: str) -> str:
        """Cells of a line as text."""
        return self._screen.clusters.text(cells)

    def style(self, code: str) -> Style:
        """The style of a cell."""
        return self._screen.table[code]

    def link(self, style: Style) -> str:
        """The address a cell links to, empty when to none: written by the program, so never to be trusted."""
        return self._screen.links[style.link]

    def text(self, first: int = 0, stop: int | None = None) -> str:
        """Lines as text, soft-wrapped rows joined, without blanks at the ends."""
        stop = self.line_count if stop is None else stop
        return reading.text(self._screen, (first, 0), (stop - 1, self._screen.columns))

    def selected_text(self, start: tuple[int, int], end: tuple[int, int]) -> str:
        """The text between two places (line, column), the second excluded."""
        return reading.text(self._screen, start, end)

    def matches(self, number: int, pattern: re.Pattern[str]) -> list[tuple[int, int]]:
        """A pattern's matches in a line as (first column, column after the last)."""
        return reading.matches(self._screen, number, pattern)

    def search(
        self, pattern: re.Pattern[str], first: int = 0, *, is_forward: bool = True
    ) -> Iterator[tuple[int, int, int]]:
        """Matches as (line, first column, column after the last), from a line on. Feed nothing meanwhile.

        Compile the pattern with MULTILINE: it is tried on many lines at once, then line by line.
        """
        return reading.search(self._screen, pattern, first, is_forward)

    def word_at(self, line: int, column: int) -> tuple[int, int]:
        """The columns of the word at a place: its first, and the one after its last."""
        return reading.word_at(self._screen, line, column)

    def take_replies(self) -> bytes:
        """The answers to the program's queries since the last call, in the order they were asked."""
        screen = self._screen
        replies = b"".join(screen.replies)
        screen.replies.clear()
        screen.reply_bytes = 0
        return replies

    def take_bells(self) -> int:
        """How often the bell rang since the last call."""
        bells, self._screen.events.bells = self._screen.events.bells, 0
        return bells

    def take_clipboard(self) -> str | None:
        """What the program last asked to put on the clipboard; a person decides whether it goes there."""
        text, self._screen.events.clipboard = self._screen.events.clipboard, None
        return text

    def set_colours(self, foreground: str, background: str) -> None:
        """Tell programs that ask (OSC 10, 11) which colours, as #rrggbb, the text has; others are ignored."""
        screen = self._screen
        wanted = parse_hex(foreground)
        screen.foreground = screen.foreground if wanted is None else wanted
        wanted = parse_hex(background)
        screen.background = screen.background if wanted is None else wanted

    def encode_key(self, key: str, character: str | None = None) -> bytes:
        """A Textual key as the bytes that the program expects; empty when it means nothing."""
        screen = self._screen
        return keys.encode_key(key, character, screen.modes, queries.keyboard_flags(screen))

    def encode_paste(self, text: str) -> bytes:
        """Pasted text as bytes, bracketed when asked for."""
        return keys.encode_paste(text, self._screen.modes)

    def encode_mouse(self, action: str, button: int, x: int, y: int, modifiers: int = 0) -> bytes:
        """A mouse event on the screen as bytes (see `keys.encode_mouse`); empty when not asked for."""
        return keys.encode_mouse(action, button, x, y, modifiers, self._screen.modes)

    def encode_focus(self, has_focus: bool) -> bytes:
        """Focus in or out as bytes; empty when not asked for."""
        return keys.encode_focus(has_focus, self._screen.modes)


def _clamped(columns: int, rows: int) -> tuple[int, int]:
    return min(max(columns, 1), MAX_COLUMNS), min(max(rows, 1), MAX_ROWS)

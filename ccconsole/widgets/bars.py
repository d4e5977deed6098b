"""The lines around a screen's body: header, title, breadcrumbs, key hints."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from textual import events
from textual.app import ComposeResult
from textual.content import Content
from textual.message import Message
from textual.reactive import reactive
from textual.widget import Widget

from ccconsole.paints import MUTED
from ccconsole.widgets.text import Span, content

_LEAST_NOTE = 20


class Chip(NamedTuple):
    """One environment of the header: its key, its name and the age of what is known of it."""

    number: int
    name: str
    is_protected: bool = False
    is_chosen: bool = False
    age: str = ""
    is_stale: bool = False


class HeaderFacts(NamedTuple):
    """What the header says."""

    identity: str = ""
    chips: tuple[Chip, ...] = ()
    is_all: bool = True
    is_read_only: bool = False
    counts: tuple[Span, ...] = ()


class Header(Widget):
    """Who is at work, on what, how old it is, and whether anything can be changed."""

    facts: reactive[HeaderFacts] = reactive(HeaderFacts())

    def compose(self) -> ComposeResult:
        """Two lines of their own: of the two only the clocks move all the time."""
        yield WhoLine()
        yield ClockLine()

    def watch_facts(self, facts: HeaderFacts) -> None:
        """Each line paints what differs."""
        for who in self.query(WhoLine):
            who.told = (facts.identity, facts.counts, facts.is_read_only)
        for clocks in self.query(ClockLine):
            clocks.told = (facts.chips, facts.is_all)


class WhoLine(Widget):
    """The header's first line."""

    told: reactive[tuple[str, tuple[Span, ...], bool]] = reactive(("", (), False))

    def render(self) -> Content:
        """Identity, counts and lock."""
        identity, told, is_read_only = self.told
        lock = content((" 🔒 read-only ", "bold $warning on $warning-muted")) if is_read_only else content("")
        counts = Content("  ").join([*(content(span) for span in told), lock])
        name = content((" ccconsole ", "bold $accent"), (f" {identity}", MUTED))
        return _sides(name, counts, self.size.width)


class ClockLine(Widget):
    """The header's second line."""

    told: reactive[tuple[tuple[Chip, ...], bool]] = reactive(((), True))

    def render(self) -> Content:
        """The environments, and how old what is known of them is, as long as there is room."""
        width = self.size.width
        chips = self._chips(with_ages=True)
        if chips.cell_length > width:
            chips = self._chips(with_ages=False)
        return chips.truncate(width, ellipsis=True)

    def _chips(self, *, with_ages: bool) -> Content:
        chips, is_all = self.told
        chosen = "bold $block-cursor-foreground on $primary"
        parts: list[Content] = [content(" ", (" 0 all ", chosen if is_all else MUTED))]
        for chip in chips:
            name = chip.name.upper() if chip.is_protected else chip.name
            colour = "bold $error" if chip.is_protected else "$foreground"
            key = f"{chip.number} " if chip.number <= 9 else ""
            parts.append(content((f" {key}{name}", chosen if chip.is_chosen else colour)))
            if with_ages and chip.age:
                parts.append(content((f" {chip.age}", "$warning" if chip.is_stale else MUTED)))
            parts.append(content((" ", chosen if chip.is_chosen and not (with_ages and chip.age) else "")))
        return Content("").join(parts)


def _sides(left: Content, right: Content, width: int) -> Content:
    """One line with something at both ends; the left end gives way."""
    room = max(0, width - right.cell_length - 1)
    if left.cell_length > room:
        left = left.truncate(room, ellipsis=True)
    return Content("").join(
        [left, Content(" " * max(1, width - left.cell_length - right.cell_length)), right]
    )


class TitleLine(Widget):
    """What the body shows: its name, count, filter and order."""

    parts: reactive[tuple[Span, ...]] = reactive(())

    def render(self) -> Content:
        """The parts on a rule."""
        text = Content("  ").join([content(part) for part in self.parts])
        line = Content("").join([content((" ━━ ", "$accent")), text, Content(" ")])
        if line.cell_length >= self.size.width:
            return line.truncate(self.size.width, ellipsis=True)
        return Content("").join(
            [line, content(("─" * (self.size.width - line.cell_length), "$foreground 18%"))]
        )


class TabBar(Widget):
    """The tabs of a service, the chosen one marked."""

    def __init__(self, tabs: Sequence[str], chosen: str) -> None:
        super().__init__()
        self._tabs = tuple(tabs)
        self._chosen = chosen

    def render(self) -> Content:
        """One line."""
        parts = [
            content((f" {tab} ", "bold $block-cursor-foreground on $primary"))
            if tab == self._chosen
            else content((f" {tab} ", MUTED))
            for tab in self._tabs
        ]
        return Content(" ").join([content(" "), *parts])


class Crumbs(Widget):
    """Where this screen is: fleet › service › task."""

    trail: reactive[tuple[str, ...]] = reactive(())
    note: reactive[Span] = reactive(Span(""))
    """A word about what the cursor is on."""

    def render(self) -> Content:
        """The last one is here; the note at the other end."""
        *before, here = self.trail or ("",)
        parts = [content((f" {name} ", MUTED)) for name in before]
        trail = Content("›").join([*parts, content((f" {here} ", "bold $accent"))])
        note = content(self.note, " ")
        room = self.size.width - trail.cell_length - 2
        if not self.note.text or room < _LEAST_NOTE:
            return trail
        return _sides(trail, note.truncate(room, ellipsis=True), self.size.width)


class Hint(NamedTuple):
    """A key and what it does."""

    key: str
    title: str
    action: str


class Hints(Widget):
    """The keys that work here, as many as there is room for; a click is as good as the key."""

    hints: reactive[tuple[Hint, ...]] = reactive(())

    @dataclass
    class Clicked(Message):
        """Somebody clicked on a hint."""

        action: str

    def render(self) -> Content:
        """Whole hints only, so that none is cut in the middle."""
        line = content(" ")
        for hint in self._fitting():
            line = Content("").join([line, content((hint.key, "bold $accent"), (f" {hint.title}  ", MUTED))])
        return line

    def _fitting(self) -> Sequence[Hint]:
        fitting, used = [], 1
        for hint in self.hints:
            used += len(hint.key) + len(hint.title) + 3
            if used > self.size.width:
                break
            fitting.append(hint)
        return fitting

    def on_click(self, event: events.Click) -> None:
        """Find the hint under the pointer."""
        left = 1
        for hint in self._fitting():
            left += len(hint.key) + len(hint.title) + 3
            if event.x < left:
                self.post_message(self.Clicked(hint.action))
                return

"""The lines around a recording that is played: what it does, and where it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from textual.content import Content
from textual.reactive import reactive
from textual.widget import Widget

from ccconsole.format import timecode
from ccconsole.widgets.text import Span, Tone, content

_STATES = {
    "playing": ("▶", Tone.ACTIVE),
    "paused": ("‖", Tone.WARN),
    "ended": ("■", Tone.GOOD),
    "reading": ("…", Tone.DIM),
}


@dataclass(frozen=True)
class ReplayFacts:
    """What the lines say; times in seconds of the recording."""

    title: str = ""
    state: str = "paused"
    """playing, paused, ended, or reading: the place that was asked for is not known yet."""
    position: float = 0.0
    length: float = 0.0
    speed: float = 1.0
    idle_limit: float | None = None
    marker: str = ""
    """The last one that was passed."""
    markers: Sequence[float] = ()
    marker_number: int = 0
    progress: float = 1.0
    """How much of the recording is known, from 0 to 1."""


class ReplayTitle(Widget):
    """State, time, speed, and the last marker."""

    facts: reactive[ReplayFacts] = reactive(ReplayFacts())

    def render(self) -> Content:
        """One line; the title gives way first."""
        facts = self.facts
        sign, tone = _STATES[facts.state]
        parts = [
            Span(f"{sign} {facts.state}", tone),
            Span(f"{timecode(facts.position)} / {timecode(facts.length)}", Tone.STRONG),
            Span(f"{facts.speed:g}x", Tone.NORMAL if facts.speed == 1 else Tone.WARN),
        ]
        if facts.idle_limit is not None:
            parts.append(Span(f"idle ≤ {facts.idle_limit:g}s"))
        if facts.progress < 1:
            parts.append(Span(f"read {facts.progress:.0%}", Tone.DIM))
        if facts.marker:
            parts.append(Span(f"◆ {facts.marker_number}/{len(facts.markers)} {facts.marker}", Tone.ACCENT))
        parts.append(Span(facts.title, Tone.DIM))
        line = Content("  ").join([content(" "), *(content(part) for part in parts)])
        return line.truncate(self.size.width, ellipsis=True)


class ReplayTrack(Widget):
    """The whole recording as a line: what was played, where it is, the markers."""

    facts: reactive[ReplayFacts] = reactive(ReplayFacts())

    def render(self) -> Content:
        """One line."""
        facts, width = self.facts, self.size.width
        here = self._column(facts.position)
        marked = {self._column(time) for time in facts.markers}
        parts: list[tuple[str, str]] = []
        for column in range(width):
            if column == here:
                parts.append(("●", "bold $primary"))
            elif column in marked:
                parts.append(("◆", "$accent"))
            else:
                parts.append(("━", "$primary" if column < here else "$foreground 18%"))
        return content(*_joined(parts))

    def _column(self, time: float) -> int:
        share = time / self.facts.length if self.facts.length > 0 else 0.0
        return min(int(share * self.size.width), self.size.width - 1)


def _joined(parts: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """Neighbours of one style as one part."""
    joined: list[tuple[str, str]] = []
    for text, style in parts:
        if joined and joined[-1][1] == style:
            joined[-1] = (joined[-1][0] + text, style)
        else:
            joined.append((text, style))
    return joined

"""A question with a few answers, each a key; what is no answer is no."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from textual import events
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from ccconsole.paints import MUTED
from ccconsole.widgets.text import content


@dataclass(frozen=True)
class Choice:
    """A key, what it does in words, and what it answers."""

    key: str
    words: str
    answer: str


class ChoiceScreen(ModalScreen[str | None]):
    """Dismissed with an answer; None for any other key."""

    def __init__(self, question: Content, choices: Sequence[Choice]) -> None:
        super().__init__()
        self.question = question
        self.choices = choices

    def compose(self) -> ComposeResult:
        """The question and its answers, a line each."""
        with Vertical(classes="dialog"):
            yield Static(self.question, classes="dialog-title")
            for choice in self.choices:
                yield Static(content((f" {choice.key:<4}", "bold $accent"), choice.words))
            yield Static(content((" esc ", "bold $accent"), ("any other key: no", MUTED)))

    def on_key(self, event: events.Key) -> None:
        """The answer of that key."""
        event.stop()
        event.prevent_default()
        self.dismiss(next((choice.answer for choice in self.choices if choice.key == event.key), None))


def cancel_question(name: str, *, is_guarded: bool) -> tuple[Content, Sequence[Choice]]:
    """The question before a task is cancelled, with the ladder told."""
    colour = "bold $error" if is_guarded else "bold $accent"
    return content(("Cancel the task on ", "bold"), (name, colour), ("?", "bold")), (
        Choice("y", "interrupt it; SIGTERM, then SIGKILL if it does not end", "interrupt"),
        Choice("t", "SIGTERM now, then SIGKILL", "terminate"),
        Choice("k", "SIGKILL now: nothing is tidied up", "kill"),
    )

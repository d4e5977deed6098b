"""Screens over all environments, or over the one that a digit chooses."""

from __future__ import annotations

from ccconsole.screens.base import ConsoleScreen


class EnvironmentChoice(ConsoleScreen):
    """The digits' actions; the desk keeps the choice for all such screens."""

    def choose(self, environment: str | None) -> None:
        """Show that environment alone; None: all."""
        self.desk.environment = environment
        self.show_desk()

    def action_all_environments(self) -> None:
        """No choice."""
        self.choose(None)

    def action_environment(self, number: int) -> None:
        """Only the one of that number; again: all."""
        if (name := dict(self.desk.numbered()).get(number)) is not None:
            self.choose(None if self.desk.environment == name else name)

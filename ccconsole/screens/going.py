"""Where one can go from every full screen: each is asked of the root screen, which owns what goes on."""

from __future__ import annotations

from textual.screen import Screen

from ccconsole.screens.messages import (
    BatchesAsked,
    DoctorAsked,
    QuitAsked,
    ReloadAsked,
    SecretsAsked,
    TargetAsked,
    TasksAsked,
)


class Going(Screen[None]):
    """A screen over the root screen."""

    @property
    def root(self) -> Screen[None]:
        """The fleet screen, at the bottom of the stack: it owns the workers."""
        return self.app.screen_stack[0]

    def action_reload(self) -> None:
        """Ask the root screen to read again."""
        self.root.post_message(ReloadAsked())

    def action_quit(self) -> None:
        """Ask the root screen, which knows what runs."""
        self.root.post_message(QuitAsked())

    def action_fleet(self) -> None:
        """All the way back, to all environments."""
        self.root.post_message(TargetAsked(""))

    def action_doctor(self) -> None:
        """Whether the environments have all they need."""
        self.root.post_message(DoctorAsked())

    def action_secrets(self) -> None:
        """The secrets that services declare."""
        self.root.post_message(SecretsAsked())

    def action_batches(self) -> None:
        """The prompts that were sent together last."""
        self.root.post_message(BatchesAsked())

    def action_tasks(self) -> None:
        """The tasks of the environments that are shown."""
        self.root.post_message(TasksAsked())

"""The `:` line: command words, environments and `environment/service`."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

from ccconsole import commands
from ccconsole.screens.messages import TargetAsked

if TYPE_CHECKING:
    from ccconsole.commands import Command
    from ccconsole.screens.base import ConsoleScreen


def words(screen: ConsoleScreen) -> list[str]:
    """All that may be written on this screen, for completion."""
    desk = screen.desk
    known = [
        word
        for command in commands.at(screen.PLACE, is_read_only=desk.is_read_only)
        for word in command.words
    ]
    services = [f"{row.service.key.environment}/{row.service.key.name}" for row in desk.snapshot.rows]
    return [*known, *desk.config.environments, *services]


async def obeyed(screen: ConsoleScreen, text: str) -> None:
    """Do what was written, or say what it is near to."""
    word, _, rest = text.strip().partition(" ")
    if not word:
        return
    command = commands.named(word, screen.PLACE)
    if command is not None:
        await run(screen, command, rest.strip())
        return
    environment, _, service = word.partition("/")
    if environment in screen.desk.config.environments:
        screen.root.post_message(TargetAsked(environment, service))
        return
    near = difflib.get_close_matches(word, words(screen), n=3, cutoff=0.5)
    tried = f"Did you mean :{' or :'.join(near)}?" if near else "? shows all commands."
    screen.say(f"No command, environment or service {word!r} here. {tried}", is_warning=True)


async def run(screen: ConsoleScreen, command: Command, text: str = "") -> None:
    """Run a command as its key would, with a text if it takes one."""
    if command.is_changing and screen.desk.is_read_only:
        screen.say(f"This console is read-only: {command.title.lower()} changes something.", is_warning=True)
    elif text and command.takes_text:
        await screen.run_action(f"{command.id}({text!r})")
    else:
        await screen.run_action(command.id)

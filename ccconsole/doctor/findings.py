"""Checks that both kinds of environment share, and how a failure becomes a finding."""

from __future__ import annotations

from ccconsole.config import Environment
from ccconsole.errors import ConsoleError
from ccconsole.journal import JournalReader
from ccconsole.model.checks import Check, CheckState


def failed(
    environment: Environment, name: str, error: ConsoleError, state: CheckState = CheckState.FAILED
) -> Check:
    """A check that ended with an error."""
    text = ": ".join(part for part in (error.title, error.detail) if part)
    return Check(environment.name, name, state, text, error.hint, error.exit_code)


async def store(environment: Environment) -> Check:
    """Whether the journal can be read."""
    if environment.store is None:
        text = "none is set: a task is known to its own stream alone"
        hint = 'store = "gs://BUCKET/PREFIX" in deploy.toml'
        return Check(environment.name, "store", CheckState.WARNING, text, hint)
    try:
        running = await JournalReader(environment.store, environment.name).running()
    except ConsoleError as error:
        return failed(environment, "store", error)
    count = sum(not task.state.is_end for task in running)
    return Check(environment.name, "store", CheckState.OK, f"{environment.store} answers, {count} tasks run")

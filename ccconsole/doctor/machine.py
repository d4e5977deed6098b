"""What a local environment needs of this machine."""

from __future__ import annotations

import os
import shutil
from collections.abc import AsyncGenerator, Iterator

from ccconsole.cloud.connect import Connection
from ccconsole.config import Environment
from ccconsole.doctor.findings import failed, store
from ccconsole.model.checks import Check, CheckState

CLAUDE_VARIABLE = "CLAUDE_CLI_PATH"
CREDENTIALS = ("ANTHROPIC_API_KEY", "CLAUDE_CLI_SESSION_TOKEN", "CLAUDE_CODE_OAUTH_TOKEN")


async def machine_checks(connection: Connection) -> AsyncGenerator[Check]:
    """The declaration, the agent and its credential, the journal."""
    environment = connection.environment
    for check in _declaration(connection):
        yield check
    for check in _agent(environment):
        yield check
    yield await store(environment)


def _declaration(connection: Connection) -> Iterator[Check]:
    environment = connection.environment
    for problem in connection.problems:
        yield failed(environment, "services", problem)
    if not connection.problems:
        count = len(environment.services)
        yield Check(environment.name, "services", CheckState.OK, f"{count} declared and accepted")


def _agent(environment: Environment) -> Iterator[Check]:
    found = os.environ.get(CLAUDE_VARIABLE) or shutil.which("claude")
    if found is None:
        text = "no Claude CLI: prompts run under bash -c"
        hint = "npm install -g @anthropic-ai/claude-code"
        yield Check(environment.name, "agent", CheckState.WARNING, text, hint)
        return
    yield Check(environment.name, "agent", CheckState.OK, f"the Claude CLI at {found}")
    held = [name for name in CREDENTIALS if os.environ.get(name)]
    if held:
        yield Check(environment.name, "credential", CheckState.OK, f"{held[0]} is set")
    else:
        text = f"none of {', '.join(CREDENTIALS)} is set: the worker has to ask the CLI's own login"
        yield Check(environment.name, "credential", CheckState.WARNING, text, f"export {CREDENTIALS[0]}=...")

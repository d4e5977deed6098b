"""Which agent the settings ask for."""

from __future__ import annotations

import os
import shutil

from worker_service.agents.base import Agent
from worker_service.agents.command import CommandAgent, parse_template
from worker_service.agents.shell import ShellAgent
from worker_service.settings import Settings, SettingsError


def select_agent(settings: Settings) -> Agent:
    """The agent of WORKER_AGENT; `auto` is claude where it is installed, else shell.

    Raises:
        SettingsError: WORKER_COMMAND is no command line.
    """
    kind = settings.worker_agent
    if kind == "auto":
        kind = "claude" if shutil.which(settings.claude_cli_path) else "shell"
    if kind == "shell":
        return ShellAgent()
    if kind == "command":
        try:
            return CommandAgent(parse_template(settings.worker_command or ""))
        except ValueError as error:
            raise SettingsError(f"WORKER_COMMAND: {error}") from error
    from worker_service.agents.claude import ClaudeAgent

    return ClaudeAgent(settings.claude_cli_path, os.environ, settings.worker_credential, settings.home)

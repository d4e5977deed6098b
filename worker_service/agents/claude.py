"""The Claude CLI as an agent: headless, supervised or with its whole terminal UI."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from uuid import uuid4

from worker_service.agents import claude_command as command
from worker_service.agents.base import Launch, Reader
from worker_service.agents.claude_config import config_path, seed
from worker_service.agents.claude_permissions import user_message
from worker_service.agents.claude_reader import StreamReader
from worker_service.agents.claude_render import Renderer
from worker_service.agents.claude_sessions import session_file
from worker_service.agents.claude_terminal import TerminalReader
from worker_service.wire import Mode, RunRequest

VERSION_TIMEOUT_SECONDS = 10.0
"""`claude --version` takes 0.1 s; a first start from a cold disk a few."""


class ClaudeAgent:
    """A base.Agent that runs the Claude CLI."""

    kind = "claude"

    def __init__(
        self,
        cli: str,
        environ: Mapping[str, str],
        credential: command.Credential = "auto",
        home: Path | None = None,
    ) -> None:
        """`cli` is a name looked up in the PATH of `environ`, or a path; `home` replaces HOME for the CLI."""
        self._cli = cli
        self._environ = environ
        self._credential = credential
        self._home = home

    def version(self) -> str | None:
        """What `claude --version` says, for example "2.1.330 (Claude Code)"; None when it does not run."""
        # No credential and no configuration: it needs neither, and an update check would.
        env = {"PATH": self._environ.get("PATH", ""), "DISABLE_AUTOUPDATER": "1"}
        try:
            run = subprocess.run(
                [self._program(), "--version"],
                env=env,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=VERSION_TIMEOUT_SECONDS,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired):
            return None
        lines = run.stdout.decode("utf-8", "replace").strip().splitlines()
        return lines[0] if run.returncode == 0 and lines else None

    def modes(self) -> frozenset[Mode]:
        """All three."""
        return frozenset(Mode)

    def credential(self) -> str | None:
        """The kind of credential the CLI is given; None when the one that the settings ask for is not set."""
        return command.credential(self._environ, self._credential)

    def session_file(self, session_id: str, workspace: Path) -> Path | None:
        """Under the CLI's configuration folder."""
        kind = command.credential(self._environ, self._credential) or "login"
        return session_file(command.environment(self._environ, kind, self._home), session_id, workspace)

    def prepare(self, request: RunRequest, workspace: Path) -> tuple[Launch, Reader]:
        """What to start and how to read it; interactive mode also seeds the CLI's configuration.

        Raises:
            ValueError: the wanted credential is not set, or the mode cannot do what the request asks for.
        """
        kind = command.credential(self._environ, self._credential)
        if kind is None:
            name = "ANTHROPIC_API_KEY" if self._credential == "api-key" else "CLAUDE_CLI_SESSION_TOKEN"
            raise ValueError(f"WORKER_CREDENTIAL is {self._credential}, but {name} is not set on the worker")
        env = command.environment(self._environ, kind, self._home)
        if request.mode is Mode.INTERACTIVE:
            return self._interactive(request, workspace, env)
        is_supervised = request.mode is Mode.SUPERVISED
        renderer = Renderer(request.cols, str(workspace.resolve()))
        reader = StreamReader(renderer, is_supervised=is_supervised, is_resumed=request.resume is not None)
        flags = command.supervised(request) if is_supervised else command.headless(request)
        launch = Launch(
            argv=[self._program(), *flags],
            env=env,
            stdin=user_message(request.prompt) if is_supervised else request.prompt.encode(),
            keeps_stdin_open=is_supervised,
        )
        return launch, reader

    def _interactive(
        self, request: RunRequest, workspace: Path, env: dict[str, str]
    ) -> tuple[Launch, Reader]:
        session_id = request.resume or str(uuid4())
        flags = command.interactive(request, session_id)
        config = config_path(env)
        seed(config, workspace, env.get("ANTHROPIC_API_KEY"))
        # Drawn inline, so that the conversation stays in the scrollback and in the transcript: the
        # alternate screen is empty once the UI has ended.
        env["CLAUDE_CODE_DISABLE_ALTERNATE_SCREEN"] = "1"
        launch = Launch(argv=[self._program(), *flags], env=env, stdin=None, is_raw=False)
        return launch, TerminalReader(config, workspace, session_id, is_resumed=request.resume is not None)

    def _program(self) -> str:
        found = shutil.which(self._cli, path=self._environ.get("PATH"))
        # Absolute, because the task runs in another folder. What is not found is left to fail at its start.
        return str(Path(found).absolute()) if found else self._cli

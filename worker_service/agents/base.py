"""What an agent is to the executor: how to start it, how to read it, how it is judged."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from worker_service.wire import Mode, Reason, RunRequest, Usage


@dataclass(frozen=True)
class Launch:
    """One process to start under the PTY."""

    argv: Sequence[str]
    env: Mapping[str, str] = field(default_factory=dict)
    """Added to the executor's allow-listed base environment; holds the one credential, if any."""
    stdin: bytes | None = None
    """Written to a stdin pipe, then EOF. None: the PTY itself is stdin and takes the viewers' keys."""
    keeps_stdin_open: bool = False
    """Whether the pipe stays open after `stdin`, for `Reader.answers` (the duplex mode)."""
    is_raw: bool = True
    """Whether the PTY is set raw, so that bytes pass unchanged; False for a terminal UI in cooked mode."""


@dataclass(frozen=True)
class Output:
    """Bytes for the viewers' terminal."""

    data: bytes


@dataclass(frozen=True)
class Message:
    """One JSON object of the agent's own stream."""

    message: dict[str, Any]


@dataclass(frozen=True)
class Permission:
    """The agent waits until somebody allows or denies a tool."""

    permission_id: str
    tool: str
    input: dict[str, Any]
    description: str | None = None
    suggestions: Sequence[Any] = ()


@dataclass(frozen=True)
class PermissionWithdrawn:
    """The agent no longer waits for the answer to a permission."""

    permission_id: str


@dataclass(frozen=True)
class UsageReport:
    """Tokens and cost so far, of this task alone."""

    usage: Usage


@dataclass(frozen=True)
class TurnEnded:
    """The agent has said its last word; a process that lingers after it is reaped."""


Emission = Output | Message | Permission | PermissionWithdrawn | UsageReport | TurnEnded


@dataclass(frozen=True)
class Exit:
    """How the process ended: one of the two is set."""

    code: int | None
    signal: str | None


@dataclass(frozen=True)
class Verdict:
    """The agent's own judgement of its run."""

    is_success: bool
    reason: Reason | None = None
    detail: str | None = None
    session_id: str | None = None
    usage: Usage | None = None
    permission_denials: Sequence[str] = ()


class Reader(Protocol):
    """Reads one run of an agent: its bytes in, what viewers see and its verdict out."""

    @property
    def session_id(self) -> str | None:
        """The conversation that another run can go on with; None while unknown, and where there is none."""
        ...

    def feed(self, data: bytes) -> Sequence[Emission]:
        """What these bytes of the PTY mean, in order."""
        ...

    def close(self) -> Sequence[Emission]:
        """What was held back, once the PTY is at its end."""
        ...

    def interrupt(self) -> bytes | None:
        """What to write to stop the turn gently; None: send SIGINT instead."""
        ...

    def answer(self, permission_id: str, behavior: str, message: str | None) -> bytes | None:
        """What to write to stdin for an answered permission; None: no such permission waits."""
        ...

    def verdict(self, exit: Exit) -> Verdict:
        """The outcome, once the process has ended by itself."""
        ...


class Agent(Protocol):
    """A kind of agent, made once per worker from its settings."""

    kind: str

    def version(self) -> str | None:
        """Its version line; None when it is not installed. May start a process: called once, in a thread."""
        ...

    def modes(self) -> frozenset[Mode]:
        """The modes it can be run in."""
        ...

    def credential(self) -> str | None:
        """The kind of credential it will use ("api-key", "oauth", "login"); never its value."""
        ...

    def session_file(self, session_id: str, workspace: Path) -> Path | None:
        """The file on this machine that holds a conversation, or is to hold it when it comes from elsewhere.

        None where the agent has no conversations.
        """
        ...

    def prepare(self, request: RunRequest, workspace: Path) -> tuple[Launch, Reader]:
        """What to start for this request and how to read it.

        Raises:
            ValueError: the request asks for what this agent cannot do; the text says what.
        """
        ...

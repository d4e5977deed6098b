"""Every failure a user can meet, with the exit code a verb ends with."""

from __future__ import annotations

from typing import ClassVar


class ConsoleError(Exception):
    """What happened (title), what it means (detail), and the command that mends it (hint)."""

    exit_code: ClassVar[int] = 1

    def __init__(self, title: str, detail: str = "", hint: str = "") -> None:
        super().__init__(title)
        self.title = title
        self.detail = detail
        self.hint = hint

    def __str__(self) -> str:
        return "\n".join(part for part in (self.title, self.detail, self.hint) if part)


class ConfigError(ConsoleError):
    """deploy.toml or the command line is wrong."""

    exit_code = 2


class NotSignedIn(ConsoleError):
    """No credentials, or expired ones."""

    exit_code = 3


class Denied(ConsoleError):
    """Signed in, without the permission."""

    exit_code = 4


class NotFound(ConsoleError):
    """No such environment, service, revision or task."""

    exit_code = 5


class TimedOut(ConsoleError):
    """The answer did not come in time."""

    exit_code = 6


class PartialData(ConsoleError):
    """Some environments answered and some did not."""

    exit_code = 7


class Refused(ConsoleError):
    """Refused by policy: a protected environment, a read-only console, a worker that is full."""

    exit_code = 8


class Unreachable(ConsoleError):
    """No answer from the other side, or an outage there."""

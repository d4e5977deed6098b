"""Who calls: a name for the journal, and the token of workers that want one."""

from __future__ import annotations

import getpass
import os
import socket

TOKEN_VARIABLE = "WORKER_TOKEN"
"""The worker's own name for its bearer token."""


def actor() -> str:
    """Who commands, for the journal: user@host."""
    try:
        return f"{getpass.getuser()}@{socket.gethostname()}"
    except (KeyError, OSError):
        return f"uid {os.getuid()}@{socket.gethostname()}"


def token() -> str | None:
    """The workers' bearer token; None where they want none."""
    return os.environ.get(TOKEN_VARIABLE)

"""Loopback ports for services and instances."""

from __future__ import annotations

import random
import socket

HOST = "127.0.0.1"
_FIRST, _LAST = 20_000, 32_767
"""Below the ephemeral ranges of Linux (32768) and macOS (49152), so that no outgoing connection takes one."""
_TRIES = 400


def is_free(port: int) -> bool:
    """Whether a listener could bind the port now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
        return True


class Ports:
    """Hands out ports, each to one holder at a time."""

    def __init__(self) -> None:
        self._taken: set[int] = set()
        self._random = random.Random()

    def take(self, wanted: int = 0) -> int:
        """A free port, `wanted` when that is one; raises OSError when none is found."""
        candidates = [wanted] if wanted else []
        candidates += [self._random.randint(_FIRST, _LAST) for _ in range(_TRIES)]
        for port in candidates:
            if port not in self._taken and is_free(port):
                self._taken.add(port)
                return port
        raise OSError(f"no free port on {HOST} between {_FIRST} and {_LAST}")

    def give_back(self, port: int) -> None:
        """The holder has closed it."""
        self._taken.discard(port)

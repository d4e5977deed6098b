"""The addresses: for gRPC a unix socket of the owner's alone, or a loopback port, for HTTP a port."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import grpc.aio

from ccconsole.emulator.guard import is_loopback
from ccconsole.errors import Refused

_MAX_SOCKET_PATH = 107
"""sun_path's 108 bytes on Linux, less its NUL; macOS has 104."""


async def bind(server: grpc.aio.Server, target: str) -> str:
    """Add a target to the server and return it with its real port; raises Refused when it cannot be had."""
    if target.startswith("unix:"):
        _free(Path(target.removeprefix("unix:")))
    else:
        _loopback(target)
    before = os.umask(0o177)
    try:
        port_given = server.add_insecure_port(target)
    except RuntimeError as error:
        raise Refused(f"The emulator cannot listen on {target}.", str(error)) from error
    finally:
        os.umask(before)
    return target if target.startswith("unix:") else f"{target.rpartition(':')[0]}:{port_given}"


def bind_http(target: str) -> socket.socket:
    """A listening socket at a loopback HOST:PORT; raises Refused when it cannot be had."""
    host, port = _loopback(target)
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family)
    except OSError as error:
        raise Refused(f"The emulator cannot listen on {target}.", str(error)) from error


def _loopback(target: str) -> tuple[str, int]:
    host, colon, port = target.rpartition(":")
    host = host.strip("[]")
    if not colon or not port.isdigit() or not is_loopback(host):
        raise Refused(
            f"The emulator does not listen on {target}.",
            "It has no authentication, so it listens on unix:/PATH and on loopback HOST:PORT alone.",
        )
    return host, int(port)


def remove(target: str) -> None:
    """Delete a target's socket file, when it has one."""
    if target.startswith("unix:"):
        Path(target.removeprefix("unix:")).unlink(missing_ok=True)


def _free(path: Path) -> None:
    if len(os.fsencode(path)) > _MAX_SOCKET_PATH:
        raise Refused(f"The socket's path is too long: {path}", f"At most {_MAX_SOCKET_PATH} bytes.")
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    if not path.exists():
        return
    if not path.is_socket():
        raise Refused(f"{path} is in the way: it is a file, not a socket.")
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(os.fspath(path))
        except OSError:
            # Left by a killed emulator: nobody answers there.
            path.unlink()
            return
    raise Refused(f"Another program answers on {path}.", "It may be an emulator with another state folder.")
